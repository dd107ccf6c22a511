"""What was announced live, as a table: from the checker's own topic, or from a file of its values."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
import pyarrow as pa
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from msgspec import Meta, Struct

from streams.audit.arrow import table_of
from streams.core.events import CLOSED_TYPE, MISSING_TYPE, RECOVERED_TYPE, REOPENED_TYPE
from streams.errors import ConfigurationError, why_unreadable
from streams.kafka.consumers import assign_paused, one_off_consumer, read_all
from streams.kafka.denials import explained
from streams.kafka.topics import partition_counts
from streams.records.record import arrival
from streams.settings import KafkaSettings, Settings

RECORDED = "ce_recordedtime"
_EVENTS = {MISSING_TYPE: "missing", RECOVERED_TYPE: "recovered", CLOSED_TYPE: "closed", REOPENED_TYPE: "reopened"}
_TIME = pa.timestamp("us", "UTC")
# `missing_event_id`: of all, so that they find each other. `at`: alarm_at of a missing, arrived_at of any other.
# `recorded`: when it was announced, null where nothing tells.
_SCHEMA = pa.schema(
    [
        ("event", pa.string()), ("event_id", pa.string()), ("missing_event_id", pa.string()),
        ("report_id", pa.string()), ("at", _TIME), ("policy_version", pa.string()), ("episode", pa.int32()),
        ("outcome", pa.string()), ("recorded", _TIME),
    ]
)  # fmt: skip

Time = Annotated[datetime, Meta(tz=True)]


class _Value(Struct, gc=False):
    """What of an announcement's value is compared."""

    type: str
    event_id: UUID
    report_id: UUID
    missing_event_id: UUID | None = None
    episode: int = 1
    outcome: str | None = None
    alarm_at: Time | None = None
    arrived_at: Time | None = None
    policy_version: str | None = None
    recordedtime: Time | None = None  # CloudEvents' own name; our values leave it to the header


_read_value = msgspec.json.Decoder(_Value).decode
_read_time: Any = msgspec.json.Decoder(Time).decode


class Announcements(NamedTuple):
    """Announcements in the columns above, as often as they were made. `whole`: none of them was deleted."""

    table: pa.Table
    whole: bool = True


async def announced_live(kafka: KafkaSettings, settings: Settings) -> Announcements:
    """Everything on the checker's topic, to its end. Raises ConfigurationError."""
    topic = settings.output("missing")
    whole = await _begins_with_the_first(kafka, topic)
    said = []
    async for record in read_all(kafka, [topic]):
        one = _read(record.value)
        if one is None:
            raise ConfigurationError(
                f"{topic}-{record.partition} offset {record.offset} is no announcement: set MELDINGSVAKT_APP_ID to the "
                "checker's that is to be compared."
            )
        said.append((one, _recorded(record)))
    return Announcements(_table(said), whole)


def announced_in(file: Path) -> Announcements:
    """Every line of a file: a value of the topic, as `replay` prints it. Raises ConfigurationError."""
    try:
        with file.open("rb") as lines:
            return Announcements(_table([(one, one.recordedtime) for one in _values_of(file, lines)]))
    except OSError as error:
        raise ConfigurationError(
            f"The file {file} cannot be read ({why_unreadable(error)}): name an existing file."
        ) from None


async def _begins_with_the_first(kafka: KafkaSettings, topic: str) -> bool:
    """False if announcements have been deleted from the topic's beginning."""
    tps = [TopicPartition(topic, number) for number in range((await partition_counts(kafka, [topic]))[topic])]
    try:
        async with one_off_consumer(kafka) as consumer:
            return not any((await assign_paused(consumer, tps)).values())
    except KafkaError as error:
        raise ConfigurationError(f"Reading {topic} failed: {await explained(error, kafka, 'Read')}") from None


def _recorded(record: Any) -> datetime:
    """When it was announced: by its header, else when the broker got it."""
    for name, value in record.headers:
        if name == RECORDED:
            try:
                recorded: datetime = _read_time(b'"' + value + b'"')
            except msgspec.DecodeError:
                break
            return recorded
    return arrival(record.timestamp)


def _values_of(file: Path, lines: Iterable[bytes]) -> Iterator[_Value]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        value = _read(line)
        if value is None:
            raise ConfigurationError(
                f"Line {number} of {file} is no announcement: write one JSON value of the missing topic a line."
            )
        yield value


def _read(value: bytes | None) -> _Value | None:
    """An announcement; None if it is none of those that there are."""
    try:
        given = _read_value(value or b"")
    except msgspec.DecodeError:
        return None
    told = given.alarm_at if given.type == MISSING_TYPE else given.arrived_at and given.missing_event_id
    return given if told is not None and given.type in _EVENTS else None


def _table(said: Sequence[tuple[_Value, datetime | None]]) -> pa.Table:
    return table_of((_row(one, at) for one, at in said), _SCHEMA)


def _row(one: _Value, recorded: datetime | None) -> tuple[Any, ...]:
    missing = one.type == MISSING_TYPE
    at, announces = (one.alarm_at, one.event_id) if missing else (one.arrived_at, one.missing_event_id)
    ids = str(one.event_id), str(announces), str(one.report_id)
    return _EVENTS[one.type], *ids, at, one.policy_version, one.episode, one.outcome, recorded
