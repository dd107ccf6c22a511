"""The questions that the API and the page ask of the tables. Each gives work for `Answers`."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import duckdb
import orjson

from streams.problems import BadRequest
from streams.view.queries.columns import ANNOUNCEMENTS, REPORTS, Columns
from streams.view.queries.filters import ALARM, Condition, Cursor, ReportFilter, where
from streams.view.store.tables import STATUSES

By = Literal[
    "status", "reason", "receiver", "county", "district", "channel", "case_system", "case_system_version", "form",
    "evidence", "alarm", "outcome", "hour", "day", "month",
]  # fmt: skip
MOST_COUNTED_GROUPS = 20_000
LEAST_MEASURED = 20
# What each grouping is called in the answer, and how it is found.
_BY: dict[str, tuple[tuple[str, str], ...]] = {
    "receiver": (("municipality", "municipality_today"),),
    "county": (("county", "municipality_today[:2]"),),
    "alarm": (("alarm", ALARM),),
    "hour": (("hour", "sent_hour"),),
    "day": (("day", "sent_day"),),
    "month": (("month", "CAST(date_trunc('month', sent_day) AS DATE)"),),
}
COUNTS = ("reports", *STATUSES)
_COUNTS = ", ".join(f"count(*) FILTER (status = '{status}') AS {status}" for status in STATUSES)
_QUANTILES = ", ".join(
    f"round(quantile_cont(confirmation_seconds, {share}), 3) AS p{name}_seconds"
    for name, share in (("50", 0.5), ("95", 0.95), ("99", 0.99))
)


class Page(NamedTuple):
    """One page of a list: rows as JSON text, and the cursor of the next page."""

    rows: list[str]
    following: str | None

    def report_ids(self) -> list[str]:
        """Whose rows they are, once each."""
        return list(dict.fromkeys(orjson.loads(row)["report_id"] for row in self.rows))


class Listing(NamedTuple):
    """A list in an order: which columns, which rows, how they are sorted. Its `select` is for files."""

    columns: Columns
    table: str
    order: str  # a time column, with a minus in front where the latest comes first
    identity: tuple[str, ...]  # what tells rows of the same time apart, in order
    conditions: tuple[Condition, ...] = ()

    @property
    def column(self) -> str:
        """The column that it is sorted by."""
        return self.order.removeprefix("-")

    @property
    def descending(self) -> bool:
        """True where the latest comes first."""
        return self.order.startswith("-")

    @property
    def sorting(self) -> str:
        """The ORDER BY."""
        direction = "DESC" if self.descending else "ASC"
        return f'ORDER BY "{self.column}" {direction} NULLS LAST, {", ".join(self.identity)}'

    def select(self, what: str, limit: int | None = None, after: Condition | None = None) -> Condition:
        """Rows as `what` says."""
        chosen = where((*self.conditions, *([after] if after else [])))
        rows = f"(SELECT * FROM {self.table} {chosen.sql})"
        if limit is not None:
            rows = few_rows(self.table, f"{chosen.sql} {self.sorting} LIMIT {limit}")
        return Condition(f"SELECT {what} FROM {self.columns.of(rows)} {self.sorting}", chosen.values)


def few_rows(table: str, which: str) -> str:
    """The rows within reach that `which` finds: it reads the columns that decide, and only then are the others read.

    What is read of everybody's table are the places that were found, by nothing but where they are: a condition beside
    `which` would be worked out on others' rows.
    """
    return f"(SELECT * FROM main.{table} WHERE rowid IN (SELECT place FROM placed_{table} {which}))"


def report_listing(chosen: ReportFilter, order: str) -> Listing:
    """Reports that a filter lets through."""
    return Listing(REPORTS, "reports", order, ("report_id",), tuple(chosen.conditions()))


def page(cursor: duckdb.DuckDBPyConnection, listing: Listing, limit: int, at: Cursor | None) -> Page:
    """One page of a list."""
    identity = f"concat_ws('/', {', '.join(listing.identity)})" if len(listing.identity) > 1 else listing.identity[0]
    after = at.condition(f'"{listing.column}"', identity, listing.descending) if at else None
    what = f'{listing.columns.json()}, CAST("{listing.column}" AS VARCHAR), CAST({identity} AS VARCHAR)'
    query = listing.select(what, limit + 1, after)
    found = cursor.execute(query.sql, query.values).fetchall()
    following = None
    if len(found) > limit:
        _, value, last = found[limit - 1]
        following = Cursor(listing.order, value, last).written()
    return Page([row for row, _, _ in found[:limit]], following)


def dictionaries(cursor: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    """Rows as dicts, for answers of few rows."""
    result = cursor.execute(query, values)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def grouping(by: Sequence[By]) -> list[tuple[str, str]]:
    """The columns that reports are grouped by: name and expression."""
    return [column for one in by for column in _BY.get(one, ((one, one),))]


def summary(cursor: duckdb.DuckDBPyConnection, by: Sequence[By], chosen: ReportFilter) -> list[dict[str, Any]]:
    """How many reports of each status there are, in groups. Raises BadRequest where these are too many."""
    return _grouped(cursor, by, f"count(*) AS reports, {_COUNTS}", chosen.conditions())


def by_moment(
    cursor: duckdb.DuckDBPyConnection, unit: Literal["hour", "minute"], chosen: ReportFilter
) -> list[dict[str, Any]]:
    """How many reports of each status were sent in each hour or minute, which is its `begins`."""
    condition = where(chosen.conditions())
    return dictionaries(
        cursor,
        f"SELECT date_trunc('{unit}', sent_at) AS begins, count(*) AS reports, {_COUNTS} FROM reports {condition.sql} "
        "GROUP BY begins",
        condition.values,
    )


def added_up(groups: Sequence[dict[str, Any]]) -> dict[str, int]:
    """The counts of all of them: every report is in one group."""
    return {name: sum(group[name] for group in groups) for name in COUNTS}


def alarms(cursor: duckdb.DuckDBPyConnection, chosen: ReportFilter) -> dict[str, Any]:
    """Of the missing ones: how many alarms are open, and how many somebody closed, by outcome."""
    condition = where([*chosen.conditions(), Condition("status = 'missing'")])
    found = cursor.execute(
        f"SELECT outcome, count(*) FROM reports {condition.sql} GROUP BY outcome ORDER BY outcome", condition.values
    ).fetchall()
    return {"open": dict(found).get(None, 0), "closed": {outcome: n for outcome, n in found if outcome is not None}}


def confirmation_times(
    cursor: duckdb.DuckDBPyConnection, by: Sequence[By], chosen: ReportFilter
) -> list[dict[str, Any]]:
    """How long it took from sent to the arrival of the proof, in groups. Raises BadRequest where these are too many."""
    conditions = [*chosen.conditions(), Condition("confirmation_seconds IS NOT NULL")]
    return _grouped(cursor, by, f"count(*) AS confirmed, {_QUANTILES}", conditions)


def _grouped(
    cursor: duckdb.DuckDBPyConnection, by: Sequence[By], what: str, conditions: Sequence[Condition]
) -> list[dict[str, Any]]:
    condition = where(conditions)
    columns = "".join(f"{expression} AS {name}, " for name, expression in grouping(by))
    tail = f"GROUP BY ALL ORDER BY ALL LIMIT {MOST_COUNTED_GROUPS + 1}" if columns else ""
    groups = dictionaries(cursor, f"SELECT {columns}{what} FROM reports {condition.sql} {tail}", condition.values)
    ensure_few(groups, MOST_COUNTED_GROUPS)
    return groups


def ensure_few(groups: Sequence[Any], most: int) -> None:
    """Raise BadRequest where these groups are more than `most`."""
    if len(groups) > most:
        raise BadRequest("too-many-groups", "These are too many groups: filter, or group by less.", "by")


_WITH_ID = "WHERE report_id = CAST(? AS UUID)"
ONE_REPORT = f"SELECT {REPORTS.json()} FROM {REPORTS.of(few_rows('reports', _WITH_ID))}"
ITS_EVENTS = f'SELECT * FROM {few_rows("announcements", _WITH_ID)} ORDER BY "offset"'


def report(cursor: duckdb.DuckDBPyConnection, report_id: str) -> tuple[str, list[dict[str, Any]]] | None:
    """One report as JSON text and its announcements; None if there is none."""
    found = cursor.execute(ONE_REPORT, [report_id]).fetchall()
    return (found[0][0], dictionaries(cursor, ITS_EVENTS, [report_id])) if found else None


def announcement_listing(order: str, conditions: Sequence[Condition]) -> Listing:
    """Announcements, in the order in which they were made."""
    identity = ("lpad(CAST(\"partition\" AS VARCHAR), 6, '0')", "lpad(CAST(\"offset\" AS VARCHAR), 19, '0')")
    return Listing(ANNOUNCEMENTS, "announcements", order, identity, tuple(conditions))


def books(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """The books by receiver, and whether they balance."""
    return dictionaries(
        cursor,
        "SELECT b.municipality, m.name AS municipality_name, b.* EXCLUDE municipality FROM balance b "
        "LEFT JOIN municipalities m ON m.code = b.municipality ORDER BY b.municipality NULLS LAST",
    )


def partitions(cursor: duckdb.DuckDBPyConnection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Coverage by partition, and the losses."""
    coverage = dictionaries(cursor, 'SELECT * FROM coverage ORDER BY "partition"')
    losses = dictionaries(cursor, "SELECT * FROM losses ORDER BY since, topic, from_offset")
    return coverage, losses


def without_counts(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Confirmation times for who may see no single report: of many reports only, and not of how many.

    Taken from how many were sent, their number would tell how many are missing.
    """
    return [group | {"confirmed": None} for group in groups if group["confirmed"] >= LEAST_MEASURED]
