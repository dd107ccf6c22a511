"""A script into Kafka: as fast as it goes, or in its own rhythm."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from streams.records.decode import FEED_HEADER
from streams.simulation.script import ScriptLine
from streams.simulation.steps import StoryStep

IN_FLIGHT = 20_000


async def to_kafka(producer: Any, prefix: str, lines: Iterable[ScriptLine], *, in_flight: int = IN_FLIGHT) -> int:
    """Produce every line with a started aiokafka producer; gives their number when all are acknowledged.

    `prefix` stands before the topic's name (`reports.`). The key is the report id, so that the default partitioner
    puts all records of a report into the same partition.
    """
    produced = 0
    futures: list[asyncio.Future[Any]] = []
    for line in lines:
        futures += await _send(producer, prefix, line)
        produced += 1
        if len(futures) >= in_flight:
            await asyncio.gather(*futures)
            futures.clear()
    await asyncio.gather(*futures)
    return produced


async def play(producer: Any, prefix: str, steps: Iterable[StoryStep]) -> int:
    """Produce each step when its time has come, its times rebased to now; gives their number when all are there.

    `steps` come in order. A failed record ends it with the producer's error.
    """
    clock = asyncio.get_running_loop().time
    begin, futures, played = clock(), [], 0
    for played, step in enumerate(steps, start=1):  # noqa: B007 - the count is what we give back
        wait = begin + step.offset_seconds - clock()
        if wait > 0:
            await asyncio.sleep(wait)
        now = datetime.now(UTC)
        futures += await _send(producer, prefix, ScriptLine(now, step.topic, step.value_at(now)))
    await asyncio.gather(*futures)
    return played


async def _send(producer: Any, prefix: str, line: ScriptLine) -> list[asyncio.Future[Any]]:
    """A record in its report's partition; a feed's mark in each partition, behind the proofs that were sent before."""
    value = orjson.dumps(line.value)
    if line.topic != "feed":
        return [await producer.send(prefix + line.topic, value=value, key=line.value["report_id"].encode())]
    topic, headers = f"{prefix}stored", [(FEED_HEADER, line.value["feed"].encode())]
    partitions = await producer.partitions_for(topic)
    return [await producer.send(topic, value=value, partition=one, headers=headers) for one in sorted(partitions)]
