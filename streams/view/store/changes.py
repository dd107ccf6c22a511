"""What a batch of the checker's records changes in the tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, NamedTuple

import orjson
import pyarrow as pa
from pydantic import Discriminator, TypeAdapter, ValidationError

from schemas.common import REPORT_ID
from schemas.coverage import Books, Coverage
from schemas.outputs import ReportClosed, ReportMissing, ReportRecovered, ReportReopened, ReportState
from streams.core.books import Book
from streams.errors import StateUnreadable
from streams.records.record import KafkaRecord
from streams.records.state import STATE_BEGINS

ATTRIBUTE, RECORDED_TIME = "ce_", "ce_recordedtime"
CHUNK_RECORDS = 2_000
# How a value of the state topic begins: one look tells that it is of a version that we know, and about its own key.
_STATE_BEGINS = STATE_BEGINS + b'%b"'
_ERASED_BEGINS = _STATE_BEGINS + b',"status":"erased"'
_REPORT_ID = re.compile(REPORT_ID.replace("$", r"\Z").encode())
_STATE: TypeAdapter[ReportState] = TypeAdapter(ReportState)
Event = Annotated[ReportMissing | ReportRecovered | ReportClosed | ReportReopened, Discriminator("type")]
_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
_SPOKEN: TypeAdapter[Coverage | Books] = TypeAdapter(Coverage | Books)
_TEXT, _TIME = pa.string(), pa.timestamp("us", "UTC")


class TopicPlace(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class PlacedEvent(NamedTuple):
    """An event, and where it lies."""

    value: bytes
    recorded_at: datetime | None
    partition: int
    offset: int
    event: bytes  # the same as a CloudEvent in JSON, the value in it byte for byte


@dataclass(slots=True)
class Changes:
    """The last word on each report, what was announced, coverage and books by key, and the positions after it."""

    states: dict[bytes, KafkaRecord] = field(default_factory=dict)
    events: list[PlacedEvent] = field(default_factory=list)
    coverage: dict[int, dict[str, Any]] = field(default_factory=dict)
    books: dict[tuple[int, str | None], dict[str, Any]] = field(default_factory=dict)
    positions: dict[TopicPlace, int] = field(default_factory=dict)
    fetched: list[tuple[TopicPlace, Sequence[KafkaRecord]]] = field(default_factory=list)  # of the state topic

    def take_states(self, place: TopicPlace, records: Sequence[KafkaRecord]) -> None:
        """Rows of the state topic. Raises StateUnreadable naming the first that cannot be read."""
        for record in records:
            key, value = record.key, record.value
            if key is None or not (value.startswith(_STATE_BEGINS % key) if value else _erases(key, value)):
                raise unreadable(place, record.offset)
            self.states[key] = record
        self.fetched.append((place, records))

    def take_events(self, place: TopicPlace, records: Sequence[KafkaRecord]) -> None:
        """Events of the missing topic. Raises StateUnreadable."""
        for record in records:
            if record.value is None or not _readable(_EVENT, record.value):
                raise unreadable(place, record.offset)
            try:
                headers = {name: value.decode() for name, value in record.headers if value is not None}
                at = datetime.fromisoformat(headers[RECORDED_TIME]) if RECORDED_TIME in headers else None
            except ValueError:
                raise unreadable(place, record.offset) from None
            event = cloud_event(headers, record.value)
            self.events.append(PlacedEvent(record.value, at, place.partition, record.offset, event))

    def take_coverage(self, place: TopicPlace, records: Sequence[KafkaRecord]) -> None:
        """Coverage and books of one partition. Raises StateUnreadable."""
        for record in records:
            if record.value is None or not _readable(_SPOKEN, record.value):
                raise unreadable(place, record.offset)
            value = orjson.loads(record.value)
            if value["kind"] == "coverage":
                self.coverage[value["partition"]] = value
            else:
                self.books[value["partition"], value["municipality"]] = value

    def first_unreadable(self) -> StateUnreadable | None:
        """The row that the tables refuse, named by its place; None if every one says what it should."""
        for place, records in self.fetched:
            for record in records:
                if record.value is not None and not _readable(_STATE, record.value):
                    return unreadable(place, record.offset)
        return None

    def __bool__(self) -> bool:
        return bool(self.states or self.events or self.coverage or self.books or self.positions)


def unreadable(place: TopicPlace, offset: int) -> StateUnreadable:
    """The error that names a record."""
    return StateUnreadable(
        f"{place.topic}-{place.partition} offset {offset} cannot be read by this version of meldingsvakt: "
        "run the view in the version of the worker that wrote it."
    )


def cloud_event(headers: Mapping[str, str], value: bytes) -> bytes:
    """A record in Kafka's binary mode in CloudEvents' JSON format."""
    attributes = {name.removeprefix(ATTRIBUTE): text for name, text in headers.items() if name.startswith(ATTRIBUTE)}
    if "content-type" in headers:
        attributes["datacontenttype"] = headers["content-type"]
    return orjson.dumps(attributes | {"data": orjson.Fragment(value)})


def _erases(key: bytes, value: bytes | None) -> bool:
    return value is None and _REPORT_ID.match(key) is not None


def _readable(shape: TypeAdapter[Any], value: bytes) -> bool:
    try:
        shape.validate_json(value)
    except ValidationError:
        return False
    return True


class StateTables(NamedTuple):
    """The rows to put in as `value`; as `report_id` all that are replaced or gone, and those erased by decision.

    Of the latter nothing is shown: they are no rows here.
    """

    rows: pa.Table
    ids: pa.Table
    erased: pa.Table


def state_tables(states: dict[bytes, KafkaRecord]) -> StateTables:
    """What the last words on some reports change."""
    erased = [key for key, one in states.items() if one.value and one.value.startswith(_ERASED_BEGINS % key)]
    hidden = set(erased)
    values = [one.value for key, one in states.items() if one.value is not None and key not in hidden]
    ids, gone = pa.table({"report_id": _texts(list(states))}), pa.table({"report_id": _texts(erased)})
    return StateTables(pa.table({"value": _texts(values)}), ids, gone)


def _texts(values: Sequence[bytes]) -> pa.ChunkedArray:
    """UTF-8 as text, some at a time: whoever waits for the interpreter meanwhile gets it in between."""
    some = (values[at : at + CHUNK_RECORDS] for at in range(0, len(values), CHUNK_RECORDS))
    return pa.chunked_array([pa.array(one, pa.binary()).cast(_TEXT) for one in some], _TEXT)


def event_table(events: Sequence[PlacedEvent]) -> pa.Table:
    """The events as `value`, `recorded_at`, `partition`, `offset` and `event`."""
    values, recorded, partitions, offsets, whole = zip(*events, strict=True) if events else ((), (), (), (), ())
    return pa.table(
        {
            "value": pa.array(values, pa.binary()).cast(_TEXT),
            "recorded_at": pa.array(recorded, _TIME),
            "partition": pa.array(partitions, pa.int32()),
            "offset": pa.array(offsets, pa.int64()),
            "event": pa.array(whole, pa.binary()).cast(_TEXT),
        }
    )


def books_table(books: dict[tuple[int, str | None], dict[str, Any]]) -> pa.Table:
    """Books as rows; `kind` is left out."""
    rows = [{name: value[name] for name in BOOKS.names} for value in books.values()]
    return pa.Table.from_pylist(rows, BOOKS)


def positions_table(positions: dict[TopicPlace, int]) -> pa.Table:
    """Positions as rows."""
    rows = [{"topic": p.topic, "partition": p.partition, "next_offset": offset} for p, offset in positions.items()]
    return pa.Table.from_pylist(rows, POSITIONS)


def coverage_tables(coverage: dict[int, dict[str, Any]]) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Coverage by partition, and the losses and the feeds' words of these partitions."""
    rows = [
        {
            "partition": partition,
            "partitions": value["partitions"],
            "complete_until": _time(value["complete_until"]),
            "checked_at": _time(value["checked_at"]),
            "gap_since": _time(value["gap"]["since"]) if value["gap"] else None,
            "gap_cause": value["gap"]["cause"] if value["gap"] else None,
            "inputs_begin": _inputs_begin(value),
            "first_complete": _time(value["first_complete"]),
        }
        for partition, value in coverage.items()
    ]
    losses = [
        loss | {"partition": partition, "since": _time(loss["since"]), "until": _time(loss["until"])}
        for partition, value in coverage.items()
        for loss in value["losses"]
    ]
    feeds = [
        {"feed": feed, "partition": partition, "proofs": word["proofs"]}
        | {name: _time(word[name]) for name in ("vouched_until", "since", "heard")}
        for partition, value in coverage.items()
        for feed, word in value["feeds"].items()
    ]
    tables = (rows, COVERAGE), (losses, LOSSES), (feeds, FEEDS)
    made, lost, heard = (pa.Table.from_pylist(some, schema) for some, schema in tables)
    return made, lost, heard


