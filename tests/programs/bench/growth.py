"""`python -m tests.programs.bench.growth`: speed, memory and restore as rows, partitions and workers grow.

Each point restores a written state and then takes a flood of new reports in. `--write` keeps the points in
`results/growth.json`, where the model (`tests.programs.bench.model`) reads them.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from streams.broker import EmbeddedKafka
from tests.engine.world import Worker, World
from tests.programs.bench.figures import table
from tests.programs.bench.following import following
from tests.programs.bench.ground import BROKER_SETTINGS, bench_world, machine, memory, metric, say, where
from tests.programs.bench.load import flood, input_producer, prepared, stream
from tests.programs.bench.model import Costs, Limits, Needs, Point, Volume, expected, fit, needs, write_points
from tests.programs.bench.restart import all_owned, start, started_and_restarted
from tests.programs.bench.state import Shape
from tests.programs.bench.writing import write_state

REPORTS = 100_000
PACKED_SECONDS = 300.0
TRICKLE_EACH_SECOND, TRICKLE_SECONDS = 30, 5.0  # about a thousand nations' busiest hour
MB = 1e6


class Plan(NamedTuple):
    """Which points are measured: sizes at the middle number of partitions, partitions at the middle size."""

    rows: Sequence[int] = (10_000, 100_000, 1_000_000)
    partitions: Sequence[int] = (1, 12, 48)
    workers: Sequence[int] = (1, 2)
    reports: int = REPORTS

    def grounds(self) -> list[tuple[int, int]]:
        """Rows and partitions; an empty state for each number of partitions."""
        middle_rows, middle_partitions = self.rows[len(self.rows) // 2], self.partitions[len(self.partitions) // 2]
        cross = {(rows, middle_partitions) for rows in self.rows} | {(middle_rows, p) for p in self.partitions}
        return sorted({(0, p) for p in self.partitions} | cross)


def shown(points: Sequence[Point]) -> str:
    """The measured points beside what the fitted model says of them."""
    costs, bare = fit(points), {(p.partitions, p.workers): p.memory_bytes for p in points if p.rows == 0}
    return table(
        (
            "rows", "partitions", "workers", "events/s", "model", "restore, s", "model", "memory, MB", "model",
            "peak, MB", "bytes a row", "broker bytes an event", "one by one",
        ),
        [_line(point, costs, bare.get((point.partitions, point.workers), 0)) for point in points],
    )  # fmt: skip


def _line(point: Point, costs: Costs, bare: int) -> tuple[object, ...]:
    model = expected(costs, *point[:3])
    row_bytes = round((point.memory_bytes - bare) / point.rows) if point.rows and bare else "-"
    return (
        *point[:3],
        round(point.events_per_second), round(model.events_per_second),
        point.restore_seconds, model.restore_seconds,
        round(point.memory_bytes / MB), round(model.memory_bytes / MB),
        round(point.peak_bytes / MB), row_bytes, round(point.event_bytes),
        round(point.trickle_bytes),
    )  # fmt: skip


def shown_needs(costs: Costs, times: Iterable[float], limits: Limits) -> str:
    """What multiples of the national volume need."""
    found = [(factor, needs(costs, Volume(factor), limits)) for factor in times]
    return table(
        (
            "times the nation", "rows", "peak events/s", "workers", "partitions", "memory, GB", "restore, s",
            "broker, MB/s", "breaks first",
        ),
        [(round(factor), *_needs_line(one)) for factor, one in found],
    )  # fmt: skip


def _needs_line(one: Needs) -> tuple[object, ...]:
    return (
        round(one.rows), one.peak_events_per_second, one.workers, one.partitions, one.memory_bytes / 1e9,
        one.restore_seconds, one.broker_bytes_per_second / MB, one.breaks_first,
    )  # fmt: skip


def told(one: Needs, limits: Limits) -> str:
    """What a thousand times the nation needs, in words."""
    asked = ", ".join(f"{name} {number}" for name, number in sorted(one.asked_by.items(), key=lambda item: -item[1]))
    return (
        f"A thousand times the national volume is {one.rows / MB:.0f} million rows, because every row is kept for its "
        f"keeping time, but only {one.peak_events_per_second:.0f} events/s in the busiest hour. It needs "
        f"{one.memory_bytes / 1e9:.0f} GB in {one.workers} workers of {limits.worker_bytes / 1e9:.0f} GB with "
        f"{one.partitions} partitions, {one.broker_bytes_per_second / 1e3:.0f} kB/s at the brokers, and "
        f"{one.restore_seconds:.0f} s to read the state again when all workers are lost at once. What breaks first is "
        f"{one.breaks_first}: each limit alone would ask for so many workers: {asked}. Partitions must be chosen "
        "before the first report, since they cannot be added to a live topic."
    )


class Weight(NamedTuple):
    """What workers take that have just been started again over a state."""

    restore_seconds: float
    memory_bytes: int
    peak_bytes: int


class Traffic(NamedTuple):
    """What workers reach, and what the brokers write for it."""

    events_per_second: float
    event_bytes: float
    trickle_bytes: float


async def weigh(world: World, shape: Shape, workers: int) -> Weight:
    """Restart workers over a written state."""
    again, running = await started_and_restarted(world, shape, workers, static=True)
    for worker in running:
        await packed(worker)
    memories = [memory(worker) for worker in running]
    for worker in running:
        worker.stop()
    taken = again.restored - again.joined
    return Weight(taken, sum(one.now for one in memories), sum(one.peak for one in memories))


async def packed(worker: Worker) -> None:
    """Wait until a worker has packed all that it restored: what it takes from then on is what rows cost."""
    deadline = time.monotonic() + PACKED_SECONDS
    while sum((await metric(worker, "rows_unpacked")).values()) > 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"rows are not packed after {PACKED_SECONDS:g} s")
        await asyncio.sleep(0.5)
    await asyncio.sleep(0.5)  # memory is given back right after the last row


async def drive(world: World, folder: Path, workers: int, reports: int, seed: int) -> Traffic:
    """A flood of events, then some that come one by one."""
    running = start(world, workers, static=True)
    await all_owned(running, world.settings.partitions)
    before = size_of(folder)
    events, took = await _flooded(world, reports, seed)
    flooded = size_of(folder)
    trickled = await stream(world.kafka.brokers, world.settings, TRICKLE_EACH_SECOND, TRICKLE_SECONDS, seed + 50)
    await asyncio.sleep(1.0)  # the last commits
    written = size_of(folder) - flooded
    for worker in running:
        worker.stop()
    return Traffic(events / took, (flooded - before) / events, written / trickled)


async def _flooded(world: World, reports: int, seed: int) -> tuple[int, float]:
    """Events, and the seconds until all of them were applied and committed."""
    async with input_producer(world.kafka.brokers) as producer, following(world) as coverages:
        ready = list(prepared(producer, world.settings, reports, seed))
        began = time.monotonic()
        ends = await flood(producer, ready)
        return sum(batch.record_count() for _, batch in ready), await coverages.applied(ends) - began


def size_of(folder: Path) -> int:
    """The bytes of all segments on the brokers' disks: compressed, as they went over the wire."""
    return sum(path.stat().st_size for path in folder.glob("node-*/**/*.log"))


