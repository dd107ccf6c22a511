"""Writes marks when they are due, and says so when completeness stands still."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from streams.engine.metrics import Metrics
from streams.engine.partition import Partition
from streams.engine.processor import BROKER_CLOCK
from streams.engine.source import Source
from streams.engine.table import WindowedTable
from streams.errors import sentence_of
from streams.exits import ending_on_error
from streams.kafka.client import client_options
from streams.kafka.denials import naming_denials
from streams.kafka.patches import ensure_working
from streams.memory import give_back_memory
from streams.records.coverage import Gap
from streams.records.record import HEADER
from streams.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

LOST_AFTER_SECONDS = 5.0
LOOK_SECONDS, IDLE_SECONDS = 0.02, 0.1  # between two looks: with a deadline at hand, and without
PACK_AT_ONCE = 40  # restored rows of each partition, between two looks: a fifth of a millisecond


def due_together(partitions: Sequence[Partition], mark_every: timedelta, mark_pause: timedelta) -> list[Partition]:
    """Those for which it is time for a new set of marks.

    With the first that has been quiet for long go those that would follow soon: what is written and read for all of
    them then travels in the same few requests.
    """
    due = [partition for partition in partitions if partition.mark_due(mark_every, mark_pause)]
    if any(partition.quiet_for(mark_every) for partition in due):
        due += [partition for partition in partitions if partition not in due and partition.quiet_for(mark_every / 2)]
    return due


class Marker(Service):  # type: ignore[misc]  # mode has no types for us
    """One set of marks a partition, when a deadline is due and otherwise every `mark_every`."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: Settings,
        table: WindowedTable,
        source: Source,
        metrics: Metrics,
        **kw: Any,
    ) -> None:
        super().__init__(**kw)
        self._kafka, self._settings, self._table = kafka, settings, table
        self._source, self._metrics = source, metrics
        self._producer: Any = None
        self._patience_seconds = 2 * settings.request_timeout.total_seconds()
        self._writing: set[asyncio.Task[None]] = set()
        self._failing: set[int] = set()
        self._appended: dict[TopicPartition, int] = {}

    async def on_start(self) -> None:
        """Connect. Marks are not transactional: an open transaction of ours must not hold them back."""
        self._producer = AIOKafkaProducer(
            **client_options(self._kafka),
            acks="all",
            request_timeout_ms=int(self._settings.request_timeout.total_seconds() * 1000),
        )
        await self._producer.start()

    async def on_stop(self) -> None:
        """Stop writing."""
        for task in self._writing:
            task.cancel()
        await asyncio.gather(*self._writing, return_exceptions=True)
        if self._producer is not None:
            await self._producer.stop()

    @Service.task  # type: ignore[untyped-decorator]
    async def _look(self) -> None:
        with ending_on_error("Watching completeness"):
            while not self.should_stop:
                ensure_working(self._producer)
                partitions = list(self._table.partitions.values())
                for partition in due_together(partitions, self._settings.mark_every, self._settings.mark_pause):
                    self._begin_set(partition)
                looks = [await self._look_at(partition) for partition in partitions]
                await asyncio.sleep(max(LOOK_SECONDS, min([*looks, IDLE_SECONDS])))

    async def _look_at(self, partition: Partition) -> float:
        """Say a gap where it is time for it; in how many seconds to look again."""
        self._give_up_lost_marks(partition)
        await self._say_gap(partition)
        # A partition that waits to be restored comes first.
        if self._source.restoring or not partition.processor.rows.unpacked:
            return partition.seconds_to_deadline()
        if partition.processor.rows.pack_some(PACK_AT_ONCE) == 0:
            give_back_memory()
        return 0.0

    def _begin_set(self, partition: Partition) -> None:
        task = asyncio.create_task(self._write_set_guarded(partition, partition.begin_marks()))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_set_guarded(self, partition: Partition, header: bytes) -> None:
        with ending_on_error("Writing marks"):
            await self._write_set(partition, header)

    async def _write_set(self, partition: Partition, header: bytes) -> None:
        headers = [(HEADER, header)]
        try:
            async with naming_denials(self._kafka, "Write"), asyncio.timeout(self._patience_seconds):
                # None to decisions: nobody waits for them, and where they cannot be written verdicts go on.
                # The key is empty, not null: aiokafka wants either a key or a value.
                sends = [
                    await self._producer.send(topic, key=b"", partition=partition.number, headers=headers)
                    for topic in self._settings.facts
                ]
                for appended in await asyncio.gather(*sends):
                    self._appended[TopicPartition(appended.topic, appended.partition)] = appended.offset
        except (KafkaError, TimeoutError) as error:
            log.warning("Marks of partition %d could not be written: %s", partition.number, sentence_of(error))
            self._metrics.count("marks_failed")
            self._failing.add(partition.number)
            partition.abandon_marks()
        else:
            self._failing.discard(partition.number)
            partition.acknowledge_marks()

    def _give_up_lost_marks(self, partition: Partition) -> None:
        """Marks that were acknowledged and are not there would be waited for in vain.

        Theirs is the offset of another record by now, or the log ends before it, as a fetch has told well after the
        acknowledgement. Nothing is decided by a set that is given up.
        """
        if partition.marks_acknowledged_at is None:
            return
        since = partition.marks_acknowledged_at + LOST_AFTER_SECONDS
        for topic in partition.processor.marks.unseen:
            tp = TopicPartition(topic, partition.number)
            offset, end = self._appended[tp], self._source.end_told_since(tp, since)
            if partition.processor.position(topic) > offset or (end is not None and end <= offset):
                log.error(
                    "%s-%d has lost a mark that was acknowledged at offset %d, and perhaps what others wrote: was "
                    "there an unclean election, was a disk lost, or the topic made anew? New marks are written.",
                    topic, partition.number, offset, extra={"partition": partition.number},
                )  # fmt: skip
                self._metrics.count("marks_lost")
                partition.give_up_marks()
                return

    async def _say_gap(self, partition: Partition) -> None:
        """Publish a gap once completeness has stood still for too long, and again when its cause changes."""
        if self._gap(partition) is not None:
            await partition.publish(lambda: self._gap_said(partition))

    def _gap_said(self, partition: Partition) -> Gap | None:
        gap = self._gap(partition)
        if gap is not None:
            log.warning(
                "Partition %d cannot be checked since %s: %s", partition.number, gap.since.isoformat(), gap.cause,
                extra={"partition": partition.number, "cause": gap.cause},
            )  # fmt: skip
        return gap

    def _gap(self, partition: Partition) -> Gap | None:
        """What there is to say; None where it goes on, or that is said already."""
        if partition.stood_still() < self._settings.gap_after.total_seconds():
            return None
        coverage, cause = partition.processor.coverage, self._cause(partition)
        if coverage.gap is not None and coverage.gap.cause == cause:
            return None
        return Gap(coverage.gap.since if coverage.gap else coverage.complete_until or datetime.now(UTC), cause)

    def _cause(self, partition: Partition) -> str:
        if partition.processor.clock_is_behind():
            return BROKER_CLOCK
        if partition.number in self._failing:
            return "no_marks"
        for topic in partition.processor.marks.unseen:
            tp = TopicPartition(topic, partition.number)
            stable, position = self._source.last_stable_offset(tp), partition.processor.position(topic)
            if stable is not None and position >= stable and position <= self._appended.get(tp, -1):
                return "open_transaction"
        return "lag"
