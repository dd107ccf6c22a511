"""Two workers and more at once than one transaction could hold: they announce all of it and keep their sessions."""

import asyncio
import os

import pytest

from tests.engine.conftest import MakeWorld
from tests.engine.flood import MOST_TAKEOVERS, Watch, announced, counted, flood

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(360)]

COUNT = int(os.environ.get("TEST_FLOOD_REPORTS", "200000"))
SECONDS = 240
PROBE_SECONDS = 1.0


async def test_what_falls_due_at_once_is_announced_and_no_worker_is_lost(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1, allowance=1, session_timeout="PT6S", mark_every="PT10S")
    ids = await flood(world, COUNT)
    await asyncio.sleep(2)  # until all of them are due
    watch = Watch([world.worker(), world.worker()])
    took = await watch.until(lambda metrics: counted(metrics, "missing_total") >= COUNT, SECONDS)
    print(f"{COUNT} announced in {took:.1f} s, the slowest probe took {watch.slowest_probe:.2f} s")
    assert await announced(world) == dict.fromkeys(ids, 1)
    assert watch.takeovers <= MOST_TAKEOVERS
    assert watch.slowest_probe < PROBE_SECONDS
    assert (await world.coverage(0))["gap"] is None
