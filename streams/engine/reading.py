"""Reading whole topics once, from their beginning to where they end now: for commands, never for the check."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError

from streams.errors import ConfigurationError
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
    try:
        await consumer.start()
    except KafkaConnectionError:
        raise ConfigurationError(
            f"No Kafka broker answers at {kafka.brokers}: start it, or set KAFKA_BROKERS to where it is."
        ) from None
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_all(consumer: Any, topics: Sequence[str], partition: int | None = None) -> AsyncIterator[Any]:
    """Every record of the topics, or of one partition of each, up to their present ends."""
    existing = await consumer.topics()
    tps = []
    for topic in topics:
        if topic not in existing:
            raise ConfigurationError(f"The topic {topic} does not exist: run `meldingsvakt topics` to create it.")
        numbers = sorted(consumer.partitions_for_topic(topic))
        tps += [TopicPartition(topic, number) for number in numbers if partition is None or number == partition]
    consumer.assign(tps)
    await consumer.seek_to_beginning(*tps)
    ends = await consumer.end_offsets(tps)
    while any([await consumer.position(tp) < ends[tp] for tp in tps]):
        for records in (await consumer.getmany(timeout_ms=500)).values():
            for record in records:
                yield record
