"""What is missing now: where, and how long the portal still keeps its copies."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args

import duckdb

from streams.presentation.municipality_names import named
from streams.view.queries.filters import Condition, ReportFilter, where
from streams.view.queries.queries import dictionaries

# How long until the portal deletes its copy: it has, within a day, within three, within a week, later, not known.
Left = Literal["deleted", "day", "three_days", "week", "later", "unknown"]
LEFT: tuple[Left, ...] = get_args(Left)
_OPEN = Condition("outcome IS NULL")


class ReceiverMissing(NamedTuple):
    """What is missing with a receiver: `open` are those whose alarm nobody closed, and all times are of those.

    `oldest`: since when one is missing. `deletes`: when the portal deletes its first copy, of those that it still has.
    `deleted`: how many it has not.
    """

    municipality: str | None
    name: str | None
    missing: int
    open: int
    oldest: datetime | None
    deletes: datetime | None
    deleted: int


def to_the_minute(now: datetime) -> datetime:
    """So that an answer about days left is worked out once a minute, and not for everybody."""
    return now.replace(second=0, microsecond=0)


def by_receiver(cursor: duckdb.DuckDBPyConnection, now: datetime) -> list[ReceiverMissing]:
    """The most urgent ones first: whose copies are deleted soonest, then where most is missing."""
    found = dictionaries(
        cursor,
        """SELECT municipality_today AS municipality, count(*) AS missing,
            count(*) FILTER (outcome IS NULL) AS open, min(alarm_at) FILTER (outcome IS NULL) AS oldest,
            min(portal_deletes_at) FILTER (outcome IS NULL AND portal_deletes_at > ?) AS deletes,
            count(*) FILTER (outcome IS NULL AND portal_deletes_at <= ?) AS deleted
        FROM missing_now GROUP BY municipality_today""",
        [now, now],
    )
    rows = [
        ReceiverMissing(
            row["municipality"], row["municipality_name"],
            *(row[name] for name in ("missing", "open", "oldest", "deletes", "deleted")),
        )
        for row in named(found)
    ]  # fmt: skip
    return sorted(rows, key=_urgency)


def _urgency(row: ReceiverMissing) -> tuple[Any, ...]:
    soon = row.deletes.timestamp() if row.deletes else float("inf")
    return (not row.open, soon, -row.open, -row.missing, row.name or "", row.municipality or "")


def by_left(cursor: duckdb.DuckDBPyConnection, chosen: ReportFilter, now: datetime) -> dict[Left, int]:
    """How many are missing whose alarm is open, by how long the portal still keeps its copy; none that is 0."""
    conditions = [*chosen.conditions(), _OPEN]
    bounds = {"deleted": now, **{name: now + timedelta(days=days) for name, days in _DAYS.items()}}
    cases = " ".join(f"WHEN portal_deletes_at <= ? THEN '{name}'" for name in bounds)
    condition = where(conditions)
    found = dict(
        cursor.execute(
            f"SELECT CASE WHEN portal_deletes_at IS NULL THEN 'unknown' {cases} ELSE 'later' END AS kept, count(*) "
            f"FROM missing_now {condition.sql} GROUP BY kept",
            [*bounds.values(), *condition.values],
        ).fetchall()
    )
    return {name: found[name] for name in LEFT if name in found}


_DAYS: dict[str, int] = {"day": 1, "three_days": 3, "week": 7}


def urgent(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the API in the order in which the portal deletes them; what it has no time for comes last."""
    return sorted(rows, key=lambda row: (row["portal_deletes_at"] is None, row["portal_deletes_at"] or ""))
