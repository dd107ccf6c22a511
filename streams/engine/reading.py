"""Reading whole topics once, from their beginning to where they end now: for commands, never for the check."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.engine.topics import partition_counts
from streams.settings import KafkaSettings


@asynccontextmanager
async def one_off_consumer(kafka: KafkaSettings) -> AsyncIterator[Any]:
    """A consumer outside every group, read_committed."""
    consumer = AIOKafkaConsumer(
        **kafka.client_options(),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=10_000,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_all(kafka: KafkaSettings, topics: Sequence[str], partition: int | None = None) -> AsyncIterator[Any]:
    """Every record of the topics, or of one partition of each, up to their present ends.

    Raises ConfigurationError when a topic does not exist or no broker answers.
    """
    counts = await partition_counts(kafka, topics)
    tps = [
        TopicPartition(topic, number)
        for topic, count in counts.items()
        for number in range(count)
        if partition in (None, number)
    ]
    async with one_off_consumer(kafka) as consumer:
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < ends[tp] for tp in tps]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    yield record
