"""What should be known and announced, by the definitions alone: the whole log is read anew for every question.

Naive on purpose: no fold, no index, no memory. From the core it takes value types only, never a decision. `law` has the
rules as data, `vouched` the words of feeds, `windows` what is asked of a report and until when.

A log is what has been read: every question goes by what lies in it and arrived by `until`, that moment included, for
a reader stands within a moment, too. Who has a longer log asks with `log.before(until)`. Verdicts are those before
`until`.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from streams.core.books import Book
from streams.core.events import Cause, Claim, Closed, Event, Missing, Recovered, Reopened, Vouched
from streams.core.facts import Action, Decision, Names, Outcome, Receipt, ReceiptCode, Stored
from streams.core.policy import Asks
from streams.core.row import Reason, Status
from tests.core.answers import alarms_of, closing_of, erased_at, event_id_of, fitting, lived, missing_id, written
from tests.core.law import Law, Log, same_receiver, trusted
from tests.core.report import Report, attempts, is_attempt, names_by, names_upto, naming, proof, report_of
from tests.core.vouched import AHEAD, Word, feeds_known, word_of
from tests.core.windows import (
    Chapter,
    channel_by,
    chapters,
    closes,
    doubts,
    limit,
    patience,
    seen_end,
    undetermined_from,
)

__all__ = [
    "Law",
    "Log",
    "Verdict",
    "Word",
    "books",
    "events",
    "kept_until",
    "moments_of",
    "outcomes",
    "same_receiver",
    "times_of",
    "verdicts",
    "words",
]


class Verdict(NamedTuple):
    """All that must be known of a report that is kept.

    `due_at`, `alarm_at`, `asks`, `feed`, `channel` and `receipt` are those of its last window; `open` says whether that
    has not closed yet; `episode` is the number of missing events, `reason` and `missing_event_id` are the last one's.
    """

    status: Status
    touched: datetime
    names: Names = Names(None, None, None)
    sent_at: datetime | None = None
    due_at: datetime | None = None
    alarm_at: datetime | None = None
    policy_version: str | None = None
    message_ids: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    receipt: ReceiptCode | None = None
    proof_arrived: datetime | None = None
    stored_at: datetime | None = None
    recovered_at: datetime | None = None
    reason: Reason | None = None
    missing_event_id: str | None = None
    asks: Asks | None = None
    feed: str | None = None
    channel: str | None = None
    episode: int = 0
    open: bool = False
    outcome: Outcome | None = None
    closed_at: datetime | None = None
    decision_id: str | None = None

    @property
    def attempts(self) -> int:
        """The number of different message ids."""
        return len(self.message_ids)


def verdicts(log: Log, until: datetime, law: Law) -> dict[str, Verdict]:
    """What is known of every report that is not erased by time, complete until `until`."""
    log = log.by(until)
    found = {name: _verdict(log, name, report_of(log, name, law), until, law) for name in log.reports}
    return {
        report_id: verdict
        for report_id, verdict in found.items()
        if verdict is not None and not _outlived(verdict, until, law)
    }


def events(log: Log, until: datetime, law: Law) -> list[Event]:
    """Every event that must have been announced by `until`; report by report, in the order of what they tell."""
    log = log.by(until)
    reports = [report_of(log, report_id, law) for report_id in sorted(log.reports)]
    return [event for report in reports if report for event in _events(lived(report), until)]


def books(log: Log, until: datetime, law: Law) -> dict[str | None, Book]:
    """The books by receiver, added up from the log; receivers of which nothing is counted are left out."""
    log = log.by(until)
    counted: dict[str | None, Book] = {}
    for report_id in log.reports:
        _count(log, report_id, until, law, counted)
    return {name: book for name, book in counted.items() if book != Book()}


def outcomes(log: Log, until: datetime, law: Law) -> Counter[tuple[str | None, Outcome | None]]:
    """How many reports are missing, by receiver and by how their alarm was closed (None: it is open)."""
    known = verdicts(log, until, law).values()
    return Counter((_town(one.names), one.outcome) for one in known if one.status is Status.MISSING)


def words(log: Log, until: datetime, law: Law) -> dict[str, Word]:
    """What every feed that the policy knows by `until` has said."""
    return {feed: word_of(feed, log, until, law) for feed in feeds_known(until, law)}


def times_of(log: Log, report_id: str, law: Law) -> tuple[datetime, datetime] | None:
    """When the last window of a report is due and when its alarm is, None if it was not sent."""
    report = report_of(log, report_id, law)
    window = chapters(report)[-1].window if report else None
    return (window.due_at, window.alarm_at) if window else None


def moments_of(log: Log, report_id: str, law: Law) -> list[datetime]:
    """Every moment at which something may turn, as far as a log tells: where coincidences are worth a look."""
    report = report_of(log, report_id, law)
    if report is None:
        return []
    windows = [stage for chapter in chapters(report) for stage in chapter.stages]
    times = [[w.due_at, w.alarm_at, limit(report, w), patience(w), closes(report, w)] for w in windows]
    return sorted({time for of_one in times for time in of_one if time is not None} | {report.last_call})


def kept_until(verdict: Verdict, law: Law) -> datetime:
    """The end of a report's keeping time, whether it can be erased then or not."""
    return max(verdict.touched, verdict.alarm_at or verdict.touched, verdict.closed_at or verdict.touched) + law.keep


