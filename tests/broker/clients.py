"""Small Kafka clients for the broker's tests."""

from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import NewTopic

from tests.real_kafka import admin_at, create_topics


async def create_topic(bootstrap: str, name: str, copies: int = 1) -> None:
    """Create a topic with one partition."""
    async with admin_at(bootstrap) as admin:
        await create_topics(admin, NewTopic(name, 1, copies))


async def produce(bootstrap: str, topic: str, *values: bytes, **options: Any) -> None:
    """Write values and wait until all copies have them."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", **options)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def consume(bootstrap: str, topic: str, count: int, **options: Any) -> list[bytes]:
    """Read the first `count` values."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", **options)
    await consumer.start()
    try:
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()
