"""When marks are written: for one partition at a time, or for all that would be next."""

import time
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.engine.completeness import Marker, due_together
from streams.engine.metrics import Metrics
from streams.engine.partition import Partition
from streams.settings import KafkaSettings
from tests.engine.conftest import MakeWorld
from tests.engine.processing import SETTINGS, processor

EVERY, PAUSE = timedelta(seconds=10), timedelta(milliseconds=200)


def quiet(seconds: float, *, outstanding: bool = False) -> Partition:
    """A partition without deadlines whose last set of marks was begun so long ago."""
    unused: Any = None
    partition = Partition(processor(), unused, unused)
    partition.marked_at = time.monotonic() - seconds
    if outstanding:
        partition.processor.marks.new_set()
    return partition


@pytest.mark.parametrize("others", [[], [9.0], [0.0, 4.0, 5.5, 9.9]])
def test_nobody_is_due_before_one_has_been_quiet_for_long(others: list[float]) -> None:
    assert due_together([quiet(seconds) for seconds in others], EVERY, PAUSE) == []


def test_those_that_would_be_next_go_along() -> None:
    due, soon, fresh = quiet(10.0), quiet(5.5), quiet(4.5)
    assert due_together([fresh, soon, due], EVERY, PAUSE) == [due, soon]


def test_a_set_that_is_on_its_way_is_waited_for() -> None:
    due, underway = quiet(10.0), quiet(60.0, outstanding=True)
    assert due_together([underway, due], EVERY, PAUSE) == [due]


def test_a_deadline_is_the_business_of_its_own_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed, other = quiet(0.5), quiet(6.0)
    monkeypatch.setattr(pressed, "seconds_to_deadline", lambda: -0.1)
    assert due_together([pressed, other], EVERY, PAUSE) == [pressed]


class Told:
    """As much of a source as is asked: where a fetch told that the partitions end, long after the acknowledgement."""

    def __init__(self, end: int | None) -> None:
        self.end = end

    def end_told_since(self, tp: TopicPartition, since: float) -> int | None:
        return self.end if since < time.monotonic() else None


def awaited(
    end: int | None, acknowledged_ago: float | None = 60.0, position: int = 0
) -> tuple[Marker, Partition, Metrics]:
    """A marker whose set was acknowledged at offset 5 of each input, and a partition that waits for it."""
    partition, metrics = quiet(60.0, outstanding=True), Metrics()
    unused: Any = None
    source: Any = Told(end)
    marker = Marker(KafkaSettings(), SETTINGS, unused, source, metrics)
    marker._appended = {TopicPartition(topic, 0): 5 for topic in SETTINGS.inputs}
    if acknowledged_ago is not None:
        partition.marks_acknowledged_at = time.monotonic() - acknowledged_ago
    for one in partition.processor.log.inputs.values():
        one.next_offset = position
    return marker, partition, metrics


@pytest.mark.parametrize(("end", "position"), [(5, 5), (0, 0), (None, 6), (9, 6)])
def test_a_mark_that_was_acknowledged_and_is_not_there_is_written_anew_and_said(
    end: int | None, position: int, caplog: pytest.LogCaptureFixture
) -> None:
    marker, partition, metrics = awaited(end, position=position)
    marker._give_up_lost_marks(partition)
    assert due_together([partition], EVERY, PAUSE) == [partition]
    assert metrics.registry.get_sample_value("meldingsvakt_marks_lost_total") == 1
    assert "reports.sent-0 has lost a mark that was acknowledged at offset 5" in caplog.text
    marker._give_up_lost_marks(partition)
    assert metrics.registry.get_sample_value("meldingsvakt_marks_lost_total") == 1


@pytest.mark.parametrize(
    ("end", "acknowledged_ago", "position"),
    [(6, 60.0, 5), (900, 60.0, 0), (None, 60.0, 5), (5, 1.0, 5), (5, None, 5)],
    ids=["it is the next", "the worker is behind", "no fetch has told", "just acknowledged", "not acknowledged"],
)
def test_a_mark_that_may_come_yet_is_waited_for(end: int | None, acknowledged_ago: float | None, position: int) -> None:
    marker, partition, metrics = awaited(end, acknowledged_ago, position)
    marker._give_up_lost_marks(partition)
    assert partition.processor.marks.outstanding
    assert metrics.registry.get_sample_value("meldingsvakt_marks_lost_total") == 0


# Starts a worker whose first mark on stored is acknowledged by another topic, so that it never lies where it should.
FORGETFUL = """
import asyncio
from streams.engine import completeness
from streams.cli import main

class Forgetful(completeness.AIOKafkaProducer):
    forgotten = False

    async def send(self, topic, *arguments, **options):
        if Forgetful.forgotten or not topic.endswith(".stored"):
            return await super().send(topic, *arguments, **options)
        Forgetful.forgotten = True
        appended = await super().send(topic.replace(".stored", ".access"), *arguments, **options)
        async def pretended():
            return (await appended)._replace(topic=topic)
        return asyncio.ensure_future(pretended())

completeness.AIOKafkaProducer = Forgetful
main()
"""


@pytest.mark.long
@pytest.mark.kafka
async def test_a_worker_that_waits_for_a_lost_mark_goes_on_with_new_ones(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    worker = world.worker(launcher=("-c", FORGETFUL))
    await worker.ready(40)
    assert f"{world.name}.stored-0 has lost a mark that was acknowledged at offset 0" in worker.output()
    assert "meldingsvakt_marks_lost_total 1.0" in (await worker.get("/metrics"))[1]
    async with world.announcements() as announced:
        report = await world.sent()
        assert (await announced.next())["report_id"] == report
