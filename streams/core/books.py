"""The books, by receiver and in total.

sent = pending + stored + missing + recovered + unproven + undetermined + erased.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from streams.core.row import Row, Status


class BooksUnbalanced(ValueError):
    """The sum does not hold: stop this checker, read its state anew, and report the numbers that it names."""


@dataclass(slots=True)
class Book:
    """The counts of one receiver. `sent_records` counts records; every other term of the sum counts reports."""

    sent_records: int = 0
    duplicates: int = 0
    resends: int = 0
    erased: int = 0
    pending: int = 0
    stored: int = 0
    missing: int = 0
    recovered: int = 0
    unproven: int = 0
    undetermined: int = 0
    unexpected: int = 0

    @property
    def sent(self) -> int:
        """Reports sent: counted on its own from the records, never added up from the statuses."""
        return self.sent_records - self.duplicates - self.resends

    @property
    def accounted(self) -> int:
        """The other side of the sum."""
        told = self.pending + self.stored + self.missing + self.recovered + self.unproven
        return told + self.undetermined + self.erased

    @property
    def balanced(self) -> bool:
        """True if nothing has vanished and nothing was invented."""
        return self.sent == self.accounted

    def add(self, other: "Book") -> None:
        """Add another receiver's counts to this one's."""
        for name in (f.name for f in fields(self)):
            setattr(self, name, getattr(self, name) + getattr(other, name))


Account = tuple[str | None, Status] | None
"""Under which receiver and status a row stands in the books; None for what the books do not count (no sent yet)."""


def account(row: Row | None) -> Account:
    """Where a row stands in the books."""
    if row is None or (row.sent is None and row.status is not Status.UNEXPECTED):
        return None
    return row.municipality, row.status


class Books:
    """All receivers' books of one partition; the key None is for reports whose receiver could not be read."""

    def __init__(self, counted: Iterable[tuple[str | None, Book]] = ()) -> None:
        self.by_receiver: dict[str | None, Book] = dict(counted)
        self.changed: set[str | None] = set()

    def of(self, municipality: str | None) -> Book:
        """The book of a receiver, to be changed."""
        self.changed.add(municipality)
        book = self.by_receiver.get(municipality)
        if book is None:
            book = self.by_receiver[municipality] = Book()
        return book

    def move(self, before: Account, after: Account) -> None:
        """A row changed its status or its receiver. What was sent and leaves the books is erased."""
        if before == after:
            return
        if before is not None:
            self._count(*before, -1)
        if after is not None:
            self._count(*after, 1)
        if before is None or before[1] is Status.UNEXPECTED:
            return
        if after is None:
            self.of(before[0]).erased += 1
        elif before[0] != after[0]:
            self.of(before[0]).sent_records -= 1
            self.of(after[0]).sent_records += 1

    def total(self) -> Book:
        """All receivers together."""
        total = Book()
        for book in self.by_receiver.values():
            total.add(book)
        return total

    def ensure_balanced(self) -> None:
        """Raise BooksUnbalanced with the receivers among the changed ones whose sum does not hold."""
        wrong = [name or "unknown" for name in self.changed if not self.by_receiver[name].balanced]
        if wrong:
            raise BooksUnbalanced(f"The books of {', '.join(sorted(wrong)[:5])} do not balance.")

    def _count(self, municipality: str | None, status: Status, by: int) -> None:
        book = self.of(municipality)
        setattr(book, status, getattr(book, status) + by)
