"""What could not be read: list it, and read it again from the input after a fix."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.kafka.client import client_options
from streams.kafka.consumers import one_off_consumer, read_all
from streams.kafka.denials import naming_denials
from streams.records.record import UnreadableOffsets, digest
from streams.settings import KafkaSettings, Settings

REPLAY_HEADER = "mv-replay"


class Selection(NamedTuple):
    """Which rejected records are meant; None means any."""

    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    reason: str | None = None

    def includes(self, rejected: dict[str, Any]) -> bool:
        """True if every level that is given is the record's own; a reason may be given without its field."""
        return (
            (self.topic is None or rejected["topic"] == self.topic)
            and (self.partition is None or rejected["partition"] == self.partition)
            and (self.offset is None or rejected["offset"] == self.offset)
            and (self.reason is None or self.reason in (rejected["reason"], rejected["reason"].split(":")[0]))
        )


class Replayed(NamedTuple):
    """What became of one rejected record."""

    rejected: dict[str, Any]
    result: str  # replayed, would_replay, gone, changed or unreadable


async def list_rejected(kafka: KafkaSettings, settings: Settings, selection: Selection) -> list[dict[str, Any]]:
    """The rejected records that are selected, in the order of their partitions and offsets."""
    values = [orjson.loads(record.value or b"") async for record in read_all(kafka, [settings.output("rejected")])]
    chosen = [value for value in values if selection.includes(value)]
    return sorted(chosen, key=lambda value: (value["topic"], value["partition"], value["offset"]))


async def replay_rejected(
    kafka: KafkaSettings, settings: Settings, selection: Selection, *, dry_run: bool
) -> AsyncIterator[Replayed]:
    """Append the original bytes of each selected record once more; what it says is then judged as of now."""
    chosen = await list_rejected(kafka, settings, selection)
    # Proofs first: no report may be announced while what proves it still waits for its turn.
    chosen.sort(key=lambda value: value["topic"] == settings.inputs[0])
    async with one_off_consumer(kafka) as consumer:
        producer = AIOKafkaProducer(**client_options(kafka), acks="all", enable_idempotence=True)
        await producer.start()
        try:
            for rejected in chosen:
                yield await _replay(kafka, consumer, producer, rejected, dry_run=dry_run)
        finally:
            await producer.stop()


async def _replay(
    kafka: KafkaSettings, consumer: Any, producer: Any, rejected: dict[str, Any], *, dry_run: bool
) -> Replayed:
    tp = TopicPartition(rejected["topic"], rejected["partition"])
    consumer.assign([tp])
    begin, end = (await consumer.beginning_offsets([tp]))[tp], (await consumer.end_offsets([tp]))[tp]
    if not begin <= rejected["offset"] < end:
        return Replayed(rejected, "gone")
    consumer.seek(tp, rejected["offset"])
    async with naming_denials(kafka, "Read"):
        original = await consumer.getone(tp)
    if isinstance(original, UnreadableOffsets):
        return Replayed(rejected, "unreadable")
    # Of what lay in a batch that could not be read, nobody has seen the bytes.
    seen = rejected["sha256"] or digest(original.value)
    if original.offset != rejected["offset"] or digest(original.value) != seen:
        return Replayed(rejected, "changed")
    if dry_run:
        return Replayed(rejected, "would_replay")
    origin = f"{tp.topic}/{tp.partition}/{original.offset}".encode()
    headers = [*original.headers, (REPLAY_HEADER, origin)]
    key = original.key if original.key is not None or original.value is not None else b""
    async with naming_denials(kafka, "Write"):
        await producer.send_and_wait(tp.topic, original.value, key=key, partition=tp.partition, headers=headers)
    return Replayed(rejected, "replayed")
