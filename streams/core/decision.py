"""Decisions: what a person said of an alarm. They change what is made of a verdict, never a verdict."""

from streams.core.events import Event, answered
from streams.core.facts import Action, Decision, Outcome
from streams.core.fold import Step, counts
from streams.core.row import Flag, Row, Status, Window
from streams.core.rules import Rules
from streams.core.weight import has_room


def fold_decision(row: Row, decision: Decision, rules: Rules) -> tuple[Step, tuple[Event, ...]]:
    """Apply a decision, as of its arrival: a verdict that is later than it, and known already, stays as it is."""
    if decision.action is Action.ACKNOWLEDGE:
        return Step.ACKNOWLEDGED, ()
    if decision.decision_id in row.decisions:
        return Step.DECISION_REPEATED, ()
    # The last alarm that there was when the decision arrived; 0 where there was none.
    episode = sum(alarm.at < decision.place.arrived for alarm in row.alarms)
    if row.sent is None or not counts(row, decision.receiver, rules) or not _fits(row, decision, episode):
        return Step.DECISION_UNFIT, ()
    if not has_room(row, decision.decision_id):
        return Step.ROW_FULL, ()
    row.decisions = (*row.decisions, decision.decision_id)
    row.touched = max(row.touched, decision.place.arrived)
    if decision.action is Action.ERASE:
        return Step.ERASED, ()
    closes = decision.action is Action.CLOSE
    outcome, at = (decision.outcome, decision.place.arrived) if closes else (None, None)
    alarm = row.alarms[episode - 1]._replace(outcome=outcome, closed_at=at)
    row.alarms = (*row.alarms[: episode - 1], alarm, *row.alarms[episode:])
    if outcome is Outcome.LOST and row.recovered_at is not None:  # later than this decision
        row.flags.add(Flag.CONTRADICTS_OUTCOME)
    return Step.CLOSED if closes else Step.REOPENED, (answered(row, episode, decision),)


def erased(row: Row) -> Row:
    """What is left of a row that its last decision erased: its id, and when; later sents are duplicates of it."""
    return Row(row.report_id, touched=row.touched, status=Status.ERASED, decisions=row.decisions)


def _fits(row: Row, decision: Decision, episode: int) -> bool:
    alarm = row.alarms[episode - 1] if episode else None
    named = alarm is not None and alarm.event_id == decision.missing_event_id
    recovered = row.recovered_at is not None and row.recovered_at <= decision.place.arrived
    raised = alarm is not None and alarm.outcome is None and not recovered
    if decision.action is Action.ERASE:
        return not raised and row.window is Window.CLOSED and (named or decision.missing_event_id is None)
    if not named or recovered:
        return False
    return decision.outcome is not None if decision.action is Action.CLOSE else not raised
