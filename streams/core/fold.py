"""The fold: one fact applied to one row.

Facts come in the order of the log (`streams.core.facts.in_order`), and what time settles before a fact's arrival has
been decided before it is applied. `touched` moves with each fact that changes something.
"""

from datetime import datetime
from enum import StrEnum

from streams.core.events import Event, recovered
from streams.core.facts import REFUSALS, Fact, Outcome, Receipt, Receiver, Sent, Stored
from streams.core.policy import Asks
from streams.core.receivers import Municipalities, compared
from streams.core.row import Flag, Row, Status, Window, unreadable_flags
from streams.core.rules import Limits, Rules
from streams.core.weight import has_room
from streams.core.window import (
    CLOCK_BEHIND_AFTER,
    SENDER_CLOCK_TOLERANCE,
    may_open,
    open_first,
    open_next,
    reroute,
)


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
    REROUTED = "rerouted"
    WINDOW_OPENED = "window_opened"
    REFUSED_LATE = "refused_late"  # a refusal of what had no proof to give
    VOUCHED = "vouched"
    VOUCHED_NOTHING = "vouched_nothing"
    FEED_UNKNOWN = "feed_unknown"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    REOPENED = "reopened"
    ERASED = "erased"
    DECISION_REPEATED = "decision_repeated"
    DECISION_UNFIT = "decision_unfit"


REFUSED = frozenset({Step.TOO_OLD, Step.ROW_FULL, Step.FEED_UNKNOWN, Step.DECISION_UNFIT})
"""What could be read, and is listed as rejected all the same."""


def too_old(row: Row, sent: Sent, limits: Limits) -> bool:
    """True for a first sent from beyond the keeping time: its row may be erased. Years back is a wrong clock."""
    if sent.sent_at is None or row.sent is not None or row.status is Status.ERASED:
        return False
    return limits.keep < sent.place.arrived - sent.sent_at <= CLOCK_BEHIND_AFTER


def fold(row: Row, fact: Fact, rules: Rules) -> tuple[Step, tuple[Event, ...]]:
    """Apply one fact to a row: what it did, and the events that it caused."""
    if isinstance(fact, Sent):
        if row.sent is not None:
            return fold_sent_again(row, fact, rules), ()
        if row.status is Status.ERASED:
            return Step.DUPLICATE, ()
        open_row(row, fact, rules)
        return Step.OPENED, ()
    if isinstance(fact, Receipt):
        return fold_receipt(row, fact), ()
    step = fold_stored(row, fact, rules)
    return step, (recovered(row),) if step is Step.RECOVERED else ()


def open_row(row: Row, sent: Sent, rules: Rules) -> None:
    """Apply a report's first sent, then what was held back for it, as if it came now."""
    version = rules.policy.in_force(sent.place.arrived)
    channel = sent.names.channel
    row.status, row.touched, row.sent = Status.PENDING, sent.place.arrived, sent.place
    row.names, row.policy_version = sent.names, version.id
    row.message_ids = [sent.message_id] if sent.message_id else []
    row.channels = (channel,) if channel else ()
    row.unread = sent.unreadable
    if sent.unreadable:
        row.flags |= unreadable_flags(sent.unreadable)
    if sent.sent_at is not None:
        _flag_ahead(row, sent.sent_at, sent.place.arrived)
        if sent.place.arrived - sent.sent_at > CLOCK_BEHIND_AFTER:
            row.flags.add(Flag.CLOCK_BEHIND)
    open_first(row, sent, version, rules)
    _flag_unknown(row, rules.municipalities)
    stored, row.held_stored = row.held_stored, []
    for proof in stored:
        fold_stored(row, proof, rules)


def fold_sent_again(row: Row, sent: Sent, rules: Rules) -> Step:
    """Apply a further sent of the same report."""
    message_id, channel = sent.message_id, sent.names.channel
    new_id = message_id is not None and message_id not in row.message_ids
    new_channel = channel is not None and bool(row.channels) and channel not in row.channels
    if (new_id or new_channel) and not has_room(row, (message_id or "") + (channel or "")):
        return _full(row)
    if row.unread:
        _fill_names(row, sent, rules.municipalities)
    ids = len(row.message_ids)
    if new_id and message_id is not None:
        row.message_ids = [*row.message_ids, message_id]
    if channel is not None and channel not in row.channels:
        row.channels = (*row.channels, channel)
        row.routes = row.routes or (channel,)  # the one that could not be read
    return _attempt(row, sent, ids, rules) if new_id or new_channel else Step.DUPLICATE


