"""What must be true of a schedule's log: by the independent oracle, which knows nothing of the core's decisions."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from streams.core.books import Book
from streams.core.events import Missing
from streams.core.policy import Asks, Override, Version
from tests.core.oracle import Law, Log, books, events, times_of, verdicts
from tests.core.reading import verdict_of
from tests.system.virtual.kafka import FACTS, TOPICS, Committed, Kafka, time_of

NO_PROOF_ASKED = "1507"
VERSION = Version(
    id="virtual",
    grace=timedelta(seconds=1),
    default=timedelta(seconds=4),
    allowance={"FIKS_IO": timedelta(seconds=4), "SVARINN": timedelta(seconds=8)},
    overrides=(Override(municipality=NO_PROOF_ASKED, proof=Asks.NONE),),
)
SUCCESSORS: dict[str, tuple[str, ...]] = {"0301": (), "4601": (), NO_PROOF_ASKED: ()}
MOMENT = timedelta(microseconds=1)


class Anomaly(Exception):
    """Something that must never be; its first argument is the kind."""

    @property
    def kind(self) -> str:
        """lost, phantom, announced_twice, wrong_order, wrong_reason, wrong_status, books_unbalanced, coverage_lied or
        decided_beyond.
        """
        return str(self.args[0])


def law_of(kafka: Kafka) -> Law:
    """The rules, and what nobody can see of the proofs."""
    lost = tuple(("stored", time_of(since), None if until is None else time_of(until)) for since, until in kafka.lost)
    begun = None if kafka.beginning is None else time_of(kafka.beginning)
    return Law((VERSION,), SUCCESSORS, lost=lost, beginning=begun, first_complete=time_of(0))


def log_of(kafka: Kafka, positions: dict[str, int] | None = None) -> Log:
    """The facts of a log, of those topics whose positions are given only what lies below them."""
    upto = positions or {}
    facts: Any = ([e.fact for e in kafka.logs[topic][: upto.get(topic)] if e.fact is not None] for topic in TOPICS)
    return Log(*facts)


def alarms(kafka: Kafka) -> list[int]:
    """When the last window of each report that was appended so far has its alarm."""
    log, law = log_of(kafka), law_of(kafka)
    times = [times_of(log, report_id, law) for report_id in log.reports]
    return sorted(round((alarm - time_of(0)).total_seconds() * 1000) for _, alarm in filter(None, times))


def announced(kafka: Kafka, report_id: str) -> list[str]:
    """The ids of the missing events of a report that are true by now, whether a worker has said them or not."""
    said = events(log_of(kafka).about(report_id), time_of(kafka.now), law_of(kafka))
    return [event.event_id for event in said if isinstance(event, Missing)]


def check_commit(kafka: Kafka, before: Committed) -> None:
    """What holds at every commit. Raises Anomaly."""
    now = kafka.committed
    if now.until < before.until:
        raise Anomaly("coverage_lied", f"Completeness went back from {before.until} to {now.until}.")
    for topic in FACTS:
        log = kafka.logs[topic]
        for offset in range(now.positions[topic], len(log)):
            if log[offset].at < now.until and log[offset].seen:
                raise Anomaly("coverage_lied", f"{topic} {offset} of {log[offset].at} is not applied at {now.until}.")
    decided = kafka.logs["decision"][: now.positions["decision"]]
    if any(entry.at > now.until and entry.seen for entry in decided):
        raise Anomaly("decided_beyond", f"A decision of {decided} is applied at {now.until} already.")
    for name, book in now.books.items():
        if not book.balanced:
            raise Anomaly("books_unbalanced", f"{name}: {book}")
    fresh = now.events[len(before.events) :]
    if fresh or now.until > before.until:
        _check_events(kafka, now, fresh)


def _check_events(kafka: Kafka, now: Committed, fresh: list[Any]) -> None:
    law, until = law_of(kafka), time_of(now.until)
    if fresh:
        # At the end of a slice it may be complete until the very alarm: others that have the same are still left.
        _compare(fresh, {event.event_id: event for event in events(log_of(kafka), until + MOMENT, law)})
        _check_sequence(now.events)
    announced = {event.event_id for event in now.events}
    # A decision that hangs says nothing yet.
    applied = log_of(kafka, {topic: now.positions[topic] for topic in ("sent", "decision")}).before(until)
    for event in events(applied, until, law):
        if event.event_id not in announced:
            raise Anomaly("lost", f"It is complete until {now.until}, but nothing says {event}.")


def _compare(said: Iterable[Any], wanted: dict[str, Any]) -> None:
    for event in said:
        true = wanted.get(event.event_id)
        if true is None:
            raise Anomaly("phantom", f"{event}, but true are {list(wanted.values())}.")
        if true != event:
            raise Anomaly("wrong_reason", f"{event}, but {true}.")


def _check_sequence(announced: list[Any]) -> None:
    said: set[str] = set()
    for event in announced:
        if event.event_id in said:
            raise Anomaly("announced_twice", str(event))
        if not isinstance(event, Missing) and event.missing_event_id not in said:
            raise Anomaly("wrong_order", str(event))
        said.add(event.event_id)


def check_end(kafka: Kafka) -> dict[str, str]:
    """What holds when everything was read and all time has passed; the status of each report. Raises Anomaly."""
    now, law, until = kafka.committed, law_of(kafka), time_of(kafka.committed.until)
    log = log_of(kafka, now.positions)
    wanted = {event.event_id: event for event in events(log, until, law)}
    _compare(now.events, wanted)
    if lost := wanted.keys() - {event.event_id for event in now.events}:
        raise Anomaly("lost", f"Nothing says {[wanted[name] for name in lost]}.")
    known = {name: verdict for name, verdict in verdicts(log, until, law).items() if verdict.sent_at is not None}
    for report_id, verdict in known.items():
        row = now.rows.get(report_id)
        if row is None or verdict_of(row) != verdict:
            raise Anomaly("wrong_status", f"{report_id} is {verdict}, but the row says {row}.")
    _ensure_books_agree(now, books(log, until, law))
    return {name: verdict.status.value for name, verdict in known.items()}


def _ensure_books_agree(now: Committed, wanted: dict[str | None, Book]) -> None:
    for name in {*now.books, *wanted}:
        found, counted = now.books.get(name, Book()), wanted.get(name, Book())
        if found != counted:
            raise Anomaly("books_unbalanced", f"{name} has {found}, the log {counted}.")
