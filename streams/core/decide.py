"""The decision: what a row's status is once its partition is complete until a time, and what is announced of it."""

from datetime import datetime

from streams.core.events import Event, missing
from streams.core.facts import ReceiptCode
from streams.core.policy import Policy
from streams.core.row import Glance, Reason, Row, Status
from streams.core.rules import Limits, Rules
from streams.core.sight import CLEAR, Sight

_REASON_BY_RECEIPT = {
    ReceiptCode.MOTTATT: Reason.RECEIPTED_NOT_STORED,
    ReceiptCode.FEILET: Reason.REJECTED,
    ReceiptCode.TIDSAVBRUDD: Reason.TRANSPORT_FAILED,
    ReceiptCode.SERVERFEIL: Reason.TRANSPORT_FAILED,
}


def decide(row: Row, until: datetime, limits: Limits) -> Status:
    """The status at completeness `until`. Strictly after: a proof that arrived at alarm_at itself is in time."""
    if row.status not in (Status.PENDING, Status.UNDETERMINED):
        return row.status
    if row.alarm_at is not None:
        return _past_alarm(row, until) if until > row.alarm_at else Status.PENDING
    if row.held_stored and until > row.held_stored[0].place.arrived + limits.unexpected_after:
        return Status.UNEXPECTED
    return Status.PENDING


def _past_alarm(row: Row, until: datetime) -> Status:
    if not row.proof_asked:
        return Status.UNPROVEN
    if not row.doubted or row.limit_at == row.alarm_at:
        return Status.MISSING
    # One step after the other, so that it is announced in its turn: by its limit, and not by its alarm.
    waits = row.status is Status.PENDING or row.limit_at is None or until <= row.limit_at
    return Status.UNDETERMINED if waits else Status.MISSING


def reason_of(row: Row) -> Reason:
    """Why a row is missing, from what had arrived by alarm_at."""
    if row.doubted:
        return Reason.UNWATCHED
    if row.elsewhere is not None:
        return Reason.STORED_ELSEWHERE
    return _REASON_BY_RECEIPT[row.receipt] if row.receipt else Reason.NO_RECEIPT


def next_look(row: Row, limits: Limits) -> datetime | None:
    """When time alone may change this row next; None while only a fact can (a missing row waits for its proof)."""
    if row.status is Status.MISSING:
        return None
    if row.status is Status.UNDETERMINED and row.limit_at is not None:
        return row.limit_at
    if row.status is Status.PENDING:
        if row.alarm_at is not None:
            return row.alarm_at
        if row.held_stored:
            return row.held_stored[0].place.arrived + limits.unexpected_after
    return erased_after(row, limits)


def erased_after(row: Glance, limits: Limits) -> datetime:
    """The end of the keeping time: counted from the last fact and from alarm_at."""
    last = row.touched if row.alarm_at is None else max(row.touched, row.alarm_at)
    return last + limits.keep


def pass_time(row: Row, until: datetime, rules: Rules, sight: Sight = CLEAR) -> tuple[Event, ...] | None:
    """Decide a row as completeness `until` settles it: the events that this causes; None if it stays as it is."""
    if row.status is Status.PENDING and row.proof_asked and row.alarm_at is not None and until > row.alarm_at:
        _look_for_doubts(row, rules.policy, sight)
    status = decide(row, until, rules.limits)
    if status is row.status:
        return None
    row.status = status
    return _announce(row, rules.policy) if status is Status.MISSING else ()


def _look_for_doubts(row: Row, policy: Policy, sight: Sight) -> None:
    doubts = sight.doubts(row)
    if doubts:
        row.flags |= doubts
        row.limit_at = sight.limit(row, doubts, policy.version(row.policy_version))


def _announce(row: Row, policy: Policy) -> tuple[Event, ...]:
    row.reason = reason_of(row)
    announced = missing(row, row.reason, policy.version(row.policy_version).portal_retention)
    row.missing_event_id = announced.event_id
    return (announced,)
