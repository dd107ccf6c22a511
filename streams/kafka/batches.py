"""Fetched batches, read so that none of them can end a worker or take more memory than it is given.

These classes stand in the place of two of aiokafka's (`streams.kafka.patches`). What is usual goes through aiokafka's
own parser in C, many records at once; what that refuses, and what is large, through `streams.kafka.lenient_parser`.
What cannot be read at all is handed out as `UnreadableOffsets`, so that positions go on and whoever reads can say what
is missing.
"""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from aiokafka.record.default_records import DefaultRecordBatch

from streams.kafka.batch import SHARE_BYTES, UNKNOWN_FORMAT, RecordBatch, UntrustedBatch
from streams.kafka.decompression import Unpacked
from streams.kafka.lenient_parser import HEADER_BYTES, BatchHeader, records_of
from streams.records.record import NO_TIME, KafkaRecord, UnreadableOffsets, next_offset, placed

log = logging.getLogger(__name__)

MOST_RECORDS = 20_000  # records, where nobody says how many
TRIES = 3  # fetches of the same batch, before it counts as damaged where it lies
BAD_CHECKSUM = "batch_checksum"

BATCH_FRAME_BYTES = 12  # offset and length, which the length does not count
LENGTH_BYTES = 4
MAGIC, MAGIC_PLACE = 2, 16


class Fetched:
    """The bytes of a fetch, in the place of aiokafka's MemoryRecords, which trusts their lengths."""

    def __init__(self, data: bytes | None) -> None:
        self.data = data or b""

    def has_next(self) -> bool:
        """True if anything was fetched."""
        return bool(self.data)

    def size_in_bytes(self) -> int:
        """How much was fetched."""
        return len(self.data)


class BatchRecords:
    """The records of one fetch of a partition, batch by batch, in the place of aiokafka's PartitionRecords."""

    most_bytes = 64 << 20
    _tries: ClassVar[dict[Any, tuple[int, int]]] = {}  # by partition: an offset, and how often nothing came of it

    def __init__(
        self,
        tp: Any,
        records: Fetched,
        aborted_transactions: Sequence[tuple[int, int]] | None,
        fetch_offset: int,
        key_deserializer: Any,
        value_deserializer: Any,
        check_crcs: bool,
        isolation_level: int,
    ) -> None:
        """As aiokafka calls it. We give no deserializers."""
        self._tp, self._data, self._at = tp, records.data, 0
        self._checks = check_crcs
        self._aborts = Aborts(aborted_transactions) if isolation_level and aborted_transactions else None
        self._began = self.next_fetch_offset = fetch_offset
        self._batch: RecordBatch | UntrustedBatch | None = None
        self.over = False

    def __iter__(self) -> Iterator[KafkaRecord]:
        return self

    def __next__(self) -> KafkaRecord:
        for record in self.take(1):
            known = not isinstance(record, UnreadableOffsets)
            return placed(self._tp.topic, self._tp.partition, record) if known else record
        raise StopIteration

    def take(self, most: int | None = None) -> list[KafkaRecord]:
        """The next records, at most so many; none at the end."""
        taken: list[KafkaRecord] = []
        room, spent = most or MOST_RECORDS, 0
        while room > 0 and spent < SHARE_BYTES:
            if self._batch is None:
                self._batch = self._open()
                if self._batch is None:
                    self.over = True
                    break
                spent += self._batch.size
            some = self._batch.take(room, self.next_fetch_offset)
            taken += some.records
            if some.over:
                self.next_fetch_offset = max(self.next_fetch_offset, self._batch.next_offset)
                self._batch = None
            elif some.records:
                self.next_fetch_offset = next_offset(some.records[-1])
            room, spent = room - some.weight, spent + some.cost
        return taken

    def _open(self) -> "RecordBatch | UntrustedBatch | None":
        """The next batch that is to be read; None at the end of the fetch, or where it is to be fetched once more."""
        while (data := self._frame()) is not None:
            if data[MAGIC_PLACE] != MAGIC:
                return self._give_up(None, UNKNOWN_FORMAT)
            # The parser in C reads the header in a fraction of the time, and would trust one that is cut off.
            batch = DefaultRecordBatch(data)
            if batch.next_offset <= batch.base_offset:
                return self._give_up(None, UNKNOWN_FORMAT)
            if self._checks and not batch.validate_crc():
                return self._give_up(BatchHeader.read(data), BAD_CHECKSUM)
            self._at += len(data)
            if batch.next_offset > self.next_fetch_offset:
                if not self._skips(batch, data):
                    return RecordBatch(batch, data, self.most_bytes)
                self.next_fetch_offset = batch.next_offset
        return self._give_up(None, UNKNOWN_FORMAT) if self.next_fetch_offset == self._began else None

    def _frame(self) -> bytes | None:
        """The bytes of the next batch; None where there is none, or not all of it, or what cannot be one."""
        begin = self._at + BATCH_FRAME_BYTES
        size = int.from_bytes(self._data[begin - LENGTH_BYTES : begin], "big")
        end = begin + size
        return (
            self._data[self._at : end] if size >= HEADER_BYTES - BATCH_FRAME_BYTES and end <= len(self._data) else None
        )

    def _give_up(self, header: BatchHeader | None, cause: str) -> "RecordBatch | UntrustedBatch | None":
        """Fetch it a few times more: it may have been damaged on its way. Then pass it, as far as it is known to go."""
        first, self._at = self.next_fetch_offset, len(self._data)
        offset, tries = self._tries.get(self._tp, (first, 0))
        tries = tries + 1 if offset == first else 1
        self._tries[self._tp] = first, tries
        if tries < TRIES:
            log.warning("%s-%d offset %d arrived damaged (%s): it is fetched again.", *self._tp, first, cause)
            return None
        known = header is not None and header.is_full and header.records > 0
        after = header.next_offset if header is not None and known else first + 1
        return UntrustedBatch(UnreadableOffsets(first, max(after, first + 1), NO_TIME, NO_TIME, cause))

    def _skips(self, batch: Any, data: bytes) -> bool:
        """True for the brokers' own records, and for what was aborted."""
        aborted = self._aborts is not None and self._aborts.cover(batch, data)  # which also has to see the brokers' own
        return aborted or bool(batch.is_control_batch)


class Aborts:
    """Which transactions of a fetch were aborted, as its batches go by."""

    def __init__(self, transactions: Sequence[tuple[int, int]]) -> None:
        """`transactions`: the producer and the first offset of each."""
        self._coming = sorted(transactions, key=lambda one: one[1], reverse=True)
        self._producers: set[int] = set()

    def cover(self, batch: Any, data: bytes) -> bool:
        """True if the batch belongs to one of them."""
        while self._coming and self._coming[-1][1] <= batch.base_offset:
            self._producers.add(self._coming.pop()[0])
        if batch.producer_id not in self._producers:
            return False
        if batch.is_control_batch and _says_aborted(BatchHeader.read(data), data):
            self._producers.discard(batch.producer_id)
        return bool(batch.is_transactional)


def _says_aborted(header: BatchHeader, data: bytes) -> bool:
    """Two numbers of two bytes are a control record's key: a version, and 0 for aborted."""
    record = next(records_of(header, Unpacked(data[HEADER_BYTES:], None), header.base_offset), None)
    return record is not None and record.key is not None and record.key[2:4] == b"\0\0"


def read_batches_within(most_bytes: int) -> None:
    """From now on, unpack at most so much of any batch."""
    BatchRecords.most_bytes = most_bytes
