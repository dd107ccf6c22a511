"""Bare records say what aiokafka's own would."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streams.engine.bare import BareRecords, hand_out_bare_records

READ_COMMITTED = 1
ASKED = ("offset", "timestamp", "timestamp_type", "key", "value", "headers")


def batch(base: int, count: int, *, producer: int = -1) -> bytes:
    """A batch of some records, of a transaction if it has a producer."""
    builder = DefaultRecordBatchBuilder(
        2, 4, is_transactional=producer >= 0, producer_id=producer, producer_epoch=0, base_sequence=0,
        batch_size=1 << 20,
    )  # fmt: skip
    for number in range(count):
        headers = [("mv-mark", b"x")] if number % 2 else []
        builder.append(number, 1000 + number, key=b"k%d" % number, value=None if number == 2 else b"v", headers=headers)
    encoded = bytearray(builder.build())
    encoded[:8] = base.to_bytes(8, "big")
    return bytes(encoded)


def read(by: Any, data: bytes, aborted: list[tuple[int, int]] | None = None) -> tuple[list[tuple[Any, ...]], int]:
    """What a way of reading hands out, and where it would go on."""
    records = by(TopicPartition("t", 0), MemoryRecords(data), aborted, 0, None, None, True, READ_COMMITTED)
    found = [tuple(tuple(given) if isinstance(given := getattr(r, name), list) else given for name in ASKED)
             for r in records]  # fmt: skip
    return found, records.next_fetch_offset


def test_they_say_the_same() -> None:
    data = batch(0, 4) + batch(4, 2, producer=7)
    usual, bare = read(fetcher.PartitionRecords, data), read(BareRecords, data)
    assert bare == usual
    assert len(bare[0]) == 6


def test_what_was_aborted_is_left_out_all_the_same() -> None:
    data = batch(0, 2) + batch(2, 3, producer=7) + batch(5, 1)
    found, position = read(BareRecords, data, aborted=[(7, 2)])
    assert [offset for offset, *_ in found] == [0, 1, 5]
    assert position == 6


def test_a_consumer_hands_them_out_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "PartitionRecords", fetcher.PartitionRecords)
    hand_out_bare_records()
    assert fetcher.PartitionRecords is BareRecords
    assert "PartitionRecords" in fetcher.Fetcher._proc_fetch_request.__code__.co_names
