"""Two workers and more at once than one transaction could hold: they announce all of it and keep their sessions."""

import asyncio
import os
import time

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from tests.engine.conftest import MakeWorld
from tests.engine.flood import MOST_TAKEOVERS, Watch, announced, erased, flood
from tests.engine.world import World, receipt_value
from tests.examples import first
from tests.programs.bench.state import Input
from tests.programs.bench.writing import append

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(360)]

FEW, COUNT = 20_000, int(os.environ.get("TEST_FLOOD_REPORTS", "200000"))
SECONDS = 240
PROPERTIES, SLOW = 24_000, 150
PROBE_SECONDS = 1.0
GAP_SECONDS = 15.0  # marks are written every 10 s, and passed


@pytest.mark.parametrize("count", first(1, [FEW, COUNT]))
async def test_what_falls_due_at_once_is_announced_and_no_worker_is_lost(make_world: MakeWorld, count: int) -> None:
    world = await make_world(partitions=1, allowance=1, session_timeout="PT6S", mark_every="PT10S")
    ids = await flood(world, count)
    await asyncio.sleep(2)  # until all of them are due
    watch = Watch([world.worker(), world.worker()])
    took = await watch.until(count, "missing_total", seconds=SECONDS)
    print(f"{count} announced in {took:.1f} s, the slowest probe took {watch.slowest_probe:.2f} s")
    assert await announced(world) == dict.fromkeys(ids, 1)
    assert watch.takeovers <= MOST_TAKEOVERS
    assert watch.slowest_probe < PROBE_SECONDS
    await closed(world)


async def closed(world: World) -> None:
    """Wait until there is no gap: after a flood completeness is as old as that until the next marks are passed."""
    deadline = time.monotonic() + GAP_SECONDS
    while (gap := (await world.coverage(0))["gap"]) is not None:
        assert time.monotonic() < deadline, gap
        await asyncio.sleep(0.2)


@pytest.mark.long
async def test_what_is_to_be_erased_at_once_is_erased_and_no_worker_is_lost(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1, allowance=1, session_timeout="PT6S", mark_every="PT10S")
    watch, took = await erased(world, COUNT // 10, seconds=SECONDS)
    print(f"{COUNT // 10} erased in {took:.1f} s, the slowest probe took {watch.slowest_probe:.2f} s")
    assert (await world.values("state")).count(None) == COUNT // 10
    assert watch.takeovers <= MOST_TAKEOVERS


async def test_a_batch_that_takes_long_to_read_is_read_and_no_worker_is_lost(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1, allowance=60, session_timeout="PT3S")
    report_id = await world.sent()
    extras = {f"p{number}": 0 for number in range(PROPERTIES)}
    value = orjson.dumps(receipt_value(report_id) | extras)
    watch = Watch([world.worker(), world.worker()])
    for worker in (*watch.workers, *watch.workers):  # the first is ready until the second comes, and after that again
        await worker.ready(60)
    begun = watch.takeovers
    async with AIOKafkaProducer(
        bootstrap_servers=world.kafka.brokers, max_batch_size=1 << 20, max_request_size=1 << 28, compression_type="zstd"
    ) as producer:
        some = (Input(report_id.encode(), value, []) for _ in range(SLOW))
        await append(producer, f"{world.name}.receipt", 0, some)
    took = await watch.until(SLOW, "records_total", "receipt", seconds=SECONDS)
    print(f"{SLOW} receipts of {len(value)} bytes in {took:.1f} s, the slowest probe took {watch.slowest_probe:.2f} s")
    assert watch.takeovers == begun
    assert watch.slowest_probe < PROBE_SECONDS
    assert (await world.rows())[report_id]["receipt"] == "MOTTATT"
