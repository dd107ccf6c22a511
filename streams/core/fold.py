"""The fold: one fact applied to one row.

Facts come in the order of the log (`streams.core.facts.in_order`), and what time settles before a fact's arrival has
been decided before it is applied. `touched` moves with each fact that changes something.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from streams.core.facts import Receipt, Sent, Stored
from streams.core.policy import Policy
from streams.core.receivers import NO_DISTRICT, Municipalities
from streams.core.row import NAMELESS, Flag, Row, Status, unreadable_flags
from streams.core.rules import Limits
from streams.core.weight import has_room

SENDER_CLOCK_TOLERANCE = timedelta(minutes=5)
CLOCK_BEHIND_AFTER = timedelta(days=400)


class Step(StrEnum):
    """What one fact did."""

    OPENED = "opened"
    DUPLICATE = "duplicate"
    RESENT = "resent"
    TOO_OLD = "too_old"
    HELD = "held"
    ROW_FULL = "row_full"
    COPIED_ALREADY = "copied_already"
    RECEIPT = "receipt"
    RECEIPT_REPEATED = "receipt_repeated"
    RECEIPT_LATE = "receipt_late"
    STORED = "stored"
    STORED_ELSEWHERE = "stored_elsewhere"
    PROOF_REPEATED = "proof_repeated"
    RECOVERED = "recovered"


REFUSED = frozenset({Step.TOO_OLD, Step.ROW_FULL})  # what could be read, and is listed as rejected all the same
DECIDED = frozenset({Status.MISSING, Status.RECOVERED, Status.UNPROVEN, Status.UNDETERMINED})


def too_old(sent: Sent, limits: Limits) -> bool:
    """True for a sent from beyond the keeping time, whose row may be erased already; years back is a wrong clock."""
    if sent.sent_at is None:
        return False
    return limits.keep < sent.place.arrived - sent.sent_at <= CLOCK_BEHIND_AFTER


def open_row(row: Row, sent: Sent, policy: Policy, municipalities: Municipalities) -> None:
    """Apply a report's first sent, then what was held back for it, as if it came now."""
    version = policy.in_force(sent.place.arrived)
    terms = version.terms(sent.names)
    row.status, row.touched, row.sent = Status.PENDING, sent.place.arrived, sent.place
    row.names, row.policy_version, row.proof_asked = sent.names, version.id, terms.proof
    row.message_ids = [sent.message_id] if sent.message_id else []
    row.unread = sent.unreadable
    if sent.unreadable:
        row.flags |= unreadable_flags(sent.unreadable)
    row.sent_at = _trusted_sent_at(row, sent)
    row.due_at = row.sent_at + terms.allowance
    row.alarm_at = max(row.due_at, sent.place.arrived) + terms.grace
    _flag_unknown(row, municipalities)
    stored, row.held_stored = row.held_stored, []
    for proof in stored:
        fold_stored(row, proof, municipalities)


def fold_sent_again(row: Row, sent: Sent, municipalities: Municipalities) -> Step:
    """Apply a further sent of the same report: everything but names that were unreadable stays as it is."""
    step = Step.DUPLICATE
    if sent.message_id is not None and sent.message_id not in row.message_ids:
        if not has_room(row, sent.message_id):
            return _full(row)
        step, row.message_ids = Step.RESENT, [*row.message_ids, sent.message_id]
    named = _fill_names(row, sent)
    if named:
        _flag_unknown(row, municipalities)
    if named or step is Step.RESENT:
        row.touched = max(row.touched, sent.place.arrived)
    return step


def fold_receipt(row: Row, receipt: Receipt) -> Step:
    """Apply a claim. It decides nothing; the last one by alarm_at chooses the reason. It may come before its sent."""
    if row.alarm_at is not None and (receipt.place.arrived > row.alarm_at or row.status in DECIDED):
        return Step.RECEIPT_LATE
    if receipt.receipt == row.receipt:
        return Step.RECEIPT_REPEATED
    row.receipt, row.receipt_place = receipt.receipt, receipt.place
    row.touched = max(row.touched, receipt.place.arrived)
    return Step.HELD if row.sent is None else Step.RECEIPT


