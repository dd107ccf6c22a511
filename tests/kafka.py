"""Where the tests' Kafka comes from.

TEST_KAFKA_BROKERS names one that runs already, TEST_KAFKA_IMAGE a container's image; else the embedded broker is used.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient

from streams.broker import EmbeddedKafka


@contextmanager
def running_kafka() -> Iterator[str]:
    """The bootstrap address of a Kafka that lives as long as the block."""
    running = os.environ.get("TEST_KAFKA_BROKERS")
    image = os.environ.get("TEST_KAFKA_IMAGE")
    if running:
        yield running
    elif image:
        from tests.containers import kafka_container

        with kafka_container(image) as address:
            yield address
    else:
        with EmbeddedKafka() as kafka:
            yield kafka.bootstrap


@asynccontextmanager
async def admin_at(brokers: str) -> AsyncIterator[Any]:
    """Somebody who may change topics."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
