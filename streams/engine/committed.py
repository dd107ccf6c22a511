"""How a partition stood at its last commit: what metrics and readiness show of it, and never what is not committed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from streams.core.books import Book
from streams.core.feeds import Feeds
from streams.records.coverage import Coverage


class Stand:
    """Copies of the few things that are shown; of the books only those that have changed are copied again.

    `coverage` shares its positions with the processor: only what stands beside them is as committed.
    """

    def __init__(
        self, coverage: Coverage, books: Mapping[str | None, Book], rows: int, oldest_pending: datetime | None
    ) -> None:
        self.books: dict[str | None, Book] = {}
        self._changed: dict[str | None, Book] = {}
        self.comes(coverage, books, rows, oldest_pending)
        self.committed()

    def comes(
        self, coverage: Coverage, books: Mapping[str | None, Book], rows: int, oldest_pending: datetime | None
    ) -> None:
        """How it will stand once the next commit is through. `books`: those that have changed."""
        said = Feeds(dict(coverage.feeds.words))
        self._coming = replace(coverage, losses=list(coverage.losses), feeds=said), rows, oldest_pending
        self._changed |= {name: replace(book) for name, book in books.items()}

    def committed(self) -> None:
        """The commit is through."""
        self.coverage, self.rows, self.oldest_pending = self._coming
        self.books |= self._changed
        self._changed = {}

    @property
    def complete(self) -> bool:
        """True if all is decided that the last marks made certain."""
        coverage = self.coverage
        return coverage.complete_until is not None and coverage.complete_until == coverage.checked_at
