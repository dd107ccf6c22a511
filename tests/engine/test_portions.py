"""What was fetched is handed out in portions that are bounded by bytes, too, and nothing of it is left out."""

from itertools import pairwise
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streams.engine import portions
from streams.engine.portions import Portions, hand_out_portions

TP = TopicPartition("t", 0)


class Assignment:
    """Stands for the client's: one partition and its position."""

    active = True
    paused = False

    def __init__(self) -> None:
        self.position = 0

    def state_value(self, tp: TopicPartition) -> "Assignment":
        return self

    def consumed_to(self, position: int) -> None:
        self.position = position


def fetched(by: Any, sizes: list[int], headers: int = 0) -> tuple[Any, Assignment]:
    """Records of these sizes as one fetch brought them, and the assignment that is told of the position."""
    builder = DefaultRecordBatchBuilder(
        2, 0, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=1 << 24
    )
    for number, size in enumerate(sizes):
        value, some = (b"", [("h", b"x" * size)]) if headers else (b"x" * size, [])
        builder.append(number, 1000, key=b"k", value=value, headers=some)
    records = fetcher.PartitionRecords(TP, MemoryRecords(bytes(builder.build())), None, 0, None, None, True, 0)
    assignment = Assignment()
    return by(TP, assignment=assignment, partition_records=records, backoff=0), assignment


def drained(result: Any, most: int | None) -> tuple[list[list[int]], list[int]]:
    """The offsets of each portion, and their sizes."""
    some, sizes = [], []
    while result.has_more():
        portion = result.getall(most)
        some.append([record.offset for record in portion])
        sizes.append(sum(len(record.value) + sum(len(v) for _, v in record.headers) for record in portion))
    return some, sizes


@pytest.mark.parametrize("most", [None, 1, 3, 10, 11])
def test_small_records_come_as_they_do_from_the_client_itself(most: int | None) -> None:
    (ours, our), (theirs, their) = fetched(Portions, [100] * 10), fetched(fetcher.FetchResult, [100] * 10)
    assert drained(ours, most) == drained(theirs, most)
    assert our.position == their.position == 10
    assert not ours.has_more()


@pytest.mark.parametrize("headers", [0, 1], ids=["values", "headers"])
def test_large_records_end_a_portion(headers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portions, "MOST_BYTES", 10_000)
    result, assignment = fetched(Portions, [3_000] * 9 + [50_000, 1, 1], headers)
    offsets, sizes = drained(result, 100)
    assert offsets == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [10, 11]]
    assert all(size < 10_000 + 50_000 for size in sizes)
    assert assignment.position == 12
    assert all(left[-1] + 1 == right[0] for left, right in pairwise(offsets))


def test_nothing_is_handed_out_of_a_partition_that_is_paused_or_was_sought_anew() -> None:
    result, assignment = fetched(Portions, [1, 1])
    assignment.position = 1
    assert result.getall() == []
    result, assignment = fetched(Portions, [1, 1])
    assignment.paused = True
    assert result.getall() == []


def test_a_consumer_hands_out_portions_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "FetchResult", fetcher.FetchResult)
    hand_out_portions()
    assert fetcher.FetchResult is Portions
    for told in (fetcher.Fetcher._proc_fetch_request, fetcher.Fetcher.fetched_records, fetcher.Fetcher.next_record):
        assert "FetchResult" in told.__code__.co_names
