"""Events in numbers: a flood, as fast as Kafka takes them, or a steady stream from a process of its own.

Every report is sent, receipted and stored in time, in this order. The process: `python -m tests.programs.bench.load`.
"""

import argparse
import asyncio
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.core.events import written
from streams.kafka.partitioner import partition_of
from streams.settings import KafkaSettings, Settings
from streams.simulation.steps import random_uuid
from tests.engine.world import World
from tests.programs.bench.state import KINDS, SAMPLES, Input, samples, value
from tests.programs.bench.writing import INPUT_BATCH_BYTES, batches

TICK_SECONDS = 0.1

Place = tuple[str, int]


class Reports:
    """New reports without end; their records by topic and partition."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings, self._rng, self._samples = settings, Random(seed), samples(seed)

    def draw(self, count: int) -> list[str]:
        """The ids of some more."""
        return [random_uuid(self._rng) for _ in range(count)]

    def records(self, kind: int, ids: list[str]) -> dict[Place, list[Input]]:
        """Their records of one kind, whose own time is now."""
        found: dict[Place, list[Input]] = defaultdict(list)
        topic, at = self._settings.inputs[kind], written(datetime.now(UTC))
        for number, report_id in enumerate(ids):
            key = report_id.encode()
            record = Input(key, value(kind, report_id, self._samples[number % SAMPLES], at), [])
            found[topic, partition_of(key, self._settings.partitions)].append(record)
        return found


def prepared(producer: Any, settings: Settings, reports: int, seed: int) -> Iterator[tuple[Place, Any]]:
    """Batches that hold all records of so many reports, every sent before the receipts, these before the stored."""
    source = Reports(settings, seed)
    ids = source.draw(reports)
    for kind in KINDS:
        for place, records in source.records(kind, ids).items():
            yield from ((place, batch) for batch in batches(producer, records))


async def flood(producer: Any, ready: list[tuple[Place, Any]]) -> dict[Place, int]:
    """Append prepared batches at once; the offset after the last record of each input partition."""
    sent = [(place, batch, await producer.send_batch(batch, place[0], partition=place[1])) for place, batch in ready]
    ends: dict[Place, int] = {}
    for place, batch, appended in sent:
        ends[place] = max(ends.get(place, 0), (await appended).offset + batch.record_count())
    return ends


async def stream(brokers: str, settings: Settings, events_per_second: float, seconds: float, seed: int) -> int:
    """Append events steadily: in each tick the sents of new reports, and what follows of the last ticks' reports."""
    source, appended, began = Reports(settings, seed), 0, time.monotonic()
    each_tick = max(1, round(events_per_second * TICK_SECONDS / len(KINDS)))
    recent: list[list[str]] = []
    async with input_producer(brokers) as producer:
        for tick in range(round(seconds / TICK_SECONDS)):
            await asyncio.sleep(max(0.0, began + tick * TICK_SECONDS - time.monotonic()))
            recent = [source.draw(each_tick), *recent[: len(KINDS) - 1]]
            for kind, ids in enumerate(recent):
                for (topic, partition), records in source.records(kind, ids).items():
                    for batch in batches(producer, records):
                        await producer.send_batch(batch, topic, partition=partition)
                appended += len(ids)
    return appended


@asynccontextmanager
async def input_producer(brokers: str) -> AsyncIterator[Any]:
    """A producer as an adapter would have it."""
    async with AIOKafkaProducer(
        bootstrap_servers=brokers, acks="all", max_batch_size=INPUT_BATCH_BYTES, compression_type="lz4"
    ) as producer:
        yield producer


@asynccontextmanager
async def streaming(world: World, events_per_second: float, seconds: float) -> AsyncIterator[None]:
    """A steady stream from another process, for as long as the block lasts and at most so long."""
    command = ["-m", "tests.programs.bench.load", world.kafka.brokers, world.name, str(world.settings.partitions)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, str(events_per_second), str(seconds), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def main() -> None:
    """Stream, and print how many events were appended."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.programs.bench.load", description="a steady stream of events"
    )
    for name, kind in (("brokers", str), ("name", str), ("partitions", int), ("rate", float), ("seconds", float)):
        parser.add_argument(name, type=kind)
    given = parser.parse_args()
    settings = Settings(input_prefix=f"{given.name}.", app_id=given.name, partitions=given.partitions)
    brokers = KafkaSettings(brokers=given.brokers).brokers
    print(asyncio.run(stream(brokers, settings, given.rate, given.seconds, seed=int(time.time()))))


if __name__ == "__main__":
    main()
