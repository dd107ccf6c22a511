"""Rows as the JSON of the state topic, and back.

The structures below are its fields in their order: `schemas.outputs` describes them to everybody else.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from streams.core.facts import Names, Place, ReceiptCode, Receiver, Stored
from streams.core.row import NAMELESS, Reason, Row, Status
from streams.records.events import ReceiverJson, encode, json_time, receiver_json

Time = Annotated[datetime, Meta(tz=True)]


class PlaceJson(Struct, forbid_unknown_fields=True, gc=False):
    """Where a record lies in the log."""

    arrived: Time
    topic: str
    partition: int
    offset: int


class HeldStored(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A stored record that has not settled its report."""

    stored_at: Time
    evidence: str | None
    receiver: ReceiverJson | None
    record: PlaceJson
    unreadable: tuple[str, ...] = ()


class Held(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What the published fields do not say, but the rules need after a restart."""

    stored: list[HeldStored] = []
    elsewhere: HeldStored | None = None
    proof_receiver: ReceiverJson | None = None
    proof_asked: bool = True
    limit_at: Time | None = None
    unread: tuple[str, ...] = ()
    named_late: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


class State(Struct, forbid_unknown_fields=True, gc=False):
    """The value of a record of the state topic; a field that is not known is null."""

    version: Literal[1]
    report_id: str
    status: Status
    receiver: ReceiverJson | None
    channel: str | None
    case_system: str | None
    case_system_version: str | None
    form: str | None
    sent_at: Time | None
    due_at: Time | None
    alarm_at: Time | None
    receipt: ReceiptCode | None
    stored_at: Time | None
    evidence: str | None
    reason: Reason | None
    missing_event_id: str | None
    recovered_at: Time | None
    message_ids: list[str]
    attempts: int
    flags: list[str]
    policy_version: str | None
    touched_at: Time
    sent_record: PlaceJson | None
    receipt_record: PlaceJson | None
    stored_record: PlaceJson | None
    held: Held | None


_decode = msgspec.json.Decoder(State).decode
_NOTHING_HELD = Held()

STATE_BEGINS = b'{"version":1,"report_id":"'
_NO_PROOF = (None, None, None)


def state_record(row: Row) -> bytes:
    """A row as the value of the state topic."""
    receiver, channel, case_system, case_system_version, form = row.names
    proof = row.proof or (row.held_stored[0] if row.held_stored else None)
    stored_at, evidence, place = (proof.stored_at, proof.evidence, proof.place) if proof else _NO_PROOF
    state = State(
        1,
        row.report_id,
        row.status,
        receiver_json(receiver),
        channel,
        case_system,
        case_system_version,
        form,
        json_time(row.sent_at),
        json_time(row.due_at),
        json_time(row.alarm_at),
        row.receipt,
        json_time(stored_at),
        evidence,
        row.reason,
        row.missing_event_id,
        json_time(row.recovered_at),
        row.message_ids,
        len(row.message_ids),
        sorted(row.flags) if row.flags else [],
        row.policy_version,
        json_time(row.touched),
        _place_json(row.sent),
        _place_json(row.receipt_place),
        _place_json(place),
        _held(row),
    )
    return encode(state)


def _held(row: Row) -> Held | None:
    receiver = row.proof.receiver if row.proof is not None else None
    if (
        row.proof_asked
        and receiver is None
        and row.limit_at is None
        and not (row.held_stored or row.elsewhere or row.unread or row.copies)
    ):
        return None  # most rows
    return Held(
        [_stored_json(stored) for stored in row.held_stored],
        _stored_json(row.elsewhere) if row.elsewhere is not None else None,
        receiver_json(receiver),
        row.proof_asked,
        json_time(row.limit_at),
        row.unread,
        row.named_late,
        row.copies,
    )


def _stored_json(stored: Stored) -> HeldStored:
    receiver = receiver_json(stored.receiver)
    place = _known_place(stored.place)
    return HeldStored(json_time(stored.stored_at), stored.evidence, receiver, place, stored.unreadable)


def _known_place(place: Place) -> PlaceJson:
    arrived, topic, partition, offset = place
    return PlaceJson(json_time(arrived), topic, partition, offset)


def _place_json(place: Place | None) -> PlaceJson | None:
    return None if place is None else _known_place(place)


def state_value(row: Row) -> dict[str, Any]:
    """A row as the state topic's value says it."""
    value: dict[str, Any] = msgspec.json.decode(state_record(row))
    return value


def is_state(value: bytes) -> bool:
    """True for a value of the state topic, of which a row that is packed in any other way has nothing."""
    return value.startswith(STATE_BEGINS)


def read_state(value: bytes) -> Row:
    """The row of a value of the state topic. Raises ValueError for what this version did not write."""
    return _row_of(_decode(value))


def read_outline(value: bytes) -> Row:
    """As much of a row as the books and the deadline index ask for. Raises ValueError as `read_state` does."""
    state = _decode(value)
    if state.sent_record is None or state.status is Status.UNDETERMINED:
        return _row_of(state)  # when to look depends on what is held
    sent = _known(state.sent_record)
    return Row(state.report_id, state.touched_at, state.status, sent=sent, alarm_at=state.alarm_at)


def _row_of(state: State) -> Row:
    report_id, held, known = state.report_id, state.held or _NOTHING_HELD, state.sent_record is not None
    return Row(
        report_id,
        state.touched_at,
        state.status,
        _names_of(state) if known else NAMELESS,
        _place_of(state.sent_record),
        state.sent_at,
        state.due_at,
        state.alarm_at,
        state.policy_version,
        held.proof_asked,
        state.receipt,
        _place_of(state.receipt_record),
        _proof_of(state, held) if known else None,
        held.limit_at,
        _held_proof(report_id, held.elsewhere),
        state.reason,
        state.missing_event_id,
        state.recovered_at,
        state.message_ids,
        set(state.flags),
        [_stored(report_id, one) for one in held.stored],
        held.unread,
        held.named_late,
        held.copies,
    )


def _known(place: PlaceJson) -> Place:
    return Place(place.arrived, place.topic, place.partition, place.offset)


def _place_of(place: PlaceJson | None) -> Place | None:
    return None if place is None else _known(place)


def _names_of(state: State) -> Names:
    receiver = _receiver(state.receiver)
    return Names(receiver, state.channel, state.case_system, state.case_system_version, state.form)


def _receiver(receiver: ReceiverJson | None) -> Receiver | None:
    if receiver is None:
        return None
    return Receiver(receiver.municipality, receiver.district, receiver.unit_id, receiver.org_number)


def _proof_of(state: State, held: Held) -> Stored | None:
    stored_at, record = state.stored_at, state.stored_record
    if stored_at is None or record is None:
        return None
    return Stored(state.report_id, _known(record), stored_at, state.evidence, _receiver(held.proof_receiver))


def _held_proof(report_id: str, proof: HeldStored | None) -> Stored | None:
    return None if proof is None else _stored(report_id, proof)


def _stored(report_id: str, stored: HeldStored) -> Stored:
    place, receiver = _known(stored.record), _receiver(stored.receiver)
    return Stored(report_id, place, stored.stored_at, stored.evidence, receiver, stored.unreadable)
