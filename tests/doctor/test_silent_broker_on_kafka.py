"""The doctor while a broker that leads partitions has gone, or is there and says nothing."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from streams.broker import EmbeddedKafka
from streams.doctor import Finding, FindingState, examine
from streams.doctor.gather.gather import MOST_SECONDS
from tests.engine.world import World, later

pytestmark = [pytest.mark.kafka, pytest.mark.long, pytest.mark.xdist_group("brokers of their own")]


@pytest.fixture
def cluster() -> Iterator[EmbeddedKafka]:
    """Three brokers of their own."""
    with EmbeddedKafka(3, heap_megabytes=384) as kafka:
        yield kafka


async def _asked(world: World, *, probe: bool) -> tuple[list[Finding], float]:
    began = time.monotonic()
    found = await asyncio.wait_for(examine(world.kafka, world.settings, probe=probe), 60)
    return found, time.monotonic() - began


@pytest.mark.parametrize("silent", [True, False])
async def test_it_answers_in_time_and_names_the_broker(cluster: EmbeddedKafka, silent: bool) -> None:
    world = World(cluster.bootstrap, partitions=6)
    await world.start()
    try:
        worker = world.worker()
        await worker.ready(90, partitions=6)
        await world.complete_beyond(later(0))
        assert worker.stop() == 0
        await world.producer.stop()
        world.producer = None
        node = cluster.nodes[1]
        (node.pause if silent else node.kill)()
        try:
            for probe in (False, True):
                found, seconds = await _asked(world, probe=probe)
                assert seconds < MOST_SECONDS + 4
                assert any("broker 2" in each.found for each in found if each.state is not FindingState.OK)
                assert asyncio.all_tasks() == {asyncio.current_task()}, "it left something at work"
        finally:
            node.resume()
    finally:
        await world.stop()
