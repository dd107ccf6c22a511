"""One report's whole history at once, and what time alone does to its row."""

from collections.abc import Iterable
from datetime import datetime

from streams.core.decide import decide, reason_of
from streams.core.events import Event, missing, recovered
from streams.core.facts import Fact, Receipt, Sent
from streams.core.fold import (
    fold_receipt,
    fold_sent_again,
    fold_stored,
    new_row,
    open_row,
    settle,
    too_late,
)
from streams.core.policy import Policy
from streams.core.row import Row, Status
from streams.core.rules import Rules
from streams.core.sight import CLEAR, Sight


def pass_time(row: Row, until: datetime, rules: Rules, sight: Sight = CLEAR) -> tuple[Event, ...] | None:
    """Decide a row as completeness `until` settles it: the events that this causes; None if it stays as it is."""
    if row.status is Status.PENDING and row.proof_asked and row.alarm_at is not None and until > row.alarm_at:
        _look_for_doubts(row, rules.policy, sight)
    status, late = decide(row, until, rules.limits), row.late_proof
    if status is row.status:
        return None
    if late is not None and (status is Status.UNPROVEN or (row.doubted and not too_late(row, late))):
        settle(row, late)
        return ()
    row.status = status
    return _announce(row, rules.policy) if status is Status.MISSING else ()


def _look_for_doubts(row: Row, policy: Policy, sight: Sight) -> None:
    doubts = sight.doubts(row)
    if doubts:
        row.flags |= doubts
        row.limit_at = sight.limit(row, doubts, policy.version(row.policy_version))


def judge(facts: Iterable[Fact], until: datetime, rules: Rules) -> tuple[Row, tuple[Event, ...]]:
    """The row and the events of one report of which everything is known until a time.

    `facts` (at least one, all of one report): those of one topic in the order of their offsets, the topics in any
    order. Nothing is erased and no sent is too old: who looks back on everything has nothing to forget.
    """
    row: Row | None = None
    for fact in facts:
        if row is None:
            row = new_row(fact.report_id, fact.place.arrived)
        if isinstance(fact, Sent):
            if row.sent is None:
                open_row(row, fact, rules.policy, rules.municipalities)
            else:
                fold_sent_again(row, fact, rules.municipalities)
        elif isinstance(fact, Receipt):
            fold_receipt(row, fact)
        else:
            fold_stored(row, fact, rules.municipalities)
    if row is None:
        raise ValueError("A report without a fact cannot be judged.")
    return row, pass_time(row, until, rules) or ()


def _announce(row: Row, policy: Policy) -> tuple[Event, ...]:
    row.reason = reason_of(row)
    announced = missing(row, row.reason, policy.version(row.policy_version).portal_retention)
    row.missing_event_id = announced.event_id
    if row.late_proof is None:
        return (announced,)
    settle(row, row.late_proof)
    assert row.proof is not None
    return announced, recovered(row, row.proof)
