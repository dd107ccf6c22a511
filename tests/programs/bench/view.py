"""`python -m tests.programs.bench.view [--rows N] [--rate R]`: how fast a view reads, how soon it answers meanwhile.

State records are appended to a Kafka of its own. A view is started and asked at a fixed rate, by clients that do not
wait for one another, for summaries, lists and pages: first while it catches up, then with all rows in its tables while
rows go on changing. A request counts from the moment at which it was due, so that a server that stalls cannot hide it.
"""

import argparse
import asyncio
import multiprocessing
import subprocess
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import aiohttp
import psutil
import requests
from aiokafka import AIOKafkaProducer

from tests.engine.world import World, free_port
from tests.programs.bench.figures import percentile, table
from tests.programs.bench.ground import bench_kafka, bench_world, machine, say, where
from tests.programs.bench.viewed import fill, rows_of, say_complete, templates

PARTITIONS = 12
CHANGES_EVERY_SECONDS, CHANGES = 1.0, 200
MUNICIPALITIES = ("0301", "4601", "1103", "5001", "4204", "1108", "3907", "5601", "1804", "3301")
ASKED = {
    "summary": [
        *(f"/api/v1/summary?by={by}" for by in ("status", "receiver", "case_system", "day", "month", "channel")),
        *(f"/api/v1/summary?by=month&receiver={number}" for number in MUNICIPALITIES),
    ],
    "list": [
        "/api/v1/reports?status=missing&order=alarm_at",
        *(f"/api/v1/reports?receiver={number}" for number in MUNICIPALITIES),
        *(f"/api/v1/reports?status=missing&receiver={number}" for number in MUNICIPALITIES),
    ],
    "page": ["/", "/nn", "/en", *(f"/?receiver={number}" for number in MUNICIPALITIES[:4])],
}


class Asked(NamedTuple):
    """How soon one kind of request was answered, in seconds; `failed`: anything but 200."""

    when: str
    kind: str
    requests: int
    failed: int
    p50: float
    p99: float
    highest: float


def _ask(address: str, rate: float, seconds: float, answers: Any) -> None:
    answers.put(asyncio.run(_asking(address, rate, seconds)))


async def _asking(address: str, rate: float, seconds: float) -> list[tuple[str, float, int]]:
    """Ask at a fixed rate; kind, seconds since it was due, and status of each."""
    found: list[tuple[str, float, int]] = []
    turns = {kind: cycle(paths) for kind, paths in ASKED.items()}
    kinds = cycle(ASKED)

    async def one(session: aiohttp.ClientSession, kind: str, due: float) -> None:
        try:
            async with session.get(address + next(turns[kind])) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError):
            status = 0
        found.append((kind, time.monotonic() - due, status))

    timeout = aiohttp.ClientTimeout(60)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=timeout) as session:
        began, tasks = time.monotonic(), []
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tasks.append(asyncio.create_task(one(session, next(kinds), due)))
        await asyncio.gather(*tasks)
    return found


def shown(when: str, found: Sequence[tuple[str, float, int]]) -> list[Asked]:
    """The spread of each kind."""
    lines = []
    for kind in ASKED:
        took = [seconds for one, seconds, _ in found if one == kind]
        failed = sum(status != 200 for one, _, status in found if one == kind)
        lines.append(Asked(when, kind, len(took), failed, percentile(took, 0.5), percentile(took, 0.99), max(took)))
    return lines


