"""The input topics as evidence: read once, from where they begin or are asked for to where they end now."""

import math
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from streams.audit.topics.completeness import PartitionReading, ReadingReach, Spot, reach_of
from streams.core.facts import Place
from streams.errors import ConfigurationError
from streams.kafka.consumers import assign_paused, one_off_consumer
from streams.kafka.denials import explained, naming_denials
from streams.kafka.topics import partition_counts
from streams.records.record import (
    INPUT_KINDS,
    LOG_APPEND_TIME,
    NO_TIME,
    KafkaRecord,
    Record,
    UnreadableOffsets,
    mark_of,
)
from streams.settings import KafkaSettings, Settings

RECORDS_AT_ONCE = 20_000
FETCH_MILLISECONDS = 500
STALL_SECONDS = 60.0


class AskedSpan(NamedTuple):
    """Which part of the inputs is asked for; everything where nothing is given.

    `since`, `to`: append times, from the first to before the second. `first`, `last`: offsets of single topics and
    partitions in their place, from the first to before the last.
    """

    since: datetime | None = None
    to: datetime | None = None
    first: Mapping[Spot, int] = {}
    last: Mapping[Spot, int] = {}


EVERYTHING = AskedSpan()


class Hole(NamedTuple):
    """Offsets of an input, from `offset` to before `next_offset`, in a batch that nobody can read."""

    kind: str
    partition: int
    offset: int
    next_offset: int
    cause: str


class TopicBatch(NamedTuple):
    """Records in the order of each partition's offsets, without the checkers' marks. `done`: from 0 to 1.

    The last batch alone has a `reach` (and no records). `holes`: what nobody can read.
    """

    records: list[Record]
    done: float
    reach: ReadingReach | None = None
    holes: Sequence[Hole] = ()


async def read_topics(
    kafka: KafkaSettings, settings: Settings, span: AskedSpan = EVERYTHING
) -> AsyncIterator[TopicBatch]:
    """Read what is committed of the inputs, outside every group, up to the ends that they have now.

    Those are the last stable offsets: nothing behind a transaction that is still open is read.
    Raises ConfigurationError in one sentence where a topic is missing, not allowed or not to be trusted, where no
    broker answers, and where records are deleted while they are being read.
    """
    counts = await partition_counts(kafka, settings.inputs)
    partitions = _same_counts(counts)
    tps = [TopicPartition(topic, number) for topic in settings.inputs for number in range(partitions)]
    async with _consumer(kafka) as consumer, one_off_consumer(kafka, "read_uncommitted", "none") as heights:
        now = datetime.now(UTC)
        parts = await _parts(consumer, tps, dict(zip(settings.inputs, INPUT_KINDS, strict=True)), span)
        for tp, height in (await heights.end_offsets(tps)).items():
            parts[tp].cut = parts[tp].end < height
        async for batch in _batches(consumer, parts):
            yield batch
        yield TopicBatch([], 1.0, reach_of(parts, partitions, now))


def _same_counts(counts: Mapping[str, int]) -> int:
    """The number of partitions that all inputs have. Raises ConfigurationError."""
    (least, fewest), (most, others) = (pick(counts.items(), key=lambda item: item[1]) for pick in (min, max))
    if fewest != others:
        raise ConfigurationError(
            f"{least} has {fewest} partitions and {most} has {others}: a report lies in the same partition of each "
            "input; name inputs that belong together with MELDINGSVAKT_INPUT_PREFIX."
        )
    return fewest


@asynccontextmanager
async def _consumer(kafka: KafkaSettings) -> AsyncIterator[Any]:
    """A consumer that never jumps over what is gone, and whose errors are sentences."""
    fetching: dict[str, Any] = {"max_partition_fetch_bytes": 8 << 20, "fetch_max_bytes": 32 << 20}
    try:
        async with naming_denials(kafka, "Read"), one_off_consumer(kafka, reset="none", **fetching) as consumer:
            yield consumer
    except OffsetOutOfRangeError as error:
        raise ConfigurationError(
            f"Records were deleted by retention while they were being read ({error}): start the audit again."
        ) from None
    except KafkaError as error:
        raise ConfigurationError(f"Reading the inputs failed: {await explained(error, kafka, 'Read')}") from None


