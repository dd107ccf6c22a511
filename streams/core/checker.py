"""The checker of one partition: facts in, what happened out."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple, Protocol

from streams.core.books import Account, Books, account
from streams.core.deadlines import Deadlines
from streams.core.decide import erased_after, first_look, next_look, next_turn, pass_turns
from streams.core.decision import erased, fold_decision
from streams.core.events import Event
from streams.core.facts import Decision, Fact, FeedMark, Receipt, Sent, Stored
from streams.core.feeds import Feeds
from streams.core.fold import REFUSED, Step, fold, too_old
from streams.core.row import Flag, Glance, Row, Status, Window
from streams.core.rules import Limits, Rules
from streams.core.sight import Sight
from streams.core.weight import has_room


class Rows(Protocol):
    """Where the rows of a partition live. A row that was changed is put back."""

    def get(self, report_id: str) -> Row | None:
        """The row of a report, or None."""

    def glance(self, report_id: str) -> Glance | None:
        """As much of a row as tells whether it has to be read; None if there is none."""

    def put(self, row: Row) -> None:
        """Keep a new or changed row."""

    def erase(self, report_id: str) -> None:
        """Forget a report for good."""

    def __iter__(self) -> Iterator[Row]:
        """All rows, in any order."""


class MemoryRows(Rows):
    """Rows in a plain dict: for replay, tests and whoever needs no more."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows = {row.report_id: row for row in rows}

    def get(self, report_id: str) -> Row | None:
        return self._rows.get(report_id)

    glance = get  # the row itself

    def put(self, row: Row) -> None:
        self._rows[row.report_id] = row

    def erase(self, report_id: str) -> None:
        self._rows.pop(report_id, None)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())


class Effect(NamedTuple):
    """What one record did, and the events that it caused (in order)."""

    step: Step
    events: tuple[Event, ...] = ()


# These say what the row says already.
UNCHANGED = frozenset({Step.DUPLICATE, Step.RECEIPT_REPEATED, Step.RECEIPT_LATE, Step.PROOF_REPEATED})
MOVED = frozenset({Step.OPENED, Step.REROUTED, Step.WINDOW_OPENED, Step.REFUSED_LATE, Step.RECOVERED})
DECIDED = frozenset({Step.CLOSED, Step.REOPENED, Step.ERASED})
UNHEARD = frozenset({Window.WAITING, Window.SILENT, Window.BLIND})
MOMENT = timedelta.resolution  # what lies at a time itself lies before the moment after it
_PLAIN = {step: Effect(step) for step in Step}


class Passed(NamedTuple):
    """What the passing of time did to one row, and the events that it caused (in order)."""

    report_id: str
    status: Status | None  # None: erased
    events: tuple[Event, ...] = ()


