"""What is too much for one transaction goes slice by slice: each says no more than what is decided."""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import orjson
import pytest

from streams.core.books import Books
from streams.core.policy import Asks
from streams.core.rules import Rules
from streams.data import succession
from streams.engine.batch import Batch
from streams.engine.completeness import Marker
from streams.engine.health import readiness
from streams.engine.metrics import Metrics
from streams.engine.partition import Partition
from streams.engine.processor import Processor
from streams.engine.rows import PackedRows
from streams.engine.slices import Bounds, Slice
from streams.kafka.transaction import Writes
from streams.policies import load_policy
from streams.records.coverage import Gap, read_coverage
from streams.records.events import read_book
from streams.settings import KafkaSettings
from tests.engine.processing import (
    MOMENT,
    SENT,
    SETTINGS,
    START,
    Appended,
    applied,
    batch,
    marked,
    ms,
    of,
    processor,
    report,
    sent_value,
    sents,
)

DAY = timedelta(days=1)
RULES = Rules(load_policy(None), succession())
TENS = Bounds(decisions=10, breaths=1000, looks=10)
ONE_RECORD = Bounds(breaths=1, breath_seconds=-1)


def small(bounds: Bounds, to: Processor | None = None) -> Processor:
    """A processor of small slices."""
    one = to or processor()
    one._slice = Slice(bounds)
    return one


def due_at_once(bounds: Bounds, count: int, apart: timedelta) -> tuple[Processor, Batch]:
    """A processor of many pending reports, and the marks that make all of them missing."""
    one = small(bounds)
    applied(one, batch(one, sent=sents(one, count, apart=apart)))
    return one, marked(one, one.marks.new_set(), START + DAY)


def slices_of(one: Processor, some: Batch) -> Iterator[Writes]:
    return (writes for writes in one.slices(some) if writes is not None)


def coverage_of(writes: Writes) -> Any:
    return orjson.loads(next(write.value or b"" for write in of(writes, "coverage") if write.key == b"0"))


def values(writes: Writes) -> list[Any]:
    return [orjson.loads(write.value or b"") for write in of(writes, "missing")]


@pytest.mark.parametrize("apart", [timedelta(seconds=1), timedelta(0)], ids=["one after the other", "all at once"])
def test_what_falls_due_at_once_is_announced_slice_by_slice(apart: timedelta) -> None:
    one, marks = due_at_once(TENS, 95, apart)
    slices = list(slices_of(one, marks))
    assert [len(of(writes, "missing")) for writes in slices] == [10] * 9 + [5]
    announced = [value for writes in slices for value in values(writes)]
    assert announced == sorted(announced, key=lambda value: (value["alarm_at"], value["report_id"]))
    assert len({value["event_id"] for value in announced}) == 95


@pytest.mark.parametrize("apart", [timedelta(seconds=1), timedelta(0)], ids=["one after the other", "all at once"])
def test_no_slice_claims_what_is_not_decided_yet(apart: timedelta) -> None:
    one, marks = due_at_once(TENS, 95, apart)
    alarms = sorted(row.alarm_at.timestamp() for row in one.rows if row.alarm_at)
    done, before = 0, ""
    for writes in slices_of(one, marks):
        said = coverage_of(writes)["complete_until"]
        done += len(of(writes, "missing"))
        assert said >= before, "completeness never goes back"
        until = datetime.fromisoformat(said).timestamp()
        assert sum(alarm < until for alarm in alarms) <= done, "what lies before it is announced"
        assert all(alarm <= until for alarm in alarms[:done]), "what is announced lies before it"
        before = said
    assert one.coverage.complete_until == START + DAY


def test_a_gap_closes_when_all_that_fell_due_inside_is_announced() -> None:
    one, marks = due_at_once(TENS, 30, timedelta(seconds=1))
    one.publish(Gap(START, "lag"))
    gaps = [coverage_of(writes)["gap"] is not None for writes in slices_of(one, marks)]
    assert gaps == [True, True, False]


def test_rows_that_are_only_looked_at_fill_no_slice_and_let_others_have_their_turn() -> None:
    one = small(Bounds(decisions=10, breaths=1000, breath_seconds=-1, looks=10))
    some = sents(one, 95)
    proofs = [
        Appended(n, ms(START), sent.key, orjson.dumps({
            "report_id": (sent.key or b"").decode(), "stored_at": START.isoformat(), "evidence": "READ_BACK",
        }))
        for n, sent in enumerate(some)
    ]  # fmt: skip
    applied(one, batch(one, sent=some, stored=proofs))
    slices = list(one.slices(marked(one, one.marks.new_set(), START + DAY)))
    assert slices[:-1] == [None] * (len(slices) - 1)
    assert len(slices) > 9


