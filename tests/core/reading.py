"""One way of reading a log: in its order, with ticks, restarts and crashes in between."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.core.books import Book
from streams.core.checker import Checker, Effect, MemoryRows, Passed
from streams.core.events import Event
from streams.core.facts import Decision, Fact, FeedMark, Receipt, Sent, Stored
from streams.core.feeds import Feeds
from streams.core.row import Row, Status, Window
from streams.core.sight import Lost, Sight
from tests.core.oracle import Law, Log, Verdict, books, events, verdicts
from tests.core.world import LAW, MICROSECOND, RULES, at, copy_of

START = at("08:00")
END = START + timedelta(days=60)
FOREVER = START + timedelta(days=1000)
TOPICS = ("sent", "receipt", "stored", "decision")
Record = Fact | FeedMark | Decision


class Topics(NamedTuple):
    """The whole log, read or not: one list for each topic, in the order of the offsets."""

    sent: list[Sent]
    receipt: list[Receipt]
    stored: list[Stored | FeedMark]
    decision: list[Decision]


class Commit(NamedTuple):
    """What survives a crash."""

    checker: Checker
    positions: dict[str, int]
    until: datetime
    announced: list[Event]


class Reading:
    """A checker on its way through a log. Completeness never overtakes a record that has not been read."""

    def __init__(self, topics: Topics, law: Law = LAW) -> None:
        self.topics, self.law = topics, law
        self.checker = Checker(RULES, MemoryRows())
        self.checker.sight = sight_of(law)
        self.positions = dict.fromkeys(TOPICS, 0)
        self.until = START - timedelta(days=1)
        self.announced: list[Event] = []
        self.committed = self._copied()

    @property
    def unread(self) -> list[Record]:
        """What is still to be read, in the order of the log: what arrived at one moment comes topic by topic."""
        left = [fact for topic in TOPICS for fact in getattr(self.topics, topic)[self.positions[topic] :]]
        return sorted(left, key=lambda fact: fact.place.arrived)

    def read(self, times: int = 1) -> list[Effect]:
        """Let time settle what it does before the next record, and apply that, if there is one, as often as told."""
        outcomes: list[Effect] = []
        for fact in self.unread[:1]:
            self.tick(fact.place.arrived)
            self.positions[fact.place.topic.removeprefix("reports.")] += 1
            outcomes = [taken(self.checker, fact) for _ in range(times)]
        self.announced += [event for outcome in outcomes for event in outcome.events]
        return outcomes

    def tick(self, until: datetime) -> list[Passed]:
        """Move completeness on, as far as what is unread allows."""
        allowed = [fact.place.arrived for fact in self.unread[:1]]
        self.until = max(self.until, min([until, *allowed]))
        passed = list(self.checker.advance(self.until))
        self.announced += [event for one in passed for event in one.events]
        return passed

    def read_all(self) -> None:
        """Read all that is left."""
        while self.read():
            pass

    def finish(self, until: datetime = END) -> None:
        """Read all that is left, and let time pass."""
        self.read_all()
        self.tick(until)

    def restart(self) -> None:
        """Go on from rows and books alone."""
        self.checker = copy_of(self.checker)

    def commit(self) -> None:
        """Keep what is known now: a crash comes back to here."""
        self.committed = self._copied()

    def crash(self) -> None:
        """Forget everything since the last commit; what was announced since then was never visible."""
        kept = self.committed
        self.checker, self.positions, self.until = copy_of(kept.checker), dict(kept.positions), kept.until
        self.announced = list(kept.announced)

    def _copied(self) -> Commit:
        return Commit(copy_of(self.checker), dict(self.positions), self.until, list(self.announced))

    @property
    def log(self) -> Log:
        """What has been read so far."""
        done = self.positions
        topics = self.topics
        return Log(*(getattr(topics, topic)[: done[topic]] for topic in TOPICS))

    @property
    def rows(self) -> dict[str, Row]:
        """All rows by report id."""
        return {row.report_id: row for row in self.checker.rows}

    @property
    def counted(self) -> dict[str | None, Book]:
        """All books in which anything stands."""
        return {name: book for name, book in self.checker.books.by_receiver.items() if book != Book()}

    def agree_with_the_oracle(self) -> None:
        """Compare all that is known and was announced with what the log alone says."""
        assert {name: verdict_of(row) for name, row in self.rows.items()} == verdicts(self.log, self.until, self.law)
        assert by_id(self.announced) == by_id(events(self.log, self.until, self.law))
        assert self.counted == books(self.log, self.until, self.law)

    def balance(self) -> None:
        """The books hold, by receiver and in total, and count as many rows as there are."""
        self.checker.books.ensure_balanced()
        assert all(book.balanced for book in self.checker.books.by_receiver.values())
        total = self.checker.books.total()
        assert total.balanced
        counted = [row for row in self.checker.rows if row.sent or row.status == "unexpected"]
        assert total.accounted - total.erased + total.unexpected == len(counted)


def taken(checker: Checker, record: Record) -> Effect:
    """What a record of any topic does."""
    if isinstance(record, FeedMark):
        return checker.mark(record)
    return checker.decide(record) if isinstance(record, Decision) else checker.apply(record)


def sight_of(law: Law) -> Sight:
    """What the core sees where a law says what was lost."""
    stored, receipts = (
        tuple(Lost(since, until) for topic, since, until in law.lost if topic == kind) for kind in ("stored", "receipt")
    )
    return Sight(Feeds(), stored, law.beginning, law.first_complete, receipts)


def by_id(announced: Sequence[Event]) -> dict[str, Event]:
    """Events by their id; none stands there twice."""
    found = {event.event_id: event for event in announced}
    assert len(found) == len(announced)
    return found


def verdict_of(row: Row) -> Verdict:
    """A row as the oracle speaks of it."""
    if row.status is Status.ERASED:
        return Verdict(row.status, row.touched)
    alarm, known = row.alarms[-1] if row.alarms else None, row.sent is not None
    return Verdict(
        status=row.status,
        touched=row.touched,
        names=row.names,
        sent_at=row.sent_at,
        due_at=row.due_at,
        alarm_at=row.alarm_at,
        policy_version=row.policy_version,
        message_ids=tuple(row.message_ids),
        flags=frozenset(row.flags),
        receipt=row.receipt,
        proof_arrived=row.proof.place.arrived if row.proof else None,
        stored_at=row.proof.stored_at if row.proof else None,
        recovered_at=row.recovered_at,
        reason=row.reason,
        missing_event_id=row.missing_event_id,
        asks=row.asks if known else None,
        feed=row.feed,
        channel=row.channel,
        episode=len(row.alarms),
        open=row.window not in (Window.CLOSED, Window.REFUSED),
        outcome=alarm.outcome if alarm else None,
        closed_at=alarm.closed_at if alarm else None,
        decision_id=row.decisions[-1] if row.decisions else None,
    )


def around(offset: timedelta) -> list[datetime]:
    """The moment itself, and the microsecond on either side of it."""
    return [START + offset - MICROSECOND, START + offset, START + offset + MICROSECOND]
