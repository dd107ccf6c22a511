"""The source: owns the group membership, fetches the inputs, and hands batches of one partition to the agent."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    UnsupportedCodecError,
)
from mode import Service

from streams.core.rules import Rules
from streams.engine.batch import Batch, Span
from streams.engine.metrics import Metrics
from streams.engine.partition import Partition
from streams.engine.shares import shares
from streams.engine.table import WindowedTable
from streams.engine.takeover import Takeover
from streams.errors import InDoubt, sentence_of
from streams.exits import ending_on_error
from streams.kafka.client import client_options
from streams.kafka.denials import naming_denials
from streams.kafka.patches import end_told_since, ensure_working
from streams.memory import without_looking_for_garbage
from streams.records.coverage import ensure_same_partitions
from streams.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

FETCH_MILLISECONDS, BUSY_MILLISECONDS, WATCH_SECONDS = 500, 20, 0.5
MOST_QUEUED = 2  # batches of a partition: one at work, one that waits; more would take the room of the others
RESTORE_AT_ONCE = 4


class Source(Service):  # type: ignore[misc]  # mode has no types for us
    """Fetches, restores and seeks; batches go to `deliver`, which waits while the agent is behind."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: Settings,
        rules: Rules,
        table: WindowedTable,
        metrics: Metrics,
        deliver: Callable[[Batch], Awaitable[Any]],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._kafka, self._settings = kafka, settings
        self._table, self._metrics, self._deliver = table, metrics, deliver
        self._consumer: Any = None
        self._takeover = Takeover(kafka, settings, rules, metrics)
        self._parked: dict[int, Partition] = {}
        self._delivered: dict[TopicPartition, int] = {}
        self._taking_over: asyncio.Task[None] | None = None
        self.assigned = False

    @property
    def restoring(self) -> bool:
        """True while assigned partitions are not being worked yet."""
        return self._taking_over is not None and not self._taking_over.done()

    async def on_start(self) -> None:
        """Join the group."""
        session_ms = int(self._settings.session_timeout.total_seconds() * 1000)
        self._consumer = AIOKafkaConsumer(
            **client_options(self._kafka),
            group_id=self._settings.app_id,
            group_instance_id=self._settings.instance_id,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=session_ms // 3,
            request_timeout_ms=int(self._settings.request_timeout.total_seconds() * 1000),
            max_partition_fetch_bytes=4 << 20,
            metadata_max_age_ms=30_000,
        )
        self._consumer.subscribe(self._settings.inputs, listener=_Listener(self))
        # aiokafka gives up on some of what would pass, and Faust would end with a traceback.
        with ending_on_error("Joining the group"):
            async with naming_denials(self._kafka, "Read"):
                await self._consumer.start()

    async def on_stop(self) -> None:
        """Finish the running commits, then leave the group."""
        await self.give_up()
        if self._consumer is not None:
            await self._consumer.stop()
        await self._close(self._parked.values())

    @Service.task  # type: ignore[untyped-decorator]
    async def _fetch(self) -> None:
        """Fetch for as long as the worker lives."""
        with ending_on_error("Fetching"):
            while not self.should_stop:
                await self._fetch_once()

    @Service.task  # type: ignore[untyped-decorator]
    async def _watch(self) -> None:
        """A task of the client's that has ended may have taken the fetching with it, as if that had been cancelled."""
        with ending_on_error("The connection to Kafka"):
            while not self.should_stop:
                async with naming_denials(self._kafka, "Read"):
                    ensure_working(self._consumer)
                await self.sleep(WATCH_SECONDS)

    async def _fetch_once(self) -> None:
        try:
            # One record tells that there are some; the batches are then put together partition by partition.
            async with naming_denials(self._kafka, "Read"):
                first = await self._first_record()
            # A rebalance may come while a batch is delivered; what was taken before it belongs to no later epoch.
            for partition, epoch in [(partition, partition.epoch) for partition in self._free()]:
                await self._hand_over(partition, epoch, first)
        except OffsetOutOfRangeError as error:
            raise InDoubt(
                f"An input was deleted below the position that was to be read next ({error}): ending, so that the "
                "loss is written down at the next start. Start the worker again."
            ) from None
        except UnsupportedCodecError:
            raise  # no repetition helps
        except KafkaError as error:
            # Records of other partitions may have been discarded with it: fetch all of them again.
            log.warning("A fetch failed and is repeated: %s", sentence_of(error))
            self._metrics.count("fetch_errors", type(error).__name__)
            for partition in list(self._table.partitions.values()):
                self._seek(partition)
            await self.sleep(1.0)

    async def _first_record(self) -> dict[TopicPartition, list[Any]]:
        """Wait a while for one record. Where a position is missing nothing was taken: our own seek will set it."""
        free, owned = self._free(), len(self._table.partitions)
        if owned and not free:
            await self.sleep(BUSY_MILLISECONDS / 1000)
            return {}
        try:
            first: dict[TopicPartition, list[Any]] = await self._consumer.getmany(
                *(tp for partition in free for tp in self._wanted(partition)),
                timeout_ms=FETCH_MILLISECONDS if len(free) == owned else BUSY_MILLISECONDS,
                max_records=1,
            )
        except NoOffsetForPartitionError:
            return {}
        return first

    def _free(self) -> list[Partition]:
        """The partitions that can take a batch. What was fetched for the others waits: their work may take minutes."""
        return [partition for partition in self._table.partitions.values() if partition.queued < MOST_QUEUED]

    async def _hand_over(self, partition: Partition, epoch: int, first: dict[TopicPartition, list[Any]]) -> None:
        """Deliver what was fetched of one partition; positions move over control records, too."""
        if epoch != partition.epoch:
            return
        spans: dict[str, Span] = {}
        records: dict[str, list[Any]] = {}
        # What was taken is delivered even if its input has to wait by now: the position is behind it already.
        wanted = {*self._wanted(partition), *first}
        left = {tp: self._left(tp) for tp in self._inputs(partition.number) if tp in wanted}
        for tp, share in shares(left, self._settings.batch_records).items():
            records[tp.topic] = first.get(tp, [])
            try:
                if share > 0:
                    more = await self._consumer.getmany(tp, timeout_ms=0, max_records=share)
                    records[tp.topic] = records[tp.topic] + more.get(tp, [])
                position = await self._consumer.position(tp)
            except IllegalStateError:
                return  # revoked in the meantime
            if epoch != partition.epoch:
                self.fetch_again(partition.number)  # what was taken just now may lie after the seek: take it again
                return
            spans[tp.topic] = Span(self._delivered[tp], position)
        if any(span.end > span.start for span in spans.values()):
            for topic, span in spans.items():
                self._delivered[TopicPartition(topic, partition.number)] = span.end
            partition.expect_batch()
            await self._deliver(Batch(partition.number, epoch, spans, records))

    def _left(self, tp: TopicPartition) -> int:
        """How many records of an input are to be read, as the last fetch told."""
        end = self._consumer.highwater(tp) if self._owns(tp) else None
        return max(0, (end or 0) - self._delivered[tp])

    def _owns(self, tp: TopicPartition) -> bool:
        """False for what a rebalance has taken from us: aiokafka asserts instead of answering."""
        return tp in self._consumer.assignment()

    def fetch_again(self, number: int) -> None:
        """A batch did not fit: begin anew at what is applied."""
        partition = self._table.partitions.get(number)
        if partition is not None:
            self._seek(partition)

    def last_stable_offset(self, tp: TopicPartition) -> int | None:
        """How far a transaction that is still open lets us read; None if unknown."""
        offset: int | None = self._consumer.last_stable_offset(tp) if self._owns(tp) else None
        return offset

    def end_told_since(self, tp: TopicPartition, since: float) -> int | None:
        """Where a partition ends, if a fetch has told after `since` by our monotonic clock; None if not."""
        return end_told_since(self._consumer, tp, since) if self._owns(tp) else None

    async def give_up(self) -> None:
        """All partitions are revoked: no batch is applied any more, running commits are waited for."""
        self.assigned = False
        if self._taking_over is not None:
            self._taking_over.cancel()
            await asyncio.gather(self._taking_over, return_exceptions=True)
        # Taken out at once: a rebalance and the end of the process may come at the same time.
        given_up = dict(self._table.partitions)
        self._table.partitions.clear()
        self._parked |= given_up
        for partition in given_up.values():
            partition.begin_anew()
        for partition in given_up.values():
            await partition.idle()

    def take_over(self, assigned: set[TopicPartition]) -> None:
        """Note the new assignment; restoring is done outside the callback, so that heartbeats go on."""
        for tp in assigned:
            self._consumer.seek(tp, 0)  # a placeholder: without a position every fetch would fail
        self._consumer.pause(*assigned)
        self.assigned = True
        self._taking_over = asyncio.create_task(self._take_over_guarded(assigned))

    async def _take_over_guarded(self, assigned: set[TopicPartition]) -> None:
        with ending_on_error("Taking over partitions"), without_looking_for_garbage():
            await self._take_over(assigned)

    async def _take_over(self, assigned: set[TopicPartition]) -> None:
        mine = {tp.partition for tp in assigned}
        torn = [p for p in mine if any(tp not in assigned for tp in self._inputs(p))]
        if torn:
            raise InDoubt(f"Partitions {torn} are assigned for some inputs only: `meldingsvakt topics` says why.")
        for partition in self._parked.values():
            ensure_same_partitions(partition.processor.coverage, self._partitions())
        await self._close([self._parked.pop(p) for p in list(self._parked) if p not in mine])
        limit = asyncio.Semaphore(RESTORE_AT_ONCE)

        async def resume(number: int) -> None:
            async with limit:
                # A parked one is still ours unless somebody has fenced it: then its next commit fails and ends us.
                partition = self._parked.pop(number, None) or await self._takeover.partition(
                    number, self._consumer, self._partitions
                )
                self._table.partitions[number] = partition
                self._seek(partition)
                self._consumer.resume(*self._inputs(number))

        await asyncio.gather(*(resume(number) for number in sorted(mine)))
        log.info("Checking partitions %s.", sorted(mine))

    def _partitions(self) -> int:
        """How many each input has. A broker that has not heard of a topic yet tells none of them: that is no answer."""
        topic = self._settings.inputs[0]
        known = self._consumer.partitions_for_topic(topic)
        if not known:
            raise InDoubt(f"Kafka does not tell the partitions of {topic} at the moment: start the worker again.")
        return len(known)

    def _seek(self, partition: Partition) -> None:
        partition.begin_anew()
        for tp in self._inputs(partition.number):
            position = partition.processor.applied(tp.topic)
            self._consumer.seek(tp, position)
            self._delivered[tp] = position

    def _wanted(self, partition: Partition) -> list[TopicPartition]:
        """The inputs to read on; what has run too far ahead waits for the others."""
        return [tp for tp in self._inputs(partition.number) if not partition.processor.log.too_far_ahead(tp.topic)]

    def _inputs(self, partition: int) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for topic in self._settings.inputs]

    async def _close(self, partitions: Any) -> None:
        await asyncio.gather(*(partition.close() for partition in partitions))


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    """aiokafka logs and swallows what a callback raises: nothing in here may fail silently."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        with ending_on_error("Giving partitions up"):
            await self._source.give_up()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        with ending_on_error("Taking over partitions"):
            self._source.take_over(assigned)
