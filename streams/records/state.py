"""Rows as the JSON of the state topic, and back."""

from types import SimpleNamespace
from typing import Any

import msgspec

from streams.core.facts import Names, Place, Receiver, Stored
from streams.core.policy import Asks
from streams.core.row import NAMELESS, Alarm, Row, Status, Window
from streams.records.events import ReceiverJson, encode, json_time, receiver_json
from streams.records.state_fields import AlarmJson, Held, HeldStored, PlaceJson, State

_decode = msgspec.json.Decoder(State).decode
_NOTHING_HELD = Held()

STATE_BEGINS = b'{"version":2,"report_id":"'
_NO_PROOF = (None, None, None)
_NO_ALARM: Any = SimpleNamespace(reason=None, event_id=None, outcome=None, closed_at=None)


def state_record(row: Row) -> bytes:
    """A row as the value of the state topic."""
    receiver, _, case_system, case_system_version, form = row.names
    alarm = row.alarms[-1] if row.alarms else _NO_ALARM
    proof = row.proof or (row.held_stored[0] if row.held_stored else None)
    stored_at, evidence, place = (proof.stored_at, proof.evidence, proof.place) if proof else _NO_PROOF
    state = State(
        2,
        row.report_id,
        row.status,
        receiver_json(receiver),
        row.channel,
        case_system,
        case_system_version,
        form,
        json_time(row.sent_at),
        json_time(row.due_at),
        json_time(row.alarm_at),
        row.receipt,
        json_time(stored_at),
        evidence,
        alarm.reason,
        alarm.event_id,
        json_time(row.recovered_at),
        row.feed,
        len(row.alarms),
        alarm.outcome,
        json_time(alarm.closed_at),
        row.decisions[-1] if row.decisions else None,
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
    if _is_plain(row):
        return None  # most rows, found out several times as fast as by what would be held
    held = Held(
        [_stored_json(stored) for stored in row.held_stored],
        _stored_json(row.elsewhere) if row.elsewhere is not None else None,
        receiver_json(row.proof.receiver) if row.proof is not None else None,
        None if row.window is _window_of(row.status, row.sent) else row.window,
        row.asks,
        json_time(row.opened_at),
        None if len(row.routes) < 2 else row.routes,
        row.ids_before,
        json_time(row.limit_at),
        json_time(row.first_due_at),
        json_time(row.attempted_at),
        None if len(row.channels) < 2 else row.channels,
        tuple(_alarm_json(alarm) for alarm in row.alarms),
        row.decisions,
        row.unread,
        row.copies,
    )
    return None if held == _NOTHING_HELD else held


def _is_plain(row: Row) -> bool:
    """True for one attempt, one channel, and a proof without a receiver, of which nothing is held."""
    return (
        row.window is _window_of(row.status, row.sent)
        and row.asks is Asks.STORED
        and (row.proof is None or row.proof.receiver is None)
        and row.attempted_at is None
        and row.limit_at is None
        and not (row.held_stored or row.elsewhere or row.alarms or row.unread or row.copies or row.decisions)
        and len(row.routes) < 2
        and len(row.channels) < 2
    )


def _window_of(status: Status, sent: object | None) -> Window:
    """Where the window of most rows of that status stands."""
    return Window.OPEN if status is Status.PENDING and sent is not None else Window.CLOSED


def _alarm_json(alarm: Alarm) -> AlarmJson:
    return AlarmJson(
        alarm.event_id,
        json_time(alarm.at),
        json_time(alarm.alarm_at),
        json_time(alarm.due_at),
        alarm.reason,
        alarm.channel,
        alarm.outcome,
        json_time(alarm.closed_at),
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
    if state.sent_record is None or state.held is not None:
        return _row_of(state)  # when to look depends on what is held
    sent = _known(state.sent_record)
    window = _window_of(state.status, sent)
    return Row(state.report_id, state.touched_at, state.status, sent=sent, window=window, alarm_at=state.alarm_at)


def _row_of(state: State) -> Row:
    report_id, held, sent = state.report_id, state.held or _NOTHING_HELD, _place_of(state.sent_record)
    route = (state.channel,) if state.channel else ()
    channels = route if held.channels is None else held.channels
    return Row(
        report_id,
        state.touched_at,
        state.status,
        NAMELESS if sent is None else _names_of(state, channels),
        sent,
        state.sent_at,
        state.policy_version,
        held.window or _window_of(state.status, sent),
        state.due_at,
        state.alarm_at,
        held.asks,
        state.feed,
        held.opened_at,
        route if held.routes is None else held.routes,
        held.ids_before,
        held.limit_at,
        held.first_due_at,
        held.attempted_at,
        channels,
        state.message_ids,
        state.receipt,
        _place_of(state.receipt_record),
        None if sent is None else _proof_of(state, held),
        _held_proof(report_id, held.elsewhere),
        tuple(_alarm_of(alarm) for alarm in held.alarms),
        state.recovered_at,
        held.decisions,
        set(state.flags),
        [_stored(report_id, one) for one in held.stored],
        held.unread,
        held.copies,
    )


def _alarm_of(alarm: AlarmJson) -> Alarm:
    times = alarm.at, alarm.alarm_at, alarm.due_at
    return Alarm(alarm.event_id, *times, alarm.reason, alarm.channel, alarm.outcome, alarm.closed_at)


def _known(place: PlaceJson) -> Place:
    return Place(place.arrived, place.topic, place.partition, place.offset)


def _place_of(place: PlaceJson | None) -> Place | None:
    return None if place is None else _known(place)


def _names_of(state: State, channels: tuple[str, ...]) -> Names:
    receiver, channel = _receiver(state.receiver), channels[0] if channels else None
    return Names(receiver, channel, state.case_system, state.case_system_version, state.form)


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
