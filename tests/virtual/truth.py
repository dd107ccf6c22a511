"""What must be true of a schedule's log, by the design's rules and nothing of the core's: naive, and quick."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from streams.core.events import Missing
from streams.core.facts import Receipt, Sent, Stored
from tests.virtual.kafka import Committed, Kafka, time_of

ALLOWANCES = {"FIKS_IO": timedelta(seconds=4), "SVARINN": timedelta(seconds=8)}
GRACE = timedelta(seconds=1)
NO_PROOF_ASKED = "1507"
DAY = timedelta(days=1)
LAST_CALL = timedelta(days=23)  # after the report was sent
REASONS = {
    "MOTTATT": "receipted_not_stored", "FEILET": "rejected", "TIDSAVBRUDD": "transport_failed",
    "SERVERFEIL": "transport_failed",
}  # fmt: skip


class Anomaly(Exception):
    """Something that must never be; its first argument is the kind."""

    @property
    def kind(self) -> str:
        """lost, phantom, announced_twice, wrong_order, wrong_reason, wrong_status, books_unbalanced, coverage_lied."""
        return str(self.args[0])


class Known(NamedTuple):
    """What is true of one report that was sent."""

    alarm_at: datetime
    proof: Stored | None
    reason: str
    asked: bool
    town: str
    due_at: datetime
    verdict_at: datetime  # alarm_at, or later where proof may have been lost

    @property
    def in_time(self) -> bool:
        """Something that counts arrived by the verdict."""
        return self.proof is not None and self.proof.place.arrived <= self.verdict_at


def known(kafka: Kafka, positions: dict[str, int]) -> dict[str, Known]:
    """The truth of every report of which a sent lies below the positions."""
    facts = {
        topic: [entry.fact for entry in log[: positions[topic]] if entry.fact is not None]
        for topic, log in kafka.logs.items()
    }
    firsts: dict[str, Sent] = {}
    for sent in facts["sent"]:
        assert isinstance(sent, Sent)
        firsts.setdefault(sent.report_id, sent)
    return {report_id: _known(first, facts, kafka) for report_id, first in firsts.items()}


def _known(first: Sent, facts: dict[str, list[Any]], kafka: Kafka) -> Known:
    arrived = first.place.arrived
    assert first.sent_at is not None
    assert first.names.receiver is not None
    due_at = min(first.sent_at, arrived) + ALLOWANCES[first.names.channel or ""]
    alarm_at = max(due_at, arrived) + GRACE
    town = first.names.receiver.municipality
    mine: list[Stored] = [stored for stored in facts["stored"] if stored.report_id == first.report_id]
    counting = [stored for stored in mine if stored.receiver is None or stored.receiver.municipality == town]
    elsewhere = [s for s in mine if s not in counting and s.place.arrived <= alarm_at]
    claims: list[Receipt] = [
        one for one in facts["receipt"] if one.report_id == first.report_id and one.place.arrived <= alarm_at
    ]
    reason = "stored_elsewhere" if elsewhere else REASONS[claims[-1].receipt] if claims else "no_receipt"
    verdict_at = alarm_at
    if town != NO_PROOF_ASKED:
        verdict_at = _in_doubt(kafka, first, alarm_at)
    reason = "unwatched" if verdict_at > alarm_at else reason
    return Known(alarm_at, counting[0] if counting else None, reason, town != NO_PROOF_ASKED, town, due_at, verdict_at)


def _in_doubt(kafka: Kafka, first: Sent, alarm_at: datetime) -> datetime:
    """When it is announced: a proof of up to a day before its sent may be among what was lost or is not there."""
    arrived, sent_at = first.place.arrived, min(first.sent_at or first.place.arrived, first.place.arrived)
    if kafka.beginning is not None and min(arrived - DAY, sent_at) < time_of(kafka.beginning):
        return max(sent_at + LAST_CALL, alarm_at)
    for since, until in kafka.lost:
        if time_of(since) <= alarm_at and (until is None or arrived - DAY <= time_of(until)):
            return alarm_at + DAY
    return alarm_at


def check_commit(kafka: Kafka, before: Committed) -> None:
    """What holds at every commit. Raises Anomaly."""
    now = kafka.committed
    if now.until < before.until:
        raise Anomaly("coverage_lied", f"Completeness went back from {before.until} to {now.until}.")
    for topic, log in kafka.logs.items():
        for offset in range(now.positions[topic], len(log)):
            if log[offset].at < now.until and log[offset].seen:
                raise Anomaly("coverage_lied", f"{topic} {offset} of {log[offset].at} is not applied at {now.until}.")
    for name, book in now.books.items():
        if not book.balanced:
            raise Anomaly("books_unbalanced", f"{name}: {book}")
    fresh = now.events[len(before.events) :]
    if fresh or now.until > before.until:
        _check_events(kafka, now, fresh)


def _check_events(kafka: Kafka, now: Committed, fresh: list[Any]) -> None:
    truth = known(kafka, {topic: len(log) for topic, log in kafka.logs.items()})
    for event in fresh:
        one = truth.get(event.report_id)
        # At the end of a slice it may be complete until the very alarm: others that have the same are still left.
        if one is None or one.in_time or not one.asked or one.verdict_at > time_of(now.until):
            raise Anomaly("phantom", f"{event} at {now.until}, but {one}.")
        if isinstance(event, Missing) and event.reason != one.reason:
            raise Anomaly("wrong_reason", f"{event}, but {one}.")
        if isinstance(event, Missing) and event.alarm_at != one.alarm_at:
            raise Anomaly("wrong_reason", f"{event}, but {one}.")
    _check_sequence(now.events)
    announced = {event.report_id for event in now.events if isinstance(event, Missing)}
    for report_id, one in truth.items():
        due = one.asked and not one.in_time and one.verdict_at < time_of(now.until)
        if due and report_id not in announced and _is_applied(kafka, now, report_id):
            raise Anomaly("lost", f"{report_id} is complete until {now.until}, but {one}.")


def _is_applied(kafka: Kafka, now: Committed, report_id: str) -> bool:
    applied = kafka.logs["sent"][: now.positions["sent"]]
    return any(entry.fact is not None and entry.fact.report_id == report_id for entry in applied)


def _check_sequence(events: list[Any]) -> None:
    said: set[tuple[str, bool]] = set()
    for event in events:
        key = event.report_id, isinstance(event, Missing)
        if key in said:
            raise Anomaly("announced_twice", str(event))
        if not key[1] and (event.report_id, True) not in said:
            raise Anomaly("wrong_order", str(event))
        said.add(key)


def check_end(kafka: Kafka) -> dict[str, str]:
    """What holds when everything was read and all time has passed; the status of each report. Raises Anomaly."""
    now = kafka.committed
    truth = known(kafka, now.positions)
    missing = {event.report_id: event for event in now.events if isinstance(event, Missing)}
    recovered = {event.report_id: event for event in now.events if not isinstance(event, Missing)}
    statuses = dict(_statuses(truth, time_of(now.until)))
    for report_id, status in statuses.items():
        one = truth[report_id]
        if (report_id in missing) != (status in ("missing", "recovered")):
            raise Anomaly("phantom" if report_id in missing else "lost", f"{report_id} is {status}: {one}.")
        if (report_id in recovered) != (status == "recovered"):
            raise Anomaly("lost", f"{report_id} is {status}: {one}, recovered {recovered.get(report_id)}.")
        if report_id in recovered:
            _check_cause(recovered[report_id], one)
        row = now.rows.get(report_id)
        if row is None or row.status != status:
            raise Anomaly("wrong_status", f"{report_id} is {status}: {one}, but the row says {row}.")
    _ensure_books_agree(now, truth, statuses)
    return statuses


def _statuses(truth: dict[str, Known], until: datetime) -> Iterator[tuple[str, str]]:
    for report_id, one in truth.items():
        if one.in_time or (one.proof is not None and not one.asked):
            yield report_id, "stored"
        elif not one.asked:
            yield report_id, "unproven"
        elif one.verdict_at >= until:
            yield report_id, "undetermined"
        else:
            yield report_id, "missing" if one.proof is None else "recovered"


def _check_cause(event: Any, one: Known) -> None:
    assert one.proof is not None
    stored_at = min(one.proof.stored_at, one.proof.place.arrived)
    cause = "confirmed_late" if stored_at <= one.due_at else "stored_late"
    if event.cause != cause or event.arrived_at != one.proof.place.arrived:
        raise Anomaly("wrong_reason", f"{event}, but {one}.")


def _ensure_books_agree(now: Committed, truth: dict[str, Known], statuses: dict[str, str]) -> None:
    for name in {*now.books, *(one.town for one in truth.values())}:
        book = now.books.get(name)
        for status in ("stored", "missing", "recovered", "unproven", "undetermined", "pending"):
            counted = sum(statuses[report_id] == status for report_id, one in truth.items() if one.town == name)
            found = getattr(book, status) if book is not None else 0
            if found != counted:
                raise Anomaly("books_unbalanced", f"{name} has {found} {status}, the log {counted}.")
