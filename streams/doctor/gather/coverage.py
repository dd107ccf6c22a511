"""What the checker published of itself: the last coverage of each partition, read from near the topic's end."""

from collections.abc import Sequence
from typing import Any

import orjson
from aiokafka import TopicPartition

from streams.doctor.facts import Damaged
from streams.kafka.consumers import assign_paused, one_off_consumer
from streams.records.coverage import Coverage, read_coverage
from streams.settings import KafkaSettings

NEAR_END = 2000  # coverage is written with every commit, so that the last one is seldom further away


async def coverage(kafka: KafkaSettings, topic: str, partitions: Sequence[int]) -> dict[int, Coverage] | Damaged:
    """The last coverage by partition; none where nothing was ever committed."""
    if not partitions:
        return {}
    tps = [TopicPartition(topic, number) for number in partitions]
    async with one_off_consumer(kafka, request_timeout_ms=4000) as consumer:
        begins = await assign_paused(consumer, tps)
        ends = await consumer.end_offsets(tps)
        near = {tp: max(begins[tp], ends[tp] - NEAR_END) for tp in tps}
        found = await _read(consumer, near, ends)
        if isinstance(found, Damaged):
            return found
        further = {tp: begins[tp] for tp in tps if tp.partition not in found and begins[tp] < near[tp]}
        earlier = await _read(consumer, further, ends)
        return earlier if isinstance(earlier, Damaged) else earlier | found


async def _read(consumer: Any, starts: dict[Any, int], ends: dict[Any, int]) -> dict[int, Coverage] | Damaged:
    found: dict[int, Coverage] = {}
    for tp, start in starts.items():
        consumer.seek(tp, start)
    consumer.resume(*starts)
    while any([await consumer.position(tp) < ends[tp] for tp in starts]):
        for tp, records in (await consumer.getmany(*starts, timeout_ms=500)).items():
            for record in records:
                try:
                    value = orjson.loads(record.value)
                    if value["kind"] == "coverage":
                        found[tp.partition] = read_coverage(value)
                except (ValueError, KeyError, TypeError, AttributeError):
                    return Damaged(f"{tp.topic}-{tp.partition} offset {record.offset} is no record of this checker")
    return found
