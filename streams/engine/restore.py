"""Taking over a partition: fence its former owner, read its state to the end, and find where to go on."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.core.books import Books
from streams.core.events import written
from streams.core.rules import Rules
from streams.engine.batch import Span
from streams.engine.pending import Waiting
from streams.engine.processor import Processor
from streams.engine.snapshot import Restored
from streams.errors import ConfigurationError, StateUnreadable
from streams.kafka.consumers import assign_paused, one_off_consumer
from streams.records.coverage import Applied, Coverage, Gap, LastRecord, Loss, ensure_same_partitions
from streams.records.fast_decode import CleanReader
from streams.records.record import arrival
from streams.settings import KafkaSettings, Settings

READ_AT_ONCE = 5_000
STALL_SECONDS = 60
RESTORE_FETCH_MILLISECONDS = (
    50  # at the end of a topic a fetch waits for more, and every question to that broker behind it
)


class Restorer:
    """Reads one partition's state with a consumer of its own, outside the group."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: Settings,
        clean: CleanReader | None = None,
        step: Callable[[], None] = lambda: None,
    ) -> None:
        """`step` is called whenever it has come further."""
        self._kafka = kafka
        self._settings = settings
        self._clean = clean
        self._step = step
        self._timeout_ms = int(settings.request_timeout.total_seconds() * 1000)

    async def processor(
        self, rules: Rules, partition: int, partitions: int, committed: dict[str, int | None]
    ) -> Processor:
        """The partition's processor as its last commit left it. Raises StateUnreadable or KafkaError."""
        state = TopicPartition(self._settings.output("state"), partition)
        coverage = TopicPartition(self._settings.output("coverage"), partition)
        async with self._consumer("read_committed") as consumer:
            inputs = [TopicPartition(topic, partition) for topic in self._settings.inputs]
            # All questions come before the reading: once it waits for more, they would have to wait behind it.
            begins = await assign_paused(consumer, [state, coverage, *inputs])
            spans = {tp: Span(begins[tp], end) for tp, end in (await consumer.end_offsets(inputs)).items()}
            consumer.resume(state, coverage)
            restored = await self._read(consumer, state, coverage)
            found = await self._positions(consumer, restored, spans, committed, partitions, rules)
        deadlines = await restored.deadlines(rules)
        books, waiting = Books(restored.books.items()), Waiting(restored.pending)
        return Processor(self._settings, rules, restored.rows, books, found, deadlines, self._clean, waiting)

    async def _read(self, consumer: Any, state: TopicPartition, coverage: TopicPartition) -> Restored:
        """Both topics until the high watermark of after the fence: nothing of a former owner can be missing."""
        ends = await self._high_watermarks([state, coverage])
        restored, stalled = Restored(state, coverage), 0.0
        while any([await consumer.position(tp) < ends[tp] for tp in (state, coverage)]):
            fetched = await consumer.getmany(timeout_ms=1000, max_records=READ_AT_ONCE)
            stalled = 0.0 if fetched else stalled + 1
            if stalled > STALL_SECONDS:
                raise StateUnreadable(f"{state.topic}-{state.partition} cannot be read to its end; is a broker down?")
            if fetched:
                self._step()
            for tp, records in fetched.items():
                restored.take(tp, records)
            await asyncio.sleep(0)
        return restored

    async def _high_watermarks(self, tps: list[TopicPartition]) -> dict[TopicPartition, int]:
        async with self._consumer("read_uncommitted") as consumer:
            consumer.assign(tps)
            ends: dict[TopicPartition, int] = await consumer.end_offsets(tps)
            return ends

    async def _positions(
        self,
        consumer: Any,
        restored: Restored,
        inputs: Mapping[TopicPartition, Span],
        committed: dict[str, int | None],
        partitions: int,
        rules: Rules,
    ) -> Coverage:
        """Where to go on. Coverage is the truth: it was committed with the rows; the group's offsets may expire.

        `inputs`: from where to where each can be read.
        """
        partition, known, facts = min(inputs).partition, restored.coverage, self._settings.facts
        if known is None:
            if any(offset is not None for offset in committed.values()) or restored.has_rows:
                raise StateUnreadable(
                    f"Partition {partition}: the group has committed offsets, but {self._settings.output('coverage')} "
                    "says nothing: its state was deleted; choose another MELDINGSVAKT_APP_ID to check from the start."
                )
            applied = {tp.topic: Applied(span.start) for tp, span in inputs.items()}
            begun_late = [tp.topic for tp, span in inputs.items() if span.start > 0]
            beginnings: dict[str, datetime | None] = {topic: None for topic in begun_late if topic in facts}
            return Coverage(partition, partitions, applied, beginnings=beginnings)
        ensure_same_partitions(known, partitions)
        _ensure_same_policy(known, rules)
        for tp, span in inputs.items():
            if tp.topic not in facts:  # state of before decisions were read goes on with the first of them
                known.applied.setdefault(tp.topic, Applied(span.start))
            _ensure_same_offset(tp, known.applied[tp.topic].next_offset, committed[tp.topic])
            loss = await self._loss(consumer, tp, known, span)
            if loss is not None:
                known.lose(loss)
                known.gap = Gap(loss.since, loss.cause)
                # The next decision may have arrived long before T.
                latest = _latest(known, tp.topic) if tp.topic in facts else known.applied[tp.topic].latest
                known.applied[tp.topic] = Applied(span.start, latest=latest)
        return known

    async def _loss(self, consumer: Any, tp: TopicPartition, known: Coverage, span: Span) -> Loss | None:
        applied, since = known.applied[tp.topic], _latest(known, tp.topic) or arrival(0)
        if applied.next_offset > span.end or await self._recreated(consumer, tp, applied.last, span.start):
            return Loss(tp.topic, applied.next_offset, None, "topic_recreated", since)
        if applied.next_offset < span.start:
            return Loss(tp.topic, applied.next_offset, span.start, "deleted_by_retention", since)
        return None

    async def _recreated(self, consumer: Any, tp: TopicPartition, last: LastRecord | None, begin: int) -> bool:
        """True if the last applied record is another one now: the topic was deleted and made anew."""
        if last is None or last.offset < begin:
            return False
        consumer.assign([tp])
        consumer.seek(tp, last.offset)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._timeout_ms / 1000):
                record = await consumer.getone(tp)
                return bool(record.offset != last.offset or arrival(record.timestamp) != last.arrived)
        raise KafkaError(f"{tp.topic}-{tp.partition} offset {last.offset} cannot be read again")

    def _consumer(self, isolation: str) -> AbstractAsyncContextManager[Any]:
        return one_off_consumer(
            self._kafka,
            isolation,
            "none",
            request_timeout_ms=self._timeout_ms,
            fetch_max_wait_ms=RESTORE_FETCH_MILLISECONDS,
            max_partition_fetch_bytes=8 << 20,
            fetch_max_bytes=32 << 20,
        )


def _latest(known: Coverage, topic: str) -> datetime | None:
    """Before that nothing arrived that is not applied, whatever a clock says that has stepped back; None if unknown."""
    times = (known.applied[topic].latest, known.complete_until)
    return max((time for time in times if time is not None), default=None)


def _ensure_same_policy(known: Coverage, rules: Rules) -> None:
    """Who was judged by which version is history: the same log must give the same events for ever."""
    if known.judged_until is None:
        return
    for name in rules.policy.rewritten(known.policy, known.judged_until):
        raise ConfigurationError(
            f"The policy's version {name} is not what reports that arrived until {written(known.judged_until)} are "
            "judged by (it was changed, moved or removed, or is new though valid from before then): put back what it "
            "said, portal_retention, last_call and loss_patience included, and say what is new in a version with a "
            "later valid_from."
        )


def _ensure_same_offset(tp: TopicPartition, applied: int, committed: int | None) -> None:
    if committed is not None and committed != applied:
        raise StateUnreadable(
            f"{tp.topic}-{tp.partition}: the group's offset {committed} was changed by hand (the state ends at "
            f"{applied}): delete the group's offsets; the checker goes on by its own state."
        )
