"""The checker of one partition: facts in, what happened out."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol

from streams.core.books import Account, Books, account
from streams.core.deadlines import Deadlines
from streams.core.decide import erased_after, next_look, pass_time
from streams.core.events import Event, recovered
from streams.core.facts import Fact, Receipt, Sent
from streams.core.fold import (
    REFUSED,
    Step,
    fold_receipt,
    fold_sent_again,
    fold_stored,
    new_row,
    open_row,
    too_old,
)
from streams.core.row import Flag, Glance, Row, Status
from streams.core.rules import Rules
from streams.core.sight import CLEAR, Sight
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


class MemoryRows:
    """Rows in a plain dict: for replay, tests and whoever needs no more."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._rows = {row.report_id: row for row in rows}

    def get(self, report_id: str) -> Row | None:
        """The row of a report, or None."""
        return self._rows.get(report_id)

    def glance(self, report_id: str) -> Glance | None:
        """The row itself."""
        return self._rows.get(report_id)

    def put(self, row: Row) -> None:
        """Keep a new or changed row."""
        self._rows[row.report_id] = row

    def erase(self, report_id: str) -> None:
        """Forget a report for good."""
        self._rows.pop(report_id, None)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)


class Outcome(NamedTuple):
    """What one fact did, and the events that it caused (in order)."""

    step: Step
    events: tuple[Event, ...] = ()


# These say what the row says already.
UNCHANGED = frozenset({Step.RECEIPT_REPEATED, Step.RECEIPT_LATE, Step.PROOF_REPEATED})
_PLAIN = {step: Outcome(step) for step in Step}


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
        self.sight: Sight = CLEAR  # what cannot be seen is not judged at once
        self.rows = rows
        self.books = books or Books()
        if deadlines is None:
            looks = ((next_look(row, rules.limits), row.report_id) for row in rows)
            deadlines = Deadlines((at, report_id) for at, report_id in looks if at is not None)
        self.deadlines = deadlines

    def apply(self, fact: Fact) -> Outcome:
        """Apply one fact: the only way in which a row learns something. `advance` has come to its arrival."""
        row = self.rows.get(fact.report_id)
        if isinstance(fact, Sent):
            return self._apply_sent(row, fact)
        opened = row is None
        row = row or new_row(fact.report_id, fact.place.arrived)
        status, unheld = row.status, not row.held_stored
        if isinstance(fact, Receipt):
            step = fold_receipt(row, fact)
        else:
            step = fold_stored(row, fact, self.rules.municipalities)
        if step in UNCHANGED:
            return _PLAIN[step]
        self.rows.put(row)
        if row.status is not status:
            municipality = row.municipality
            self.books.move((municipality, status), (municipality, row.status))
        if opened or step is Step.RECOVERED or (unheld and row.held_stored):
            self._look_again(row)
        if step is Step.RECOVERED and row.proof is not None:
            return Outcome(step, (recovered(row, row.proof),))
        return _PLAIN[step]

    def apply_copy(self, fact: Fact, origin: str) -> Outcome:
        """Apply the copy of a misplaced record, unless another copy of the same original has been.

        That one was is remembered while the row has room for it; beyond that only a receipt would do something twice.
        """
        row = self.rows.get(fact.report_id)
        fits = row is None or has_room(row, origin)
        if row is not None and origin in row.copies:
            return _PLAIN[Step.COPIED_ALREADY]
        if row is not None and not fits and isinstance(fact, Receipt):
            row.flags.add(Flag.ROW_FULL)
            self.rows.put(row)
            return _PLAIN[Step.ROW_FULL]
        outcome = self.apply(fact)
        row = self.rows.get(fact.report_id)
        if row is not None and fits and outcome.step not in REFUSED:
            row.copies = (*row.copies, origin)
            self.rows.put(row)
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
            passed = self._look(row, at, until) if row is not None else None
            if passed is not None:
                yield passed

    def _apply_sent(self, row: Row | None, sent: Sent) -> Outcome:
        before = account(row)
        if row is not None and row.sent is not None:
            return self._apply_sent_again(row, before, sent)
        if too_old(sent, self.rules.limits):
            return _PLAIN[Step.TOO_OLD]
        row = row or new_row(sent.report_id, sent.place.arrived)
        open_row(row, sent, self.rules.policy, self.rules.municipalities)
        self._keep(row, before)
        self.books.of(row.municipality).sent_records += 1
        return _PLAIN[Step.OPENED]

    def _apply_sent_again(self, row: Row, before: Account, sent: Sent) -> Outcome:
        names = row.names
        step = fold_sent_again(row, sent, self.rules.municipalities)
        if step is not Step.DUPLICATE or row.names is not names:
            self.rows.put(row)
            self.books.move(before, account(row))
        if step is Step.ROW_FULL:
            return _PLAIN[step]
        book = self.books.of(row.municipality)
        book.sent_records += 1
        if step is Step.DUPLICATE:
            book.duplicates += 1
        else:
            book.resends += 1
        return _PLAIN[step]

    def _waits(self, report_id: str, glance: Glance, until: datetime) -> bool:
        """True for a settled row that is not to be erased yet: nearly all are when their alarm would have been due."""
        if glance.status in (Status.PENDING, Status.UNDETERMINED):
            return False
        if glance.status is Status.MISSING:
            return True  # for its proof
        erased = erased_after(glance, self.rules.limits)
        if erased < until:
            return False
        self.deadlines.add(erased, report_id)
        return True

    def _look(self, row: Row, at: datetime, until: datetime) -> Passed | None:
        """The look for `at` has come: decide this row, erase it, or look again later."""
        if row.status is Status.UNDETERMINED and self.sight.began_too_late(row):
            row.limit_at = None
            self.rows.put(row)
        look = next_look(row, self.rules.limits)
        if look is None:
            return None  # only a fact can change it
        if look > at:  # what came since has moved it: its turn is then, behind those before it
            self.deadlines.add(look, row.report_id)
            return None
        before = account(row)
        caused = pass_time(row, until, self.rules, self.sight)
        if caused is None:  # nothing is left to be decided
            return self._erase(row, before)
        self._keep(row, before)
        return Passed(row.report_id, row.status, caused)

    def _erase(self, row: Row, before: Account) -> Passed:
        self.books.move(before, None)
        if before is not None and before[1] is not Status.UNEXPECTED:
            self.books.of(before[0]).erased += 1
        self.rows.erase(row.report_id)
        return Passed(row.report_id, None)

    def _keep(self, row: Row, before: Account) -> None:
        self.rows.put(row)
        self.books.move(before, account(row))
        self._look_again(row)

    def _look_again(self, row: Row) -> None:
        at = next_look(row, self.rules.limits)
        if at is not None:
            self.deadlines.add(at, row.report_id)
