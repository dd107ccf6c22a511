"""What is written of a record that could not be read: where it lies and why, never what it holds."""

from typing import Any

import orjson

from streams.core.events import written
from streams.core.facts import Place
from streams.engine.intake import Record, Refusal, digest
from streams.engine.transaction import Write

NO_APPEND_TIME = Refusal("rule", "no_append_time")


def rejected(record: Record, refusal: Refusal, report_id: str | None, to: str) -> Write:
    """The record for the topic `to`, in the partition of the one that it is about.

    A sent whose report id could be read is judged all the same, if it is known when it arrived.
    """
    place, undated = record.place, refusal == NO_APPEND_TIME
    value: dict[str, Any] = {
        "topic": place.topic,
        "partition": place.partition,
        "offset": place.offset,
        "arrived": None if undated else written(place.arrived),
        "stage": refusal.stage,
        "reason": refusal.reason,
        "sha256": digest(record.value),
        "size_bytes": len(record.value or b""),
        "report_id": report_id,
        "judged": report_id is not None and not undated,
    }
    key = f"{place.topic}/{place.partition}/{place.offset}".encode()
    return Write(to, place.partition, key, orjson.dumps(value))


def lost_append_times(place: Place) -> str:
    """Why a worker ends that reads a record without an append time behind one that had it."""
    return (
        f"{place.topic}-{place.partition} offset {place.offset} has no append time of the broker, though it was "
        "appended while this worker ran: message.timestamp.type was changed; set it back with `kafka-configs --alter "
        f"--topic {place.topic} --add-config message.timestamp.type=LogAppendTime` and start the worker again. What "
        "was appended meanwhile is then listed as rejected, and `meldingsvakt rejected replay --reason no_append_time` "
        "appends it once more."
    )
