"""Very many reports of one partition that fall due at once, and two workers that have to keep up with them."""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer

from streams.kafka.consumers import read_all
from tests.engine.world import Worker, World, sent_value
from tests.programs.bench.state import Input
from tests.programs.bench.writing import INPUT_BATCH_BYTES, append

MOST_TAKEOVERS = 3  # of two workers that start: one may come first, and takes over again once the other has come
PLACE = "$"
KEPT_SECONDS = 2.0
UNPROVEN = """
portal_retention = "P30D"
[[version]]
id = "unproven"
grace = "PT1S"
default = "PT1S"
[[version.override]]
municipality = "0301"
proof = "none"
"""


async def flood(world: World, count: int, **changes: Any) -> set[bytes]:
    """Append so many sents to partition 0, all of this moment; their report ids. `changes`: of their fields."""
    ids = {str(uuid4()).encode() for _ in range(count)}
    value = orjson.dumps(sent_value(PLACE, **changes))

    def records() -> Iterator[Input]:
        return (Input(one, value.replace(PLACE.encode(), one), []) for one in ids)

    async with AIOKafkaProducer(
        bootstrap_servers=world.kafka.brokers, acks="all", max_batch_size=INPUT_BATCH_BYTES, compression_type="zstd"
    ) as producer:
        await append(producer, f"{world.name}.sent", 0, records())
    return ids


async def announced(world: World) -> Counter[bytes]:
    """How often each report was announced."""
    return Counter([one.key or b"" async for one in read_all(world.kafka, [f"{world.name}.missing"])])


class Watch:
    """How two workers do meanwhile: whether they live, how slowly their probe answers, how often they took over.

    `longest_pause`: the most seconds between two commits that no takeover explains; `first_after`: how many passed
    until the first one was counted.
    """

    def __init__(self, workers: list[Worker]) -> None:
        self.workers = workers
        self.slowest_probe = 0.0
        self.longest_pause = 0.0
        self.first_after: float | None = None
        self._moved: tuple[int, int] | None = None
        self._moved_at = 0.0

    async def until(self, count: int, name: str, label: str = "", *, seconds: float) -> float:
        """Wait until a metric of all of them together comes to so much; how long that took, in seconds.

        Fails when a worker ends meanwhile.
        """
        began = time.monotonic()
        while True:
            found = commits = 0
            for worker in self.workers:
                assert worker.process.poll() is None, f"a worker ended:\n{worker.output()[-3000:]}"
                shown = await self._answer(worker.get, "/metrics")
                found += counted(shown, name, label)
                commits += counted(shown, "commit_seconds_count")
                asked = time.monotonic()
                if await self._answer(worker.get, "/livez"):
                    self.slowest_probe = max(self.slowest_probe, time.monotonic() - asked)
            took = time.monotonic() - began
            self._look_for_a_pause(commits)
            if found and self.first_after is None:
                self.first_after = took
            if found >= count:
                return took
            assert took < seconds, f"{found} of {count} after {took:.0f} s:\n{self.workers[0].output()[-3000:]}"
            await asyncio.sleep(0.1)

    def _look_for_a_pause(self, commits: int) -> None:
        now, moved = time.monotonic(), (commits, self.takeovers)
        if commits and self._moved is not None and moved[1] == self._moved[1]:
            self.longest_pause = max(self.longest_pause, now - self._moved_at)
        if commits and moved != self._moved:
            self._moved, self._moved_at = moved, now

    @property
    def takeovers(self) -> int:
        """How often they have begun to check partitions: once more for each time that one of them was evicted."""
        return sum(worker.output().count("Checking partitions") for worker in self.workers)

    @staticmethod
    async def _answer(get: Callable[[str], Awaitable[tuple[int, str]]], path: str) -> str:
        try:
            return (await get(path))[1]
        except aiohttp.ClientConnectorError:
            return ""  # it has not begun to listen


async def erased(world: World, count: int, *, seconds: float) -> tuple[Watch, float]:
    """Settle so many reports, then let two workers erase all of their rows at once; what was seen, how long it took."""
    (world.folder / "policy.toml").write_text(UNPROVEN)
    await flood(world, count)
    await asyncio.sleep(KEPT_SECONDS)
    first = Watch([world.worker()])
    await first.until(count, "reports", "unproven", seconds=seconds)
    assert first.workers[0].stop() == 0
    orders = json.dumps({"keep": KEPT_SECONDS})
    watch = Watch([world.worker(("-m", "tests.system.faults.launch", orders)) for _ in range(2)])
    return watch, await watch.until(count, "reports", "erased", seconds=seconds)


def counted(metrics: str, name: str, label: str = "") -> int:
    """The sum of a metric over its labels, if it has any, or over those that hold some text."""
    labels = f"{{.*{label}.*}}"
    found = re.findall(rf"^meldingsvakt_{name}{labels if label else f'(?:{labels})?'} (\S+)$", metrics, re.MULTILINE)
    return round(sum(map(float, found)))
