"""A script into Kafka: as fast as it goes, or in its own rhythm."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

from streams.simulation.script import ScriptLine
from streams.simulation.story import StoryStep

IN_FLIGHT = 20_000


async def to_kafka(producer: Any, prefix: str, lines: Iterable[ScriptLine], *, in_flight: int = IN_FLIGHT) -> int:
    """Produce every line with a started aiokafka producer; gives their number when all are acknowledged.

    `prefix` stands before the topic's name (`reports.`). The key is the report id, so that the default partitioner
    puts all records of a report into the same partition.
    """
    produced = 0
    futures: list[asyncio.Future[Any]] = []
    for line in lines:
        futures.append(await _send(producer, prefix + line.topic, line.value))
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
    begin, futures = clock(), []
    for step in steps:
        wait = begin + step.offset_seconds - clock()
        if wait > 0:
            await asyncio.sleep(wait)
        futures.append(await _send(producer, prefix + step.topic, step.value_at(datetime.now(UTC))))
    await asyncio.gather(*futures)
    return len(futures)


async def _send(producer: Any, topic: str, value: dict[str, Any]) -> asyncio.Future[Any]:
    future: asyncio.Future[Any] = await producer.send(topic, value=orjson.dumps(value), key=value["report_id"].encode())
    return future
