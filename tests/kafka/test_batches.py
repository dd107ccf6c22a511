"""Whatever is in a batch, it is read as far as it can be, and the rest is told: nothing raises, nothing goes unsaid."""

import random
from itertools import pairwise
from typing import Any

import aiokafka.codec
import pytest
from aiokafka.consumer import fetcher
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record.memory_records import MemoryRecords

from streams.kafka import batches
from streams.kafka.batches import BatchRecords, read_batches_within
from streams.kafka.patches import OURS, THEIRS, FetchResult
from streams.records.record import KafkaRecord, UnreadableOffsets, next_offset
from tests.kafka import raw
from tests.kafka.raw import APPENDED_MS, CODECS, Log, batch, good, packed, parts, record, records, told

ASKED = ("offset", "timestamp", "timestamp_type", "key", "value", "headers")
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _a_small_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BatchRecords, "most_bytes", 4 * MIB)
    monkeypatch.setattr(BatchRecords, "_tries", {})


def plain(found: KafkaRecord) -> tuple[Any, ...]:
    return tuple(tuple(given) if isinstance(given := getattr(found, name), list) else given for name in ASKED)


def as_aiokafka_reads(data: bytes, aborted: list[tuple[int, int]] | None = None) -> tuple[list[Any], int]:
    found = THEIRS["PartitionRecords"](raw.PARTITION, MemoryRecords(data), aborted, 0, None, None, True, 1)
    return [plain(one) for one in found], found.next_fetch_offset


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("most", [1, 2, 100])
def test_what_is_right_is_read_as_aiokafka_reads_it(codec: str, most: int) -> None:
    body = records(2) + record(2, None, None) + record(3, headers=[(b"mv-mark", b"x"), (b"", None)])
    odd = batch(3, 4, packed(codec, body), CODECS[codec], attributes=0)
    data = good(0, 3, codec) + odd + good(7, 2, codec, producer=7, attributes=raw.TRANSACTIONAL)
    fetched, found = parts(data), []
    while not fetched.over:
        found += fetched.take(most)
    assert ([plain(one) for one in found], fetched.next_fetch_offset) == as_aiokafka_reads(data)
    assert len(found) == 9


def test_what_was_aborted_is_left_out_and_so_are_the_brokers_own_records() -> None:
    transactional: dict[str, Any] = {"producer": 7, "attributes": raw.TRANSACTIONAL}
    marker: dict[str, Any] = {"producer": 7, "attributes": raw.TRANSACTIONAL | raw.CONTROL}
    aborted, committed = record(0, b"\0\0\0\0", b"\0" * 6), record(0, b"\0\0\0\1", b"\0" * 6)
    data = (
        good(0, 2) + good(2, 3, **transactional) + batch(5, 1, aborted, **marker) + good(6, 1, **transactional)
        + batch(7, 1, committed, **marker) + good(8, 1)
    )  # fmt: skip
    fetched = parts(data, aborted=[(7, 2)])
    assert told(fetched.take()) == [0, 1, 6, 8]
    assert fetched.next_fetch_offset == 9
    assert [offset for offset, *_ in as_aiokafka_reads(data, [(7, 2)])[0]] == [0, 1, 6, 8]


def test_a_compacted_batch_has_gaps_that_are_no_fault() -> None:
    sparse = batch(0, 2, record(1) + record(4), delta=9)
    assert told(Log((10, sparse), (12, batch(10, 0, b"", delta=1)), (13, good(12, 1))).read()) == [1, 4, 12]


def test_a_name_of_a_header_need_not_be_utf8() -> None:
    body = record(0) + record(1, b"key", b"value", [(b"caf\xe9", b"\xff"), (b"b", None)]) + record(2)
    found = Log((3, batch(0, 3, body))).read()
    assert told(found) == [0, 1, 2]
    assert plain(found[1])[3:] == (b"key", b"value", (("caf\\xe9", b"\xff"), ("b", None)))
    assert (found[1].timestamp, found[1].timestamp_type) == (APPENDED_MS, 1)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
@pytest.mark.parametrize("most", [1, 100])
def test_what_is_behind_the_end_does_not_matter(codec: str, most: int) -> None:
    """Kafka's own client reads such a batch of gzip or lz4."""
    body = packed(codec, records(3))
    for behind in (b"garbage!" * 8, bytes(64), body):
        log = Log((3, batch(0, 3, body + behind, CODECS[codec])), (5, good(3, 2)))
        assert told(log.read(most)) == [0, 1, 2, 3, 4]