class Load:
    """A process that asks while something else happens."""

    def __init__(self, address: str, rate: float, seconds: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._answers = context.Queue()
        self._process = context.Process(target=_ask, args=(address, rate, seconds, self._answers))
        self._process.start()

    def result(self) -> list[tuple[str, float, int]]:
        """Wait for it."""
        found: list[tuple[str, float, int]] = self._answers.get()
        self._process.join()
        return found


def start_view(world: World, file: Path | None) -> tuple["subprocess.Popen[bytes]", str]:
    """A view process that listens, and its address."""
    port = free_port()
    process = world.process(
        ("-m", "streams.cli", "view"), world.folder / "view.log",
        view_port=str(port), view_file=str(file or ""), view_memory="8GB", view_silent_after="PT24H",
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    while summary(address) is None:
        time.sleep(0.05)
    return process, address


def summary(address: str) -> dict[str, Any] | None:
    """How far it is; None while it does not listen yet."""
    try:
        answer: dict[str, Any] = requests.get(f"{address}/api/v1/summary", timeout=60).json()
    except requests.ConnectionError:
        return None
    return answer


def until_read(address: str, rows: int) -> float:
    """Wait until it holds all rows and is complete; the monotonic time of that."""
    while True:
        found = summary(address)
        if found and found["total"]["reports"] >= rows and found["picture"]["complete_until"]:
            return time.monotonic()
        time.sleep(0.2)


async def change_on(world: World, stop: asyncio.Event) -> None:
    """Rows that go on changing, and coverage that goes on."""
    rng, settings = Random(0), world.settings
    made = templates(where(world), rng)
    async with AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, acks="all") as producer:
        while not stop.is_set():
            for key, value in list(rows_of(CHANGES * 100, made, rng))[:CHANGES]:
                await producer.send(settings.output("state"), value, key=key, partition=rng.randrange(PARTITIONS))
            for partition in range(PARTITIONS):
                await say_complete(producer, where(world), partition, PARTITIONS)
            await asyncio.sleep(CHANGES_EVERY_SECONDS)


async def measure(rows: int, rate: float, seconds: float, file: bool) -> str:
    """Fill, read, ask."""
    with bench_kafka() as kafka:
        async with bench_world(kafka, PARTITIONS) as world:
            began = time.monotonic()
            await asyncio.to_thread(fill, where(world), rows, PARTITIONS)
            rows = rows // PARTITIONS // 100 * 100 * PARTITIONS
            say(f"{rows} rows: appended in {time.monotonic() - began:.0f} s")
            path = world.folder / "view.duckdb" if file else None
            alone = await _read(world, rows, path)
            asked, lines = await _read_and_asked(world, rows, rate, seconds)
            return "\n".join([alone, asked, "", table(HEADS, [_cells(line) for line in lines])])


async def _read(world: World, rows: int, file: Path | None) -> str:
    began = time.monotonic()
    process, address = start_view(world, file)
    listening = time.monotonic()
    read = await asyncio.to_thread(until_read, address, rows)
    memory = psutil.Process(process.pid).memory_info().rss
    process.terminate()
    process.wait(30)
    size = f", {file.stat().st_size / rows:.0f} bytes a row in the file" if file else ""
    return (
        f"Nothing asked: {rows:,} rows read in {read - began:.1f} s, {rows / (read - listening):,.0f} rows/s "
        f"({memory / 1e9:.1f} GB in memory{size})."
    )


async def _read_and_asked(world: World, rows: int, rate: float, seconds: float) -> tuple[str, list[Asked]]:
    process, address = start_view(world, None)
    listening = time.monotonic()
    load = Load(address, rate, seconds)
    meanwhile = await asyncio.to_thread(load.result)
    before = summary(address)
    assert before is not None
    reached = before["total"]["reports"]
    said = f"Asked {rate:g} times a second meanwhile: {reached:,} rows read after {time.monotonic() - listening:.0f} s."
    await asyncio.to_thread(until_read, address, rows)
    stop = asyncio.Event()
    changing = asyncio.create_task(change_on(world, stop))
    afterwards = await asyncio.to_thread(Load(address, rate, seconds).result)
    stop.set()
    await changing
    process.terminate()
    process.wait(30)
    return said, shown("catching up", meanwhile) + shown(f"{rows:,} rows, changing", afterwards)


HEADS = ("when", "asked", "requests", "failed", "p50, ms", "p99, ms", "highest, ms")


def _cells(line: Asked) -> tuple[object, ...]:
    return (
        f"{line.when}: {line.kind}", line.kind, line.requests, line.failed,
        *(round(1000 * seconds) for seconds in (line.p50, line.p99, line.highest)),
    )  # fmt: skip


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--file", action="store_true", help="Keep the tables in a file in the first run.")
    given = parser.parse_args()
    print(machine())
    print(asyncio.run(measure(given.rows, given.rate, given.seconds, given.file)))


if __name__ == "__main__":
    main()
