"""Where the tests' Kafka comes from.

TEST_KAFKA_BROKERS names one that runs already, TEST_KAFKA_IMAGE a container's image; else the embedded broker is used.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.protocol.admin import DescribeConfigsRequest

from streams.broker import EmbeddedKafka
from streams.kafka.propagation import wait_until_known
from streams.kafka.protocol import metadata


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


async def true_at_last(told: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until the brokers have heard of a change: what one of them has taken the others learn in their own time."""
    async with asyncio.timeout(seconds):
        while not await told():  # noqa: ASYNC110 - the change is another process's
            await asyncio.sleep(0.05)


async def create_topics(admin: Any, *topics: NewTopic) -> None:
    """Create topics, and wait until every broker knows them."""
    answer = await admin.create_topics(list(topics))
    assert [code for _, code, *_ in answer.topic_errors] == [0] * len(topics)
    await wait_until_known(admin, [topic.name for topic in topics])


async def delete_topics(admin: Any, *names: str) -> None:
    """Delete topics, and wait until no broker knows them any more."""
    await admin.delete_topics(list(names))
    brokers = [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]

    async def gone() -> bool:
        told = [await admin._send_request(metadata(list(names)), broker) for broker in brokers]
        return not any(partitions for answer in told for _, _, _, partitions, _ in answer.topics)

    await true_at_last(gone)


async def configure(admin: Any, topic: str, **settings: str) -> None:
    """Change a topic's settings (with dots where their names have underscores here), until every broker tells them."""
    wanted = {name.replace("_", "."): value for name, value in settings.items()}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, wanted)])
    brokers = [broker["node_id"] for broker in (await admin.describe_cluster())["brokers"]]

    async def in_force() -> bool:
        return all([wanted.items() <= (await _settings(admin, topic, broker)).items() for broker in brokers])

    await true_at_last(in_force)


async def _settings(admin: Any, topic: str, broker: int) -> dict[str, str]:
    asked = DescribeConfigsRequest([(ConfigResourceType.TOPIC, topic, None)], False)
    (found,) = (await admin._send_request(asked, broker)).resources
    return {entry[0]: entry[1] for entry in found[4]}
