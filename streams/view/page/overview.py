"""What the overview and the lists show: the numbers of the sentence, the last thirty days, a page of rows, facets."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal, NamedTuple

import duckdb
import orjson

from streams.presentation.municipality_names import named
from streams.view.queries import queries
from streams.view.queries.filters import ALARM, Condition, Cursor, ReportFilter, where
from streams.view.queries.grounds import Watch
from streams.view.queries.missing_now import ReceiverMissing, by_receiver
from streams.view.queries.search import numbers_called

DAYS_SHOWN = 30
LIST_ROWS = 50
FACET_VALUES = 10
EVERYTHING = ReportFilter()
# Facet, and the column whose values it counts.
FACETS = {
    "status": "status",
    "alarm": ALARM,
    "outcome": "outcome",
    "reason": "reason",
    "receiver": "municipality_today",
    "channel": "channel",
    "case_system": "case_system",
    "case_system_version": "case_system_version",
}


Unit = Literal["minute", "hour"]
MINUTES_UNTIL, HOURS_UNTIL = timedelta(minutes=30), timedelta(days=7)
_STEPS: Mapping[Unit, tuple[timedelta, int]] = {
    "minute": (timedelta(minutes=1), 30), "hour": (timedelta(hours=1), 24),
}  # fmt: skip


class Standing(NamedTuple):
    """How things stand: counts by status, since when the oldest missing report is missing, and the last days.

    `alarms`: of those missing, as `queries.alarms` counts them; None where that is not shown.
    """

    counts: dict[str, int | None]
    oldest: datetime | None
    days: list[dict[str, Any]]
    alarms: dict[str, Any] | None = None


class Listed(NamedTuple):
    """A page of a list: its rows, how many there are in all, the next page's cursor, and the facets' counts."""

    rows: list[dict[str, Any]]
    total: int
    following: str | None
    facets: dict[str, list[tuple[str, int]]]


def standing(cursor: duckdb.DuckDBPyConnection, today: date, chosen: ReportFilter = EVERYTHING) -> Standing:
    """How things stand, with the thirty days that end today."""
    (counts,) = queries.summary(cursor, (), chosen)
    missing = where([*chosen.conditions(), Condition("status = 'missing'")])
    ((oldest,),) = cursor.execute(f"SELECT min(alarm_at) FROM reports {missing.sql}", missing.values).fetchall()
    first = today - timedelta(days=DAYS_SHOWN - 1)
    last_days = chosen.model_copy(update={"day_from": first, "day_to": today})
    found = {row["day"]: row for row in queries.summary(cursor, ("day",), last_days)}
    days = [first + timedelta(days=n) for n in range(DAYS_SHOWN)]
    none = dict.fromkeys(queries.COUNTS, 0)
    filled = [found.get(day) or {"day": day} | none for day in days]
    return Standing(counts, oldest, filled, queries.alarms(cursor, chosen))


class Moments(NamedTuple):
    """The last hours or minutes, in place of days: rows of what was sent in each, with its `begins` and `ends`."""

    unit: Unit
    rows: list[dict[str, Any]]


def unit_of(watch: Watch, now: datetime) -> Unit | None:
    """In what the watch is told while it is too short for days; None where days will do, or it is not known."""
    watched = now - watch.since if watch.since is not None else HOURS_UNTIL
    return "minute" if watched < MINUTES_UNTIL else "hour" if watched < HOURS_UNTIL else None


def moments(cursor: duckdb.DuckDBPyConnection, unit: Unit, now: datetime, chosen: ReportFilter = EVERYTHING) -> Moments:
    """The hours or minutes that end with this one; `now` is to the minute."""
    step, number = _STEPS[unit]
    last = now if unit == "minute" else now.replace(minute=0)
    first = last - (number - 1) * step
    sent = chosen.model_copy(update={"sent_from": first.isoformat(), "sent_to": (last + step).isoformat()})
    found = {row["begins"]: row for row in queries.by_moment(cursor, unit, sent)}
    none = dict.fromkeys(queries.COUNTS, 0)
    begins = [first + n * step for n in range(number)]
    return Moments(unit, [{"begins": at, "ends": at + step, **found.get(at, none)} for at in begins])


class Lead(NamedTuple):
    """What the overview begins with. `recent`: where the watch is too short for days."""

    standing: Standing
    receivers: list[ReceiverMissing]
    recent: Moments | None


def lead(cursor: duckdb.DuckDBPyConnection, today: date, now: datetime, unit: Unit | None) -> Lead:
    """All of one moment; `now` is to the minute."""
    recent = moments(cursor, unit, now) if unit else None
    return Lead(standing(cursor, today), by_receiver(cursor, now), recent)


def listed(cursor: duckdb.DuckDBPyConnection, chosen: ReportFilter, order: str, at: Cursor | None) -> Listed:
    """One page of the reports that a filter lets through."""
    page = queries.page(cursor, queries.report_listing(chosen, order), LIST_ROWS, at)
    condition = where(chosen.conditions())
    ((total,),) = cursor.execute(f"SELECT count(*) FROM reports {condition.sql}", condition.values).fetchall()
    facets = {name: _facet(cursor, chosen, name, column) for name, column in FACETS.items()}
    return Listed([orjson.loads(row) for row in page.rows], total, page.following, facets)


def _facet(cursor: duckdb.DuckDBPyConnection, chosen: ReportFilter, name: str, column: str) -> list[tuple[str, int]]:
    """The commonest values among the reports that all the other filters let through, and those that are chosen."""
    others = chosen.model_copy(update={name: []}).conditions()
    condition = where([*others, Condition(f"{column} IS NOT NULL")])
    found = cursor.execute(
        f"SELECT CAST({column} AS VARCHAR) AS value, count(*) AS number FROM reports {condition.sql} "
        "GROUP BY value ORDER BY number DESC, value",
        condition.values,
    ).fetchall()
    picked: Sequence[str] = getattr(chosen, name)
    return [pair for n, pair in enumerate(found) if n < FACET_VALUES or pair[0] in picked]


def receivers(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Counts by receiver under today's number, with name and county."""
    return with_names(queries.summary(cursor, ("receiver", "county"), ReportFilter()))


def with_names(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Counts by receiver as the page shows them."""
    return [dict(row, name=row["municipality_name"]) for row in named(rows)]


def searched(rows: Sequence[dict[str, Any]], q: str | None) -> list[dict[str, Any]]:
    """Those whose name, number, or a former name or number, a search is a part of."""
    if q is None:
        return list(rows)
    numbers = numbers_called(q)
    return [row for row in rows if row["municipality"] in numbers]
