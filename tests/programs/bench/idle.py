"""`python -m tests.programs.bench.idle`: what a worker does when there is nothing to do.

CPU time of the worker over some time, with the default settings, every partition owned and nothing arriving but the
worker's own marks (every 10 s). The broker's share of the same time stands beside it.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from streams.broker import EmbeddedKafka
from tests.programs.bench.figures import table
from tests.programs.bench.ground import bench_kafka, bench_world, cpu_seconds, machine, metric, say

SETTLE_SECONDS = 15.0  # a start has its own work: what follows is only the rhythm
PARTITIONS, SECONDS = (1, 12, 48), 30.0


class Idle(NamedTuple):
    """What an idle worker used. Shares are of one core."""

    partitions: int
    seconds: float
    worker_share: float
    broker_share: float
    commits_each_second: float


def shown(found: Sequence[Idle]) -> str:
    """The table; shares in per cent of one core."""
    return table(
        ("partitions", "seconds", "worker, % of a core", "broker, % of a core", "commits/s"),
        [(i.partitions, round(i.seconds), i.worker_share * 100, i.broker_share * 100, i[-1]) for i in found],
    )


async def idle(kafka: EmbeddedKafka, partitions: int, seconds: float, settle: float = SETTLE_SECONDS) -> Idle:
    """Watch a worker over empty inputs."""
    async with bench_world(kafka, partitions) as world:
        worker = world.worker()
        await worker.ready(300, partitions)
        await asyncio.sleep(settle)

        async def look() -> tuple[float, float, float, float]:
            commits = sum((await metric(worker, "commit_seconds_count")).values())
            return time.monotonic(), cpu_seconds(worker.process.pid), broker_seconds(kafka), commits

        before = await look()
        await asyncio.sleep(seconds)
        passed, used, broker, commits = (b - a for a, b in zip(before, await look(), strict=True))
        worker.stop()
    return Idle(partitions, passed, used / passed, broker / passed, commits / passed)


def broker_seconds(kafka: EmbeddedKafka) -> float:
    """The CPU time of all brokers."""
    return sum(cpu_seconds(node.pid) for node in kafka.nodes if node.pid is not None)


async def measure(partitions: Sequence[int], seconds: float) -> list[Idle]:
    """An idle worker with each number of partitions."""
    found = []
    with bench_kafka() as kafka:
        for number in partitions:
            found.append(await idle(kafka, number, seconds))
            say(f"{number} partitions: {found[-1]}")
    return found


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.bench.idle", description="what an idle worker uses")
    parser.add_argument("--partitions", type=int, nargs="+", default=list(PARTITIONS))
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    print(f"Idle ({machine()}):\n")
    print(shown(asyncio.run(measure(given.partitions, given.seconds))))


if __name__ == "__main__":
    main()
