"""Too much at once: the backlog of an outage, records that nobody can read, a million reports of one partition."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streams.core.events import written
from streams.data import portal_outages
from tests.engine.flood import KEPT_SECONDS, MOST_TAKEOVERS, Watch, announced, erased, flood
from tests.engine.world import World, now
from tests.system.faults.cluster import delete_topics
from tests.system.faults.run import Fault
from tests.system.faults.scene import Scene
from tests.system.faults.workload import add_backlog, add_rejected

BACKLOG = 2_000
REJECTED = 10_000
BURST_AT = 4.0
MILLION = 1_000_000
READ_SECONDS = 300  # the allowance of a million: until then they are appended and read
ASKED_SECONDS = 90.0  # for a million, on two cores that also have three brokers to run
MOST_SECONDS = 900.0
PAUSE_SECONDS = 15.0  # a commit that takes 10 s is in doubt
PROBE_SECONDS = 1.0


def _prepare_backlog(scene: Scene) -> None:
    outage = scene.rng.choice(portal_outages())
    scene.outage_seconds = (outage.end - outage.start).total_seconds()
    add_backlog(scene.rng, scene.plan, at=BURST_AT, count=BACKLOG, outage_seconds=scene.outage_seconds)


async def outage_backlog(scene: Scene) -> None:
    """After an outage of the portal, of one of the real lengths, everything that it held back comes at once."""
    await scene.until((BURST_AT - 0.5) / scene.seconds)
    scene.begin()
    await scene.delivering
    scene.heal()
    scene.prove(
        scene.delivery.delivered >= BACKLOG,
        f"{BACKLOG} reports came at once after {scene.outage_seconds / 3600:.1f} h, {scene.delivery.delivered} records",
    )


def _prepare_rejected(scene: Scene) -> None:
    add_rejected(scene.rng, scene.plan, at=BURST_AT, count=REJECTED)


async def rejected_in_a_row(scene: Scene) -> None:
    """Ten thousand records in a row that cannot be read."""
    await scene.until((BURST_AT - 0.5) / scene.seconds)
    scene.begin()
    await scene.delivering
    scene.heal()
    await scene.complete_beyond(scene.delivery.last_sent_at, scene.delivery.last_sent_at + 30)
    rejected = len(await scene.world.values("rejected"))
    scene.prove(rejected >= REJECTED, f"{rejected} records were listed as rejected")


@asynccontextmanager
async def _world_of_its_own(scene: Scene, allowance: int = 1) -> AsyncIterator[World]:
    """A world of one partition beside the scene: the history of a million would take too long to check there."""
    world = World(scene.cluster.inner, partitions=1, allowance=allowance, session_timeout="PT6S", mark_every="PT10S")
    try:
        await world.start()
        yield world
    finally:
        await world.stop()
        await delete_topics(scene.cluster.inner, world.name)


def _prove_unharmed(scene: Scene, watch: Watch, what: str) -> None:
    assert watch.takeovers <= MOST_TAKEOVERS, f"a worker was evicted: {watch.takeovers} takeovers"
    assert watch.slowest_probe < PROBE_SECONDS, f"a probe took {watch.slowest_probe:.2f} s"
    assert watch.longest_pause < PAUSE_SECONDS, f"nothing was committed for {watch.longest_pause:.1f} s"
    scene.proof(
        f"{MILLION} {what}; {watch.takeovers} takeovers, never more than {watch.longest_pause:.1f} s "
        f"without a commit, the slowest probe took {watch.slowest_probe:.2f} s"
    )


def _prove_in_time(what: str, took: float) -> None:
    assert took <= ASKED_SECONDS, f"{MILLION} {what} in {took:.0f} s, not in {ASKED_SECONDS:.0f}"


async def _prove_announced_once(world: World, ids: set[bytes]) -> None:
    said = await announced(world)
    assert said == dict.fromkeys(ids, 1), f"{len(said)} of {MILLION} were announced, {said.total()} times"


async def a_million_due(scene: Scene) -> None:
    """A million reports of one partition, all known to two workers, fall due at the same moment."""
    scene.begin()
    async with _world_of_its_own(scene, READ_SECONDS) as world:
        sent_at = now()
        due = time.monotonic() + READ_SECONDS
        ids = await flood(world, MILLION, sent_at=written(sent_at))
        workers = [world.worker(), world.worker()]
        await Watch(workers).until(MILLION, "reports", "pending", seconds=due - time.monotonic())
        await asyncio.sleep(due - time.monotonic())
        watch = Watch(workers)
        took = await watch.until(MILLION, "missing_total", seconds=MOST_SECONDS)
        await _prove_announced_once(world, ids)
        _prove_unharmed(scene, watch, f"reports that fell due at once were announced in {took:.0f} s")
        _prove_in_time("reports were announced", took)
    scene.heal()


async def a_million_behind(scene: Scene) -> None:
    """A million reports of one partition have fallen due while nobody checked: two workers start."""
    scene.begin()
    async with _world_of_its_own(scene) as world:
        ids = await flood(world, MILLION)
        await asyncio.sleep(KEPT_SECONDS)
        watch = Watch([world.worker(), world.worker()])
        took = await watch.until(MILLION, "missing_total", seconds=MOST_SECONDS)
        await _prove_announced_once(world, ids)
        first = watch.first_after or 0
        _prove_unharmed(scene, watch, f"reports were read and announced in {took:.0f} s, the first after {first:.0f} s")
    scene.heal()


async def a_million_erased(scene: Scene) -> None:
    """A million rows of one partition are kept for a shorter time from now on: two workers start anew."""
    scene.begin()
    async with _world_of_its_own(scene) as world:
        watch, took = await erased(world, MILLION, seconds=MOST_SECONDS)
        _prove_unharmed(scene, watch, f"rows were restored and erased in {took:.0f} s")
        _prove_in_time("rows were erased", took)
    scene.heal()


LOAD_FAULTS = (
    Fault("outage_backlog", outage_backlog, seconds=16, prepare=_prepare_backlog),
    Fault("rejected_in_a_row", rejected_in_a_row, seconds=16, prepare=_prepare_rejected),
)
# Minutes each: only `make faults` plays them.
MILLIONS = (
    Fault("a_million_due", a_million_due, seeds=1, alone=True),
    Fault("a_million_behind", a_million_behind, seeds=1, alone=True),
    Fault("a_million_erased", a_million_erased, seeds=1, alone=True),
)
