"""State records in numbers, for a view to read: rows as the processor writes them, with ids and days of their own."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer

from schemas.outputs import ReportState
from streams.core.events import written
from streams.core.rules import Rules
from streams.data import succession
from streams.policies import load_policy
from streams.records.coverage import Applied, Coverage
from tests.programs.bench.state import Author, Shape
from tests.programs.bench.writing import INPUT_BATCH_BYTES, PROCESSES, Where

TEMPLATES = 600
DAYS = 100
MISSING_SHARE = 0.002
_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Template(NamedTuple):
    """A row's value around its report id."""

    before: bytes
    after: bytes


def templates(where: Where, rng: Random) -> list[dict[str, Any]]:
    """Rows as the processor writes them, a few of them made missing."""
    rules = Rules(load_policy(where.policy), succession())
    author = Author(Shape(TEMPLATES, 1), where.settings, rules, 0)
    stamp = int(_DAY.timestamp() * 1000)
    rows: dict[bytes, dict[str, Any]] = {}
    for topic, records in author.batches(_DAY):
        stamp += 40_000
        for write in author.appended({topic: records}, stamp).records:
            if write.topic.endswith(".state") and write.value:
                rows[write.key] = orjson.loads(write.value)
    made = list(rows.values())
    for row in made:
        if rng.random() < MISSING_SHARE * 10:  # a tenth of them is then taken
            row |= {"status": "missing", "reason": "receipted_not_stored", "stored_at": None, "evidence": None}
            row |= {"stored_record": None, "missing_event_id": str(UUID(int=rng.getrandbits(128), version=4))}
        ReportState.model_validate(row)
    return made


def rows_of(rows: int, made: list[dict[str, Any]], rng: Random) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values, day after day, as they would have come."""
    first = datetime.now(UTC) - timedelta(days=DAYS)
    for day in range(DAYS):
        today = [_shifted(row, written(first + timedelta(days=day))[:10].encode()) for row in made]
        for _ in range(rows // DAYS):
            template = today[rng.randrange(len(today))]
            key = str(UUID(int=rng.getrandbits(128), version=4)).encode()
            yield key, template.before + key + template.after


def _shifted(row: dict[str, Any], day: bytes) -> Template:
    text = orjson.dumps(row).replace(written(_DAY)[:10].encode(), day)
    before, after = text.split(row["report_id"].encode(), 1)
    return Template(before, after)


def fill(where: Where, rows: int, partitions: int) -> None:
    """Append so many rows, and coverage that says that everything is complete until now."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        parts = [range(number, partitions, PROCESSES) for number in range(PROCESSES)]
        for done in [pool.submit(_fill_in_process, where, rows // partitions, partitions, part) for part in parts]:
            done.result()


def _fill_in_process(where: Where, rows: int, partitions: int, part: range) -> None:
    asyncio.run(_fill(where, rows, partitions, part))


async def _fill(where: Where, rows: int, partitions: int, part: range) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=where.kafka.brokers, acks="all", max_batch_size=INPUT_BATCH_BYTES, compression_type="zstd"
    ) as producer:
        for partition in part:
            rng = Random(partition)
            made = templates(where, rng)
            await _append(producer, where.settings.output("state"), partition, rows_of(rows, made, rng))
            await say_complete(producer, where, partition, partitions)


async def _append(producer: Any, topic: str, partition: int, rows: Iterator[tuple[bytes, bytes]]) -> None:
    builder, sent = producer.create_batch(), []
    for key, value in rows:
        if builder.append(timestamp=None, key=key, value=value) is None:
            sent.append(await producer.send_batch(builder, topic, partition=partition))
            builder = producer.create_batch()
            builder.append(timestamp=None, key=key, value=value)
            if len(sent) > 20:
                await asyncio.gather(*sent)
                sent.clear()
    sent.append(await producer.send_batch(builder, topic, partition=partition))
    await asyncio.gather(*sent)


async def say_complete(producer: Any, where: Where, partition: int, partitions: int) -> None:
    """Coverage of one partition: complete until now."""
    now = datetime.now(UTC)
    applied = {topic: Applied(0) for topic in where.settings.inputs}
    value = orjson.dumps(Coverage(partition, partitions, applied, now, now).value())
    await producer.send_and_wait(
        where.settings.output("coverage"), value, key=str(partition).encode(), partition=partition
    )
