"""On three brokers: everything is replicated, and one of them may go."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from streams.broker import EmbeddedKafka
from streams.errors import ConfigurationError
from streams.kafka.protocol import metadata
from streams.kafka.topics import ensure_topics, wanted_topics
from tests.engine.world import World, now
from tests.real_kafka import admin_at, configure

# Of each fault of a broker `make test` plays one, on three brokers (tests/system/faults/test_suite_on_kafka.py).
pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.xdist_group("brokers of their own")]


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedKafka]:
    """Three brokers of their own."""
    with EmbeddedKafka(3, heap_megabytes=384) as kafka:
        yield kafka


async def _described(admin: Any, world: World, broker: int) -> dict[str, Any]:
    """The partitions of each topic of a world, as one broker knows them."""
    names = [topic.name for topic in wanted_topics(world.settings)]
    return {
        name: partitions for _, name, _, partitions, _ in (await admin._send_request(metadata(names), broker)).topics
    }


@asynccontextmanager
async def _started_again(world: World) -> AsyncIterator[None]:
    """What runs a worker: whichever ends in doubt is started again, whenever that is."""

    async def watch() -> None:
        while True:
            if world.workers[-1].process.poll() is not None:
                world.worker()
            await asyncio.sleep(0.1)

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()


@pytest.mark.parametrize("times", [2, 10])
async def test_topics_that_have_just_been_made_are_known_to_every_broker(cluster: EmbeddedKafka, times: int) -> None:
    async with admin_at(cluster.bootstrap) as admin:
        for _ in range(times):
            world = World(cluster.bootstrap, partitions=12)
            await ensure_topics(world.kafka, world.settings, create=True)
            told = await asyncio.gather(*(_described(admin, world, broker) for broker in (1, 2, 3)))
            assert [{len(partitions) for partitions in topics.values()} for topics in told] == [{12}] * 3


async def test_a_broker_may_be_killed_while_reports_are_on_their_way(cluster: EmbeddedKafka) -> None:
    # Time enough for the proofs to arrive: the producer has to find the new leaders first.
    world = World(cluster.bootstrap, partitions=2, allowance=20)
    await world.start()
    try:
        async with admin_at(world.kafka.brokers) as admin:
            topics = await _described(admin, world, 1)
        assert {len(replicas) for topic in topics.values() for *_, replicas, _, _ in topic} == {3}
        await world.worker().ready()
        async with world.announcements() as announced, _started_again(world):
            lost = [await world.sent() for _ in range(4)]
            kept = [await world.sent() for _ in range(4)]
            leader = next(leader for _, number, leader, *_ in topics[world.settings.inputs[0]] if number == 0)
            cluster.nodes[leader - 1].kill()
            for report in kept:
                await world.stored(report)
            events = await announced.take(len(lost), 60)
            assert {event["report_id"] for event in events} == set(lost)
            await world.complete_beyond(now(), 60)
            await announced.none_for(1)
        cluster.nodes[leader - 1].start()
        cluster.wait_ready()
        async with admin_at(world.kafka.brokers) as admin:
            await configure(admin, world.settings.output("state"), cleanup_policy="compact", min_insync_replicas="1")
        with pytest.raises(ConfigurationError, match="set it to 2"):
            await ensure_topics(world.kafka, world.settings, create=False)
    finally:
        await world.stop()