def test_slow_records_are_cut_where_the_time_is_over() -> None:
    one = small(ONE_RECORD)
    one.apply(batch(one, sent=sents(one, 5)))
    slices = list(slices_of(one, marked(one, b"another", START + MOMENT)))
    assert [writes.offsets[SENT] for writes in slices] == [1, 2, 3, 4, 5, 6]
    assert coverage_of(slices[-2])["applied"][SENT]["last_record"]["offset"] == 4


def test_a_breath_alone_writes_nothing() -> None:
    one = small(Bounds(breaths=3, breath_seconds=-1))
    one.apply(batch(one, sent=sents(one, 7)))
    steps = list(one.slices(marked(one, b"another", START + MOMENT)))
    assert [step.offsets[SENT] for step in steps if step is not None] == [3, 6, 8]
    assert steps.count(None) >= 7


class Topics:
    """What Kafka would keep of the commits."""

    def __init__(self) -> None:
        self.announced: list[bytes | None] = []
        self._kept: dict[str, dict[bytes, bytes | None]] = {"reports.state": {}, "reports.coverage": {}}

    def commit(self, writes: Writes) -> None:
        self.announced += [write.value for write in of(writes, "missing")]
        for name, kept in self._kept.items():
            kept |= {write.key: write.value for write in writes.records if write.topic == name}

    def restored(self) -> Processor:
        """A new processor, as the next owner has it."""
        rows = PackedRows()
        for key, value in self._kept["reports.state"].items():
            if value is not None:
                rows.restore(key.decode(), value)
        said = [orjson.loads(value or b"") for value in self._kept["reports.coverage"].values()]
        books = Books(read_book(value) for value in said if value["kind"] == "books")
        (coverage,) = (read_coverage(value) for value in said if value["kind"] == "coverage")
        return small(TENS, Processor(SETTINGS, RULES, rows, books, coverage))


@pytest.mark.parametrize("apart", [timedelta(seconds=1), timedelta(0)], ids=["one after the other", "all at once"])
@pytest.mark.parametrize("committed", [0, 1, 4, 9])
def test_after_a_crash_between_two_slices_the_next_owner_finds_the_rest(committed: int, apart: timedelta) -> None:
    one, topics = small(TENS), Topics()
    topics.commit(applied(one, batch(one, sent=sents(one, 95, apart=apart))))
    for writes in islice(slices_of(one, marked(one, one.marks.new_set(), START + DAY)), committed):
        topics.commit(writes)
    assert len(topics.announced) == 10 * committed
    another = topics.restored()
    for writes in slices_of(another, marked(another, another.marks.new_set(), START + DAY + timedelta(hours=1))):
        topics.commit(writes)
    whole, marks = due_at_once(TENS, 95, apart)
    assert topics.announced == [write.value for writes in slices_of(whole, marks) for write in of(writes, "missing")]
    assert topics.restored().checker.books.total() == whole.checker.books.total()


def test_rows_are_erased_slice_by_slice_when_they_are_kept_for_a_shorter_time() -> None:
    one, marks = due_at_once(TENS, 95, timedelta(seconds=1))
    for row in list(one.rows):
        row.asks = Asks.NONE
        one.rows.put(row)
    one.apply(marks)
    far = marked(one, one.marks.new_set(), START + timedelta(days=200))
    slices = list(slices_of(one, far))
    assert [sum(write.value is None for write in of(writes, "state")) for writes in slices] == [10] * 9 + [5]
    assert len(one.rows) == 0


class Held:
    """Stands for the transactions of a partition: each commit waits until it is let through."""

    def __init__(self) -> None:
        self.commits: list[Writes] = []
        self.gate = asyncio.Semaphore(0)

    async def commit(self, writes: Writes) -> None:
        await self.gate.acquire()
        self.commits.append(writes)

    def let(self, count: int) -> None:
        for _ in range(count):
            self.gate.release()


def at_work(one: Processor) -> tuple[Partition, Held]:
    held: Any = Held()
    return Partition(one, held, lambda partition, seconds: None), held


