"""From Kafka into the tables: reads what the checker writes, and knows how far what it has read can be trusted."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import duckdb
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.errors import ConfigurationError, InDoubt, StateUnreadable
from streams.kafka.consumers import assign_paused, one_off_consumer
from streams.kafka.denials import explained
from streams.kafka.patches import ensure_working
from streams.kafka.topics import cluster_id, partition_counts, topic_setting
from streams.settings import KafkaSettings, Settings
from streams.view.store.changes import Changes, TopicPlace
from streams.view.store.store import Store

log = logging.getLogger(__name__)
T = TypeVar("T")

TAKE_RECORDS = 2_000  # at once from the client, so that requests are answered in between
BATCH_RECORDS = 100_000
BATCH_PAUSE_SECONDS = 0.2
WAIT_MILLISECONDS = 200
RETRY_SECONDS = 1.0
ASK_AFTER_SECONDS = 5.0
FORGET_EVERY_SECONDS = 3600.0
# How much sooner than the broker may drop tombstones a file counts as too old to go on from.
TOMBSTONE_MARGIN = timedelta(hours=1)


@dataclass(slots=True)
class Progress:
    """How the reading goes. Times are the view's own clock's."""

    unreachable_since: datetime | None = None
    trouble: str | None = None  # one sentence: why nothing more is read
    records_left: int | None = None  # as the last fetch told; None before the first
    applied_at: datetime | None = None
    records_read: Counter[str] = field(default_factory=Counter)  # by topic: state, missing, coverage


@dataclass(slots=True)
class _Held:
    """What one partition's coverage topic said, until everything that it speaks of has been read."""

    said: Changes
    until: dict[TopicPlace, int]  # the positions that must have been reached