def test_what_the_broker_reads_of_a_codec_is_read() -> None:
    body = records(300)
    wrong = bytearray(raw.lz4(body, checksum=True))
    wrong[-1] ^= 1
    for number, data in ((3, bytes(wrong)), (2, packed("snappy", body[:999]) + packed("snappy", body[999:])),
                         (2, packed("snappy", body)), (3, raw.lz4(body[:999]) + raw.lz4(body[999:]))):  # fmt: skip
        assert told(Log((300, batch(0, 300, data, number))).read()) == list(range(300))


@pytest.mark.parametrize("codec", CODECS)
def test_what_stands_before_a_break_is_read_and_the_rest_is_told(codec: str) -> None:
    body = packed(codec, b"".join(record(n, value=random.Random(n).randbytes(400)) for n in range(1000)))
    found = Log((1000, batch(0, 1000, body[:-300], CODECS[codec])), (1001, good(1000, 1))).read()
    *read, missing, after = found
    assert isinstance(missing, UnreadableOffsets)
    assert [one.offset for one in read] == list(range(missing.offset))
    assert missing.next_offset == after.offset == 1000
    assert (missing.timestamp, missing.timestamp_type) == (APPENDED_MS, 1)
    assert missing.cause == ("record_not_read" if codec == "none" else "batch_not_unpacked")
    assert codec == "zstd" or missing.offset > 0  # which here has one block


def test_a_record_that_is_none_costs_no_other() -> None:
    wrong = {
        "a length within that lies": b"\x10" + b"\0\0\2\x40" + b"1234",
        "a negative count of headers": b"\x10" + b"\0\0\2\1\1\1" + b"\0\0",
        "a name without bytes": b"\x10" + b"\0\0\2\1\1\2\1\1",
        "an offset of another": record(0),
        "an offset behind the end": record(7),
        "an offset before the beginning": record(-3),
        "nothing": b"\0",
        "a number without an end": b"\x18" + b"\xff" * 12,
        "too many headers": record(1, headers=[(b"", None)] * 10_001),
    }
    for what, bad in wrong.items():
        found = Log((3, batch(0, 3, record(0) + bad + record(2))), (4, good(3, 1))).read()
        assert told(found) == [0, (1, 2, "record_not_read"), 2, 3], what


@pytest.mark.parametrize("number", [-1, 0, 4, 2**31 - 1])
def test_a_number_of_records_that_lies_is_told(number: int) -> None:
    found = told(Log((3, batch(0, number, records(3), delta=2)), (4, good(3, 1))).read())
    assert found[-1] == 3
    assert found[:-1] == ([0, 1, 2] if number > 3 else [(0, 3, "record_not_read")])


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_takes_no_more_than_it_may(codec: str) -> None:
    """What lies within the bound is read: 4 MiB here."""
    body = packed(codec, b"".join(record(n, value=bytes(100_000)) for n in range(200)))
    log = Log((200, batch(0, 200, body, CODECS[codec])), (201, good(200, 1)))
    assert told(log.read()) == [*range(41), (41, 200, "batch_too_large"), 200]


def test_a_bound_may_be_less_than_what_is_read_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BatchRecords, "most_bytes", MIB)
    body = packed("zstd", record(0, value=bytes(600_000)) + record(1, value=bytes(600_000)))
    assert told(Log((2, batch(0, 2, body, 4))).read()) == [0, (1, 2, "batch_too_large")]


def test_a_value_that_is_larger_than_the_bound_is_told() -> None:
    body = packed("zstd", record(0) + record(1, value=bytes(5 * MIB)) + record(2))
    assert told(Log((3, batch(0, 3, body, 4))).read()) == [0, (1, 3, "batch_too_large")]


