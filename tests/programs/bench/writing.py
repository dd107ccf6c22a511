"""Writes the state of `tests.programs.bench.state` into Kafka, and counts what lies there."""

import asyncio
import multiprocessing
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from streams.core.rules import Rules
from streams.data import succession
from streams.kafka.consumers import read_all
from streams.kafka.transaction import Transactions
from streams.policies import load_policy
from streams.settings import KafkaSettings, Settings
from tests.programs.bench.state import Author, Input, Shape

PROCESSES = 2
INPUT_BATCH_BYTES = 900_000  # below the brokers' default limit for one record batch


class Where(NamedTuple):
    """Which Kafka, which topics, by which policy."""

    kafka: KafkaSettings
    settings: Settings
    policy: Path


class Held(NamedTuple):
    """What a topic holds: records that a restore reads, keys among them, and the bytes of keys and values."""

    records: int
    keys: int
    size_bytes: int


def write_state(where: Where, shape: Shape) -> float:
    """Write a state into topics that are empty; gives the seconds that it took."""
    began = time.monotonic()
    parts = [list(range(shape.partitions))[number::PROCESSES] for number in range(PROCESSES)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        for written in [pool.submit(_write_in_process, where, shape, part) for part in parts if part]:
            written.result()
    return time.monotonic() - began


def _write_in_process(where: Where, shape: Shape, partitions: list[int]) -> None:
    asyncio.run(_write(where, shape, partitions))


async def _write(where: Where, shape: Shape, partitions: list[int]) -> None:
    rules = Rules(load_policy(where.policy), succession())
    async with AIOKafkaProducer(
        bootstrap_servers=where.kafka.brokers, acks="all", max_batch_size=INPUT_BATCH_BYTES, compression_type="lz4"
    ) as producer:
        for partition in partitions:
            await _write_partition(where, producer, partition, Author(shape, where.settings, rules, partition))


async def _write_partition(where: Where, producer: Any, partition: int, author: Author) -> None:
    transactions = Transactions(where.kafka, where.settings, partition)
    await transactions.fence()
    try:
        for topic, records in author.batches(datetime.now(UTC)):
            timestamp = await append(producer, topic, partition, records)
            await transactions.commit(author.appended({topic: records}, timestamp))
        marks = author.marks()
        marks |= dict.fromkeys(where.settings.inputs[1:], marks[where.settings.inputs[0]])
        stamps = [await append(producer, topic, partition, some) for topic, some in marks.items()]
        await transactions.commit(author.appended(marks, min(stamps)))
    finally:
        await transactions.stop()


async def append(producer: Any, topic: str, partition: int, records: Iterable[Input]) -> int:
    """Append records to one partition; gives the brokers' append time of the last one (ms since 1970)."""
    sent = [await producer.send_batch(one, topic, partition=partition) for one in batches(producer, records)]
    return int(max([(await appended).timestamp for appended in sent]))


def batches(producer: Any, records: Iterable[Input]) -> Iterator[Any]:
    """The records in as few batches as the producer allows."""
    builder = producer.create_batch()
    for key, value, headers in records:
        if builder.append(timestamp=None, key=key, value=value, headers=headers) is None:
            yield builder
            builder = producer.create_batch()
            assert builder.append(timestamp=None, key=key, value=value, headers=headers) is not None
    builder.close()
    yield builder


async def count(kafka: KafkaSettings, topics: Sequence[str]) -> Held:
    """Read topics to their end: what compaction had taken away would not be counted."""
    records, size = 0, 0
    keys: set[bytes | None] = set()
    async for record in read_all(kafka, topics):
        records, size = records + 1, size + len(record.key or b"") + len(record.value or b"")
        keys.add(record.key)
    return Held(records, len(keys), size)