class TopicFollower:
    """Reads state, missing and coverage into a store, for as long as it is let."""

    def __init__(self, kafka: KafkaSettings, settings: Settings, store: Store) -> None:
        self._kafka, self._settings, self._store = kafka, settings, store
        self._state, self._missing, self._coverage = (settings.output(n) for n in ("state", "missing", "coverage"))
        self._held: dict[int, deque[_Held]] = {}
        self._heard = 0.0
        self.progress = Progress()

    async def run(self) -> None:
        """Read on and on; when Kafka cannot be reached, try again. Raises ConfigurationError at an alien file."""
        while True:
            try:
                async with (
                    one_off_consumer(self._kafka, reset="none") as consumer,
                    one_off_consumer(self._kafka, "read_uncommitted", "none") as heights,
                ):
                    await self._follow(consumer, heights)
            except (KafkaError, OSError) as error:
                self._lost(await explained(error, self._kafka, "Read"))
            except _NotYet as error:  # no topic, or no answer while it asked
                self._lost(str(error))
            except StateUnreadable as error:
                self.progress.trouble = str(error)
                log.error("%s The tables stay as they are.", error)
                return
            await asyncio.sleep(RETRY_SECONDS)

    def _lost(self, why: str) -> None:
        progress = self.progress
        if progress.unreachable_since is None:
            progress.unreachable_since = datetime.now(UTC)
            log.warning("Kafka cannot be read: %s; trying again every second.", why)
        progress.trouble = why

    async def _follow(self, consumer: Any, heights: Any) -> None:
        tps = await self._partitions()
        await self._settle_source()
        begins = await assign_paused(consumer, tps)
        await assign_paused(heights, tps)
        await self._place(consumer, begins, await heights.end_offsets(tps))
        self._held.clear()
        consumer.resume(*tps)
        if self.progress.unreachable_since is not None:
            log.info("Reading from Kafka again.")
        self.progress.unreachable_since, self.progress.trouble = None, None
        await self._read_on(consumer, heights, tps)

    async def _partitions(self) -> list[TopicPartition]:
        counts = await _asked(partition_counts(self._kafka, [self._state, self._missing, self._coverage]))
        return [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]

    async def _settle_source(self) -> None:
        """Build anew what is of another cluster or too long ago; refuse what is another checker's."""
        cluster, about = await _asked(cluster_id(self._kafka)), await asyncio.to_thread(self._store.about)
        if about is not None and about.application != self._settings.app_id:
            raise ConfigurationError(
                f"The view's file holds the tables of {about.application}, not of {self._settings.app_id}: set "
                "MELDINGSVAKT_VIEW_FILE to another file."
            )
        why = None
        if about is not None and about.cluster != cluster:
            why = "they were read from another cluster"
        elif about is not None and await self._too_old(about.applied_at):
            why = "Kafka may have dropped by now what says which rows were erased since"
        if why is not None:
            await self._rebuild(why)
        if about is None or why is not None:
            await asyncio.to_thread(self._store.begin, self._settings.app_id, cluster)

    async def _too_old(self, applied_at: datetime | None) -> bool:
        if applied_at is None:
            return False
        setting = await _asked(topic_setting(self._kafka, self._state, "delete.retention.ms"))
        kept = timedelta(milliseconds=int(setting or 0))
        return datetime.now(UTC) - applied_at > max(kept - TOMBSTONE_MARGIN, kept / 2)

    async def _rebuild(self, why: str) -> None:
        log.warning("The tables are built anew from Kafka: %s.", why)
        await asyncio.to_thread(self._store.rebuild)

    async def _place(self, consumer: Any, begins: dict[TopicPartition, int], ends: dict[TopicPartition, int]) -> None:
        """Go on where the tables end; where that is no place in the log any more, from its beginning."""
        known = await asyncio.to_thread(self._store.positions)
        moved = [
            tp for tp in begins if TopicPlace(*tp) in known and not self._fits(tp, known[TopicPlace(*tp)], begins, ends)
        ]
        if moved:
            about = await asyncio.to_thread(self._store.about)
            await self._rebuild(f"{moved[0].topic}-{moved[0].partition} does not go on where they end")
            assert about is not None
            await asyncio.to_thread(self._store.begin, about.application, about.cluster)
            known = {}
        for tp, begin in begins.items():
            consumer.seek(tp, max(begin, known.get(TopicPlace(*tp), begin)))

    def _fits(
        self, tp: TopicPartition, known: int, begins: dict[TopicPartition, int], ends: dict[TopicPartition, int]
    ) -> bool:
        """Announcements and coverage may be deleted by age; a row's last word may not be missed."""
        return known <= ends[tp] and (known >= begins[tp] or tp.topic != self._state)

    async def _read_on(self, consumer: Any, heights: Any, tps: Sequence[TopicPartition]) -> None:
        applying: asyncio.Task[None] | None = None
        forgotten, self._heard = float("-inf"), time.monotonic()
        try:
            while True:
                ensure_working(heights)
                if time.monotonic() - forgotten > FORGET_EVERY_SECONDS:
                    forgotten = time.monotonic()
                    await self._forget(consumer, tps)
                if time.monotonic() - self._heard > ASK_AFTER_SECONDS:
                    await heights.end_offsets(tps)  # the reading itself would wait for ever without a word
                    self._heard = time.monotonic()
                changes = await self._collect(consumer, heights, tps, applying)
                if applying is not None:
                    await applying
                applying = asyncio.create_task(self._apply(changes)) if changes else None
        except asyncio.CancelledError:
            if applying is not None:
                applying.cancel()  # it may be trying again and again
            raise
        finally:
            if applying is not None:
                await asyncio.gather(applying, return_exceptions=True)

    async def _collect(
        self, consumer: Any, heights: Any, tps: Sequence[TopicPartition], applying: "asyncio.Task[None] | None"
    ) -> Changes:
        """Everything that is there while the last batch is being applied, and for a moment more."""
        changes, taken, until = Changes(), 0, time.monotonic() + BATCH_PAUSE_SECONDS
        while taken < BATCH_RECORDS:
            fetched = await consumer.getmany(timeout_ms=WAIT_MILLISECONDS, max_records=TAKE_RECORDS)
            if fetched:
                self._heard = time.monotonic()
                taken += await self._take(consumer, heights, fetched, changes)
            busy = applying is not None and not applying.done()
            if time.monotonic() >= until and not busy:
                break
        positions = {TopicPlace(*tp): await consumer.position(tp) for tp in tps}
        self._release(changes, positions)
        self.progress.records_left = sum(
            max(0, (consumer.highwater(tp) or 0) - positions[TopicPlace(*tp)])
            for tp in tps
            if tp.topic != self._coverage
        )
        if changes:
            changes.positions |= {place: at for place, at in positions.items() if place.topic != self._coverage}
        return changes

    async def _take(self, consumer: Any, heights: Any, fetched: dict[TopicPartition, Any], changes: Changes) -> int:
        taken, spoken = 0, {}
        for tp, records in fetched.items():
            place = TopicPlace(*tp)
            taken += len(records)
            self.progress.records_read[tp.topic.rpartition(".")[2]] += len(records)
            if place.topic == self._state:
                changes.take_states(place, records)
            elif place.topic == self._missing:
                changes.take_events(place, records)
            else:
                spoken[tp] = Changes()
                spoken[tp].take_coverage(place, records)
                spoken[tp].positions[place] = await consumer.position(tp)
        if spoken:
            await self._hold(heights, spoken)
        return taken

    async def _hold(self, heights: Any, spoken: dict[TopicPartition, Changes]) -> None:
        """Coverage was written in one transaction with rows and events, which may not have been read yet."""
        of = [TopicPartition(topic, tp.partition) for tp in spoken for topic in (self._state, self._missing)]
        ends = await heights.end_offsets(of)
        for tp, said in spoken.items():
            until = {TopicPlace(*about): end for about, end in ends.items() if about.partition == tp.partition}
            waiting = self._held.setdefault(tp.partition, deque())
            # The first is never put off; what comes while it waits may as well come together.
            together = _both(waiting.pop().said, said) if len(waiting) > 1 else said
            waiting.append(_Held(together, until))

    def _release(self, changes: Changes, positions: dict[TopicPlace, int]) -> None:
        """Say what has become true: all that it speaks of is in the tables with this batch."""
        for waiting in self._held.values():
            while waiting and all(positions[place] >= end for place, end in waiting[0].until.items()):
                said = waiting.popleft().said
                changes.coverage |= said.coverage
                changes.books |= said.books
                changes.positions |= said.positions

    async def _apply(self, changes: Changes) -> None:
        """Put a batch into the tables, again and again where memory or disk is full. Raises StateUnreadable."""
        while True:
            try:
                await asyncio.to_thread(self._store.apply, changes)
            except duckdb.FatalException as error:
                raise InDoubt(
                    f"The tables cannot be used any more ({type(error).__name__}): start the view again; what was "
                    "applied is in its file, the rest is in Kafka."
                ) from None
            except duckdb.Error as error:
                self.progress.trouble = (
                    f"The tables cannot be written ({type(error).__name__}): is memory or disk full?"
                )
                log.warning("The tables cannot be written and it is tried again: %s", type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.progress.applied_at, self.progress.trouble = datetime.now(UTC), None
                return

    async def _forget(self, consumer: Any, tps: Sequence[TopicPartition]) -> None:
        begins = await consumer.beginning_offsets([tp for tp in tps if tp.topic == self._missing])
        await asyncio.to_thread(
            self._store.forget_announcements, {TopicPlace(*tp): begin for tp, begin in begins.items() if begin}
        )


class _NotYet(Exception):
    """What is to be read is not there (yet)."""


async def _asked(question: Awaitable[T]) -> T:
    """What Kafka answers. What it cannot answer now is asked again later: it is no mistake in a setting."""
    try:
        return await question
    except ConfigurationError as error:
        raise _NotYet(str(error)) from None


def _both(first: Changes, then: Changes) -> Changes:
    return Changes(
        coverage=first.coverage | then.coverage,
        books=first.books | then.books,
        positions=first.positions | then.positions,
    )