def fold_stored(row: Row, stored: Stored, municipalities: Municipalities) -> Step:
    """Apply evidence of storage: settle or recover."""
    if row.sent is None:
        return _hold_stored(row, stored)
    if row.proof is not None:
        return Step.PROOF_REPEATED
    if not municipalities.same_receiver(row.first_receiver, stored.receiver):
        if row.elsewhere is None and row.status is Status.PENDING:
            row.elsewhere = stored
            row.touched = max(row.touched, stored.place.arrived)
        return Step.STORED_ELSEWHERE
    return _settle(row, stored)


def _settle(row: Row, stored: Stored) -> Step:
    """The proof that settles a row: a missing one is recovered by it, any other is stored."""
    row.flags |= unreadable_flags(stored.unreadable)
    row.proof = proof = _trusted_stored(row, stored)._replace(unreadable=())
    row.touched = max(row.touched, proof.place.arrived)
    if row.status is Status.MISSING:
        row.status, row.recovered_at = Status.RECOVERED, proof.place.arrived
        return Step.RECOVERED
    row.status = Status.STORED
    if row.due_at is not None and proof.stored_at > row.due_at:
        row.flags.add(Flag.STORED_AFTER_DUE)
    return Step.STORED


def _trusted_sent_at(row: Row, sent: Sent) -> datetime:
    """No report becomes due in 2099 or was due in 1970: the arrival bounds what a producer claims."""
    arrived = sent.place.arrived
    if sent.sent_at is None:
        return arrived
    if sent.sent_at > arrived:
        if sent.sent_at - arrived > SENDER_CLOCK_TOLERANCE:
            row.flags.add(Flag.CLOCK_AHEAD)
        return arrived
    if arrived - sent.sent_at > CLOCK_BEHIND_AFTER:
        row.flags.add(Flag.CLOCK_BEHIND)
        return arrived
    return sent.sent_at


def _trusted_stored(row: Row, stored: Stored) -> Stored:
    arrived = stored.place.arrived
    if stored.stored_at <= arrived:
        return stored
    if stored.stored_at - arrived > SENDER_CLOCK_TOLERANCE:
        row.flags.add(Flag.CLOCK_AHEAD)
    return stored._replace(stored_at=arrived)


def _fill_names(row: Row, sent: Sent) -> bool:
    """Each name that the first sent could not tell is the first later one that can be read; True if there was one."""
    filled = [name for name in row.unread if row.names.told(name) is None and sent.names.told(name) is not None]
    if not filled:
        return False
    for name in filled:
        row.names = row.names.telling(name, sent.names.told(name))
    if row.alarm_at is not None and sent.place.arrived <= row.alarm_at:
        row.flags.add(Flag.NAMED_LATER)
    else:
        row.flags.add(Flag.NAMED_LATE)
        row.named_late = (*row.named_late, *filled)
    return True


def _flag_unknown(row: Row, municipalities: Municipalities) -> None:
    receiver = row.names.receiver
    if receiver is not None and not municipalities.knows(receiver.municipality):
        row.flags.add(Flag.UNKNOWN_MUNICIPALITY)


def _hold_stored(row: Row, stored: Stored) -> Step:
    """Keep a proof until its sent is known: one for the same receiver that came before says the same already."""
    if _level(stored) in map(_level, row.held_stored):
        return Step.PROOF_REPEATED
    if not has_room(row, stored):
        return _full(row)
    row.held_stored = [*row.held_stored, stored]
    row.touched = max(row.touched, stored.place.arrived)
    return Step.HELD


def _full(row: Row) -> Step:
    """The row stays as it is, but for saying so."""
    row.flags.add(Flag.ROW_FULL)
    return Step.ROW_FULL


def _level(stored: Stored) -> tuple[str, str | None] | None:
    """What of a receiver decides whether a proof counts."""
    if stored.receiver is None:
        return None
    district = stored.receiver.district
    return stored.receiver.municipality, None if district == NO_DISTRICT else district


def new_row(report_id: str, arrived: datetime) -> Row:
    """A row of which nothing is known yet."""
    return Row(report_id, touched=arrived, names=NAMELESS)