class Checker:
    """Applies facts in the order of the log, and decides what time settles before each of them and behind the last.

    `rows` and `books` are what was known before; the deadline index is rebuilt from the rows unless it is given.
    """

    def __init__(
        self, rules: Rules, rows: Rows, books: Books | None = None, deadlines: Deadlines | None = None
    ) -> None:
        self.rules = rules
        self.sight = Sight(Feeds())  # what its witnesses can say
        self.rows = rows
        self.books = books or Books()
        self.deadlines = Deadlines(_first_looks(rows, rules.limits)) if deadlines is None else deadlines
        self._waiting: dict[str, Deadlines] = {}  # by feed: what is due, and nobody has vouched for

    def apply(self, fact: Fact) -> Effect:
        """Apply one fact: the only way in which a row learns something. `advance` has come to its arrival."""
        known = self.rows.get(fact.report_id)
        row = known or Row(fact.report_id, fact.place.arrived)
        if isinstance(fact, Sent) and too_old(row, fact, self.rules.limits):
            return _PLAIN[Step.TOO_OLD]
        before, names, waited = account(known), row.names, bool(row.held_stored)
        step, events = fold(row, fact, self.rules)
        if row.names is not names or step not in UNCHANGED:
            self._put(row, before)
            if known is None or step in MOVED or (row.held_stored and not waited):
                self._look_again(row)
        if isinstance(fact, Stored):
            self.sight.feeds.count(fact, self.rules.policy)
        elif isinstance(fact, Sent) and step is not Step.ROW_FULL:
            book = self.books.of(row.municipality)
            book.sent_records += 1
            if step is Step.DUPLICATE:
                book.duplicates += 1
            elif step is not Step.OPENED:
                book.resends += 1
        return Effect(step, events) if events else _PLAIN[step]

    def mark(self, mark: FeedMark) -> Effect:
        """A feed has spoken: what it now vouches for, and nobody has proved, is decided by its mark's arrival."""
        if not self.rules.policy.knows_feed(mark.feed, mark.place.arrived):
            return _PLAIN[Step.FEED_UNKNOWN]
        vouching = self.sight.feeds.take(mark, self.rules.policy)
        for feed in vouching:
            until = self.sight.feeds.word(feed).vouched_until
            if until is not None and feed in self._waiting:
                for _, report_id in self._waiting[feed].passed(until + MOMENT):
                    self.deadlines.add(mark.place.arrived, report_id)
        return _PLAIN[Step.VOUCHED if vouching else Step.VOUCHED_NOTHING]

    def decide(self, decision: Decision) -> Effect:
        """Apply what a person said of an alarm, as of its arrival: `advance` has come that far, or farther."""
        row = self.rows.get(decision.report_id)
        if row is None:
            return _PLAIN[Step.DECISION_UNFIT]
        before = account(row)
        step, events = fold_decision(row, decision, self.rules)
        if step is Step.ERASED:
            row = erased(row)
        if step in DECIDED:
            self._put(row, before)
            self._look_again(row)
        return Effect(step, events)

    def apply_copy(self, fact: Fact, origin: str) -> Effect:
        """Apply the copy of a misplaced record, unless another copy of the same original has been.

        That one was is remembered while the row has room for it; beyond that only a receipt would do something twice.
        """
        row = self.rows.get(fact.report_id) or Row(fact.report_id, fact.place.arrived)
        if origin in row.copies:
            return _PLAIN[Step.COPIED_ALREADY]
        fits = has_room(row, origin)
        if not fits and isinstance(fact, Receipt):
            row.flags.add(Flag.ROW_FULL)
            self.rows.put(row)
            return _PLAIN[Step.ROW_FULL]
        outcome = self.apply(fact)
        known = self.rows.get(fact.report_id)
        if known is not None and fits and outcome.step not in REFUSED:
            known.copies = (*known.copies, origin)
            self.rows.put(known)
        return outcome

    def advance(self, until: datetime, most: int | None = None) -> Iterator[Passed]:
        """Decide all that completeness `until` settles, ordered by time and report id. Run it to its end.

        `most`: how many rows to look at; the rest is left to the next call.
        """
        for at, report_id in islice(self.deadlines.passed(until), most):
            glance = self.rows.glance(report_id)
            if glance is None or self._waits(report_id, glance, until):
                continue
            row = self.rows.get(report_id)
            passed = self._look(row, at) if row is not None else None
            if passed is not None:
                yield passed

    def _waits(self, report_id: str, glance: Glance, until: datetime) -> bool:
        """True for a settled row that is not to be erased yet: nearly all are when their alarm would have been due."""
        if glance.window is not Window.CLOSED or glance.status is Status.PENDING:
            return False
        erased = erased_after(glance, self.rules.limits)
        if erased is None:
            return True  # for its proof
        if erased < until:
            return False
        self.deadlines.add(erased, report_id)
        return True

    def _look(self, row: Row, at: datetime) -> Passed | None:
        """The look for `at` has come: let its turn pass, erase it, or look again later."""
        turn = next_turn(row, self.rules, self.sight)
        look = erased_after(row, self.rules.limits) if turn is None else turn
        if look is None:
            return None  # only a record can change it
        if look > at:  # what came since has moved it: its turn is then, behind those before it
            self.deadlines.add(look, row.report_id)
            self._await(row)
            return None
        before = account(row)
        if turn is None:
            self.books.move(before, None)
            self.rows.erase(row.report_id)
            return Passed(row.report_id, None)
        status = row.status
        caused = pass_turns(row, at + MOMENT, self.rules, self.sight)
        self._put(row, before)
        self._look_again(row)
        return Passed(row.report_id, row.status, caused) if caused or row.status is not status else None

    def _await(self, row: Row) -> None:
        """Its feed's next mark may decide it."""
        if row.feed is not None and row.due_at is not None and row.window in UNHEARD:
            self._waiting.setdefault(row.feed, Deadlines()).add(row.due_at, row.report_id)

    def _put(self, row: Row, before: Account) -> None:
        self.rows.put(row)
        self.books.move(before, account(row))

    def _look_again(self, row: Row) -> None:
        at = next_look(row, self.rules, self.sight)
        if at is not None:
            self.deadlines.add(at, row.report_id)
        self._await(row)


def _first_looks(rows: Iterable[Row], limits: Limits) -> Iterator[tuple[datetime, str]]:
    looks = ((first_look(row, limits), row.report_id) for row in rows)
    return ((at, report_id) for at, report_id in looks if at is not None)
