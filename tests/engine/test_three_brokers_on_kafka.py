"""On three brokers: everything is replicated, and one of them may go."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.broker import EmbeddedKafka
from streams.engine.topics import ensure_topics, wanted_topics
from streams.errors import ConfigurationError
from tests.engine.world import World, now

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("brokers of their own")]


@pytest.fixture
def cluster() -> Iterator[EmbeddedKafka]:
    """Three brokers of their own."""
    with EmbeddedKafka(3, heap_megabytes=384) as kafka:
        yield kafka


async def _describe(world: World) -> dict[str, Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka.brokers)
    await admin.start()
    try:
        return {topic["topic"]: topic for topic in await admin.describe_topics(list(world.settings.inputs))}
    finally:
        await admin.close()


async def _one_copy_is_enough(world: World, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka.brokers)
    await admin.start()
    try:
        wanted = next(wanted for wanted in wanted_topics(world.settings) if wanted.name == topic)
        config = wanted.required | {"min.insync.replicas": "1"}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    finally:
        await admin.close()
    await asyncio.sleep(1)


async def test_a_broker_may_be_killed_while_reports_are_on_their_way(cluster: EmbeddedKafka) -> None:
    # Time enough for the proofs to arrive: the producer has to find the new leaders first.
    world = World(cluster.bootstrap, partitions=2, allowance=20)
    await world.start()
    try:
        topics = await _describe(world)
        assert all(len(part["replicas"]) == 3 for topic in topics.values() for part in topic["partitions"])
        worker = world.worker()
        await worker.ready()
        async with world.announcements() as announced:
            lost = [await world.sent() for _ in range(4)]
            kept = [await world.sent() for _ in range(4)]
            leader = topics[world.settings.inputs[0]]["partitions"][0]["leader"]
            cluster.nodes[leader - 1].kill()
            for report in kept:
                await world.stored(report)
            if worker.process.poll() is not None or await _ends(worker):
                world.worker()  # in doubt it ends; whoever runs it starts it again
            events = await announced.take(len(lost), 60)
            assert {event["report_id"] for event in events} == set(lost)
            await world.complete_beyond(now(), 60)
            await announced.none_for(1)
        cluster.nodes[leader - 1].start()
        cluster.wait_ready()
        await _one_copy_is_enough(world, world.settings.output("state"))
        with pytest.raises(ConfigurationError, match="set it to 2"):
            await ensure_topics(world.kafka, world.settings, create=False)
    finally:
        await world.stop()


async def _ends(worker: Any) -> bool:
    """True if the worker ends within a few seconds."""
    for _ in range(100):
        if worker.process.poll() is not None:
            return True
        await asyncio.sleep(0.1)
    return False
