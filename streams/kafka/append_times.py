"""Inputs that begin with records from before they had append times: nobody knows when those arrived."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.errors import ConfigurationError
from streams.kafka.consumers import assign_paused, one_off_consumer
from streams.kafka.denials import explained
from streams.kafka.topics import partition_counts
from streams.records.record import LOG_APPEND_TIME
from streams.settings import KafkaSettings, Settings

READ_SECONDS = 20.0

Begins = dict[TopicPartition, int]  # partitions, and the offset of the first record of each


async def undated(kafka: KafkaSettings, tps: Sequence[TopicPartition], seconds: float = READ_SECONDS) -> Begins:
    """Those partitions whose first record has no append time. Raises ConfigurationError if they cannot be read."""
    try:
        async with asyncio.timeout(seconds), one_off_consumer(kafka, "read_uncommitted") as consumer:
            return await _undated(consumer, tps)
    except TimeoutError:
        raise ConfigurationError("The beginnings of the inputs cannot be read: is every broker up?") from None
    except KafkaError as error:
        why = await explained(error, kafka, "Read")
        raise ConfigurationError(f"Reading the beginnings of the inputs failed: {why}") from None


async def looked_at_beginnings(kafka: KafkaSettings, settings: Settings) -> list[str]:
    """What there is to say of the inputs' beginnings, also that they could not be read: who makes topics may not."""
    try:
        counts = await partition_counts(kafka, settings.inputs)
        tps = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
        found = await undated(kafka, tps)
    except ConfigurationError as error:
        return [f"Whether the first records of the inputs have append times was not looked at: {error}"]
    return ["{}: {}.".format(*what_becomes_of_it(tp, offset)) for tp, offset in found.items()]


async def _undated(consumer: Any, tps: Sequence[TopicPartition]) -> Begins:
    begins = await assign_paused(consumer, tps)
    ends = await consumer.end_offsets(tps)
    left = {tp for tp in tps if begins[tp] < ends[tp]}
    found: Begins = {}
    consumer.resume(*left)
    while left:
        for tp, records in (await consumer.getmany(timeout_ms=500, max_records=len(tps))).items():
            if tp in left and records[0].timestamp_type != LOG_APPEND_TIME:
                found[tp] = records[0].offset
            consumer.pause(tp)
            left.discard(tp)
        # Where nothing but control records is left there is no first record.
        left -= {tp for tp in left if await consumer.position(tp) >= ends[tp]}
    return found


def what_becomes_of_it(tp: TopicPartition, offset: int) -> tuple[str, str]:
    """In words what is so of a partition that begins so, and what helps."""
    return (
        f"{tp.topic}-{tp.partition} begins (offset {offset}) with records that have no append time of the broker: the "
        "worker lists each of them as rejected (no_append_time) and judges nothing by it",
        "let a worker read them, then `meldingsvakt rejected replay --reason no_append_time`, which appends them anew",
    )
