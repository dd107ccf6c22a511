"""One batch being read: by aiokafka's parser in C, many records at once; with care where that gives up."""

from collections.abc import Iterator
from itertools import chain, islice
from operator import lt
from typing import Any, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatch

from streams.kafka.decompression import Unpacked, is_codec, unpack_into, unpack_most
from streams.kafka.lenient_parser import HEADER_BYTES, MOST_HEADERS, BatchHeader, records_of
from streams.records.record import MOST_LISTED, KafkaRecord, UnreadableOffsets

SHARE_BYTES = 8 << 20  # of one partition at once, about: 20 000 ordinary records take five
QUICK_BYTES = 2 << 20  # larger batches are read with care: the parser in C makes a hundred bytes of two
HEADER_IN_MEMORY_BYTES = 100
UNKNOWN_FORMAT = "batch_format"

_CODEC_PLACE = 22


class Some(NamedTuple):
    """Records of one batch. `weight`: as how many they count; `cost`: bytes that they take beyond those unpacked."""

    records: list[KafkaRecord]
    weight: int
    cost: int
    over: bool


class UntrustedBatch:
    """In the place of a batch of which nothing can be trusted."""

    size = 0

    def __init__(self, instead: UnreadableOffsets) -> None:
        self._instead, self.next_offset = instead, instead.next_offset

    def take(self, most: int, position: int) -> Some:
        """What there is to say of it."""
        return Some([self._instead], most, 0, over=True)


class _Plain(NamedTuple):
    """A batch as aiokafka's parser in C has it, and how many bytes it is."""

    batch: Any
    size: int


class _OddError(ValueError):
    """The parser in C read something that is better read with care."""


class RecordBatch:
    """One batch that is being read. Raises UnsupportedCodecError where its codec's library is missing."""

    def __init__(self, batch: Any, data: bytes, most_bytes: int) -> None:
        """`batch`: as aiokafka's parser has it; the rest of what it is, is read only where that is asked for."""
        self._data, self._most_bytes = data, most_bytes
        self.next_offset = batch.next_offset
        self._carefully: Iterator[KafkaRecord] | None = None
        self._expected, self._left = batch.base_offset, int.from_bytes(data[HEADER_BYTES - 4 : HEADER_BYTES], "big")
        self._is_full = self._left == batch.last_offset_delta + 1
        plain = _plain(batch, data, most_bytes)
        self.size = len(data) if plain is None else plain.size
        # The parser's own `iter` begins anew, and so does its `next` after the last record.
        self._quickly = None if plain is None else chain(plain.batch)

    def take(self, most: int, position: int) -> Some:
        """The next records, from a position on, and whether they are its last."""
        if self._quickly is not None:
            try:
                return self._take_quickly(self._quickly, most, position)
            except Exception:  # noqa: BLE001 - what a parser in C makes of bytes may be any error; nothing is lost by it
                self._quickly = None
        if self._carefully is None:
            header = BatchHeader.read(self._data)
            self._carefully = records_of(header, _body(header, self._data, self._most_bytes), position)
        return _take_carefully(self._carefully, most)

    def _take_quickly(self, batch: Iterator[Any], most: int, position: int) -> Some:
        records = list(islice(batch, min(most, self._left)))
        self._left -= len(records)
        self._ensure_in_order([record.offset for record in records])
        headers = [some for record in records if (some := record.headers)]
        if headers and max(map(len, headers)) > MOST_HEADERS:
            raise _OddError
        if records[0].offset < position:
            records = [record for record in records if record.offset >= position]
        cost = sum(map(len, headers)) * HEADER_IN_MEMORY_BYTES
        return Some(records, len(records), cost, not self._left)

    def _ensure_in_order(self, offsets: list[int]) -> None:
        """Offsets follow each other; where the topic was compacted some are missing."""
        expected, self._expected = self._expected, offsets[-1] + 1
        if self._expected > self.next_offset:
            raise _OddError
        if offsets == list(range(expected, expected + len(offsets))):
            return
        if self._is_full or offsets[0] < expected or not all(map(lt, offsets, offsets[1:])):
            raise _OddError


def _take_carefully(records: Iterator[KafkaRecord], most: int) -> Some:
    taken, weight, cost = [], 0, 0
    for record in records:
        taken.append(record)
        weight += min(record.next_offset - record.offset, MOST_LISTED) if isinstance(record, UnreadableOffsets) else 1
        cost += len(record.key or b"") + len(record.value or b"") + len(record.headers) * HEADER_IN_MEMORY_BYTES
        if weight >= most or cost >= SHARE_BYTES:
            return Some(taken, weight, cost, over=False)
    return Some(taken, weight, cost, over=True)


def _plain(batch: Any, data: bytes, most_bytes: int) -> _Plain | None:
    """The batch without its compression, for the parser in C; None where that is not advisable."""
    codec = batch.compression_type
    if codec == 0:
        return _Plain(batch, len(data)) if len(data) <= QUICK_BYTES else None
    if not is_codec(codec):
        return None
    length = unpack_into(codec, data[HEADER_BYTES:], memoryview(_space)[HEADER_BYTES : HEADER_BYTES + most_bytes])
    if length is None:
        return None
    _space[:HEADER_BYTES] = data[:HEADER_BYTES]
    _space[_CODEC_PLACE] &= ~7
    length += HEADER_BYTES
    return _Plain(DefaultRecordBatch(bytes(memoryview(_space)[:length])), length)


def _body(header: BatchHeader, data: bytes, most_bytes: int) -> Unpacked:
    """What stands behind the header, as far as it can be unpacked."""
    packed = data[HEADER_BYTES:]
    if header.codec == 0:
        return Unpacked(packed, None)
    if not is_codec(header.codec):
        return Unpacked(b"", UNKNOWN_FORMAT)
    return unpack_most(header.codec, packed, most_bytes)


# One for all: consumers of a process read in turn. Where a batch is larger, it is read with care.
_space = bytearray(HEADER_BYTES + QUICK_BYTES)