def _outlived(verdict: Verdict, until: datetime, law: Law) -> bool:
    """True if a report has been erased by time: one that is missing only after somebody has closed it."""
    kept = verdict.status is Status.MISSING and (verdict.open or verdict.outcome is None)
    return not kept and until > kept_until(verdict, law)


# --- what is known


def _is_open(report: Report, until: datetime) -> bool:
    """True if the last window has not closed."""
    end = chapters(report)[-1].closes
    return proof(report) is None and (end is None or end >= until)


def _status(report: Report, until: datetime) -> Status:
    alarms = alarms_of(report, until)
    if proof(report) is not None:
        return Status.RECOVERED if alarms else Status.STORED
    if alarms:
        return Status.MISSING
    if not _is_open(report, until):
        return Status.UNPROVEN
    silent = undetermined_from(report, chapters(report)[-1].window)
    return Status.UNDETERMINED if silent is not None and until > silent else Status.PENDING


def _verdict(log: Log, report_id: str, report: Report | None, until: datetime, law: Law) -> Verdict | None:
    """What is known of a report, or of what names one that was not sent."""
    if report is None:
        return _verdict_unsent(log.about(report_id), until, law)
    erased = erased_at(report)
    return Verdict(Status.ERASED, erased) if erased else _verdict_sent(report, until)


def _verdict_sent(report: Report, until: datetime) -> Verdict:
    last, found, alarms = chapters(report)[-1], proof(report), alarms_of(report, until)
    window, decided = last.window, fitting(report)
    closing = closing_of(report, alarms, decided)
    return Verdict(
        status=_status(report, until),
        touched=max(_changes(report)),
        names=names_by(report),
        sent_at=trusted(report.first),
        due_at=window.due_at,
        alarm_at=window.alarm_at,
        policy_version=report.version.id,
        message_ids=_message_ids(report, until),
        flags=_flags(report, until),
        receipt=last.claim.receipt if last.claim else None,
        proof_arrived=found.place.arrived if found else None,
        stored_at=_stored_at(found) if found else None,
        recovered_at=found.place.arrived if found and alarms else None,
        reason=alarms[-1].reason if alarms else None,
        missing_event_id=missing_id(report, alarms[-1]) if alarms else None,
        asks=window.terms.asks,
        feed=window.terms.feed.id if window.terms.feed else None,
        channel=channel_by(report, window),
        episode=len(alarms),
        open=_is_open(report, until),
        outcome=closing.outcome if closing else None,
        closed_at=closing.place.arrived if closing else None,
        decision_id=decided[-1].decision_id if decided else None,
    )


def _verdict_unsent(log: Log, until: datetime, law: Law) -> Verdict | None:
    if not log.receipt and not log.stored:
        return None
    levels: list[object] = []
    times = _new_claims(log.receipt)
    for stored in log.proofs:
        receiver = stored.receiver
        level = receiver and (receiver.municipality, None if receiver.district == "00" else receiver.district)
        if level not in levels:
            levels.append(level)
            times.append(stored.place.arrived)
    waited = bool(log.stored) and until > log.stored[0].place.arrived + law.unexpected_after
    claimed = log.receipt[-1].receipt if log.receipt else None
    return Verdict(Status.UNEXPECTED if waited else Status.PENDING, max(times), receipt=claimed)


def _new_claims(receipts: Sequence[Receipt]) -> list[datetime]:
    return [r.place.arrived for n, r in enumerate(receipts) if n == 0 or r.receipt is not receipts[n - 1].receipt]


