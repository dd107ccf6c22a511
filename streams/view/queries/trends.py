"""How it has gone over time: how many of those sent were announced missing, where, and how soon they were found.

Announced are those that are missing and those that were found since: a rate that fell when one is found would comfort.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple, get_args

import duckdb

from streams.view.queries import queries
from streams.view.queries.filters import ReportFilter

MOST_MONTHS, MOST_RECEIVERS = 36, 30
# Of fewer than these a rate tells little: they come last.
FEW_SENT = 20
Found = Literal["hour", "six_hours", "day", "three_days", "week", "month", "longer"]
_FOUND_HOURS: Mapping[Found, int] = {"hour": 1, "six_hours": 6, "day": 24, "three_days": 72, "week": 168, "month": 720}
_LONGEST: Found = "longer"
_ANNOUNCED = "status IN ('missing', 'recovered')"


class Rate(NamedTuple):
    """Of what, how many were sent, and how many of them announced missing; None is a number that is hidden."""

    of: tuple[Any, ...]
    sent: int | None
    announced: int | None

    @property
    def per_thousand(self) -> float | None:
        """Announced missing of a thousand sent; None where that is not known."""
        if self.announced is None or not self.sent:
            return None
        return _per_thousand(self.announced, self.sent)

    @property
    def few(self) -> bool:
        """True where one more or less changes everything."""
        return self.sent is not None and self.sent < FEW_SENT


class FoundTimes(NamedTuple):
    """How many were found within which time after their alarm, and half of them within how many seconds."""

    numbers: Mapping[Found, int]
    half_seconds: float | None


class Trends(NamedTuple):
    """`receivers`: announced by today's number and month, those with most first; `others`: how many more there are."""

    months: list[Rate]
    versions: list[Rate]
    version_months: Mapping[tuple[Any, ...], Mapping[date, float]]
    receivers: Mapping[str | None, Mapping[date, float]]
    others: int
    found: FoundTimes


def _per_thousand(announced: int, sent: int) -> float:
    """As many figures as tell rates apart, be they large or small."""
    rate = 1000 * announced / sent
    return round(rate, 1 if rate >= 10 else 2)


def rates(groups: Iterable[Mapping[str, Any]], by: Sequence[str]) -> list[Rate]:
    """Of groups with their counts. What was stored without a known sending was not sent."""
    return [Rate(tuple(row[name] for name in by), _less(row), _both(row)) for row in groups]


def _less(row: Mapping[str, Any]) -> int | None:
    """How many were sent: where how many were not is hidden, all that are known."""
    return None if row["reports"] is None else row["reports"] - (row["unexpected"] or 0)


def _both(row: Mapping[str, Any]) -> int | None:
    return None if None in (row["missing"], row["recovered"]) else row["missing"] + row["recovered"]


def worst_first(versions: Iterable[Rate]) -> list[Rate]:
    """The highest rate first; those of which few were sent, or of which it is not known, last."""
    return sorted(versions, key=lambda one: (one.few, -(one.per_thousand or 0), -(one.sent or 0), str(one.of)))


