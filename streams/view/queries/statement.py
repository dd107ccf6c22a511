"""A receiver's statement for a month, for its internal control."""

import hashlib
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any, NamedTuple

import duckdb
import orjson
from pydantic import Field

from schemas.common import ClosedModel, Count, EventId, Municipality, WrittenTime
from streams.presentation.municipality_names import municipality_names
from streams.presentation.times import norwegian_day
from streams.problems import Problem
from streams.view.queries.filters import ReportFilter, where
from streams.view.queries.grounds import Refusal, Says, Watch, says_of
from streams.view.queries.queries import dictionaries, summary
from streams.view.store.freshness import Picture
from streams.view.store.tables import STATUSES

REFUSED: dict[Refusal, str] = {
    "not_begun": "This month has not begun: there is nothing to state of it yet.",
    "not_watched": "The checker has not watched the whole of this month: nothing can be certified of it.",
    "erased": "Reports of this month may be erased after their keeping time: nothing can be certified of it any more.",
}
MONTH = r"^20[0-9]{2}-(0[1-9]|1[0-2])$"


class Statement(ClosedModel):
    """What was sent to a receiver in one month (by days in Norway), and what has become of it."""

    municipality: Municipality = Field(description="Today's number; reports under former numbers are in it.")
    municipality_name: str | None
    month: date = Field(description="Its first day.")
    month_is_over: bool
    sent: Count
    pending: Count
    stored: Count
    missing: Count
    recovered: Count
    unproven: Count
    undetermined: Count
    missing_reports: list[EventId] = Field(description="All of them, whatever became of their alarms.")
    closed_reports: dict[str, list[EventId]] = Field(
        description="Those of the missing ones whose alarm somebody closed, by outcome. None of them was proven stored."
    )
    recovered_reports: list[EventId]


class StatementMade(ClosedModel):
    """When a statement was given out, and of which picture: no part of what it says."""

    made_at: WrittenTime
    complete_until: WrittenTime | None = Field(description="It speaks of everything that arrived before.")
    in_order: bool = Field(description="True if nothing stood in the way: the picture was whole, to the month's end.")
    says: Says = Field(description="What may be said of the month's reports as they are known.")


class StatementAnswer(ClosedModel):
    """A statement and its checksum, which is the same as long as what it says is."""

    statement: Statement
    made: StatementMade
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="Of `statement` as JSON with sorted keys and without spaces (UTF-8)."
    )


class Stated(NamedTuple):
    """The numbers and ids of a statement, and the rows of these ids, all of one moment."""

    numbers: dict[str, Any]
    rows: dict[str, dict[str, Any]]


def stated(cursor: duckdb.DuckDBPyConnection, municipality: str, month: date) -> Stated:
    """Both from one answer: of two, one might name a report that the other does not know."""
    return Stated(_counted(cursor, municipality, month), _rows(cursor, municipality, month))


def _counted(cursor: duckdb.DuckDBPyConnection, municipality: str, month: date) -> dict[str, Any]:
    """The numbers of a statement, and the reports that are or were missing."""
    chosen = ReportFilter(receiver=[municipality], day_from=month, day_to=last_day(month))
    (row,) = summary(cursor, (), chosen)
    numbers = {"sent": row["reports"], **{status: row[status] for status in STATUSES if status != "unexpected"}}
    condition = where(chosen.model_copy(update={"status": ["missing", "recovered"]}).conditions())
    found = cursor.execute(
        "SELECT CAST(report_id AS VARCHAR), CAST(status AS VARCHAR), outcome FROM reports "
        f"{condition.sql} ORDER BY alarm_at, report_id",
        condition.values,
    ).fetchall()
    closed: dict[str, list[str]] = {}
    for report_id, status, outcome in found:
        if status == "missing" and outcome is not None:
            closed.setdefault(outcome, []).append(report_id)
    reports = {f"{one}_reports": [id_ for id_, status, _ in found if status == one] for one in ("missing", "recovered")}
    return numbers | reports | {"closed_reports": closed}


def _rows(cursor: duckdb.DuckDBPyConnection, municipality: str, month: date) -> dict[str, dict[str, Any]]:
    """Of the reports that a statement names, by id: when they were sent, where to and why they were announced."""
    chosen = ReportFilter(receiver=[municipality], day_from=month, day_to=last_day(month))
    condition = where(chosen.model_copy(update={"status": ["missing", "recovered"]}).conditions())
    rows = dictionaries(
        cursor,
        "SELECT CAST(report_id AS VARCHAR) AS report_id, sent_at, district, CAST(reason AS VARCHAR) AS reason, "
        f"recovered_at FROM reports {condition.sql}",
        condition.values,
    )
    return {row["report_id"]: row for row in rows}


def statement(municipality: str, month: date, numbers: dict[str, Any], today: date) -> Statement:
    """What it says; `today` is the day in Norway."""
    return Statement(
        municipality=municipality,
        municipality_name=municipality_names().get(municipality),
        month=month,
        month_is_over=last_day(month) < today,
        **numbers,
    )


def signed(of: Statement, picture: Picture, now: datetime) -> StatementAnswer:
    """As it is given out at `now`: with its checksum, and beside it what differs each time."""
    value = orjson.dumps(of.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)
    until = picture.complete_until
    in_order = (
        picture.whole and until is not None and not (of.month_is_over and norwegian_day(until) <= last_day(of.month))
    )
    says = says_of(picture, of.model_dump() | {"reports": of.sent})
    if says == "confirmed" and not in_order:
        says = "behind"
    made = StatementMade(made_at=now, complete_until=until, in_order=in_order, says=says)
    return StatementAnswer(statement=of, made=made, sha256=hashlib.sha256(value).hexdigest())


def ensure_watched(watch: Watch, month: date, now: datetime) -> None:
    """Raise Problem for a month of which nothing can be certified."""
    refusal = watch.refusal_of(month, now)
    if refusal is not None:
        raise Problem(f"month-{refusal.replace('_', '-')}", REFUSED[refusal], "month", status=HTTPStatus.CONFLICT)


def first_day(month: str) -> date:
    """The first day of a month that is written as `MONTH` says."""
    return date.fromisoformat(f"{month}-01")


def last_day(month: date) -> date:
    """The last day of the month that begins on this day."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
