"""Raw record batches, right and wrong, as a broker keeps them; and a consumer of them without Kafka."""

import gzip
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cramjam
from aiokafka import TopicPartition
from aiokafka import codec as codecs
from aiokafka.record.util import calc_crc32c, encode_varint

from streams.kafka.batches import BatchRecords, Fetched
from streams.records.record import KafkaRecord

PARTITION = TopicPartition("t", 0)
HEADER = struct.Struct(">qiibIhiqqqhii")
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
APPENDED_MS = 1_767_225_600_000
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 8, 16, 32
READ_COMMITTED = 1
MIB = 1 << 20

Headers = Sequence[tuple[bytes, bytes | None]]


def varint(number: int) -> bytes:
    """A number as records have it."""
    written = bytearray()
    encode_varint(number, written.append)
    return bytes(written)


def sized(data: bytes | None) -> bytes:
    """Bytes behind their length."""
    return varint(-1) if data is None else varint(len(data)) + data


def record(delta: int, key: bytes | None = b"k", value: bytes | None = b"v", headers: Headers = ()) -> bytes:
    """A record with its length."""
    named = b"".join(sized(name) + sized(value) for name, value in headers)
    rest = b"\0" + varint(0) + varint(delta) + sized(key) + sized(value) + varint(len(headers)) + named
    return varint(len(rest)) + rest


def records(number: int) -> bytes:
    """Some ordinary ones."""
    return b"".join(record(delta, b"k%d" % delta, b"value %d" % delta) for delta in range(number))


def packed(codec: str, body: bytes) -> bytes:
    """A body as a client would compress it."""
    if codec == "gzip":
        return gzip.compress(body)
    if codec == "lz4":
        return lz4(body)
    return bytes({"none": bytes, "snappy": codecs.snappy_encode, "zstd": codecs.zstd_encode}[codec](body))


def lz4(body: bytes, *, checksum: bool = False) -> bytes:
    """One frame of independent blocks."""
    compressor = cramjam.lz4.Compressor(content_checksum=checksum, block_linked=False)
    compressor.compress(body)
    return bytes(compressor.finish())


def batch(base: int, number: int, body: bytes, codec: int = 0, **fields: int) -> bytes:
    """A batch around a body that is packed already, with a right checksum.

    Other `fields`: attributes (beside the codec's), delta (of the last offset), producer, length, magic.
    """
    values = {"attributes": LOG_APPEND_TIME, "delta": number - 1, "producer": -1, "magic": 2} | fields
    header = HEADER.pack(
        base, values.get("length", 49 + len(body)), 0, values["magic"], 0, values["attributes"] | codec,
        values["delta"], APPENDED_MS - 5, APPENDED_MS, values["producer"], 0, 0, number,
    )  # fmt: skip
    return checked(header + body)


def checked(whole: bytes) -> bytes:
    """A batch with the checksum of what it holds now."""
    return whole[:17] + struct.pack(">I", calc_crc32c(whole[21:])) + whole[21:]


def good(base: int, number: int = 3, codec: str = "none", **fields: int) -> bytes:
    """An ordinary batch."""
    return batch(base, number, packed(codec, records(number)), CODECS[codec], **fields)


def lz4_with_a_wrong_checksum(body: bytes) -> bytes:
    """As Kafka's own client does not look at it."""
    data = bytearray(lz4(body, checksum=True))
    data[-1] ^= 1
    return bytes(data)


# By what is odd in a body that Kafka reads all the same: its codec, and how it is packed.
SPOILT: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip with garbage behind its end": ("gzip", lambda body: packed("gzip", body) + b"garbage!" * 8),
    "lz4 with garbage behind its end": ("lz4", lambda body: packed("lz4", body) + b"garbage!" * 8),
    "lz4 of two frames": ("lz4", lambda body: packed("lz4", body) + packed("lz4", body)),
    "lz4 with a wrong checksum": ("lz4", lz4_with_a_wrong_checksum),
    "snappy with a second header": ("snappy", lambda body: packed("snappy", body[:9]) + packed("snappy", body[9:])),
}


def bomb(mib: int) -> bytes:
    """A value of zeros, a few kilobytes when it is packed, between two records."""
    head, tail = b"\0\0\2\2k" + varint(mib * MIB), b"\0"
    compressor = cramjam.zstd.Compressor()
    compressor.compress(record(0) + varint(len(head) + mib * MIB + len(tail)) + head)
    for _ in range(mib):
        compressor.compress(bytes(MIB))
    compressor.compress(tail + record(2))
    return batch(0, 3, bytes(compressor.finish()), CODECS["zstd"])


def many_values(number: int) -> bytes:
    """Values of which none is too large by itself."""
    compressor = cramjam.zstd.Compressor()
    for n in range(number):
        compressor.compress(record(n, value=bytes(250_000)))
    return batch(0, number, bytes(compressor.finish()), CODECS["zstd"])


def parts(data: bytes, **options: Any) -> BatchRecords:
    """What aiokafka makes of one fetch."""
    values = {"aborted": None, "position": 0, "isolation": READ_COMMITTED} | options
    return BatchRecords(
        PARTITION, Fetched(data), values["aborted"], values["position"], None, None, True, values["isolation"]
    )


class Log:
    """Batches as a broker keeps them; it looks into none."""

    def __init__(self, *kept: tuple[int, bytes]) -> None:
        """`kept`: the first offset behind each batch, and its bytes."""
        self._kept = kept
        self.end = kept[-1][0]

    def fetch(self, position: int) -> bytes:
        """From the batch on that holds the position."""
        return b"".join(data for after, data in self._kept if after > position)

    def read(self, most: int = 20_000, position: int = 0) -> list[KafkaRecord]:
        """All of it, fetched again wherever a fetch ended."""
        found: list[KafkaRecord] = []
        fetches = 0
        while position < self.end:
            fetched = parts(self.fetch(position), position=position)
            while not fetched.over:
                found += fetched.take(most)
            position, fetches = fetched.next_fetch_offset, fetches + 1
            assert fetches < 10 * self.end + 10, f"it does not get beyond {position}"
        return found


def told(found: Iterable[KafkaRecord]) -> list[Any]:
    """Each record's offset, and from and to and cause of what cannot be read."""
    return [(*one[:2], one.cause) if hasattr(one, "cause") else one.offset for one in found]  # type: ignore[index]


async def append(producer: Any, topic: str, data: bytes, partition: int = 0) -> Any:
    """Append a batch as it is. Raises KafkaError where the broker refuses it."""
    builder = producer.create_batch()
    builder.append(timestamp=None, key=b"k", value=b"v", headers=[])
    builder.close()
    builder._buffer = bytearray(
        checked(data[:22] + bytes([data[22] & ~LOG_APPEND_TIME]) + data[23:])
    )  # the broker's own
    return await (await producer.send_batch(builder, topic, partition=partition))
