"""A virtual worker: what the engine does around the core, step by step, so that a schedule can come between any two."""

from typing import Any

from streams.core.books import Books
from streams.core.checker import Checker, MemoryRows
from streams.core.deadlines import Deadlines
from streams.core.facts import Decision, Fact
from streams.core.rules import Rules
from streams.engine.marks import Marks
from tests.core.reading import taken
from tests.system.virtual.kafka import FACTS, TOPICS, Committed, Fenced, Kafka, copied_books, copied_rows, time_of


class Worker:
    """Owns the partition from its fence on, until another worker fences it or it crashes.

    Subclasses break it on purpose: every method is one thing that can go wrong.
    """

    def __init__(self, kafka: Kafka, rules: Rules) -> None:
        self.kafka, self.rules = kafka, rules
        self.epoch = self.fence()
        self.marks = Marks("virtual", FACTS)
        self.alive = True
        self.batch: dict[str, int] | None = None  # fetched, not applied: by topic the position after it
        self.restore()

    def fence(self) -> int:
        """Take over before anything is read."""
        return self.kafka.fence()

    def restore(self) -> None:
        """Read what was committed; the deadline index is rebuilt from the rows."""
        known = self.kafka.committed
        self.positions, self.until = dict(known.positions), known.until
        self.fetched = dict(known.positions)
        self.events: list[Any] = []
        self.checker = Checker(
            self.rules, MemoryRows(copied_rows(known.rows).values()), Books(copied_books(known.books).items()),
            self.deadlines(),
        )  # fmt: skip

    def deadlines(self) -> Deadlines | None:
        """None: the checker builds its index from the rows."""
        return None

    def write_marks(self) -> None:
        """A set of marks, one to the end of each input that verdicts wait for."""
        if not self.marks.outstanding:
            header = self.marks.new_set()
            for topic in FACTS:
                self.kafka.append(topic, None, header)

    def fetch(self, most: int) -> None:
        """Take up to so many records of each input; they wait until they are applied."""
        if self.batch is not None:
            return
        ends = {topic: min(self.fetched[topic] + most, self.kafka.end(topic)) for topic in TOPICS}
        ends = {topic: max(end, self.fetched[topic]) for topic, end in ends.items()}
        self.batch, self.fetched = ends, ends

    def apply(self) -> None:
        """Apply what arrived before T, in the order of the log, and decide what has become certain."""
        if self.batch is None:
            return
        for topic in TOPICS:
            for entry in self.kafka.logs[topic][self.positions[topic] : self.batch[topic]]:
                if entry.mark is not None:
                    self.marks.saw(entry.mark, topic, time_of(entry.at))
        self.batch = None
        self.marks.take_complete()
        until = self.complete()
        if until is None:
            return
        for at, topic, offset in self.waiting(until):
            self.advance(max(self.until, at))
            fact = self.kafka.logs[topic][offset].fact
            if fact is not None:
                self.events += taken(self.checker, self.read(fact)).events
            self.positions[topic] = offset + 1
        self.advance(max(self.until, until))

    def complete(self) -> int | None:
        """T: how far that input has come of which the least is known; no verdict waits for decisions."""
        seen = [[one for one in self.kafka.logs[topic][: self.fetched[topic]] if one.seen] for topic in FACTS]
        return min(some[-1].at for some in seen) if all(seen) else None

    def waiting(self, until: int) -> list[tuple[int, str, int]]:
        """What was fetched, is not applied and arrived before then, in the order of the log: when, where."""
        return sorted(
            (
                (self.kafka.logs[topic][offset].at, topic, offset)
                for topic in TOPICS
                for offset in range(self.positions[topic], self.fetched[topic])
                if self.kafka.logs[topic][offset].at < until
            ),
            key=lambda one: (one[0], TOPICS.index(one[1]), one[2]),
        )

    def read(self, fact: Fact | Decision) -> Fact | Decision:
        """What a record says."""
        return fact

    def advance(self, until: int) -> None:
        """Complete until then: decide."""
        self.until = until
        for passed in self.checker.advance(time_of(until)):
            self.events += passed.events

    def work(self) -> Committed:
        """All that the next transaction would make true."""
        return Committed(
            copied_rows({row.report_id: row for row in self.checker.rows}),
            copied_books(self.checker.books.by_receiver),
            dict(self.positions),
            self.until,
            [*self.kafka.committed.events, *self.events],
        )

    def commit(self) -> None:
        """Everything in one transaction; a worker that is refused ends."""
        try:
            self.kafka.commit(self.epoch, self.work())
        except Fenced:
            self.alive = False
        else:
            self.events = []
