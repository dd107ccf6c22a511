"""Consumers outside every group; and reading whole topics once, from their beginning to where they end now."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.errors import ConfigurationError
from streams.kafka.client import client_options
from streams.kafka.denials import explained, naming_denials
from streams.kafka.patches import Consumer, close_connections
from streams.kafka.topics import partition_counts
from streams.records.record import KafkaRecord, PlacedRecord, UnreadableOffsets, placed
from streams.settings import KafkaSettings

STALL_SECONDS, STOP_SECONDS = 30.0, 5.0


@asynccontextmanager
async def one_off_consumer(
    kafka: KafkaSettings, isolation: str = "read_committed", reset: str = "earliest", **options: Any
) -> AsyncIterator[Any]:
    """A connected consumer outside every group; stopped also when it is cancelled while it connects."""
    consumer = Consumer(
        **client_options(kafka),
        isolation_level=isolation,
        enable_auto_commit=False,
        auto_offset_reset=reset,
        **{"request_timeout_ms": 10_000} | options,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await _stop(consumer)


async def _stop(consumer: Any) -> None:
    """Stop it also while its broker is gone: then aiokafka ends by the end of a fetch that it has itself cancelled.

    That looked like a cancellation of whoever stopped it, and left its connections open.
    """
    stopping = asyncio.create_task(consumer.stop())
    await asyncio.wait([stopping], timeout=STOP_SECONDS)
    if not stopping.done() or stopping.cancelled():
        stopping.cancel()
        await close_connections(consumer)
    else:
        stopping.result()


async def assign_paused(consumer: Any, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Give a consumer partitions, paused, at their beginnings, which are returned.

    aiokafka's own `seek_to_beginning` asks the leader that it knows, and never learns that it is none any more; what
    asks for offsets by itself does. It learns of all that are assigned at once, but waits for each that is not.
    """
    consumer.assign(tps)
    consumer.pause(*tps)
    for tp in tps:
        consumer.seek(tp, 0)  # a placeholder: without a position every fetch would fail
    begins: dict[TopicPartition, int] = await consumer.beginning_offsets(tps)
    for tp, begin in begins.items():
        consumer.seek(tp, begin)
    return begins


async def assign_from_beginning(consumer: Any, tps: Sequence[TopicPartition]) -> None:
    """Give a consumer partitions to read from their beginnings."""
    await assign_paused(consumer, tps)
    consumer.resume(*tps)


async def read_all(
    kafka: KafkaSettings, topics: Sequence[str], partition: int | None = None
) -> AsyncIterator[PlacedRecord]:
    """Every record of the topics, or of one partition of each, up to their present ends.

    Raises ConfigurationError when a topic does not exist, may not be read, or cannot be read to its end.
    """
    async with aclosing(read_what_is_there(kafka, topics, partition)) as found:
        async for tp, record in found:
            if isinstance(record, UnreadableOffsets):
                raise ConfigurationError(
                    f"{tp.topic}-{tp.partition} has a batch that cannot be read, at offset {record.offset} "
                    f"({record.cause}): RUNBOOK.md says what to do about it."
                )
            yield placed(tp.topic, tp.partition, record)


async def read_what_is_there(
    kafka: KafkaSettings, topics: Sequence[str], partition: int | None = None
) -> AsyncGenerator[tuple[TopicPartition, KafkaRecord]]:
    """As `read_all`; where batches cannot be read, UnreadableOffsets stands in the place of their records.

    Raises ConfigurationError where reading from Kafka fails.
    """
    counts = await partition_counts(kafka, topics)
    tps = [
        TopicPartition(topic, number)
        for topic, count in counts.items()
        for number in range(count)
        if partition in (None, number)
    ]
    try:
        async with naming_denials(kafka, "Read"), one_off_consumer(kafka) as consumer:
            await assign_from_beginning(consumer, tps)
            ends = await consumer.end_offsets(tps)
            async with aclosing(_up_to(consumer, ends)) as found:
                async for placed in found:
                    yield placed
    except KafkaError as error:
        raise ConfigurationError(f"Reading from Kafka failed: {await explained(error, kafka, 'Read')}") from None


async def _up_to(
    consumer: Any, ends: Mapping[TopicPartition, int]
) -> AsyncGenerator[tuple[TopicPartition, KafkaRecord]]:
    """Every record before the ends. aiokafka says nothing of a broker that is gone, and waits."""
    moved = time.monotonic()
    while left := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
        fetched = await consumer.getmany(timeout_ms=500)
        if fetched:
            moved = time.monotonic()
        elif time.monotonic() - moved > STALL_SECONDS:
            stuck = min(left)
            raise ConfigurationError(f"{stuck.topic}-{stuck.partition} cannot be read to its end; is a broker down?")
        for tp, records in fetched.items():
            for record in records:
                yield tp, record
