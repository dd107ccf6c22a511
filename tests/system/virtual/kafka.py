"""A tiny Kafka in memory: one partition of all inputs, one virtual clock, and what its transactions have committed.

Times are whole milliseconds since START. It knows append times, open upstream transactions (readers see nothing beyond
the last stable offset), producers' epochs (an old one may commit nothing) and commits that are whole or did not happen.
"""

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, NamedTuple

from streams.core.books import Book
from streams.core.facts import Decision, Fact
from streams.core.row import Row

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
FACTS = ("sent", "receipt", "stored")  # for which verdicts wait
TOPICS = (*FACTS, "decision")
_ROW = attrgetter(*(field.name for field in fields(Row)))  # several times as quick as copy.copy
_BOOK = attrgetter(*(field.name for field in fields(Book)))


class Fenced(Exception):
    """Another producer has taken the partition over: nothing of this transaction counts."""


class Entry(NamedTuple):
    """One record: when it was appended, and a fact, a decision or the header of a mark."""

    at: int
    fact: Fact | Decision | None
    mark: bytes | None = None

    @property
    def seen(self) -> bool:
        """False for what was aborted."""
        return self.fact is not None or self.mark is not None


@dataclass(slots=True)
class Committed:
    """What survives a crash: rows, books, positions, the latest arrivals, completeness, and all events so far."""

    rows: dict[str, Row] = field(default_factory=dict)
    books: dict[str | None, Book] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TOPICS, 0))
    until: int = -1
    events: list[Any] = field(default_factory=list)


class Kafka:
    """The log of one partition and its transactions."""

    def __init__(self) -> None:
        self.now = 0
        self.logs: dict[str, list[Entry]] = {topic: [] for topic in TOPICS}
        self.stable: dict[str, int] = {}  # by topic, the first offset of an open upstream transaction
        self.epoch = 0
        self.committed = Committed()
        # From when until when (None: to this day) proofs may have arrived unread, and when the first start could begin.
        self.lost: list[tuple[int, int | None]] = []
        self.beginning: int | None = None

    def append(self, topic: str, fact: Fact | Decision | None, mark: bytes | None = None) -> int:
        """Append a record; its offset. The fact's place must be `next_place`."""
        self.logs[topic].append(Entry(self.now, fact, mark))
        return len(self.logs[topic]) - 1

    def end(self, topic: str) -> int:
        """How far a read_committed reader sees."""
        return self.stable.get(topic, len(self.logs[topic]))

    def fence(self) -> int:
        """Take the partition over; the new epoch."""
        self.epoch += 1
        return self.epoch

    def commit(self, epoch: int, work: Committed) -> None:
        """Make work true, all of it. Raises Fenced."""
        if epoch != self.epoch:
            raise Fenced
        self.committed = work


def time_of(ms: int) -> datetime:
    """A virtual time as the core sees it."""
    return START + timedelta(milliseconds=ms)


def ms_of(time: datetime) -> int:
    """A time of the core as a virtual one."""
    return round((time - START).total_seconds() * 1000)


def copied_rows(rows: dict[str, Row]) -> dict[str, Row]:
    """Rows that share nothing that changes: what a restore reads is never what somebody still works on."""
    return {report_id: _copied(row) for report_id, row in rows.items()}


def copied_books(books: dict[str | None, Book]) -> dict[str | None, Book]:
    """Books that share nothing."""
    return {name: Book(*_BOOK(book)) for name, book in books.items()}


def _copied(row: Row) -> Row:
    another = Row(*_ROW(row))
    another.flags = set(row.flags)
    another.message_ids = list(row.message_ids)
    another.held_stored = list(row.held_stored)
    return another