async def turns(count: int = 20) -> None:
    """Let whatever is at work go on."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_partition_that_is_given_up_stops_after_the_slice_at_work() -> None:
    one, marks = due_at_once(TENS, 95, timedelta(seconds=1))
    partition, held = at_work(one)
    working = asyncio.create_task(partition.apply(marks))
    held.let(2)
    await turns()
    partition.begin_anew()
    held.let(5)
    assert await asyncio.wait_for(working, 5)
    await asyncio.wait_for(partition.idle(), 5)
    assert [len(of(writes, "missing")) for writes in held.commits] == [10] * 3
    one.begin_anew()
    again = marked(one, one.marks.new_set(), START + DAY)
    held.let(100)
    again = Batch(0, partition.epoch, again.spans, again.records)
    assert await partition.apply(again)
    assert sum(len(of(writes, "missing")) for writes in held.commits) == 95


async def test_the_batch_behind_waits_for_all_slices_of_the_one_before() -> None:
    one = small(ONE_RECORD)
    partition, held = at_work(one)
    one.apply(batch(one, sent=sents(one, 4)))
    first = marked(one, b"another", START + MOMENT)
    after = Appended(5, ms(START + 2 * MOMENT), report(9).encode(), sent_value(report(9)))
    second = Batch(0, 0, {SENT: (first.spans[SENT])._replace(start=5, end=6)}, {SENT: [after]})
    partition.queued = 2
    both = [asyncio.create_task(partition.apply(one)) for one in (first, second)]
    held.let(100)
    assert await asyncio.wait_for(asyncio.gather(*both), 5) == [True, True]
    assert [writes.offsets[SENT] for writes in held.commits] == [1, 2, 3, 4, 5, 5]
    assert (one.position(SENT), partition.queued) == (6, 0)


async def test_a_gap_can_be_said_between_two_slices() -> None:
    one, marks = due_at_once(TENS, 95, timedelta(seconds=1))
    partition, held = at_work(one)
    working = asyncio.create_task(partition.apply(marks))
    await turns()
    saying = asyncio.create_task(partition.publish(lambda: Gap(START, "lag")))
    held.let(100)
    await asyncio.wait_for(asyncio.gather(working, saying), 5)
    assert [len(of(writes, "missing")) for writes in held.commits] == [10, 0, *[10] * 8, 5]


@pytest.mark.parametrize("reports", [5, 15])
async def test_a_gap_is_said_only_if_it_is_still_there_when_the_commit_that_runs_is_done(reports: int) -> None:
    """The last slice closes it. After any other one it is as old as before."""
    one, marks = due_at_once(TENS, reports, timedelta(seconds=1))
    partition, held = at_work(one)
    partition._began_at = partition.moved_at = time.monotonic() - 60
    unused: Any = None
    marker = Marker(KafkaSettings(), SETTINGS, unused, unused, Metrics())
    working = asyncio.create_task(partition.apply(marks))
    await turns()
    assert one.coverage.gap is None
    saying = asyncio.create_task(marker._say_gap(partition))
    await turns()
    held.let(100)
    await asyncio.wait_for(asyncio.gather(working, saying), 5)
    gaps = [coverage_of(writes)["gap"] for writes in held.commits]
    assert gaps[-1] is None
    assert [gap["cause"] for gap in gaps if gap] == ["lag"] * (reports // 10)


async def test_others_have_their_turn_within_a_slice() -> None:
    one = small(Bounds(breaths=1000, breath_seconds=-1))
    partition, held = at_work(one)
    others = 0

    async def other() -> None:
        nonlocal others
        while True:
            others += 1
            await asyncio.sleep(0)

    held.let(1)
    one.apply(batch(one, sent=sents(one, 200)))
    ticking = asyncio.create_task(other())
    await partition.apply(marked(one, b"another", START + MOMENT))
    ticking.cancel()
    assert len(held.commits) == 1
    assert others >= 200


async def test_a_worker_is_not_ready_while_it_announces_what_fell_due() -> None:
    one, marks = due_at_once(TENS, 25, timedelta(seconds=1))
    partition, held = at_work(one)
    source: Any = type("Source", (), {"assigned": True, "restoring": False})
    table: Any = type("Table", (), {"partitions": {0: partition}})
    working = asyncio.create_task(partition.apply(marks))
    held.let(2)
    await turns()
    assert readiness.unready(source, table) == ["partition 0: not complete yet"]
    held.let(1)
    await asyncio.wait_for(working, 5)
    assert readiness.unready(source, table) == []


async def test_the_brokers_time_is_known_with_the_first_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.engine.partition.time.monotonic", lambda: 100.0)
    one, marks = due_at_once(TENS._replace(breath_seconds=1e9), 25, timedelta(seconds=1))
    it, held = at_work(one)
    working = asyncio.create_task(it.apply(marks))
    held.let(1)
    await turns()
    assert it.clock.now() == START + DAY
    held.let(2)
    await asyncio.wait_for(working, 5)
    assert it.clock.now() == START + DAY
