"""Alarms and what people said of them: which decisions fit, judged as of their arrival, in their own order."""

from collections.abc import Sequence
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from streams.core.facts import Action, Decision
from tests.core.law import agree
from tests.core.report import Report, once, proof
from tests.core.windows import Chapter, chapters


def alarms_of(report: Report, until: datetime) -> list[Chapter]:
    """The windows that were announced missing before a time."""
    return [c for c in chapters(report) if c.missing_at is not None and c.missing_at < until]


@once
def fitting(report: Report) -> list[Decision]:
    """The decisions that were folded, in their order; nothing comes after a report has been erased."""
    found: list[Decision] = []
    for decision in report.decisions:
        erased = any(one.action is Action.ERASE for one in found)
        if not erased and _fits(report, decision, found):
            found.append(decision)
    return found


def _fits(report: Report, decision: Decision, before: Sequence[Decision]) -> bool:
    """True if a decision fits what was so when it arrived, after those before it."""
    then = report.by(decision.place.arrived)
    if then is None or decision.decision_id in {one.decision_id for one in before}:
        return False
    told = None if "receiver" in then.first.unreadable else then.first.names.receiver
    if not agree(told, decision.receiver, then.version, then.law.successors):
        return False
    if decision.action is Action.ERASE:
        return _may_be_erased(then, decision, before)
    return decision.missing_event_id is not None and _answers(then, decision, before)


def _answers(then: Report, decision: Decision, before: Sequence[Decision]) -> bool:
    """True if it names the alarm, and that is in a state for it."""
    alarms = alarms_of(then, decision.place.arrived)
    if not alarms or proof(then) is not None or decision.missing_event_id != missing_id(then, alarms[-1]):
        return False
    if decision.action is Action.CLOSE:
        return decision.outcome is not None
    return decision.action is Action.REOPEN and closing_of(then, alarms, before) is not None


def _may_be_erased(then: Report, decision: Decision, before: Sequence[Decision]) -> bool:
    """True where no window is open and no alarm is, and it names none but the latest."""
    time, last = decision.place.arrived, chapters(then)[-1]
    alarms = alarms_of(then, time)
    latest = missing_id(then, alarms[-1]) if alarms else None
    if decision.missing_event_id not in {None, latest}:
        return False
    if proof(then) is not None:
        return True
    ended = last.closes is not None and max(last.closes, last.missing_at or last.closes) < time
    return ended and (not alarms or closing_of(then, alarms, before) is not None)


def closing_of(report: Report, alarms: Sequence[Chapter], decisions: Sequence[Decision]) -> Decision | None:
    """The decision by which the latest alarm is closed, None if it is open."""
    about = [d for d in decisions if alarms and d.missing_event_id == missing_id(report, alarms[-1])]
    said = [d for d in about if d.action in {Action.CLOSE, Action.REOPEN}]
    return said[-1] if said and said[-1].action is Action.CLOSE else None


@once
def erased_at(report: Report) -> datetime | None:
    """When somebody let a report be erased."""
    return next((d.place.arrived for d in fitting(report) if d.action is Action.ERASE), None)


@once
def lived(report: Report) -> Report:
    """A report up to its erasure by decision: what comes later changes nothing."""
    erased = erased_at(report)
    return (report.by(erased) if erased else None) or report


def missing_id(report: Report, chapter: Chapter) -> str:
    return event_id_of(report.first.report_id, "missing", written(chapter.window.alarm_at))


def event_id_of(report_id: str, kind: str, distinct: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{report_id}/no.meldingsvakt.report.{kind}.v1/{distinct}"))


def written(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