def _stored_at(stored: Stored) -> datetime:
    return min(stored.stored_at, stored.place.arrived)


def _message_ids(report: Report, time: datetime) -> tuple[str, ...]:
    """The message ids seen by then, each once."""
    ids = [s.message_id for s in report.sents if s.place.arrived <= time and s.message_id is not None]
    return tuple(dict.fromkeys(ids))


def _changes(report: Report) -> list[datetime]:
    """When something arrived that changed what is known. (A receipt of an earlier window came before the last.)"""
    told, found, last = {*attempts(report), *naming(report).values()}, proof(report), chapters(report)[-1]
    times = [report.sents[number].place.arrived for number in told]
    times += [last.claim.place.arrived] if last.claim else []
    times += [found.place.arrived] if found else []
    elsewhere = report.stored[: report.stored.index(found)] if found else report.stored
    times += [stored.place.arrived for stored in elsewhere][:1]
    return times + [decision.place.arrived for decision in fitting(report)]


def _flags(report: Report, until: datetime) -> frozenset[str]:
    flags = _oddities(report) | _doubts_met(report, until)
    flags |= {"named_later"} if naming(report) else set()
    flags |= {"rerouted"} if any(len(c.stages) > 1 for c in chapters(report)) else set()
    closing = closing_of(report, alarms_of(report, until), fitting(report))
    if proof(report) is not None and closing is not None and closing.outcome is Outcome.LOST:
        flags.add("contradicts_outcome")
    receiver = names_by(report).receiver
    if receiver is not None and receiver.municipality not in report.law.successors:
        flags.add("unknown_municipality")
    return frozenset(flags | _oddities_of_proof(report, until))


def _oddities(report: Report) -> set[str]:
    """What was odd about the first sent."""
    first, arrived = report.first, report.first.place.arrived
    flags = {f"unreadable_{name.replace('.', '_')}" for name in first.unreadable}
    if first.sent_at is not None:
        flags |= {"clock_ahead"} if first.sent_at > arrived + AHEAD else set()
        flags |= {"clock_behind"} if first.sent_at < arrived - timedelta(days=400) else set()
    return flags


def _oddities_of_proof(report: Report, until: datetime) -> set[str]:
    """What was odd about the proof."""
    found = proof(report)
    if found is None:
        return set()
    flags = {f"unreadable_{name.replace('.', '_')}" for name in found.unreadable}
    flags |= {"clock_ahead"} if found.stored_at > found.place.arrived + AHEAD else set()
    late = _stored_at(found) > chapters(report)[-1].window.due_at
    return flags | ({"stored_after_due"} if late and _status(report, until) is Status.STORED else set())


def _doubts_met(report: Report, until: datetime) -> set[str]:
    """Why windows could not be judged, of each as it was from one re-route to the next."""
    found, met = proof(report), set()
    for chapter in chapters(report):
        nexts = [report.sents[stage.routes[-1]].place.arrived for stage in chapter.stages[1:]]
        for stage, following in zip(chapter.stages, [*nexts, until], strict=True):
            over = min(following, found.place.arrived) if found else following
            end = seen_end(report, stage)
            looks = sorted({stage.alarm_at, min(patience(stage) or end, end), end})
            found_by = [doubts(report, stage, time) for time in looks if over > time]
            met |= next((one for one in found_by if one), set())  # once it is blind it is not asked again
    return met


# --- what is announced


def _events(report: Report, until: datetime) -> list[Event]:
    announced = _announced_missing(report, until)
    found, alarms = proof(report), alarms_of(report, until)
    said = [(m, event) for chapter, event in zip(alarms, announced, strict=True) if (m := chapter.missing_at)]
    decided = [
        (d.place.arrived, _answer(report, d, announced)) for d in fitting(report) if d.action is not Action.ERASE
    ]
    settled = [(found.place.arrived, _recovered(report, found, alarms[-1], announced[-1]))] if found and alarms else []
    told: list[tuple[datetime, Event]] = [*said, *decided, *settled]
    return [event for _, event in sorted(told, key=lambda one: one[0])]


