"""Every story of two reports and up to six events, with every moment for the alarm to pass and every point to crash at.

An event is the first sent, a further sent (a resend), a receipt, a stored record that counts, one for somebody else,
or a decision that closes the alarm. What is left out changes nothing that could be told apart: the second report begins
after the first (they are alike but for their names), a report has one sent before its resends and its decision,
receipts are MOTTATT, and the clock jumps past all alarms at one moment of the story (or not at all before its end),
because only the side of alarm_at on which a record arrived counts. After every event the worker reads all there is,
marks come by, and it commits; it crashes once, at every such point in turn, either before that commit or after it.
Every state is let settle and compared with the truth.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple

from streams.core.books import Book, Books
from streams.core.checker import MemoryRows
from streams.core.row import Row
from tests.system.virtual.kafka import TOPICS, copied_books, copied_rows
from tests.system.virtual.schedule import RULES, Scheduler, Step
from tests.system.virtual.truth import Anomaly
from tests.system.virtual.worker import Worker

MOST_EVENTS = 6
PAST_MS = 10_000
KINDS = ("sent", "resent", "receipt", "stored", "elsewhere", "closed")
# Of a report: at most so many of each kind, which is one more than what makes a difference.
MOST = {"sent": 1, "resent": 1, "receipt": 1, "stored": 2, "elsewhere": 1, "closed": 1}


class Event(NamedTuple):
    """One event of a story; `report` is 0 or 1."""

    kind: str
    report: int


Story = tuple[Event, ...]


class Point(NamedTuple):
    """A place in the search: the story so far, whether the alarms have passed, where it crashed, and the state."""

    told: Story
    passed: bool
    crashed: str
    state: Scheduler


class Search:
    """Depth first. A state that was seen before is not searched again: what follows depends on nothing else."""

    def __init__(self, worker_class: type[Worker] = Worker) -> None:
        self._worker_class = worker_class
        self._seen: set[int] = set()
        self.points = 0  # different states, each of which was let settle and compared with the truth
        self.merged = 0  # states that another way had led to before

    def run(self, most_events: int = MOST_EVENTS) -> "Search":
        """Search everything. Raises Anomaly with the story that fails."""
        self._from(Point((), False, "", Scheduler(self._worker_class, RULES)), most_events)
        return self

    def _from(self, point: Point, left: int) -> None:
        if left == 0:
            return
        for event in _next_events(point.told):
            for passed in (False, True) if not point.passed else (True,):
                for after in self._after(point, event, passes=passed and not point.passed):
                    if self._is_new(after):
                        self._compare(after)
                        self._from(after, left - 1)

    def _after(self, point: Point, event: Event, *, passes: bool) -> Iterator[Point]:
        """The event comes, the worker applies it and commits; or it crashes before the commit, or after it."""
        told, passed, at = (*point.told, event), point.passed or passes, len(point.told)
        for crash in ("", "before the commit", "after it") if not point.crashed else ("",):
            state = _copied(point.state)
            if passes:
                state.kafka.now += PAST_MS
            where = f"{crash} of event {at}" if crash else point.crashed
            happens = _STEP[event.kind](event.report)
            steps = [happens, Step("wait"), Step("marks"), Step("fetch", 7), Step("apply"), Step("commit")]
            if crash:
                steps.insert(5 if crash == "before the commit" else 6, Step("crash"))
            try:
                for step in steps:
                    getattr(state, f"_{step.name}")(step.a, step.b)
            except Anomaly as anomaly:
                raise Anomaly(anomaly.kind, f"{told}, crashed {where}: {anomaly.args[1]}") from None
            yield Point(told, passed, where, state)

    def _is_new(self, point: Point) -> bool:
        key = hash((bool(point.crashed), point.passed, _key(point.state)))
        # A crash is spent only if it made a difference: the same state without one has the richer future.
        if hash((False, point.passed, _key(point.state))) in self._seen or key in self._seen:
            self.merged += 1
            return False
        self._seen.add(key)
        self.points += 1
        return True

    def _compare(self, point: Point) -> None:
        try:
            _copied(point.state).play(())
        except Anomaly as anomaly:
            where = point.crashed or "never"
            raise Anomaly(anomaly.kind, f"{point.told}, crashed {where}: {anomaly.args[1]}") from None


def _next_events(told: Story) -> Iterator[Event]:
    for report in (0, 1) if told else (0,):
        for kind in KINDS:
            so_far = sum(event == (kind, report) for event in told)
            if so_far < MOST[kind] and (kind not in ("resent", "closed") or ("sent", report) in told):
                yield Event(kind, report)


_STEP = {
    "sent": lambda report: Step("sent", report, 0),
    "resent": lambda report: Step("sent", report, 1),
    "receipt": lambda report: Step("receipt", report, 0),
    "stored": lambda report: Step("stored", report, 0),
    "elsewhere": lambda report: Step("stored", report + 6, 0),
    "closed": lambda report: Step("decide", report, 1),
}


def _copied(state: Scheduler) -> Scheduler:
    """A state that shares nothing that changes."""
    another = copy(state)
    another.seen = Counter()
    kafka = another.kafka = copy(state.kafka)
    kafka.logs = {topic: list(log) for topic, log in state.kafka.logs.items()}
    owner = another.owner = copy(state.owner)
    owner.kafka, owner.marks = kafka, copy(state.owner.marks)
    owner.positions, owner.fetched = dict(owner.positions), dict(owner.fetched)
    owner.events = list(owner.events)
    owner.checker = copy(state.owner.checker)
    owner.checker.rows = MemoryRows(copied_rows({row.report_id: row for row in owner.checker.rows}).values())
    owner.checker.books = Books(copied_books(owner.checker.books.by_receiver).items())
    owner.checker.deadlines = copy(owner.checker.deadlines)
    owner.checker.deadlines._heap = list(owner.checker.deadlines._heap)
    return another


def _key(state: Scheduler) -> tuple[Any, ...]:
    """All that the future depends on: the log, what is committed, and what the worker knows beyond that."""
    owner, committed = state.owner, state.kafka.committed
    log = tuple((entry.at, entry.fact) for topic in TOPICS for entry in state.kafka.logs[topic] if entry.fact)
    rows = frozenset(map(_row_key, owner.checker.rows))
    books = frozenset((name, _fields(book)) for name, book in owner.checker.books.by_receiver.items())
    kept = frozenset(map(_row_key, committed.rows.values()))
    # Marks are left out: at a point none is on its way. Stale entries of the index cost a look and tell nothing new.
    deadlines = frozenset(owner.checker.deadlines._heap)
    events = tuple(event.event_id for event in committed.events)
    unread = tuple(
        sum(entry.fact is not None for entry in state.kafka.logs[topic][owner.positions[topic] :]) for topic in TOPICS
    )
    return log, rows, books, kept, deadlines, events, committed.until, owner.until, unread, state.kafka.now


_ROW_FIELDS = tuple(field.name for field in fields(Row) if field.name not in ("message_ids", "flags", "names"))
_BOOK_FIELDS = attrgetter(*(field.name for field in fields(Book)))


def _row_key(row: Row) -> tuple[Any, ...]:
    values = (getattr(row, name) for name in _ROW_FIELDS)
    plain = (tuple(value) if isinstance(value, list) else value for value in values)
    return (*plain, tuple(row.message_ids), frozenset(row.flags), row.names)


def _fields(book: Book) -> tuple[Any, ...]:
    return tuple(_BOOK_FIELDS(book))


def main() -> int:
    """`python -m tests.system.virtual.exhaustive [EVENTS]`."""
    began = time.process_time()
    most = int(sys.argv[1]) if len(sys.argv) > 1 else MOST_EVENTS
    search = Search().run(most)
    seconds = time.process_time() - began
    print(f"up to {most} events: {search.points} states, {search.merged} met again, {seconds:.0f} s of one core")
    return 0


if __name__ == "__main__":
    sys.exit(main())