def test_no_more_is_handed_out_at_once_than_memory_allows() -> None:
    body = packed("zstd", b"".join(record(n, value=bytes(300_000)) for n in range(10)))
    assert len(parts(b"".join(batch(10 * n, 10, body, 4) for n in range(20))).take()) == 30  # more than 8 MiB
    headers = b"".join(record(n, headers=[(b"", None)] * 9_000) for n in range(200))
    assert len(parts(batch(0, 200, headers)).take()) < 30
    assert len(parts(b"".join(good(n, 1) for n in range(25_000))).take()) == 20_000


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        (lambda data: data[:70] + b"\xff\xff" + data[72:], "batch_checksum"),
        (lambda data: data[:16] + b"\1" + data[17:], "batch_format"),
        (lambda data: data[:16] + b"\0" + data[17:], "batch_format"),
        (lambda data: data[:16] + b"\x7f" + data[17:], "batch_format"),
        (lambda data: data[:8] + b"\xff\xff\xff\xff" + data[12:], "batch_format"),
        (lambda data: data[:8] + b"\0\0\0\7" + data[12:], "batch_format"),
        (lambda data: data[:8] + b"\0\xff\0\0" + data[12:], "batch_format"),
        (lambda data: raw.checked(data[:23] + b"\xff\xff\xff\xff" + data[27:]), "batch_format"),
        (lambda data: data[:30], "batch_checksum"),
    ],
)
def test_what_is_damaged_is_fetched_again_and_then_passed(damage: Any, cause: str) -> None:
    found = Log((3, good(0)), (6, damage(good(3))), (8, good(6, 2))).read()
    assert told(found[:3]) == [0, 1, 2]
    assert told(found[-2:]) == [6, 7]
    covered = [one for one in found if isinstance(one, UnreadableOffsets)]
    assert [offset for one in covered for offset in range(one.offset, one.next_offset)] == [3, 4, 5]
    assert {(one.cause, one.timestamp_type) for one in covered} == {(cause, -1)}


def test_what_was_damaged_on_its_way_is_read_when_it_comes_again() -> None:
    whole = good(0)
    assert parts(whole[:-1] + b"?").take() == []
    assert parts(whole[:-1] + b"?").take() == []
    assert told(parts(whole).take()) == [0, 1, 2]
    assert parts(good(3)[:-1] + b"?", position=3).take() == [], "each place has its own tries"


def test_a_codec_that_kafka_does_not_have_is_told_and_one_that_is_not_installed_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert told(Log((3, batch(0, 3, records(3), 6)), (4, good(3, 1))).read()) == [(0, 3, "batch_format"), 3]
    data = good(0, codec="zstd")
    monkeypatch.setattr(aiokafka.codec, "has_zstd", lambda: False)
    with pytest.raises(UnsupportedCodecError, match="zstd"):
        parts(data).take()


def test_attributes_that_nobody_writes_are_read_alike_by_both_parsers() -> None:
    odd = b"\x20" + b"\xd8\x04" + b"\x02\x02" + b"k" + b"\x12" + b"123456789" + b"\x00"
    # It claims one more record than it has: as a whole it is read with care, one by one it is not until the end.
    log = Log((2, batch(0, 3, record(0) + odd, 0, delta=1)), (5, good(2)))
    assert [plain(one) for one in log.read(1)] == [plain(one) for one in log.read()]
    assert told(log.read()) == [0, 1, 2, 3, 4]


def _spoilt(chaos: random.Random) -> tuple[int, int, bytes]:
    """The number of records, the codec and the body of a batch that somebody made by hand."""
    number, codec = chaos.randrange(1, 7), chaos.choice(list(CODECS))
    headers = [(chaos.randbytes(chaos.randrange(4)), chaos.choice([None, b"x"])) for _ in range(chaos.randrange(3))]
    body = bytearray(
        b"".join(record(n, chaos.choice([None, b"k"]), chaos.randbytes(9), headers) for n in range(number))
    )
    packs_first = chaos.random() < 0.5
    if packs_first:
        body = bytearray(packed(codec, bytes(body)))
    for _ in range(chaos.randrange(4)):
        at = chaos.randrange(len(body) + 1)
        number_of = chaos.choice([-1, -(2**31), 2**31, 2**62, -(2**63), 2**63 - 1, 0, 1, 300])
        body[at : at + chaos.randrange(3)] = chaos.choice([raw.varint(number_of), chaos.randbytes(2), b""])
    if chaos.random() < 0.2:
        body += chaos.choice([b"garbage", bytes(20), bytes(body)])
    return number, CODECS[codec], bytes(body if packs_first else packed(codec, bytes(body)))


def _fuzzed(seed: int) -> None:
    """A spoilt batch with a right checksum among good ones: each offset comes once, whatever way it is read."""
    chaos = random.Random(seed)
    number, codec, body = _spoilt(chaos)
    claimed = chaos.choice([number, number, number, number + 1, 0, -1, 2**31 - 1])
    spoilt = batch(3, claimed, body, codec, delta=number - 1)
    log = Log((3, good(0)), (3 + number, spoilt), (6 + number, good(3 + number)))
    found = log.read()
    spans = [(one.offset, next_offset(one)) for one in found]
    assert all(before[1] <= after[0] for before, after in pairwise(spans)), (seed, spans)
    if claimed in (number, -1):
        assert [offset for span in spans for offset in range(*span)] == list(range(6 + number)), (seed, spans)
    assert told(found[:3]) == [0, 1, 2]
    assert told(found[-3:]) == [3 + number, 4 + number, 5 + number]
    assert [plain(one) for one in log.read(1)] == [plain(one) for one in found], seed
    place = chaos.choice(spans)[0]
    again = [plain(one) for one in log.read(chaos.randrange(1, 4), place)]
    assert again == [plain(one) for one in found if one.offset >= place], seed


