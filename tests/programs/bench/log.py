"""The log in Kafka: topics of its own, batches that are built beforehand and appended in the plan's rhythm."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.core.events import written
from streams.kafka.consumers import assign_from_beginning
from streams.kafka.partitioner import partition_of
from tests.programs.bench.mix import KINDS, Planned
from tests.programs.bench.truth import Seen

SLICE_SECONDS = 0.1
BATCH_BYTES = 900_000
# Ahead of every append, and below the five minutes from which on the checker would flag it.
CLAIMED_AHEAD = timedelta(minutes=4)


class Log(NamedTuple):
    """A log that was loaded. `ends`: by topic and partition, the offset after its last record."""

    prefix: str
    partitions: int
    ends: dict[TopicPartition, int]
    events: dict[str, int]
    loaded_seconds: float

    def ends_of(self, kinds: Sequence[str]) -> dict[TopicPartition, int]:
        """The ends of some of its topics."""
        topics = {self.prefix + kind for kind in kinds}
        return {tp: end for tp, end in self.ends.items() if tp.topic in topics}


def claimed_now() -> str:
    """What every record claims as its own time, for a log that is loaded now."""
    return written(datetime.now(UTC) + CLAIMED_AHEAD)


async def make_topics(bootstrap: str, names: Sequence[str], partitions: int) -> None:
    """Topics with the broker's append time."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        configs = {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete", "retention.ms": "7776000000"}
        response = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs) for name in names])
        for name, code, *message in response.topic_errors:
            assert code == 0, f"{name} cannot be made: {message}"
        await _led(admin, names, partitions)
    finally:
        await admin.close()


async def _led(admin: Any, names: Sequence[str], partitions: int) -> None:
    """Wait until every partition has a leader: a topic that was made a moment ago would refuse the first records."""
    while True:
        described = await admin.describe_topics(list(names))
        leaders = [p["leader"] for topic in described for p in topic["partitions"] if p["leader"] >= 0]
        if len(leaders) == len(names) * partitions:
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(0.5)  # the broker tells it before the partition's log is open


async def load(bootstrap: str, copies: Mapping[str, Sequence[Planned]], partitions: int) -> dict[str, Log]:
    """Make topics for each prefix and append its records, each slice of time at its time; all in the same rhythm."""
    await make_topics(bootstrap, [prefix + kind for prefix in copies for kind in KINDS], partitions)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="lz4", max_batch_size=BATCH_BYTES
    )
    await producer.start()
    try:
        slices = [one for prefix, records in copies.items() for one in _built(producer, prefix, records, partitions)]
        slices.sort(key=itemgetter(0))
        started = time.monotonic()
        sent = [future async for future in _appended(producer, slices, started)]
        answers = await asyncio.gather(*sent)
        seconds = time.monotonic() - started
    finally:
        await producer.stop()
    ends = {TopicPartition(f"{prefix}{kind}", p): 0 for prefix in copies for kind in KINDS for p in range(partitions)}
    for (_, tp, _, count), answer in zip(slices, answers, strict=True):
        ends[tp] = max(ends[tp], answer.offset + count)
    return {prefix: _log(prefix, partitions, ends, seconds) for prefix in copies}


def _log(prefix: str, partitions: int, all_ends: Mapping[TopicPartition, int], seconds: float) -> Log:
    ends = {tp: end for tp, end in all_ends.items() if tp.topic.startswith(prefix)}
    events = {kind: sum(end for tp, end in ends.items() if tp.topic == prefix + kind) for kind in KINDS}
    return Log(prefix, partitions, ends, events, seconds)


async def read_back(bootstrap: str, log: Log) -> list[Seen]:
    """Every record of the log, as the truth needs it."""
    seen: list[Seen] = []
    async for tp, some in batches_to_ends(bootstrap, log.ends):
        kind = tp.topic.removeprefix(log.prefix)
        seen.extend(Seen(kind, tp.partition, record.timestamp, record.key) for record in some)
    return seen


async def batches_to_ends(
    bootstrap: str, ends: dict[TopicPartition, int]
) -> AsyncIterator[tuple[TopicPartition, list[Any]]]:
    """Read partitions from their beginning, read_committed, up to the given offsets (and a little beyond)."""
    wanted = {tp: end for tp, end in ends.items() if end}
    if not wanted:
        return
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", max_partition_fetch_bytes=4 << 20
    )
    await consumer.start()
    try:
        await assign_from_beginning(consumer, list(wanted))
        while any([await consumer.position(tp) < end for tp, end in wanted.items()]):
            for tp, some in (await consumer.getmany(timeout_ms=500)).items():
                yield tp, some
    finally:
        await consumer.stop()


_Slice = tuple[float, TopicPartition, Any, int]


def _built(producer: Any, prefix: str, records: Sequence[Planned], partitions: int) -> list[_Slice]:
    """Closed batches with when and where to append them; all work that would disturb the rhythm is done here."""
    homes: dict[bytes, int] = {}
    by_slice: dict[tuple[int, str, int], list[Planned]] = defaultdict(list)
    for record in records:
        home = homes.get(record.key)
        if home is None:
            home = homes[record.key] = partition_of(record.key, partitions)
        by_slice[int(record.at / SLICE_SECONDS), record.kind, home].append(record)
    slices: list[_Slice] = []
    for (number, kind, home), some in by_slice.items():
        at, tp = number * SLICE_SECONDS, TopicPartition(prefix + kind, home)
        slices.extend((at, tp, batch, count) for batch, count in _batches(producer, some))
    return slices


def _batches(producer: Any, records: Sequence[Planned]) -> list[tuple[Any, int]]:
    batches: list[tuple[Any, int]] = []
    builder, count = producer.create_batch(), 0
    for record in records:
        fields = {"key": record.key, "value": record.value, "headers": []}
        if builder.append(timestamp=None, **fields) is None:
            batches.append((builder, count))
            builder, count = producer.create_batch(), 0
            assert builder.append(timestamp=None, **fields) is not None
        count += 1
    batches.append((builder, count))
    for batch, _ in batches:
        batch.close()
    return batches


async def _appended(producer: Any, slices: Sequence[_Slice], started: float) -> AsyncIterator[Any]:
    for at, tp, batch, _ in slices:
        wait = started + at - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        yield await producer.send_batch(batch, tp.topic, partition=tp.partition)
