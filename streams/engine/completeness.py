"""Writes marks when they are due, and says so when completeness stands still."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from streams.engine.metrics import Metrics
from streams.engine.partition import Window
from streams.engine.processor import BROKER_CLOCK
from streams.engine.source import Source
from streams.engine.table import WindowedTable
from streams.errors import sentence_of
from streams.exits import ending_on_error
from streams.kafka.client import client_options
from streams.kafka.denials import naming_denials
from streams.kafka.patches import still_working
from streams.memory import give_back_memory
from streams.records.coverage import Gap
from streams.records.record import HEADER
from streams.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

LOST_AFTER_SECONDS = 5.0
LOOK_SECONDS, IDLE_SECONDS = 0.02, 0.1  # between two looks: with a deadline at hand, and without
PACK_AT_ONCE = 40  # restored rows of each partition, between two looks: a fifth of a millisecond


def due_together(windows: Sequence[Window], mark_every: timedelta, mark_pause: timedelta) -> list[Window]:
    """Those for which it is time for a new set of marks.

    With the first that has been quiet for long go those that would follow soon: what is written and read for all of
    them then travels in the same few requests.
    """
    due = [window for window in windows if window.mark_due(mark_every, mark_pause)]
    if any(window.quiet_for(mark_every) for window in due):
        due += [window for window in windows if window not in due and window.quiet_for(mark_every / 2)]
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
                still_working(self._producer)
                windows = list(self._table.windows.values())
                for window in due_together(windows, self._settings.mark_every, self._settings.mark_pause):
                    self._begin_set(window)
                looks = [await self._look_at(window) for window in windows]
                await asyncio.sleep(max(LOOK_SECONDS, min([*looks, IDLE_SECONDS])))

    async def _look_at(self, window: Window) -> float:
        """Say a gap where it is time for it; in how many seconds to look again."""
        self._give_up_lost_marks(window)
        await self._say_gap(window)
        # A partition that waits to be restored comes first.
        if self._source.restoring or not window.ledger.rows.unpacked:
            return window.seconds_to_deadline()
        if window.ledger.rows.pack_some(PACK_AT_ONCE) == 0:
            give_back_memory()
        return 0.0

    def _begin_set(self, window: Window) -> None:
        window.marked_at, window.marks_acknowledged_at = time.monotonic(), None
        task = asyncio.create_task(self._write_set_guarded(window, window.ledger.marks.new_set()))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write_set_guarded(self, window: Window, header: bytes) -> None:
        with ending_on_error("Writing marks"):
            await self._write_set(window, header)

    async def _write_set(self, window: Window, header: bytes) -> None:
        headers = [(HEADER, header)]
        try:
            async with naming_denials(self._kafka, "Write"), asyncio.timeout(self._patience_seconds):
                # The key is empty, not null: aiokafka wants either a key or a value.
                sends = [
                    await self._producer.send(topic, key=b"", partition=window.partition, headers=headers)
                    for topic in self._settings.inputs
                ]
                for appended in await asyncio.gather(*sends):
                    self._appended[TopicPartition(appended.topic, appended.partition)] = appended.offset
        except (KafkaError, TimeoutError) as error:
            log.warning("Marks of partition %d could not be written: %s", window.partition, sentence_of(error))
            self._metrics.count("marks_failed")
            self._failing.add(window.partition)
            window.ledger.marks.abandon()
        else:
            self._failing.discard(window.partition)
            window.marks_acknowledged_at = time.monotonic()

    def _give_up_lost_marks(self, window: Window) -> None:
        """Marks that were acknowledged and are not there would be waited for in vain.

        Theirs is the offset of another record by now, or the log ends before it, as a fetch has told well after the
        acknowledgement. Nothing is decided by a set that is given up.
        """
        if window.marks_acknowledged_at is None:
            return
        since = window.marks_acknowledged_at + LOST_AFTER_SECONDS
        for topic in window.ledger.marks.unseen:
            tp = TopicPartition(topic, window.partition)
            offset, end = self._appended[tp], self._source.end_told_since(tp, since)
            if window.ledger.position(topic) > offset or (end is not None and end <= offset):
                log.error(
                    "%s-%d has lost a mark that was acknowledged at offset %d, and perhaps what others wrote: was "
                    "there an unclean election, was a disk lost, or the topic made anew? New marks are written.",
                    topic, window.partition, offset, extra={"partition": window.partition},
                )  # fmt: skip
                self._metrics.count("marks_lost")
                window.give_up_marks()
                return

    async def _say_gap(self, window: Window) -> None:
        """Publish a gap once completeness has stood still for too long, and again when its cause changes."""
        if window.stood_still() < self._settings.gap_after.total_seconds():
            return
        coverage = window.ledger.coverage
        cause = self._cause(window)
        if coverage.gap is not None and coverage.gap.cause == cause:
            return
        since = coverage.gap.since if coverage.gap else coverage.complete_until or datetime.now(UTC)
        log.warning(
            "Partition %d cannot be checked since %s: %s", window.partition, since.isoformat(), cause,
            extra={"partition": window.partition, "cause": cause},
        )  # fmt: skip
        await window.publish(Gap(since, cause))

    def _cause(self, window: Window) -> str:
        if window.ledger.clock_is_behind():
            return BROKER_CLOCK
        if window.partition in self._failing:
            return "no_marks"
        for topic in window.ledger.marks.unseen:
            tp = TopicPartition(topic, window.partition)
            stable, position = self._source.last_stable_offset(tp), window.ledger.position(topic)
            if stable is not None and position >= stable and position <= self._appended.get(tp, -1):
                return "open_transaction"
        return "lag"
