"""Rows as the JSON of the state topic, and back."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from streams.core.events import written
from streams.core.facts import Names, Place, Receipt, ReceiptCode, Receiver, Stored
from streams.core.fold import new_row
from streams.core.row import NAMELESS, Reason, Row, Status
from streams.engine.codec import receiver_value

_STATUS = {str(status): status for status in Status}
_REASON: dict[str | None, Reason | None] = {None: None} | {str(reason): reason for reason in Reason}
_RECEIPT: dict[str | None, ReceiptCode | None] = {None: None} | {str(code): code for code in ReceiptCode}


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _read_place(value: dict[str, Any] | None) -> Place | None:
    if value is None:
        return None
    return Place(datetime.fromisoformat(value["arrived"]), value["topic"], value["partition"], value["offset"])


def _read_receiver(value: dict[str, Any] | None) -> Receiver | None:
    return None if value is None else Receiver(**value)


def _stored(stored: Stored) -> dict[str, Any]:
    return {
        "stored_at": _stamp(stored.stored_at),
        "evidence": stored.evidence,
        "receiver": _receiver_json(stored.receiver),
        "record": _stamped(stored.place),
    }


def _read_stored(report_id: str, value: dict[str, Any]) -> Stored:
    place = _read_place(value["record"])
    assert place is not None
    stored_at = datetime.fromisoformat(value["stored_at"])
    return Stored(report_id, place, stored_at, value["evidence"], _read_receiver(value["receiver"]))


def held_value(row: Row) -> dict[str, Any] | None:
    """What the published fields do not say, but the rules need after a restart; null for most rows."""
    held: dict[str, Any] = {}
    if row.held_receipts:
        held["receipts"] = [{"receipt": r.receipt, "record": _stamped(r.place)} for r in row.held_receipts]
    if row.held_stored:
        held["stored"] = [_stored(stored) for stored in row.held_stored]
    if row.late_proof is not None:
        held["late_proof"] = _stored(row.late_proof)
    if row.elsewhere is not None:
        held["elsewhere"] = _stored(row.elsewhere)
    if row.proof is not None and row.proof.receiver is not None:
        held["proof_receiver"] = _receiver_json(row.proof.receiver)
    if not row.proof_asked:
        held["proof_asked"] = False
    return held or None


def held_record(row: Row) -> bytes:
    """What `held_value` says, as JSON."""
    return _dumps(held_value(row))


def _dumps(value: dict[str, Any] | None) -> bytes:
    # orjson writes datetimes by itself, but leaves those of a subclass (a clock that was replaced) to us.
    return orjson.dumps(value, default=written, option=orjson.OPT_UTC_Z)


_NO_PROOF = (None, None, None)


def state_record(row: Row) -> bytes:
    """A row as the value of the state topic; a field that is not known is null."""
    names = row.names
    proof = row.proof or (row.held_stored[0] if row.held_stored else None)
    stored_at, evidence, place = (proof.stored_at, proof.evidence, proof.place) if proof else _NO_PROOF
    state = {
        "version": 1,
        "report_id": row.report_id,
        "status": row.status,
        "receiver": _receiver_json(names.receiver),
        "channel": names.channel,
        "case_system": names.case_system,
        "case_system_version": names.case_system_version,
        "form": names.form,
        "sent_at": _stamp(row.sent_at),
        "due_at": _stamp(row.due_at),
        "alarm_at": _stamp(row.alarm_at),
        "receipt": row.receipt,
        "stored_at": _stamp(stored_at),
        "evidence": evidence,
        "reason": row.reason,
        "missing_event_id": row.missing_event_id,
        "recovered_at": _stamp(row.recovered_at),
        "message_ids": row.message_ids,
        "attempts": len(row.message_ids),
        "flags": sorted(row.flags) if row.flags else [],
        "policy_version": row.policy_version,
        "touched_at": _stamp(row.touched),
        "sent_record": _stamped(row.sent),
        "receipt_record": _stamped(row.receipt_place),
        "stored_record": _stamped(place),
        "held": held_value(row),
    }
    return _dumps(state)


def _stamp(time: datetime | None) -> datetime | str | None:
    """A time for orjson, which writes it as we do, but for whole seconds: those it writes without their six digits."""
    return time if time is None or time.microsecond else written(time)


def _stamped(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    arrived, topic, partition, offset = place
    return {"arrived": _stamp(arrived), "topic": topic, "partition": partition, "offset": offset}


@lru_cache(10_000)
def _receiver_json(receiver: Receiver | None) -> orjson.Fragment:
    return orjson.Fragment(orjson.dumps(receiver_value(receiver)))


def state_value(row: Row) -> dict[str, Any]:
    """A row as the state topic's value says it."""
    value: dict[str, Any] = orjson.loads(state_record(row))
    return value


