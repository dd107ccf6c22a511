"""Events and books as the JSON of the topics."""

from datetime import datetime
from typing import Any

import msgspec

from streams.core.books import Book
from streams.core.events import MISSING_TYPE, RECOVERED_TYPE, Event, Missing, written
from streams.core.facts import Receiver

encode = msgspec.json.Encoder(enc_hook=written).encode  # the hook is for a subclass of datetime: a replaced clock
_WHOLE_SECONDS = len("2026-01-01T12:00:00Z")
_MISSING_TYPE, _RECOVERED_TYPE = MISSING_TYPE.encode(), RECOVERED_TYPE.encode()
_BOOK_FIELDS = tuple(Book.__dataclass_fields__)


def stamp(time: datetime) -> str:
    """A time as `written` gives it, several times as fast."""
    text = encode(time)[1:-1].decode()
    return text if len(text) > _WHOLE_SECONDS else f"{text[:-1]}.000000Z"


def receiver_value(receiver: Receiver | None) -> dict[str, Any] | None:
    """A receiver as JSON: all four keys, null where not given."""
    if receiver is None:
        return None
    municipality, district, unit_id, org_number = receiver
    return {"municipality": municipality, "district": district, "unit_id": unit_id, "org_number": org_number}


def event_value(event: Event, *, positions: bool = True) -> dict[str, Any]:
    """An event as the value of the missing topic; without positions where there is no log (`sent_record` null)."""
    if isinstance(event, Missing):
        record = event.sent_record
        return {
            "type": MISSING_TYPE,
            "event_id": event.event_id,
            "report_id": event.report_id,
            "reason": event.reason,
            "receiver": receiver_value(event.names.receiver),
            "channel": event.names.channel,
            "case_system": event.names.case_system,
            "case_system_version": event.names.case_system_version,
            "sent_at": stamp(event.sent_at),
            "due_at": stamp(event.due_at),
            "alarm_at": stamp(event.alarm_at),
            "portal_deletes_at": stamp(event.portal_deletes_at),
            "policy_version": event.policy_version,
            "sent_record": {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            if positions
            else None,
        }
    return {
        "type": RECOVERED_TYPE,
        "event_id": event.event_id,
        "missing_event_id": event.missing_event_id,
        "report_id": event.report_id,
        "stored_at": stamp(event.stored_at),
        "arrived_at": stamp(event.arrived_at),
        "evidence": event.evidence,
        "receiver": receiver_value(event.receiver),
        "cause": event.cause,
    }


def event_headers(value: dict[str, Any], recorded: str) -> list[tuple[str, bytes]]:
    """CloudEvents 1.0 attributes of an event's value in Kafka binary mode.

    `recorded` is when it was noticed, as `stamp` gives it: only that differs from run to run.
    """
    missing = value["type"] == MISSING_TYPE
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", value["event_id"].encode()),
        ("ce_source", b"/meldingsvakt"),
        ("ce_type", _MISSING_TYPE if missing else _RECOVERED_TYPE),
        ("ce_subject", value["report_id"].encode()),
        ("ce_time", value["alarm_at" if missing else "arrived_at"].encode()),
        ("ce_recordedtime", recorded.encode()),
        ("content-type", b"application/json"),
    ]


def book_value(partition: int, municipality: str | None, book: Book) -> dict[str, Any]:
    """One receiver's counts as a record of the coverage topic."""
    counts = {name: getattr(book, name) for name in _BOOK_FIELDS}
    return {"kind": "books", "partition": partition, "municipality": municipality, "sent": book.sent} | counts


def read_book(value: dict[str, Any]) -> tuple[str | None, Book]:
    """The counts that `book_value` wrote."""
    return value["municipality"], Book(**{name: value[name] for name in _BOOK_FIELDS})