def _announced_missing(report: Report, until: datetime) -> list[Missing]:
    announced: list[Missing] = []
    for chapter in alarms_of(report, until):
        at, window, reason = chapter.missing_at, chapter.window, chapter.reason
        assert at is not None
        assert reason is not None
        feed, claim = window.terms.feed, chapter.claim
        announced.append(
            Missing(
                event_id=missing_id(report, chapter),
                report_id=report.first.report_id,
                reason=reason,
                names=names_by(report, at)._replace(channel=channel_by(report, window, at)),
                sent_at=trusted(report.first),
                due_at=window.due_at,
                alarm_at=window.alarm_at,
                portal_deletes_at=trusted(report.first) + report.version.portal_retention,
                policy_version=report.version.id,
                sent_record=report.first.place,
                message_ids=_message_ids(report, at),
                receipt=Claim(claim.receipt, claim.place.arrived) if claim else None,
                feed=Vouched(feed.id, _word(report, feed.id, at)) if feed else None,
                episode=len(announced) + 1,
                previous_event_id=announced[-1].event_id if announced else None,
            )
        )
    return announced


def _word(report: Report, feed: str, time: datetime) -> datetime | None:
    return word_of(feed, report.partition, time, report.law).vouched_until


def _recovered(report: Report, found: Stored, alarm: Chapter, missing: Missing) -> Recovered:
    stored_at, arrived = _stored_at(found), found.place.arrived
    names = names_by(report, arrived)._replace(channel=channel_by(report, alarm.window, arrived))
    in_time = stored_at <= chapters(report)[0].window.due_at
    return Recovered(
        event_id=event_id_of(missing.report_id, "recovered", written(missing.alarm_at)),
        missing_event_id=missing.event_id,
        report_id=missing.report_id,
        stored_at=stored_at,
        arrived_at=arrived,
        evidence=found.evidence,
        cause=Cause.CONFIRMED_LATE if in_time else Cause.STORED_LATE,
        reason=missing.reason,
        names=names,
        sent_at=missing.sent_at,
        due_at=missing.due_at,
        episode=missing.episode,
    )


def _answer(report: Report, decision: Decision, announced: Sequence[Missing]) -> Closed | Reopened:
    """The event of a decision about an alarm."""
    (missing,) = [event for event in announced if event.event_id == decision.missing_event_id]
    kind = "closed" if decision.action is Action.CLOSE else "reopened"
    names = names_by(report, decision.place.arrived)
    said: dict[str, Any] = {
        "event_id": event_id_of(decision.report_id, kind, decision.decision_id),
        "missing_event_id": missing.event_id,
        "report_id": decision.report_id,
        "decision_id": decision.decision_id,
        "decided_at": decision.decided_at,
        "arrived_at": decision.place.arrived,
        "reason": missing.reason,
        "names": names._replace(channel=missing.names.channel or names.channel),
        "sent_at": missing.sent_at,
        "due_at": missing.due_at,
        "episode": missing.episode,
    }
    if decision.action is not Action.CLOSE or decision.outcome is None:
        return Reopened(**said)
    return Closed(**said, outcome=decision.outcome)


# --- what is counted


def _count(log: Log, report_id: str, until: datetime, law: Law, counted: dict[str | None, Book]) -> None:
    """One report's share of the books."""
    report = report_of(log, report_id, law)
    verdict = _verdict(log, report_id, report, until, law)
    if verdict is None:
        return
    erased = _outlived(verdict, until, law)
    if report is not None:
        _count_sent(report, "erased" if erased else verdict.status.value, counted)
    elif verdict.status is Status.UNEXPECTED and not erased:
        receiver = log.about(report_id).proofs[0].receiver
        counted.setdefault(receiver.municipality if receiver else None, Book()).unexpected += 1


def _count_sent(report: Report, term: str, counted: dict[str | None, Book]) -> None:
    """A report is counted where it stands now, each further sent where it stood once that was read."""
    life = lived(report)
    book = counted.setdefault(_town(names_by(life)), Book())
    book.sent_records += 1
    setattr(book, term, getattr(book, term) + 1)
    for number in range(1, len(life.sents)):
        book = counted.setdefault(_town(names_upto(life, number)), Book())
        book.sent_records += 1
        if is_attempt(life, number):
            book.resends += 1
        else:
            book.duplicates += 1
    forgotten = len(report.sents) - len(life.sents)
    if forgotten:  # what comes after a report was erased by decision repeats something of which nothing is left
        book = counted.setdefault(None, Book())
        book.sent_records += forgotten
        book.duplicates += forgotten


def _town(names: Names) -> str | None:
    return names.receiver.municipality if names.receiver else None