STATE_BEGINS = b'{"version":1,"report_id":"'
STATE_FIELDS = tuple(state_value(new_row("", datetime.min.replace(tzinfo=UTC))))


def read_state(value: bytes) -> Row:
    """The row of a value of the state topic. Raises ValueError for what this version did not write."""
    return _row_of(_state_of(value))


def is_state(value: bytes) -> bool:
    """True for a value of the state topic, of which a row that is packed in any other way has nothing."""
    return value.startswith(STATE_BEGINS)


def read_outline(value: bytes) -> Row:
    """As much of a row as the books and the deadline index ask for. Raises ValueError as `read_state` does."""
    state = _state_of(value)
    if state["held"] is not None:
        return _row_of(state)
    return Row(
        state["report_id"],
        touched=datetime.fromisoformat(state["touched_at"]),
        status=_STATUS[state["status"]],
        sent=_read_place(state["sent_record"]),
        alarm_at=_read_time(state["alarm_at"]),
    )


def _state_of(value: bytes) -> dict[str, Any]:
    state = orjson.loads(value)
    if not isinstance(state, dict) or tuple(state) != STATE_FIELDS or state["version"] != 1:
        raise ValueError("not a state record of version 1")
    return state


def _row_of(state: dict[str, Any]) -> Row:
    report_id = state["report_id"]
    held = state["held"] or {}
    sent = _read_place(state["sent_record"])
    row = Row(
        report_id,
        touched=datetime.fromisoformat(state["touched_at"]),
        status=_STATUS[state["status"]],
        names=_read_names(state) if sent else NAMELESS,
        sent=sent,
        sent_at=_read_time(state["sent_at"]),
        due_at=_read_time(state["due_at"]),
        alarm_at=_read_time(state["alarm_at"]),
        policy_version=state["policy_version"],
        proof_asked=held.get("proof_asked", True),
        receipt=_RECEIPT[state["receipt"]],
        receipt_place=_read_place(state["receipt_record"]),
        reason=_REASON[state["reason"]],
        missing_event_id=state["missing_event_id"],
        recovered_at=_read_time(state["recovered_at"]),
        message_ids=state["message_ids"],
        flags=set(state["flags"]),
    )
    if sent is not None and state["stored_record"] is not None:
        row.proof = _read_stored(report_id, _proof_of(state, held))
    if held:
        read_held(row, held)
    return row


def _read_names(state: dict[str, Any]) -> Names:
    return Names(
        _read_receiver(state["receiver"]),
        state["channel"],
        state["case_system"],
        state["case_system_version"],
        state["form"],
    )


def _proof_of(state: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    return {
        "stored_at": state["stored_at"],
        "evidence": state["evidence"],
        "receiver": held.get("proof_receiver"),
        "record": state["stored_record"],
    }


def read_held(row: Row, held: dict[str, Any]) -> None:
    """Give a row back what `held_value` said of it."""
    for value in held.get("receipts", ()):
        place = _read_place(value["record"])
        assert place is not None
        row.held_receipts.append(Receipt(row.report_id, place, ReceiptCode(value["receipt"])))
    row.held_stored = [_read_stored(row.report_id, value) for value in held.get("stored", ())]
    if "late_proof" in held:
        row.late_proof = _read_stored(row.report_id, held["late_proof"])
    if "elsewhere" in held:
        row.elsewhere = _read_stored(row.report_id, held["elsewhere"])