async def _parts(
    consumer: Any, tps: Sequence[TopicPartition], kinds: Mapping[str, str], span: AskedSpan
) -> dict[TopicPartition, PartitionReading]:
    """What is to be read of each partition; the consumer is there, and paused."""
    begins = await assign_paused(consumer, tps)
    starts, stops = await _offsets_at(consumer, tps, span.since), await _offsets_at(consumer, tps, span.to)
    # The ends come last: what was found by its time lies before them, or is not read.
    ends = await consumer.end_offsets(tps)
    _refuse_unknown(span, ends)
    parts = {}
    for tp in tps:
        begin, end = begins[tp], ends[tp]
        first, last = span.first.get(tp), span.last.get(tp)
        by_time = first is None and span.since is not None
        start = min(end, starts.get(tp, end)) if by_time else max(begin, first or 0)
        stop = min(end, stops.get(tp, end)) if last is None else min(end, last)
        closes = span.to if last is None and stops.get(tp, end + 1) <= end else None
        gone = begin - (first or 0) if start == begin else 0
        since = span.since if by_time else None
        parts[tp] = PartitionReading(kinds[tp.topic], begin, start, max(start, stop), max(0, gone), since, closes)
        consumer.seek(tp, start)
    return parts


async def _offsets_at(
    consumer: Any, tps: Sequence[TopicPartition], moment: datetime | None
) -> dict[TopicPartition, int]:
    """The first offset appended then or later, of each partition that has one."""
    if moment is None:
        return {}
    milliseconds = max(0, math.ceil(moment.timestamp() * 1000))
    found = await consumer.offsets_for_times(dict.fromkeys(tps, milliseconds))
    return {tp: at.offset for tp, at in found.items() if at is not None}


def _refuse_unknown(span: AskedSpan, ends: Mapping[Any, int]) -> None:
    if span.since is not None and span.to is not None and span.since >= span.to:
        raise ConfigurationError("The time to read from does not lie before the time to read to: exchange them.")
    for spot, offset in [*span.first.items(), *span.last.items()]:
        if not 0 <= offset <= ends.get(spot, -1):
            raise ConfigurationError(
                f"{spot[0]}-{spot[1]} has no offset {offset} to read from or to: name an input's partition, and an "
                f"offset up to its end{f', {ends[spot]}' if spot in ends else ''}."
            )


async def _batches(consumer: Any, parts: Mapping[TopicPartition, PartitionReading]) -> AsyncIterator[TopicBatch]:
    """What is read, until every part's end has been passed.

    A position passes control records and what was aborted, too, which no record tells.
    """
    left = {tp: part for tp, part in parts.items() if part.start < part.end}
    sizes = {tp: part.end - part.start for tp, part in left.items()}
    unread, moved = sum(sizes.values()), time.monotonic()
    whole = unread
    consumer.resume(*left)
    while left:
        fetched = await consumer.getmany(timeout_ms=FETCH_MILLISECONDS, max_records=RECORDS_AT_ONCE)
        records: list[Record] = []
        holes: list[Hole] = []
        for tp, found in fetched.items():
            holes += _holes(tp, parts[tp], found)
            records += _records(tp, parts[tp], found)
        before = unread
        for tp, part in list(left.items()):
            position = await consumer.position(tp)
            sizes[tp] = max(0, part.end - position)
            if position >= part.end:
                consumer.pause(tp)
                del left[tp]
        unread = sum(sizes.values())
        moved = time.monotonic() if unread < before else moved
        if time.monotonic() - moved > STALL_SECONDS:
            stuck = min(left)
            raise ConfigurationError(f"{stuck.topic}-{stuck.partition} cannot be read to its end; is a broker down?")
        if records or holes:
            yield TopicBatch(records, 1 - unread / whole, holes=holes)


def _holes(tp: TopicPartition, part: PartitionReading, found: Sequence[KafkaRecord]) -> Iterator[Hole]:
    for one in found:
        if isinstance(one, UnreadableOffsets) and one.offset < part.end:
            yield Hole(part.kind, tp.partition, one.offset, min(one.next_offset, part.end), one.cause)


def _records(tp: TopicPartition, part: PartitionReading, found: Sequence[KafkaRecord]) -> Iterator[Record]:
    """The records before the part's end; marks only tell the time."""
    stamp, arrived = -1, None
    for record in found:
        if record.offset >= part.end:
            return
        if isinstance(record, UnreadableOffsets):
            part.lose()
        if record.timestamp_type == NO_TIME:
            continue
        if record.timestamp_type != LOG_APPEND_TIME:
            raise ConfigurationError(
                f"{tp.topic}-{tp.partition} offset {record.offset} has no append time of the broker, so that nobody "
                "knows when it arrived: read from behind such records with --from, or export them and audit the file."
            )
        if arrived is None or record.timestamp != stamp:  # whole batches carry the same
            stamp, arrived = record.timestamp, part.arrived(record.timestamp)
        if isinstance(record, UnreadableOffsets) or mark_of(record) is not None:
            continue
        place = Place(arrived, tp.topic, tp.partition, record.offset)
        yield Record(part.kind, place, record.key, record.value, tuple(record.headers or ()))
