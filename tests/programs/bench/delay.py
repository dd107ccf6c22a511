"""`python -m tests.programs.bench.delay`: from a report's deadline to its missing event being visible.

So many reports pend (restored, not made by traffic), and others come to their deadlines, spread over some seconds. A
read_committed consumer notes when it sees each event; the delay is that time less the event's `alarm_at`. Reader and
broker share one machine and so one clock. Idle, nothing else arrives; under load a producer appends events at a
steady rate, which `--load` gives: half of what this worker was measured to reach.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer

from streams.broker import EmbeddedKafka
from streams.core.events import written
from streams.simulation.steps import random_uuid
from tests.engine.world import Worker, World, now
from tests.programs.bench.figures import Spread, spread, table
from tests.programs.bench.ground import bench_kafka, bench_world, cpu_seconds, machine, metric, say, where
from tests.programs.bench.load import streaming
from tests.programs.bench.state import SHORT_CHANNEL, Shape, samples, value
from tests.programs.bench.writing import write_state

PARTITIONS = 12
REPORTS, SECONDS = 2_000, 20.0
WARM_SECONDS = 5.0  # of load, before the first report is sent
PATIENCE_SECONDS = 120.0


class Trial(NamedTuple):
    """What is tried: so many reports that pend, so much load, and reports that come to their deadlines."""

    pending: int
    load: float
    reports: int
    seconds: float


class Delay(NamedTuple):
    """How late events were seen, in seconds, with so many reports pending."""

    pending: int
    load: float  # events/s that were asked for, beside the reports themselves
    applied: float  # records/s that the worker read meanwhile
    worker_share: float  # of one core
    seen: Spread


def shown(delays: Sequence[Delay]) -> str:
    """The table."""
    return table(
        ("pending", "load, events/s", "read, events/s", "worker, % of a core", "events", "p50, s", "p99, s", "max, s"),
        [
            (d.pending, round(d.load) or "idle", round(d.applied), round(d.worker_share * 100), *d.seen)
            for d in delays
        ],
    )  # fmt: skip


def delay_of(event: bytes, seen: float) -> float:
    """How late an event was seen (seconds since 1970)."""
    return seen - datetime.fromisoformat(orjson.loads(event)["alarm_at"]).timestamp()


async def send_short(world: World, count: int, seconds: float, seed: int) -> set[str]:
    """Send reports that nobody will store, spread over some seconds; their ids."""
    rng, drawn, began = Random(seed), samples(seed), time.monotonic()
    ids: set[str] = set()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + seconds * number / count - time.monotonic()))
        ids.add(report_id := random_uuid(rng))
        sent = value(0, report_id, drawn[number % len(drawn)], written(now()), channel=SHORT_CHANNEL)
        await world.producer.send(f"{world.name}.sent", sent, key=report_id.encode())
    await world.producer.flush()
    return ids


async def watch(consumer: Any, count: int, patience: float) -> dict[str, float]:
    """The delays of so many events by report, as they are seen. Raises TimeoutError when one does not come."""
    delays: dict[str, float] = {}
    async with asyncio.timeout(patience):
        while len(delays) < count:
            fetched = await consumer.getmany(timeout_ms=1000)
            seen = time.time()
            for records in fetched.values():
                delays |= {record.key.decode(): delay_of(record.value, seen) for record in records}
    return delays


async def delay(world: World, worker: Worker, trial: Trial) -> Delay:
    """Let reports come to their deadlines, over so many that pend, under so much load."""
    async with AsyncExitStack() as stack:
        consumer = await stack.enter_async_context(_announcements(world))
        if trial.load:
            await stack.enter_async_context(streaming(world, trial.load, PATIENCE_SECONDS + trial.seconds))
            await asyncio.sleep(WARM_SECONDS)
        before = await _looked(worker)
        ids, delays = await asyncio.gather(
            send_short(world, trial.reports, trial.seconds, seed=int(time.time())),
            watch(consumer, trial.reports, trial.seconds + PATIENCE_SECONDS),
        )
        if set(delays) != ids:
            raise ValueError(f"{len(set(delays) - ids)} events came of reports that are none of ours")
        passed, applied, used = (after - at for at, after in zip(before, await _looked(worker), strict=True))
    return Delay(trial.pending, trial.load, applied / passed, used / passed, spread(list(delays.values())))


@asynccontextmanager
async def _announcements(world: World) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        f"{world.name}.missing", bootstrap_servers=world.kafka.brokers, isolation_level="read_committed"
    )
    await consumer.start()
    try:
        await consumer.seek_to_end()
        for tp in consumer.assignment():
            await consumer.position(tp)
        yield consumer
    finally:
        await consumer.stop()


async def _looked(worker: Worker) -> tuple[float, float, float]:
    records = sum((await metric(worker, "records_total")).values())
    return time.monotonic(), records, cpu_seconds(worker.process.pid)


async def measure(
    pending: Sequence[int], loads: Sequence[float], *, reports: int, seconds: float, partitions: int
) -> list[Delay]:
    """Every number of pending reports, under every load."""
    with bench_kafka() as kafka:
        return [
            one
            for number in pending
            for one in await _measure_pending(
                kafka, [Trial(number, load, reports, seconds) for load in loads], partitions
            )
        ]


async def _measure_pending(kafka: EmbeddedKafka, trials: Sequence[Trial], partitions: int) -> list[Delay]:
    delays, pending = [], trials[0].pending
    async with bench_world(kafka, partitions) as world:
        say(f"{pending} pending: written in {write_state(where(world), Shape(pending, partitions, facts=1)):.1f} s")
        worker = world.worker()
        await worker.ready(600, partitions)
        for trial in trials:
            delays.append(await delay(world, worker, trial))
            say(f"{pending} pending: {delays[-1]}")
        worker.stop()
    return delays


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.programs.bench.delay", description="deadline to event visible"
    )
    parser.add_argument("--pending", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--load", type=float, default=30_000, help="events/s: half of full load")
    parser.add_argument("--reports", type=int, default=REPORTS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="over which their deadlines are spread")
    parser.add_argument("--partitions", type=int, default=PARTITIONS)
    given = parser.parse_args()
    found = measure(
        given.pending, [0, given.load], reports=given.reports, seconds=given.seconds, partitions=given.partitions
    )
    print(f"Delay ({machine()}, {given.partitions} partitions):\n\n{shown(asyncio.run(found))}")


if __name__ == "__main__":
    main()
