"""From a record on an input topic to a fact, or to the reason why there is none."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from schemas.inputs import Receiver as ReceiverModel
from schemas.inputs import ReportSent
from schemas.reading import RECEIPT, SENT, STORED, Reader, Unreadable, report_id_of
from streams.core.events import written
from streams.core.facts import Fact, Names, Place, Receipt, ReceiptCode, Receiver, Sent, Stored
from streams.core.row import NAMELESS

COPY_HEADER = "mv-copy"
_READERS: dict[str, Reader[Any]] = {"sent": SENT, "receipt": RECEIPT, "stored": STORED}
SENT_FIELDS = ("sent_at", *Names._fields, "message_id")


class Record(NamedTuple):
    """What the engine needs of a record on an input topic. `kind` is sent, receipt or stored."""

    kind: str
    place: Place
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    def header(self, name: str) -> bytes | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)


class Refusal(NamedTuple):
    """Why a record could not be read: never its content."""

    stage: str
    reason: str


class Intake(NamedTuple):
    """What one record says. A refused sent may still have a fact: it is judged all the same."""

    fact: Fact | None
    refusal: Refusal | None = None
    extras: tuple[str, ...] = ()
    key_fits: bool = True


def take_in(record: Record, max_value_bytes: int) -> Intake:
    """Read one record. Total: every sequence of bytes gives an answer."""
    if record.value is None:
        return _refused(record, Refusal("json", "tombstone"))
    if len(record.value) > max_value_bytes:
        return _refused(record, Refusal("size", "too_large"))
    try:
        fact, extras = _read(record, record.value)
    except Unreadable as error:
        return _refused(record, Refusal(error.stage, error.reason))
    return Intake(fact, extras=tuple(extras), key_fits=_key_fits(record.key, fact.report_id))


def digest(value: bytes | None) -> str:
    """SHA-256 of a value, to recognise it without keeping it."""
    return hashlib.sha256(value or b"").hexdigest()


def arrival(timestamp_ms: int) -> datetime:
    """A broker's append time (ms since 1970) as a datetime."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


def origin_of(place: Place) -> bytes:
    """The value of a copy's header: where the misplaced original lies, and when it arrived there."""
    return f"{place.topic}/{place.partition}/{place.offset}@{written(place.arrived)}".encode()


def known_value(record: Record, intake: Intake) -> bytes:
    """The record's value with its known and readable fields only: what a copy into the right partition carries."""
    if intake.refusal is None and record.value is not None:
        event, _ = _READERS[record.kind].read(record.value)
        known = event.model_dump(mode="json", include=set(type(event).model_fields))
    else:
        salvaged = SENT.salvage(record.value) if record.value is not None else None
        known = {name: value for name, value in (salvaged.fields if salvaged else {}).items() if value is not None}
        known["report_id"] = intake.fact.report_id if intake.fact else None
    receiver = known.get("receiver")
    if receiver is not None:
        given = receiver if isinstance(receiver, dict) else receiver.model_dump()
        known["receiver"] = {name: given[name] for name in Receiver._fields if given.get(name) is not None}
    return orjson.dumps({name: _jsonable(value) for name, value in known.items() if value is not None})


def _jsonable(value: Any) -> Any:
    return written(value) if isinstance(value, datetime) else value


def _read(record: Record, value: bytes) -> tuple[Fact, Iterable[str]]:
    if record.kind == "sent":
        sent, extras = SENT.read(value)
        return _sent(record.place, sent), extras
    if record.kind == "receipt":
        receipt, extras = RECEIPT.read(value)
        return Receipt(receipt.report_id, record.place, ReceiptCode(receipt.receipt)), extras
    stored, extras = STORED.read(value)
    receiver = _receiver(stored.receiver)
    return Stored(stored.report_id, record.place, stored.stored_at, stored.evidence, receiver), extras


def _sent(place: Place, sent: ReportSent) -> Sent:
    names = Names(_receiver(sent.receiver), sent.channel, sent.case_system, sent.case_system_version, sent.form)
    return Sent(sent.report_id, place, sent.sent_at, names, sent.message_id)


def _receiver(receiver: ReceiverModel | None) -> Receiver | None:
    if receiver is None:
        return None
    return Receiver(receiver.municipality, receiver.district, receiver.unit_id, receiver.org_number)


def _refused(record: Record, refusal: Refusal) -> Intake:
    """An unreadable record; a sent is judged by its arrival if only its report id can be read."""
    if record.kind != "sent":
        return Intake(None, refusal)
    salvaged = SENT.salvage(record.value) if record.value is not None and refusal.stage == "schema" else None
    if salvaged is not None:
        fields = salvaged.fields
        names = Names(_receiver(fields["receiver"]), *(fields[name] for name in Names._fields[1:]))
        message_id = fields["message_id"]
        fact = Sent(salvaged.report_id, record.place, None, names, message_id, salvaged.unreadable)
        return Intake(fact, refusal, key_fits=_key_fits(record.key, fact.report_id))
    report_id = report_id_of(record.key)
    if report_id is None:
        return Intake(None, refusal)
    return Intake(Sent(report_id, record.place, None, NAMELESS, None, SENT_FIELDS), refusal)


def _key_fits(key: bytes | None, report_id: str) -> bool:
    return key is not None and key == report_id.encode()
