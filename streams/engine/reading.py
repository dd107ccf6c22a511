"""Consumers outside every group; and reading whole topics once, from their beginning to where they end now."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.login import client_options
from streams.engine.refusal import naming_denials
from streams.engine.topics import partition_counts
from streams.settings import KafkaSettings


@asynccontextmanager
async def one_off_consumer(
    kafka: KafkaSettings, isolation: str = "read_committed", reset: str = "earliest", **options: Any
) -> AsyncIterator[Any]:
    """A connected consumer outside every group; stopped also when it is cancelled while it connects."""
    consumer = AIOKafkaConsumer(
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
    await asyncio.wait([stopping])
    if stopping.cancelled():
        await consumer._client.close()
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


async def read_all(kafka: KafkaSettings, topics: Sequence[str], partition: int | None = None) -> AsyncIterator[Any]:
    """Every record of the topics, or of one partition of each, up to their present ends.

    Raises ConfigurationError when a topic does not exist, may not be read, or no broker answers.
    """
    counts = await partition_counts(kafka, topics)
    tps = [
        TopicPartition(topic, number)
        for topic, count in counts.items()
        for number in range(count)
        if partition in (None, number)
    ]
    async with one_off_consumer(kafka) as consumer:
        await assign_from_beginning(consumer, tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            async with naming_denials(kafka, "Read"):
                fetched = await consumer.getmany(timeout_ms=500)
            for records in fetched.values():
                for record in records:
                    yield record
