"""From a record on an input topic to a fact, or to the reason why there is none."""

from collections.abc import Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from schemas.content import Unreadable, content_of
from schemas.inputs import Receiver as ReceiverModel
from schemas.reading import DECISION, RECEIPT, SENT, STORED, Reader, Told, read_mark, report_id_of
from streams.core.facts import (
    Action,
    Decision,
    Fact,
    FeedMark,
    Names,
    Outcome,
    Receipt,
    ReceiptCode,
    Receiver,
    Sent,
    Stored,
)
from streams.records.copies import COPY_HEADER, Origin, origin_of
from streams.records.record import Record, Refusal

READERS: dict[str, Reader] = {"sent": SENT, "receipt": RECEIPT, "stored": STORED}
FEED_HEADER = "mv-feed"
TOO_LARGE = Refusal("size", "too_large")
_NOTHING = dict.fromkeys(SENT.fields)
_EVERYTHING = tuple(SENT.fields)


Said = TypeVar("Said")


class Intake(NamedTuple, Generic[Said]):
    """What one record says. A refused record may still have a fact: it is judged by what could be read.

    `origin`: where its original lies, if it is a copy that counts as one. `told`: the fields that a copy would carry.
    """

    fact: Said | None
    refusal: Refusal | None = None
    extras: int = 0
    key_fits: bool = True
    origin: Origin | None = None
    told: Told | None = None


def take_in(record: Record, max_value_bytes: int) -> Intake[Fact]:
    """Read one record. Total: every sequence of bytes gives an answer."""
    if record.value is None:
        return refused(record, Refusal("json", "tombstone"))
    if len(record.value) > max_value_bytes:
        return refused(record, TOO_LARGE)
    try:
        content = content_of(record.value)
    except Unreadable as error:
        return refused(record, Refusal(error.stage, error.reason))
    return take_in_content(record, content)


def take_in_content(record: Record, content: dict[str, Any]) -> Intake[Fact]:
    """Read one record whose value has been read as JSON."""
    by_key = report_id_of(record.key) if record.kind == "sent" else None
    try:
        told = READERS[record.kind].read_content(content, by_key)
    except Unreadable as error:
        return refused(record, Refusal(error.stage, error.reason))
    return _intake(record, told, _fact(record, told))


def feed_of(kind: str, headers: Iterable[tuple[str, bytes]]) -> bytes | None:
    """Whose mark a record is, by its headers; None for one that is no feed's mark."""
    return dict(headers).get(FEED_HEADER) if kind == "stored" else None


def take_in_mark(record: Record, feed: bytes, max_value_bytes: int) -> FeedMark | Refusal:
    """Read what a feed vouches for; `feed` is the header that says whose mark it is. Total as `take_in` is."""
    if len(record.value or b"") > max_value_bytes:
        return TOO_LARGE
    try:
        mark = read_mark(record.value or b"", feed.decode("utf-8", "replace"))
    except Unreadable as error:
        return Refusal(error.stage, error.reason)
    return FeedMark(mark.feed, record.place, mark.vouched_until, mark.proofs)


def take_in_decision(record: Record, max_value_bytes: int) -> Intake[Decision]:
    """Read what somebody decided: all of it, or nothing. Total as `take_in` is."""
    if record.value is None:
        return Intake(None, Refusal("json", "tombstone"))
    if len(record.value) > max_value_bytes:
        return Intake(None, TOO_LARGE)
    try:
        content = content_of(record.value)
        told = DECISION.read_content(content)
    except Unreadable as error:
        return Intake(None, Refusal(error.stage, error.reason))
    if told.refused is not None:
        return _intake(record, told, None)
    if told.fields["receiver"] is None and content.get("receiver") is not None:
        # Nobody decides for all by naming nobody.
        return _intake(record, told, None)._replace(refusal=Refusal("schema", "bad_value:receiver"))
    return _intake(record, told, _decision(record, told))


def _intake(record: Record, told: Told, fact: Said | None) -> Intake[Said]:
    origin = origin_of(record.header(COPY_HEADER), record.place, told.report_id) if record.headers else None
    refusal = None if told.refused is None else Refusal(told.refused.stage, told.refused.reason)
    return Intake(fact, refusal, told.extras, record.key == told.report_id.encode(), origin, told)


def _decision(record: Record, told: Told) -> Decision:
    return Decision(
        told.fields["decision_id"],
        told.report_id,
        record.place,
        told.fields["missing_event_id"],
        Action(told.fields["action"]),
        told.fields["decided_at"],
        Outcome(told.fields["outcome"]) if told.fields["outcome"] else None,
        receiver_of(told.fields["receiver"]),
    )


def _fact(record: Record, told: Told) -> Fact:
    report_id, place, fields = told.report_id, record.place, told.fields
    if record.kind == "receipt":
        return Receipt(report_id, place, ReceiptCode(fields["receipt"]), fields["message_id"])
    receiver = receiver_of(fields["receiver"])
    if record.kind == "stored":
        stored_at = fields["stored_at"] or place.arrived
        return Stored(report_id, place, stored_at, fields["evidence"], receiver, told.unreadable, fields["feed"])
    names = Names(receiver, *(fields[name] for name in Names._fields[1:]))
    return Sent(report_id, place, fields["sent_at"], names, fields["message_id"], told.unreadable)


def receiver_of(receiver: ReceiverModel | None) -> Receiver | None:
    """A receiver as the core has it."""
    if receiver is None:
        return None
    return Receiver(receiver.municipality, receiver.district, receiver.unit_id, receiver.org_number)


def refused(record: Record, refusal: Refusal) -> Intake[Fact]:
    """A record of which nothing can be read; a sent is judged by its arrival and its key if that is a report id."""
    report_id = report_id_of(record.key) if record.kind == "sent" else None
    if report_id is None:
        return Intake(None, refusal)
    told = Told(report_id, _NOTHING, _EVERYTHING)
    return Intake(_fact(record, told), refusal, key_fits=record.key == report_id.encode(), told=told)