def _attempt(row: Row, sent: Sent, ids: int, rules: Rules) -> Step:
    """A new attempt: it gives an open window another route, opens a new one, or changes nothing."""
    arrived, before = sent.place.arrived, row.attempted_at or (row.sent or sent.place).arrived
    row.touched = row.attempted_at = arrived
    version = rules.policy.version(row.policy_version)
    if row.window is not Window.CLOSED:
        if not reroute(row, sent, version, rules):
            return Step.RESENT
        step = Step.REROUTED
    elif may_open(row):
        open_next(row, sent, before, version, rules)
        step = Step.WINDOW_OPENED
    else:
        return Step.RESENT
    row.ids_before, row.receipt, row.receipt_place = ids, None, None
    return step


def fold_receipt(row: Row, receipt: Receipt) -> Step:
    """Apply a claim. It decides nothing but where nobody has to prove more; the last one chooses the reason.

    It may come before its sent. Of a window only receipts are asked that are about its own attempts.
    """
    of_before = receipt.message_id is not None and receipt.message_id in row.message_ids[: row.ids_before]
    over = row.window is Window.CLOSED and row.alarm_at is not None and receipt.place.arrived > row.alarm_at
    refused = over and row.status is Status.UNPROVEN and row.asks is Asks.RECEIPT and receipt.receipt in REFUSALS
    late = over or row.window is Window.REFUSED  # the first refusal has decided, also what arrives with it
    if of_before or row.status is Status.ERASED or (late and not refused):
        return Step.RECEIPT_LATE
    if receipt.receipt is row.receipt:
        return Step.RECEIPT_REPEATED
    row.receipt, row.receipt_place = receipt.receipt, receipt.place
    row.touched = receipt.place.arrived
    if refused:
        row.window = Window.REFUSED  # missing, unless a proof arrived at the same moment
        return Step.REFUSED_LATE
    return Step.HELD if row.sent is None else Step.RECEIPT


def fold_stored(row: Row, stored: Stored, rules: Rules) -> Step:
    """Apply evidence of storage: settle or recover."""
    if row.sent is None:
        return Step.PROOF_REPEATED if row.status is Status.ERASED else _hold_stored(row, stored)
    if row.proof is not None:
        return Step.PROOF_REPEATED
    if not counts(row, stored.receiver, rules):
        if row.elsewhere is None:
            row.elsewhere = stored
            row.touched = max(row.touched, stored.place.arrived)
        return Step.STORED_ELSEWHERE
    return _settle(row, stored)


def counts(row: Row, named: Receiver | None, rules: Rules) -> bool:
    """True if a proof, or a decision, counts for a report by the receiver that it names."""
    services = rules.policy.version(row.policy_version).services
    return rules.municipalities.same_receiver(row.first_receiver, named, services)


def _settle(row: Row, stored: Stored) -> Step:
    """The proof that settles a row: a missing one is recovered by it, any other is stored."""
    arrived = stored.place.arrived
    if stored.unreadable:
        row.flags |= unreadable_flags(stored.unreadable)
    if stored.stored_at > arrived:
        _flag_ahead(row, stored.stored_at, arrived)
        stored = stored._replace(stored_at=arrived)
    if stored.unreadable or stored.feed is not None:
        stored = stored._replace(unreadable=(), feed=None)
    proof = row.proof = stored
    row.touched = max(row.touched, arrived)
    row.window = Window.CLOSED
    if row.status is Status.MISSING:
        row.status, row.recovered_at = Status.RECOVERED, arrived
        if row.alarms[-1].outcome is Outcome.LOST:
            row.flags.add(Flag.CONTRADICTS_OUTCOME)
        return Step.RECOVERED
    row.status = Status.STORED
    if row.due_at is not None and proof.stored_at > row.due_at:
        row.flags.add(Flag.STORED_AFTER_DUE)
    return Step.STORED


def _flag_ahead(row: Row, claimed: datetime, arrived: datetime) -> None:
    if claimed - arrived > SENDER_CLOCK_TOLERANCE:
        row.flags.add(Flag.CLOCK_AHEAD)


def _fill_names(row: Row, sent: Sent, municipalities: Municipalities) -> None:
    """Each name that the first sent could not tell is the first later one that can be read."""
    for name in row.unread:
        if row.names.told(name) is None and sent.names.told(name) is not None:
            row.names, row.touched = row.names.telling(name, sent.names.told(name)), sent.place.arrived
            row.flags.add(Flag.NAMED_LATER)
            _flag_unknown(row, municipalities)


def _flag_unknown(row: Row, municipalities: Municipalities) -> None:
    receiver = row.names.receiver
    if receiver is not None and not municipalities.knows(receiver.municipality):
        row.flags.add(Flag.UNKNOWN_MUNICIPALITY)


def _hold_stored(row: Row, stored: Stored) -> Step:
    """Keep a proof until its sent is known: one for the same receiver that came before says the same already."""
    named = compared(stored.receiver)
    if any(compared(held.receiver) == named for held in row.held_stored):
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