def _shaken(seed: int) -> None:
    """Bytes that changed anywhere, the header included, and a checksum that may be wrong: it always gets beyond."""
    chaos = random.Random(seed)
    number, codec, body = _spoilt(chaos)
    data = bytearray(batch(3, number, body, codec))
    for _ in range(chaos.randrange(1, 4)):
        data[chaos.randrange(8, len(data))] = chaos.randrange(256)
    if chaos.random() < 0.5:
        data[23:27] = (number - 1).to_bytes(4, "big")  # where the broker itself has looked
        data = bytearray(raw.checked(bytes(data)))
    elif chaos.random() < 0.3:
        del data[chaos.randrange(13, len(data)) :]
    found = Log((3, good(0)), (3 + number, bytes(data)), (6 + number, good(3 + number))).read(chaos.choice([1, 100]))
    assert told(found[:3]) == [0, 1, 2]
    assert told(found[-3:])[-1] == 5 + number, seed


def test_no_bytes_of_a_batch_stop_the_reading() -> None:
    for seed in range(500):
        _fuzzed(seed)
        _shaken(seed)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_no_bytes_of_very_many_batches_stop_the_reading() -> None:
    for seed in range(500, 30_000):
        _fuzzed(seed)
        _shaken(seed)


class Assignment:
    """Stands for the client's: one partition and its position."""

    active = True
    paused = False

    def __init__(self) -> None:
        self.position = 0

    def state_value(self, tp: Any) -> "Assignment":
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position


def fetched_result(data: bytes) -> tuple[Any, Assignment]:
    """What the client keeps of a fetch, and what it knows of the partition."""
    assignment = Assignment()
    return FetchResult(raw.PARTITION, assignment=assignment, partition_records=parts(data), backoff=0), assignment


@pytest.mark.parametrize("most", [None, 1, 3, 10, 11])
def test_the_client_is_told_how_far_it_has_come(most: int | None) -> None:
    result, assignment = fetched_result(good(0, 4) + good(4, 6))
    offsets = []
    while result.has_more():
        portion = result.getall(most)
        assert len(portion) <= (most or 10)
        offsets += told(portion)
        assert assignment.position == len(offsets)
    assert offsets == list(range(10))
    one_by_one, assignment = fetched_result(good(0, 2))
    assert [one_by_one.getone().offset, one_by_one.getone().offset, one_by_one.getone()] == [0, 1, None]
    assert assignment.position == 2


@pytest.mark.parametrize("headers", [0, 1], ids=["values", "headers"])
def test_large_records_end_a_portion(headers: int) -> None:
    large = [(b"h", bytes(300_000))] if headers else []
    data = b"".join(batch(n, 1, record(0, value=b"" if headers else bytes(300_000), headers=large)) for n in range(99))
    result, _ = fetched_result(data)
    portions = []
    while result.has_more():
        portions.append(told(result.getall()))
    assert [offset for portion in portions for offset in portion] == list(range(99))
    assert {len(portion) for portion in portions[:-1]} == {28}  # 8 MiB


def test_nothing_is_handed_out_of_a_partition_that_is_paused_or_was_sought_anew() -> None:
    result, assignment = fetched_result(good(0, 2))
    assignment.position = 1
    assert result.getall() == []
    result, assignment = fetched_result(good(0, 2))
    assignment.paused = True
    assert result.getall() == []


def test_every_consumer_of_the_process_reads_so() -> None:
    assert {name: getattr(fetcher, name) for name in OURS} == OURS
    assert {"MemoryRecords", "PartitionRecords"} <= set(fetcher.Fetcher._proc_fetch_request.__code__.co_names)
    assert "FetchResult" in fetcher.Fetcher.fetched_records.__code__.co_names
    assert not set(OURS.values()) & set(THEIRS.values())
    assert batches.TRIES == 3


def test_the_bound_of_a_batch_is_set_for_the_process() -> None:
    read_batches_within(123)
    assert BatchRecords.most_bytes == 123


def test_a_record_that_is_read_by_itself_has_its_place() -> None:
    one: Any = next(iter(parts(good(5, 1))))
    assert (one.topic, one.partition, one.offset) == (*raw.PARTITION, 5)
