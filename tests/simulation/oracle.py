"""What is true of finished scripts by the rules alone, report by report, in the words of the oracle of the core."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from schemas.policy import parse_policy
from streams.core.facts import Fact, FeedMark, Place, Sent, Stored
from streams.data import municipalities
from streams.policies import policy_of
from streams.records.decode import take_in, take_in_mark
from streams.records.record import Record, Refusal
from streams.simulation.script import Course, ScriptLine, Truth
from tests.core.law import Law, Log, same_receiver, terms_of
from tests.core.report import Report, proof, report_of
from tests.core.windows import Chapter, chapters, undetermined_from

SUCCESSORS = {one.code: tuple(code for code in one.successors if code != one.code) for one in municipalities()}
LONGEST = timedelta(days=20)  # from a report's first sent to the last mark that can say anything of it


def oracle(lines: Iterable[ScriptLine], policy_toml: str, until: datetime) -> dict[str, Truth]:
    """What is true of every report whose sent arrived, when all up to `until` is known."""
    law = Law(policy_of(parse_policy(policy_toml)).versions, SUCCESSORS)
    by_report: dict[str, list[Fact]] = defaultdict(list)
    marks: list[FeedMark] = []
    for number, line in enumerate(lines):
        fact = read(line, number)
        if line.at > until:
            continue
        if isinstance(fact, FeedMark):
            marks.append(fact)
        else:
            by_report[fact.report_id].append(fact)
    logs = {id: Log(*by_topic(own)) for id, own in by_report.items()}
    return {id: judged(heard(log, marks, law), law, until) for id, log in logs.items() if log.sent}


def read(line: ScriptLine, number: int) -> Fact | FeedMark:
    """A line as what it tells."""
    on = "stored" if line.topic == "feed" else line.topic
    record = Record(on, Place(line.at, f"reports.{on}", 0, number), None, orjson.dumps(line.value))
    if line.topic == "feed":
        mark = take_in_mark(record, line.value["feed"].encode(), 10_000)
        assert not isinstance(mark, Refusal)
        return mark
    fact = take_in(record, 10_000).fact
    assert fact is not None
    return fact


def by_topic(own: Sequence[Fact]) -> tuple[list[Any], list[Any], list[Any]]:
    """One report's records as its topics have them."""
    sent = [fact for fact in own if isinstance(fact, Sent)]
    stored = [fact for fact in own if isinstance(fact, Stored)]
    return sent, [fact for fact in own if not isinstance(fact, Sent | Stored)], stored


def heard(log: Log, marks: Sequence[FeedMark], law: Law) -> Log:
    """With the marks of its time among the proofs, where a feed would prove it: earlier ones vouch for less."""
    if terms_of(log.sent[0].names, law.versions[0], law).feed is None:
        return log
    first = log.sent[0].place.arrived
    begin, end = (bisect(marks, time, key=lambda mark: mark.place.arrived) for time in (first, first + LONGEST))
    return log._replace(stored=sorted([*log.stored, *marks[begin:end]], key=lambda one: one.place.offset))


def judged(log: Log, law: Law, until: datetime) -> Truth:
    """One report by section 4."""
    report = report_of(log, log.sent[0].report_id, law)
    assert report is not None
    receiver, told, found = report.first.names.receiver, chapters(report), proof(report)
    alarms = [chapter for chapter in told if chapter.missing_at is not None and chapter.missing_at < until]
    assert receiver is not None
    truth = Truth(report.first.report_id, receiver.municipality, "stored" if found else "pending")
    if not alarms:
        return truth._replace(course=course_of(report, told[0], found) if found else None)
    reason: Any = alarms[-1].reason and alarms[-1].reason.value
    truth = truth._replace(reason=reason, lost_again=len(alarms) - 1)
    if found is None:
        return truth._replace(outcome="missing")
    by_due = found.stored_at <= told[0].window.due_at
    return truth._replace(outcome="recovered", cause="confirmed_late" if by_due else "stored_late")


def course_of(report: Report, told: Chapter, found: Stored) -> Course | None:
    """What was peculiar to the way of a report that was stored in time."""
    if len(told.stages) > 1:
        return "letter"
    if told.window.terms.feed is not None:
        then = report.by(found.place.arrived - timedelta(microseconds=1))
        silent = then and undetermined_from(then, told.window)
        return "silent_feed" if silent and silent < found.place.arrived else None
    return None if same_receiver(report.first.names.receiver, found.receiver, report.law.successors) else "service"
