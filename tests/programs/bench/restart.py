"""`python -m tests.programs.bench.restart`: from kill -9 to all partitions checked again.

Nothing of the state has been compacted, which is counted. All workers are killed at once and started again at once
with the same settings. A partition is checked again when a read_committed reader of the coverage topic sees it
complete beyond the moment of the kill. With static membership (`MELDINGSVAKT_INSTANCE_ID`) a worker that comes back
is known at once; without it, the group waits until the dead members' session is over.
"""

import argparse
import asyncio
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tests.engine.world import Worker, World
from tests.programs.bench.figures import table
from tests.programs.bench.following import following
from tests.programs.bench.ground import bench_kafka, bench_world, machine, memory, metric, owned, say, where
from tests.programs.bench.state import Shape
from tests.programs.bench.writing import Held, count, write_state

PARTITIONS = 12
READY_SECONDS = 600
# What a worker logs when it begins to join the group, when it has joined, and when it has restored.
JOINING, JOINED, RESTORED = "--Source]: Starting", "--Marker]: Starting", "Checking partitions ["
_STAMP = re.compile(r"^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3})\]")


class Restart(NamedTuple):
    """One restart. Seconds since the kill at which the last worker had come that far."""

    rows: int
    records: int
    workers: int
    static: bool
    started: float  # the process is up and asks to join the group
    joined: float  # the group has given it partitions
    restored: float  # the state of all partitions is read
    checked: float  # every partition is complete beyond the kill
    ready: float  # /readyz says so, too (looked at every 50 ms)
    slowest_partition: float  # the longest restore of one partition
    peak_bytes: int  # of all workers


HEADS = (
    "rows", "records", "workers", "static", "process up, s", "joined, s", "restored, s", "checked, s", "/readyz, s",
    "slowest partition, s", "peak memory, MB",
)  # fmt: skip


def shown(restarts: Sequence[Restart]) -> str:
    """The table; seconds are counted from the kill."""
    return table(HEADS, [(*one[:-1], round(one.peak_bytes / 1e6)) for one in restarts])


def logged_at(log: str, words: str) -> datetime:
    """When a worker last logged a line with some words. Raises ValueError if it never did."""
    for line in reversed(log.splitlines()):
        stamp = _STAMP.match(line)
        if words in line and stamp:
            local = datetime.strptime(stamp[1], "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - as the log says it
            return local.replace(microsecond=int(stamp[2]) * 1000).astimezone(UTC)
    raise ValueError(f"the worker never logged {words!r}")


async def all_owned(workers: Sequence[Worker], partitions: int, seconds: float = READY_SECONDS) -> float:
    """Wait until all workers are ready and own all partitions between them; the monotonic time of that."""
    deadline = time.monotonic() + seconds
    while True:
        await asyncio.gather(*(worker.ready(seconds) for worker in workers))
        if sum([await owned(worker) for worker in workers]) == partitions:
            return time.monotonic()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(workers)} workers do not own all {partitions} partitions after {seconds:g} s")
        await asyncio.sleep(0.05)


def start(world: World, workers: int, *, static: bool) -> list[Worker]:
    """Start some workers."""
    return [
        world.worker(instance_id=f"bench-{number}" if static else "", log_level="INFO") for number in range(workers)
    ]


async def restart(
    world: World, shape: Shape, running: Sequence[Worker], *, static: bool
) -> tuple[Restart, list[Worker]]:
    """Kill what checks a written state, start it again, and wait until everything is checked again; who does so now."""
    async with following(world) as coverages:
        killed, began = datetime.now(UTC), time.monotonic()
        for worker in running:
            worker.process.kill()
        revived = start(world, len(running), static=static)
        seen, ready = await asyncio.gather(coverages.beyond(killed), all_owned(revived, shape.partitions))
    for worker in running:
        worker.kill()  # they are dead since long: this only takes note of it

    def last(words: str) -> float:
        return max((logged_at(worker.output(), words) - killed).total_seconds() for worker in revived)

    slowest = max([max((await metric(worker, "restore_seconds")).values()) for worker in revived])
    peak = sum(memory(worker).peak for worker in revived)
    return Restart(
        shape.rows, shape.records, len(running), static, last(JOINING), last(JOINED), last(RESTORED), seen - began,
        ready - began, slowest, peak,
    ), revived  # fmt: skip


async def started_and_restarted(
    world: World, shape: Shape, workers: int, *, static: bool
) -> tuple[Restart, list[Worker]]:
    """Start some workers, and restart them once they own everything."""
    running = start(world, workers, static=static)
    await all_owned(running, shape.partitions)
    return await restart(world, shape, running, static=static)


async def measure(
    sizes: Sequence[int], workers: Sequence[int], statics: Sequence[bool] = (True, False), partitions: int = PARTITIONS
) -> list[Restart]:
    """Restart every size with every number of workers, with static membership and without."""
    restarts = []
    with bench_kafka() as kafka:
        for rows in sizes:
            async with bench_world(kafka, partitions) as world:
                shape = Shape(rows, partitions)
                say(f"{rows} rows: written in {write_state(where(world), shape):.1f} s")
                for static in statics:
                    for number in workers:
                        one, revived = await started_and_restarted(world, shape, number, static=static)
                        for worker in revived:
                            worker.stop()
                        restarts.append(one)
                        say(f"{rows} rows: {one}")
                say(f"{rows} rows: {await uncompacted(world, shape)}")
    return restarts


async def uncompacted(world: World, shape: Shape) -> Held:
    """What the state topic holds. Raises ValueError if any of its records has been compacted away."""
    held = await count(world.kafka, [world.settings.output("state")])
    if (held.records, held.keys) != (shape.records, shape.rows):
        raise ValueError(f"the state should be {shape.records} records of {shape.rows} rows, it is {held}")
    return held


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.programs.bench.restart", description="kill -9 to all checked again"
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    given = parser.parse_args()
    print(f"Restart ({machine()}, {given.partitions} partitions):\n")
    print(shown(asyncio.run(measure(given.rows, given.workers, partitions=given.partitions))))


if __name__ == "__main__":
    main()
