"""Workers and rules that are broken on purpose, each in one way: the simulator must notice every one of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any

from streams.core import fold
from streams.core.books import Books
from streams.core.checker import Checker, MemoryRows
from streams.core.deadlines import Deadlines
from streams.core.facts import Decision, Fact, Receipt, ReceiptCode, Sent, Stored
from streams.core.fold import Step
from streams.core.receivers import Municipalities
from streams.core.row import Row, Status
from streams.core.rules import Rules
from tests.system.virtual.kafka import FACTS, Committed, Fenced, copied_books, copied_rows
from tests.system.virtual.schedule import RULES
from tests.system.virtual.worker import Worker


class OffsetsBeforeRows(Worker):
    """Positions and completeness are committed first; a crash in between loses what was written for them."""

    def apply(self) -> None:
        super().apply()
        known = self.kafka.committed
        early = Committed(known.rows, known.books, dict(self.positions), self.until, known.events)
        try:
            self.kafka.commit(self.epoch, early)
        except Fenced:
            self.alive = False


class FailedCommitCounts(Worker):
    """A refused batch is taken for written: its events are gone, its rows are not."""

    def __init__(self, *given: Any) -> None:
        self._commits = 0
        super().__init__(*given)

    def work(self) -> Committed:
        self._commits += 1
        work = super().work()
        return (
            work
            if self._commits % 3
            else Committed(work.rows, work.books, work.positions, work.until, work.events[:-1])
        )


class NoFence(Worker):
    """Nobody is fenced: every epoch may commit."""

    def fence(self) -> int:
        return self.kafka.epoch


class FencesBack(Worker):
    """A fenced worker takes the partition back and goes on with what it knows."""

    def commit(self) -> None:
        if self.epoch != self.kafka.epoch:
            self.epoch = self.kafka.fence()
        super().commit()


class FetchedIsApplied(Worker):
    """The fetch position is taken for the applied one."""

    def work(self) -> Committed:
        work = super().work()
        work.positions = dict(self.fetched)
        return work


class OwnClock(Worker):
    """The worker's own clock instead of marks: it says how late it is, not how far it has read."""

    def commit(self) -> None:
        self.advance(max(self.until, self.kafka.now))
        super().commit()


class MarkOfOneInput(Worker):
    """The first mark that comes back counts for all inputs."""

    def apply(self) -> None:
        super().apply()
        if self.marks.outstanding and len(self.marks.unseen) < len(FACTS):
            self.marks.abandon()
            self.advance(max(self.until, self.kafka.now))


class ReceiptIsProof(Worker):
    """The fault of 2020-2023."""

    def read(self, fact: Fact | Decision) -> Fact | Decision:
        if isinstance(fact, Receipt) and fact.receipt is ReceiptCode.MOTTATT:
            return Stored(fact.report_id, fact.place, fact.place.arrived, "READ_BACK")
        return fact


class RowsLeftBehind(Worker):
    """After a takeover the worker's own rows are trusted, not the committed ones."""

    rows: dict[str, Row] = {}  # noqa: RUF012 - shared by all, which is the fault

    def restore(self) -> None:
        super().restore()
        if self.kafka.epoch == 1:
            type(self).rows = {}
        books = copied_books(self.kafka.committed.books)
        kept = copied_rows(self.kafka.committed.rows | type(self).rows)
        self.checker = Checker(self.rules, MemoryRows(kept.values()), Books(books.items()))

    def apply(self) -> None:
        super().apply()
        type(self).rows = copied_rows({row.report_id: row for row in self.checker.rows})


class NoDeadlinesRestored(Worker):
    """The deadline index is not rebuilt: what was pending at a restart is never looked at."""

    def deadlines(self) -> Deadlines:
        return Deadlines()


WORKERS = (
    OffsetsBeforeRows, FailedCommitCounts, NoFence, FencesBack, FetchedIsApplied, OwnClock, MarkOfOneInput,
    ReceiptIsProof, RowsLeftBehind, NoDeadlinesRestored,
)  # fmt: skip


@contextmanager
def _replaced(name: str, by: Any, module: ModuleType) -> Iterator[Rules]:
    whole = getattr(module, name)
    setattr(module, name, by(whole))
    try:
        yield RULES
    finally:
        setattr(module, name, whole)


@contextmanager
def decided_at_the_alarm_itself() -> Iterator[Rules]:
    """Not strictly after: a proof that arrives at alarm_at comes too late."""
    whole = Deadlines.passed

    def passed(self: Deadlines, until: datetime) -> Iterator[tuple[datetime, str]]:
        return whole(self, until + timedelta(milliseconds=1))

    Deadlines.passed = passed  # type: ignore[method-assign]
    try:
        yield RULES
    finally:
        Deadlines.passed = whole  # type: ignore[method-assign]


@contextmanager
def every_receiver_counts() -> Iterator[Rules]:
    """A stored record for another receiver counts."""

    class Anybody(Municipalities):
        def same_receiver(self, *_given: Any) -> bool:
            return True

    yield RULES._replace(municipalities=Anybody({"0301": (), "4601": (), "1507": ()}))


@contextmanager
def a_resend_begins_anew() -> Iterator[Rules]:
    """A second sent moves the alarm."""

    def broken(whole: Callable[..., Step]) -> Callable[..., Step]:
        def fold_sent_again(row: Row, sent: Sent, rules: Rules) -> Step:
            step = whole(row, sent, rules)
            if row.status is Status.PENDING and row.alarm_at is not None and row.due_at is not None:
                row.alarm_at += row.alarm_at - row.due_at
            return step

        return fold_sent_again

    with _replaced("fold_sent_again", broken, fold) as rules:
        yield rules


@contextmanager
def the_last_receipt_is_ignored() -> Iterator[Rules]:
    """The first receipt chooses the reason, not the last one."""

    def broken(whole: Callable[..., Step]) -> Callable[..., Step]:
        def fold_receipt(row: Row, receipt: Receipt) -> Step:
            return Step.RECEIPT_REPEATED if row.receipt is not None else whole(row, receipt)

        return fold_receipt

    with _replaced("fold_receipt", broken, fold) as rules:
        yield rules


BROKEN_RULES = (
    decided_at_the_alarm_itself, every_receiver_counts, a_resend_begins_anew, the_last_receipt_is_ignored,
)  # fmt: skip
