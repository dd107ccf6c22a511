"""What every benchmark stands on: one real Kafka that compacts nothing, a world in it, and a look at processes."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import orjson
import psutil

from streams.broker import EmbeddedKafka
from tests.engine.world import Worker, World
from tests.programs.bench.state import policy
from tests.programs.bench.writing import Where

# Nothing is compacted: the state is as a restart finds it at the worst. The offsets' topic is not what is measured.
BROKER_SETTINGS = {"log.cleaner.enable": "false"}
OWN_SETTINGS = ("MELDINGSVAKT_SESSION_TIMEOUT", "MELDINGSVAKT_MARK_EVERY")  # the tests' own; here the defaults hold


class Memory(NamedTuple):
    """Bytes of a process in memory: now, and at most so far."""

    now: int
    peak: int


@contextmanager
def bench_kafka() -> Iterator[EmbeddedKafka]:
    """A broker of its own: the benchmarks need its settings."""
    with EmbeddedKafka(settings=BROKER_SETTINGS) as kafka:
        yield kafka


@asynccontextmanager
async def bench_world(kafka: EmbeddedKafka, partitions: int, **settings: str) -> AsyncIterator[World]:
    """Topics of their own and the product's default settings, but for those that are given."""
    world = World(kafka.bootstrap, partitions)
    for name in OWN_SETTINGS:
        world.environment.pop(name)
    world.environment |= {f"MELDINGSVAKT_{name.upper()}": setting for name, setting in settings.items()}
    where(world).policy.write_text(policy())
    await world.start()
    try:
        yield world
    finally:
        await world.stop()


def where(world: World) -> Where:
    """A world's place, for those who write into it."""
    return Where(world.kafka, world.settings, Path(world.environment["MELDINGSVAKT_POLICY"]))


def memory(worker: Worker) -> Memory:
    """How much memory a worker takes."""
    status = dict(
        line.split(":", maxsplit=1) for line in Path(f"/proc/{worker.process.pid}/status").read_text().splitlines()
    )
    return Memory(*(int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM")))


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used, in user and system mode."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def metric(worker: Worker, name: str) -> dict[str, float]:
    """A metric of a worker by its labels as they are written: `{"partition=\"0\"": 1.5}`."""
    _, text = await worker.get("/metrics")
    found = {}
    for line in text.splitlines():
        head, _, figure = line.rpartition(" ")
        if head.partition("{")[0] == f"meldingsvakt_{name}":
            found[head.partition("{")[2].removesuffix("}")] = float(figure)
    return found


async def owned(worker: Worker) -> int:
    """How many partitions a worker holds."""
    _, text = await worker.get("/readyz")
    return len(orjson.loads(text)["partitions"])


def say(text: str) -> None:
    """Progress, for whoever waits: standard error, so that tables stay alone on standard output."""
    print(text, file=sys.stderr, flush=True)


def machine() -> str:
    """What it was measured on."""
    return f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, Python {sys.version.split()[0]}"
