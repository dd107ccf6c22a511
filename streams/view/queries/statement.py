"""A receiver's statement for a month, for its internal control."""

import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import orjson
from pydantic import Field

from schemas.common import Closed, EventId, Municipality, WrittenTime
from schemas.outputs import Count
from streams.presentation.municipality_names import municipality_names
from streams.view.queries.filters import ReportFilter, where
from streams.view.queries.queries import dictionaries, summary
from streams.view.store.freshness import Picture
from streams.view.store.tables import STATUSES

MONTH = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"


class Statement(Closed):
    """What was sent to a receiver in one month (by days in Norway), and what has become of it."""

    municipality: Municipality = Field(description="Today's number; reports under former numbers are in it.")
    municipality_name: str | None
    month: date = Field(description="Its first day.")
    month_is_over: bool
    complete_until: WrittenTime | None = Field(description="It speaks of everything that arrived before.")
    in_order: bool = Field(description="True if nothing stood in the way: the picture was whole when it was made.")
    made_at: WrittenTime
    sent: Count
    pending: Count
    stored: Count
    missing: Count
    recovered: Count
    unproven: Count
    undetermined: Count
    missing_reports: list[EventId]
    recovered_reports: list[EventId]


class StatementAnswer(Closed):
    """A statement and its checksum."""

    statement: Statement
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Of `statement` as JSON with sorted keys and without spaces (UTF-8)."
    )


def counted(cursor: duckdb.DuckDBPyConnection, municipality: str, month: date) -> dict[str, Any]:
    """The numbers of a statement, and the reports that are or were missing."""
    chosen = ReportFilter(receiver=[municipality], day_from=month, day_to=last_day(month))
    (row,) = summary(cursor, (), chosen)
    numbers = {"sent": row["reports"], **{status: row[status] for status in STATUSES if status != "unexpected"}}
    return numbers | {f"{status}_reports": _ids(cursor, chosen, status) for status in ("missing", "recovered")}


def _ids(cursor: duckdb.DuckDBPyConnection, chosen: ReportFilter, status: str) -> list[str]:
    condition = where(chosen.model_copy(update={"status": [status]}).conditions())
    rows = dictionaries(
        cursor, f"SELECT report_id FROM reports {condition.sql} ORDER BY alarm_at, report_id", condition.values
    )
    return [str(row["report_id"]) for row in rows]


def statement(
    municipality: str, month: date, numbers: dict[str, Any], picture: Picture, now: datetime, today: date
) -> Statement:
    """The statement as it is given out at `now`; `today` is the day in Norway."""
    return Statement(
        municipality=municipality,
        municipality_name=municipality_names().get(municipality),
        month=month,
        month_is_over=last_day(month) < today,
        complete_until=picture.complete_until,
        in_order=picture.whole,
        made_at=now,
        **numbers,
    )


def signed(of: Statement) -> dict[str, Any]:
    """As a file: the statement and its checksum."""
    value = of.model_dump(mode="json")
    return {"statement": value, "sha256": hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()}


def first_day(month: str) -> date:
    """The first day of a month that is written as `MONTH` says."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: date) -> date:
    """The last day of the month that begins on this day."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
