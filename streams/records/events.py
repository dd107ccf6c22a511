"""Events and books as the JSON of the topics."""

from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct

from streams.core.books import Book
from streams.core.events import (
    CLOSED_TYPE,
    MISSING_TYPE,
    RECOVERED_TYPE,
    REOPENED_TYPE,
    Closed,
    Event,
    Missing,
    Recovered,
    Reopened,
    Sequel,
    written,
)
from streams.core.facts import Receiver

encode = msgspec.json.Encoder(enc_hook=written).encode  # the hook is for a subclass of datetime: a replaced clock
_WHOLE_SECONDS = len("2026-01-01T12:00:00Z")
TYPES: dict[type[Event], str] = {
    Missing: MISSING_TYPE,
    Recovered: RECOVERED_TYPE,
    Closed: CLOSED_TYPE,
    Reopened: REOPENED_TYPE,
}
_CE_TYPES = {kind: name.encode() for kind, name in TYPES.items()}
_BOOK_FIELDS = tuple(Book.__dataclass_fields__)


def stamp(time: datetime) -> str:
    """A time as `written` gives it, several times as fast."""
    text = encode(time)[1:-1].decode()
    return text if len(text) > _WHOLE_SECONDS else f"{text[:-1]}.000000Z"


class ReceiverJson(Struct, forbid_unknown_fields=True, gc=False):
    """Who a report is for."""

    municipality: str
    district: str | None
    unit_id: str | None
    org_number: str | None


class SentRecordJson(Struct, gc=False):
    """Where the sent record lies."""

    topic: str
    partition: int
    offset: int


class ClaimJson(Struct, gc=False):
    """A receipt, and when it arrived."""

    receipt: str
    arrived: Any


class VouchedJson(Struct, gc=False):
    """A feed, and until when it had vouched."""

    id: str
    vouched_until: Any


class MissingJson(Struct, gc=False):
    """The value of a missing event, its fields in their order."""

    type: str
    event_id: str
    report_id: str
    reason: str
    receiver: ReceiverJson | None
    channel: str | None
    case_system: str | None
    case_system_version: str | None
    form: str | None
    sent_at: Any
    due_at: Any
    alarm_at: Any
    portal_deletes_at: Any
    message_ids: tuple[str, ...]
    receipt: ClaimJson | None
    feed: VouchedJson | None
    episode: int
    previous_event_id: str | None
    policy_version: str
    sent_record: SentRecordJson | None


def json_time(time: datetime | None) -> Any:
    """A time for msgspec, which writes it as we do, but for whole seconds: those it writes without six digits."""
    return time if time is None or time.microsecond else stamp(time)


@lru_cache(10_000)
def receiver_json(receiver: Receiver | None) -> ReceiverJson | None:
    """A receiver as JSON: all four keys, null where not given."""
    return None if receiver is None else ReceiverJson(*receiver)


def event_record(event: Event, *, positions: bool = True) -> bytes:
    """An event as the value of the missing topic; without positions where there is no log (`sent_record` null)."""
    return encode(_missing_json(event, positions) if isinstance(event, Missing) else _told(event))


def event_value(event: Event, *, positions: bool = True) -> dict[str, Any]:
    """What `event_record` says."""
    value: dict[str, Any] = msgspec.json.decode(event_record(event, positions=positions))
    return value


def _missing_json(event: Missing, positions: bool) -> MissingJson:
    receiver, channel, case_system, version, form = event.names
    _, topic, partition, offset = event.sent_record
    return MissingJson(
        MISSING_TYPE,
        event.event_id,
        event.report_id,
        event.reason,
        receiver_json(receiver),
        channel,
        case_system,
        version,
        form,
        json_time(event.sent_at),
        json_time(event.due_at),
        json_time(event.alarm_at),
        json_time(event.portal_deletes_at),
        event.message_ids,
        ClaimJson(event.receipt.receipt, json_time(event.receipt.arrived)) if event.receipt else None,
        VouchedJson(event.feed.id, json_time(event.feed.vouched_until)) if event.feed else None,
        event.episode,
        event.previous_event_id,
        event.policy_version,
        SentRecordJson(topic, partition, offset) if positions else None,
    )


def _said(event: Sequel) -> dict[str, Any]:
    """What the other events repeat of their missing event."""
    receiver, channel, case_system, version, _ = event.names
    return {
        "reason": event.reason,
        "receiver": receiver_json(receiver),
        "channel": channel,
        "case_system": case_system,
        "case_system_version": version,
        "sent_at": json_time(event.sent_at),
        "due_at": json_time(event.due_at),
        "episode": event.episode,
    }


def _told(event: Recovered | Closed | Reopened) -> dict[str, Any]:
    """Recovered, closed or reopened, their fields in their order."""
    value: dict[str, Any] = {"type": TYPES[type(event)], "event_id": event.event_id}
    value |= {"missing_event_id": event.missing_event_id, "report_id": event.report_id}
    if isinstance(event, Recovered):
        value |= {"stored_at": json_time(event.stored_at), "arrived_at": json_time(event.arrived_at)}
        return value | {"evidence": event.evidence, "cause": event.cause} | _said(event)
    value |= {"decision_id": event.decision_id}
    if isinstance(event, Closed):
        value["outcome"] = event.outcome
    times = {"decided_at": json_time(event.decided_at), "arrived_at": json_time(event.arrived_at)}
    return value | times | _said(event)


def event_headers(event: Event, recorded: bytes) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 attributes of an event in Kafka binary mode.

    `recorded` is when it was noticed, as `stamp` gives it: only that differs from run to run.
    """
    time = event.alarm_at if isinstance(event, Missing) else event.arrived_at
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.event_id.encode()),
        ("ce_source", b"/meldingsvakt"),
        ("ce_type", _CE_TYPES[type(event)]),
        ("ce_subject", event.report_id.encode()),
        ("ce_time", stamp(time).encode()),
        ("ce_recordedtime", recorded),
        ("content-type", b"application/json"),
    ]


def book_value(partition: int, municipality: str | None, book: Book) -> dict[str, Any]:
    """One receiver's counts as a record of the coverage topic."""
    counts = {name: getattr(book, name) for name in _BOOK_FIELDS}
    return {"kind": "books", "partition": partition, "municipality": municipality, "sent": book.sent} | counts


def read_book(value: dict[str, Any]) -> tuple[str | None, Book]:
    """The counts that `book_value` wrote."""
    return value["municipality"], Book(**{name: value[name] for name in _BOOK_FIELDS})
