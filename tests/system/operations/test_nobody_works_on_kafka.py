"""What a worker shows while it works for nobody, from its first second on: the alerts have nothing else to go by."""

import asyncio
import time

import aiohttp
import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.engine.conftest import MakeWorld
from tests.engine.world import Worker, World, now, sent_value
from tests.examples import first
from tests.system.operations.promtool import samples

pytestmark = pytest.mark.kafka

PARTITION_0 = frozenset({("partition", "0")})


async def first_shown(worker: Worker, seconds: float = 20) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The metrics of the first scrape that is answered."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return samples((await worker.get("/metrics"))[1])
        except aiohttp.ClientError:
            assert time.monotonic() < deadline, worker.output()[-3000:]
            await asyncio.sleep(0.02)


async def says(worker: Worker, reason: str, seconds: float = 20) -> None:
    """Wait until it gives that reason for not being ready."""
    deadline, said = time.monotonic() + seconds, ""
    while reason not in said:
        assert time.monotonic() < deadline, said
        await asyncio.sleep(0.05)
        _, said = await worker.get("/readyz")


@pytest.mark.parametrize("topic", first(1, ["state", "coverage"]))
async def test_a_worker_that_restores_for_ever_says_how_many_partitions_wait_for_it(
    make_world: MakeWorld, topic: str
) -> None:
    world = await make_world(partitions=3)
    async with AIOKafkaProducer(
        bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-x", transaction_timeout_ms=300_000
    ) as stranger:
        await stranger.begin_transaction()
        await (await stranger.send(world.settings.output(topic), b"x", key=b"x", partition=0))
        worker = world.worker()
        shown = await first_shown(worker)
        assert shown["meldingsvakt_partitions", frozenset()] == 3
        assert shown["meldingsvakt_ready", frozenset()] == 0
        await says(worker, '"restoring"')
        later = samples((await worker.get("/metrics"))[1])
        assert ("meldingsvakt_completeness_age_seconds", PARTITION_0) not in later  # nobody watches it
        assert later["meldingsvakt_partitions", frozenset()] == 3
        await stranger.abort_transaction()
    await worker.ready(partitions=3)


async def _restarted(world: World) -> Worker:
    worker = world.worker()
    deadline = time.monotonic() + 30
    while ("meldingsvakt_completeness_age_seconds", PARTITION_0) not in await first_shown(worker):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
    return worker


@pytest.mark.parametrize("times", first(1, [1, 2]))
async def test_the_age_of_completeness_goes_on_over_restarts(make_world: MakeWorld, times: int) -> None:
    """A worker that ends again and again must not look young each time."""
    world = await make_world(partitions=1)
    worker = world.worker()
    await worker.ready()
    async with AIOKafkaProducer(
        bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-x", transaction_timeout_ms=300_000
    ) as upstream:
        await upstream.begin_transaction()
        held = sent_value("00000000-0000-4000-8000-000000000001")
        await (await upstream.send(f"{world.name}.sent", orjson.dumps(held), key=b"x", partition=0))
        since = now()
        for _ in range(times):
            worker.kill()
            await asyncio.sleep(3)
            worker = await _restarted(world)
            shown = samples((await worker.get("/metrics"))[1])
            age, most = shown["meldingsvakt_completeness_age_seconds", PARTITION_0], (now() - since).total_seconds()
            assert most - 2 < age < most + 3  # it had stood still for a mark's time before
            assert shown["meldingsvakt_complete_until_timestamp_seconds", PARTITION_0] <= since.timestamp() + 1
        await upstream.abort_transaction()
    await worker.ready()
    shown = samples((await worker.get("/metrics"))[1])
    assert shown["meldingsvakt_completeness_age_seconds", PARTITION_0] < 2
