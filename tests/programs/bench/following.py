"""Follows the coverage topic as a consumer would: how far each partition is complete, and what has been applied."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.engine.world import World


class Coverages:
    """The last committed coverage of each partition, from the moment when it began to be followed."""

    def __init__(self, consumer: Any, partitions: int) -> None:
        self._consumer, self._partitions = consumer, partitions
        self.latest: dict[int, dict[str, Any]] = {}

    async def all_are(self, enough: Callable[[dict[str, Any]], bool], seconds: float) -> float:
        """Wait until the latest coverage of every partition is enough; the monotonic time at which it was seen."""
        deadline = time.monotonic() + seconds
        while len(self.latest) < self._partitions or not all(map(enough, self.latest.values())):
            if time.monotonic() > deadline:
                behind = [p for p in range(self._partitions) if p not in self.latest or not enough(self.latest[p])]
                raise TimeoutError(f"partitions {behind} are not where they should be after {seconds:g} s")
            await self._read()
        return time.monotonic()

    async def beyond(self, moment: datetime, seconds: float = 300) -> float:
        """Wait until every partition is complete beyond a moment."""
        return await self.all_are(lambda value: complete_beyond(value, moment), seconds)

    async def applied(self, ends: dict[tuple[str, int], int], seconds: float = 600) -> float:
        """Wait until every input is applied up to the offset after its last record."""
        return await self.all_are(
            lambda value: all(
                one["next_offset"] >= ends.get((topic, value["partition"]), 0)
                for topic, one in value["applied"].items()
            ),
            seconds,
        )

    async def _read(self) -> None:
        for records in (await self._consumer.getmany(timeout_ms=50)).values():
            for record in records:
                if b"/" not in record.key:  # the books have their municipality in the key
                    value = orjson.loads(record.value)
                    self.latest[value["partition"]] = value


def complete_beyond(value: dict[str, Any], moment: datetime) -> bool:
    """True if a coverage record says that its partition is complete beyond a moment."""
    until = value["complete_until"]
    return until is not None and datetime.fromisoformat(until) > moment


@asynccontextmanager
async def following(world: World) -> AsyncIterator[Coverages]:
    """Coverage, read_committed, from now on."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.kafka.brokers, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = world.settings.partitions
        tps = [TopicPartition(world.settings.output("coverage"), p) for p in range(partitions)]
        consumer.assign(tps)
        await consumer.seek_to_end(*tps)
        yield Coverages(consumer, partitions)
    finally:
        await consumer.stop()
