"""The desk as one who asks may use it: every question is asked of what is within reach, and only of that."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

import duckdb

from streams.access.scope import Reach
from streams.access.tokens import Visitor
from streams.problems import Problem, not_found
from streams.settings import Settings
from streams.view.queries.grounds import Watch, watch_of
from streams.view.queries.published import published
from streams.view.sandbox import QueryResult as Found
from streams.view.sandbox import QueryScope
from streams.view.services import Desk
from streams.view.store.cache import Answer, Work
from streams.view.store.freshness import CoverageNow, Picture
from streams.view.store.tables import COUNTS_ONLY, PUBLIC, PUBLISHED

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Seat:
    """`visitor`: who sits there; None where the view asks nobody for a name."""

    desk: Desk
    reach: Reach
    visitor: Visitor | None = None

    @property
    def settings(self) -> Settings:
        """The view's settings."""
        return self.desk.settings

    @property
    def shows_rows(self) -> bool:
        """True if single reports may be seen; else only counts, and none under 5."""
        return self.reach.rows

    @property
    def tables(self) -> tuple[str, ...]:
        """What SQL may read."""
        return PUBLIC if self.shows_rows else COUNTS_ONLY

    @property
    def sharer(self) -> str | None:
        """Of whose share of what all need it takes; None where nobody is asked for a name."""
        return self.visitor.sharer if self.visitor else None

    @property
    def tag(self) -> str:
        """Changes with the tables, and is another one for another reach."""
        return f"{self.desk.store.tag}-{self.reach.schema}-{self.shows_rows:d}"

    def picture(self, coverage: CoverageNow, now: datetime | None = None) -> Picture:
        """How far an answer with this coverage can be trusted now."""
        return self.desk.picture(coverage, now)

    async def answer(self, question: Hashable, work: Work[Any]) -> Answer:
        """The answer to a question that others may ask, too."""
        return await self.desk.answers.get(question, work, self.reach)

    async def watch(self, now: datetime | None = None) -> Watch:
        """Since when the checker has watched, and what is not erased yet."""
        return watch_of(await self.desk.watched_since(), self.settings.keep, now or datetime.now(UTC))

    async def once(self, work: Work[T]) -> T:
        """Run something that nobody else will ask for."""
        return await self.desk.answers.once(work, self.reach)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """As `Store.reading`."""
        with self.desk.store.reading(self.reach) as cursor:
            yield cursor

    async def query(self, sql: str, shaped: Callable[[Found], T]) -> T:
        """An analyst's query, shaped where it runs: what an answer may hold is too much for the event loop.

        Raises Refused, or Problem where SQL is not granted or others are running. It is recorded before it runs: also
        an error can tell what is in a row.
        """
        if not self.reach.sql:
            raise Problem(
                "no-sql", "This token has no scope for SQL: ask for one that has.", status=HTTPStatus.FORBIDDEN
            )
        scope = QueryScope(frozenset(self.tables), await self._begin(sql), qualified=self.reach.receivers is None)
        with self.desk.queries.turn(self.sharer or "everybody"):
            checked = await self.desk.at_queries(self.desk.sandbox.check, sql, scope)
            if self.shows_rows:
                await self.record("query", question=sql)
            return await self.desk.at_queries(lambda: shaped(self.desk.sandbox.run(checked)))

    async def _begin(self, sql: str) -> Callable[[duckdb.DuckDBPyConnection], None]:
        """How a query begins. The published counts are a table of its connection, if it reads them."""
        begin, reach = self.desk.store.begin_reading, self.reach
        if PUBLISHED not in sql.lower():
            return lambda cursor: begin(cursor, reach)
        counts = (await self.answer("published", published)).found.arrow()

        def begun(cursor: duckdb.DuckDBPyConnection) -> None:
            cursor.register(PUBLISHED, counts)
            begin(cursor, reach)

        return begun

    async def record(self, action: str, report_ids: Iterable[str] = (), question: str | None = None) -> None:
        """Write down that single reports are looked at, before they are shown. Raises Problem if it cannot be."""
        if self.visitor is not None:
            await self.desk.record.write(self.visitor, action, list(report_ids), question)

    def ensure_rows(self) -> None:
        """Raise where single reports may not be seen."""
        if not self.shows_rows:
            raise Problem(
                "counts-only", "This view shows counts only: ask /api/v1/summary.", status=HTTPStatus.FORBIDDEN
            )

    def within_reach(self, *municipalities: str) -> None:
        """Raise NotFound for others' receivers: whoever may not see them is not told that they are there."""
        if not all(self.reach.has(number) for number in municipalities):
            not_found("receiver with this number")

    def whole_within_reach(self, municipality: str) -> None:
        """The same for what is said of a whole municipality."""
        if not self.reach.has_whole(municipality):
            not_found("receiver with this number")