def every_month(months: Sequence[Rate]) -> list[Rate]:
    """From the first to the last, also those in which nothing was sent; no more than are shown."""
    found = {one.of[0]: one for one in months}
    if not found:
        return []
    first, last = (day.year * 12 + day.month - 1 for day in (min(found), max(found)))
    days = [date(n // 12, n % 12 + 1, 1) for n in range(max(first, last - MOST_MONTHS + 1), last + 1)]
    return [found.get(day) or Rate((day,), 0, 0) for day in days]


def trends(cursor: duckdb.DuckDBPyConnection, kept: date) -> Trends:
    """All of one moment, of what was sent since the day from which all is kept.

    Before it those that were stored are erased and those that are missing are not: a rate of these would be too high.
    """
    still = ReportFilter(day_from=kept)
    months = every_month(rates(queries.summary(cursor, ("month",), still), ("month",)))
    first = max(kept, months[0].of[0]) if months else date.max
    systems: tuple[queries.By, ...] = ("case_system", "case_system_version")
    versions = rates(queries.summary(cursor, systems, still), systems)
    receivers = _receivers(cursor, first)
    return Trends(
        months,
        worst_first(one for one in versions if one.sent),
        _version_months(cursor, first),
        dict(list(receivers.items())[:MOST_RECEIVERS]),
        max(0, len(receivers) - MOST_RECEIVERS),
        _found(cursor),
    )


_MONTH = "CAST(date_trunc('month', sent_day) AS DATE)"


def _version_months(cursor: duckdb.DuckDBPyConnection, first: date) -> dict[tuple[Any, ...], dict[date, float]]:
    """A thousand times the share of what was sent, of versions of which any was announced; the worst first."""
    found = cursor.execute(
        f"""SELECT case_system, case_system_version, {_MONTH} AS month, count(*) FILTER ({_ANNOUNCED}) AS announced,
            count(*) AS sent,
            sum(count(*) FILTER ({_ANNOUNCED})) OVER (PARTITION BY case_system, case_system_version) AS in_all
        FROM reports WHERE sent_day >= ? GROUP BY case_system, case_system_version, month QUALIFY in_all > 0
        ORDER BY in_all DESC, case_system, case_system_version, month LIMIT {MOST_MONTHS * MOST_RECEIVERS}""",
        [first],
    ).fetchall()
    by_version: dict[tuple[Any, ...], dict[date, float]] = {}
    for system, version, month, announced, sent, _ in found:
        by_version.setdefault((system, version), {})[month] = _per_thousand(announced, sent)
    return by_version


def _receivers(cursor: duckdb.DuckDBPyConnection, first: date) -> dict[str | None, dict[date, float]]:
    found = cursor.execute(
        f"""SELECT municipality_today, {_MONTH} AS month, count(*) AS announced,
            sum(count(*)) OVER (PARTITION BY municipality_today) AS in_all
        FROM reports WHERE {_ANNOUNCED} AND sent_day >= ? GROUP BY municipality_today, month
        ORDER BY in_all DESC, municipality_today, month""",
        [first],
    ).fetchall()
    by_receiver: dict[str | None, dict[date, float]] = {}
    for municipality, month, announced, _ in found:
        by_receiver.setdefault(municipality, {})[month] = announced
    return by_receiver


def _found(cursor: duckdb.DuckDBPyConnection) -> FoundTimes:
    """From the alarm to the arrival of the proof."""
    cases = " ".join(f"WHEN hours < {hours} THEN '{name}'" for name, hours in _FOUND_HOURS.items())
    rows = cursor.execute(
        f"""SELECT CASE {cases} ELSE '{_LONGEST}' END AS within, count(*), any_value(half) FROM (
            SELECT (epoch(recovered_at) - epoch(alarm_at)) / 3600 AS hours, median(hours) OVER () * 3600 AS half
            FROM reports WHERE status = 'recovered' AND recovered_at IS NOT NULL AND alarm_at IS NOT NULL
        ) GROUP BY within"""
    ).fetchall()
    numbers = {within: number for within, number, _ in rows}
    return FoundTimes(
        {name: numbers.get(name, 0) for name in get_args(Found)} if numbers else {}, rows[0][2] if rows else None
    )


def allowances(cursor: duckdb.DuckDBPyConnection) -> dict[tuple[str | None, date], float]:
    """How many seconds a case system's reports had, as a rule, by the month in which they were sent."""
    found = cursor.execute(
        f"""SELECT case_system, {_MONTH} AS month, median(epoch(due_at) - epoch(sent_at))
        FROM reports WHERE due_at IS NOT NULL AND sent_day IS NOT NULL GROUP BY ALL"""
    ).fetchall()
    return {(system, month): seconds for system, month, seconds in found}