@contextmanager
def kafka_on_disk() -> Iterator[tuple[EmbeddedKafka, Path]]:
    """A broker whose folder can be looked into."""
    with tempfile.TemporaryDirectory(prefix="meldingsvakt-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with EmbeddedKafka(directory=folder, settings=BROKER_SETTINGS) as kafka:
            yield kafka, folder


async def measure(plan: Plan) -> list[Point]:
    """Every point of a plan."""
    points: list[Point] = []
    with kafka_on_disk() as (kafka, folder):
        for rows, partitions in plan.grounds():
            async with bench_world(kafka, partitions) as world:
                shape = Shape(rows, partitions)
                if rows:
                    say(f"{rows} rows: written in {write_state(where(world), shape):.1f} s")
                # All are weighed before the first flood: it leaves rows behind.
                counts = [number for number in plan.workers if number <= partitions]
                weights = [await weigh(world, shape, workers) for workers in counts]
                for workers, weight in zip(counts, weights, strict=True):
                    traffic = await drive(world, folder, workers, plan.reports, seed=100 + workers)
                    points.append(Point(rows, partitions, workers, **weight._asdict(), **traffic._asdict()))
                    say(f"{points[-1]}")
    return points


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.programs.bench.growth", description="speed and memory as it grows"
    )
    parser.add_argument("--rows", type=int, nargs="+", default=list(Plan().rows))
    parser.add_argument("--partitions", type=int, nargs="+", default=list(Plan().partitions))
    parser.add_argument("--workers", type=int, nargs="+", default=list(Plan().workers))
    parser.add_argument("--reports", type=int, default=REPORTS, help="new reports in each flood")
    parser.add_argument("--write", action="store_true", help="keep the points for the model")
    given = parser.parse_args()
    points = asyncio.run(measure(Plan(given.rows, given.partitions, given.workers, given.reports)))
    if given.write:
        write_points(points, machine())
    costs, limits = fit(points), Limits()
    print(f"Growth ({machine()}):\n\n{shown(points)}\n")
    print(f"{shown_needs(costs, (1, 10, 100, 1000), limits)}\n\n{told(needs(costs, Volume(1000), limits), limits)}")


if __name__ == "__main__":
    main()
