"""What is written of a record that could not be read: where it lies and why, never what it holds."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from streams.core.events import written
from streams.core.facts import Place
from streams.records.record import MOST_LISTED, Record, Refusal, UnreadableOffsets, Write, digest

NO_APPEND_TIME = Refusal("rule", "no_append_time")


def rejected(record: Record, refusal: Refusal, report_id: str | None, to: str, *, judged: bool) -> Write:
    """The record for the topic `to`, in the partition of the one that it is about.

    `judged`: what could be read of it counts all the same.
    """
    place, undated = record.place, refusal == NO_APPEND_TIME
    known = {
        "arrived": None if undated else written(place.arrived),
        "sha256": digest(record.value),
        "size_bytes": len(record.value or b""),
        "report_id": report_id,
        "judged": judged,
    }
    return _listed(place.topic, place.partition, place.offset, refusal, known, to)


def unreadable(
    topic: str, partition: int, offsets: UnreadableOffsets, arrived: datetime | None, to: str
) -> Iterator[Write]:
    """The offsets of a batch that nobody can read, one by one: the first of them, where there are very many.

    `arrived`: the batch's append time, None where it cannot be trusted.
    """
    known = {
        "arrived": None if arrived is None else written(arrived),
        "sha256": None,
        "size_bytes": None,
        "report_id": None,
        "judged": False,
    }
    for offset in range(offsets.offset, min(offsets.next_offset, offsets.offset + MOST_LISTED)):
        yield _listed(topic, partition, offset, Refusal("batch", offsets.cause), known, to)


def _listed(topic: str, partition: int, offset: int, refusal: Refusal, known: dict[str, Any], to: str) -> Write:
    where = {"topic": topic, "partition": partition, "offset": offset}
    value = where | {"stage": refusal.stage, "reason": refusal.reason} | known
    return Write(to, partition, f"{topic}/{partition}/{offset}".encode(), orjson.dumps(value))


def lost_append_times(place: Place) -> str:
    """Why a worker ends that reads a record without an append time behind one that had it."""
    return (
        f"{place.topic}-{place.partition} offset {place.offset} has no append time of the broker, though it was "
        "appended while this worker ran: message.timestamp.type was changed; set it back with `kafka-configs --alter "
        f"--topic {place.topic} --add-config message.timestamp.type=LogAppendTime` and start the worker again. What "
        "was appended meanwhile is then listed as rejected, and `meldingsvakt rejected replay --reason no_append_time` "
        "appends it once more."
    )
