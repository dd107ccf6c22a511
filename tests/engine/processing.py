"""A processor without Kafka: the records that it is given, batches of them, and what it writes."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from streams.core.books import Books
from streams.core.rules import Rules
from streams.data import succession
from streams.engine.batch import Batch, Span
from streams.engine.processor import Processor
from streams.engine.rows import PackedRows
from streams.kafka.transaction import Writes
from streams.policies import load_policy
from streams.records.coverage import Applied, Coverage
from streams.records.record import HEADER, Write
from streams.settings import Settings

SETTINGS = Settings()
SENT, RECEIPT, STORED, DECISION = SETTINGS.inputs
START = datetime(2026, 1, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"


class Appended(NamedTuple):
    """A record as a consumer gets it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_type: int = 1


def processor(partitions: int = 1, partition: int = 0, rules: Rules | None = None) -> Processor:
    """A new processor at the beginning of its inputs."""
    coverage = Coverage(partition, partitions, {topic: Applied(0) for topic in SETTINGS.inputs})
    return Processor(SETTINGS, rules or Rules(load_policy(None), succession()), PackedRows(), Books(), coverage)


def batch(to: Processor, **records: list[Appended]) -> Batch:
    """A batch that fits: `sent`, `receipt` and `stored` records from where the processor is."""
    by_topic = {f"reports.{kind}": some for kind, some in records.items()}
    spans = {}
    for topic in SETTINGS.inputs:
        start = to.position(topic)
        some = by_topic.get(topic, [])
        spans[topic] = Span(start, some[-1].offset + 1 if some else start)
    return Batch(to.partition, 0, spans, by_topic)


def ms(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def sent_value(report: str = REPORT, **changes: Any) -> bytes:
    value = {
        "report_id": report,
        "sent_at": "2026-01-01T00:00:00Z",
        "receiver": {"municipality": "0301"},
        "channel": "FIKS_IO",
        "case_system": "UKJENT",
    }
    return orjson.dumps(value | changes)


def marked(to: Processor, header: bytes, at: datetime, after: int = 0) -> Batch:
    """A batch that holds nothing but the marks of a set."""
    mark = {
        kind: [Appended(to.position(f"reports.{kind}") + after, ms(at), b"", None, ((HEADER, header),))]
        for kind in ("sent", "receipt", "stored")
    }
    return batch(to, **mark)


def applied(to: Processor, work: Batch) -> Writes:
    """Apply a batch, and whatever waits: a moment later another checker's mark comes by on each input."""
    writes = to.apply(work)
    latest = max((one.latest for one in to.log.inputs.values() if one.latest), default=START)
    more = to.apply(marked(to, b"another", latest + MOMENT))
    return Writes(to.partition, writes.records + more.records, more.offsets)


def of(writes: Writes, output: str) -> list[Write]:
    return [write for write in writes.records if write.topic == f"reports.{output}"]


def report(number: int) -> str:
    return str(UUID(int=number * 7919 % 1_000_003, version=4))


def sents(to: Processor, count: int, *, apart: timedelta = timedelta(seconds=1), first: int = 0) -> list[Appended]:
    """Reports that were sent so far apart from each other."""
    start = to.position(SENT)
    return [
        Appended(
            start + n, ms(START), report(first + n).encode(),
            sent_value(report(first + n), sent_at=(START - n * apart).isoformat()),
        )
        for n in range(count)
    ]  # fmt: skip