def _inputs_begin(value: dict[str, Any]) -> datetime | None:
    """Before when its inputs were not whole when the checker began; None where they were.

    Of an input without a first record it is known from when the checker began.
    """
    times = [_time(time or value["first_complete"]) for time in value["beginnings"].values()]
    return max((time for time in times if time is not None), default=None)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


COVERAGE = pa.schema(
    [
        ("partition", pa.int32()), ("partitions", pa.int32()), ("complete_until", _TIME), ("checked_at", _TIME),
        ("gap_since", _TIME), ("gap_cause", _TEXT), ("inputs_begin", _TIME), ("first_complete", _TIME),
    ]
)  # fmt: skip
LOSSES = pa.schema(
    [
        ("partition", pa.int32()), ("topic", _TEXT), ("from_offset", pa.int64()), ("to_offset", pa.int64()),
        ("cause", _TEXT), ("since", _TIME), ("until", _TIME),
    ]
)  # fmt: skip
FEEDS = pa.schema(
    [
        ("feed", _TEXT), ("partition", pa.int32()), ("vouched_until", _TIME), ("since", _TIME), ("heard", _TIME),
        ("proofs", pa.int32()),
    ]
)  # fmt: skip
POSITIONS = pa.schema([("topic", _TEXT), ("partition", pa.int32()), ("next_offset", pa.int64())])
BOOKS = pa.schema(
    [("partition", pa.int32()), ("municipality", _TEXT)]
    + [(name, pa.int64()) for name in ("sent", *Book.__dataclass_fields__)]
)
