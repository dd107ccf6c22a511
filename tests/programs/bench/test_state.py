"""A written state must restore as one that a worker left behind: rows, books, positions and deadlines agree."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition

from schemas.policy import parse_policy
from streams.core.books import Books
from streams.core.rules import Rules
from streams.data import succession
from streams.engine.snapshot import Restored
from streams.kafka.partitioner import partition_of
from streams.kafka.transaction import Writes
from streams.policies import policy_of
from streams.records.record import Write
from streams.settings import Settings
from tests.programs.bench.state import Author, Shape, policy, report_ids

SETTINGS = Settings()
RULES = Rules(policy_of(parse_policy(policy())), succession())
NOW = datetime(2026, 6, 1, tzinfo=UTC)
STAMP = int(NOW.timestamp() * 1000)


def commits(shape: Shape, partition: int) -> list[Writes]:
    """Everything that is committed of one partition."""
    author = Author(shape, SETTINGS, RULES, partition)
    batches = [author.appended({topic: records}, STAMP) for topic, records in author.batches(NOW)]
    return [*batches, author.appended(author.marks(), STAMP + 1)]


def written(all_writes: list[Writes], topic: str) -> list[Write]:
    """The records of one output."""
    return [write for writes in all_writes for write in writes.records if write.topic == SETTINGS.output(topic)]


def taken(all_writes: list[Writes]) -> Restored:
    """What a restore makes of them."""
    restored = Restored(TopicPartition("state", 0), TopicPartition("coverage", 0))
    for topic in ("state", "coverage"):
        records: list[Any] = [
            SimpleNamespace(offset=n, key=write.key, value=write.value)
            for n, write in enumerate(written(all_writes, topic))
        ]
        restored.take(TopicPartition(topic, 0), records)
    return restored


@pytest.mark.parametrize(("facts", "status"), [(1, "pending"), (2, "pending"), (3, "stored")])
async def test_a_written_state_restores_with_balanced_books(facts: int, status: str) -> None:
    all_writes = commits(Shape(300, 1, facts), 0)
    restored = taken(all_writes)
    deadlines = await restored.deadlines(RULES)  # raises unless the books count exactly these rows
    books = Books(restored.books.items())
    books.changed = set(restored.books)
    books.ensure_balanced()
    assert len(restored.rows) == len(deadlines) == books.total().sent == getattr(books.total(), status) == 300


async def test_every_fact_makes_one_record_and_the_positions_are_where_the_inputs_end() -> None:
    all_writes = commits(Shape(200, 1, 3), 0)
    coverage = taken(all_writes).coverage
    assert coverage is not None
    assert len(written(all_writes, "state")) == 600
    assert coverage.complete_until is not None
    assert {topic: applied.next_offset for topic, applied in coverage.applied.items()} == all_writes[-1].offsets
    assert sorted(all_writes[-1].offsets.values()) == [0, 201, 201, 201]  # a mark each, and no decision


def test_rows_lie_where_kafka_puts_their_keys() -> None:
    shape = Shape(400, 4)
    found = [list(report_ids(shape, partition)) for partition in range(4)]
    assert len({report_id for ids in found for report_id in ids}) == 400
    for partition, ids in enumerate(found):
        assert {partition_of(report_id.encode(), 4) for report_id in ids} == {partition}


def test_the_same_shape_gives_the_same_rows() -> None:
    one, other = (written(commits(Shape(50, 1), 0), "state") for _ in range(2))
    assert [(write.key, orjson.loads(write.value or b"")) for write in one] == [
        (write.key, orjson.loads(write.value or b"")) for write in other
    ]
