"""The home of a municipality: what is missing with it and how urgent that is, its days, districts and months."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import duckdb
import orjson
from fastapi import APIRouter, Request, Response

from streams.data import municipalities
from streams.presentation.municipality_names import municipality_names
from streams.presentation.times import norwegian_day
from streams.view.page import overview
from streams.view.page.addresses import ensure_rows, known, on
from streams.view.page.pictures import MonthsPicture, months_picture
from streams.view.page.render import page, reader_of
from streams.view.queries import queries
from streams.view.queries.filters import ReportFilter
from streams.view.queries.grounds import Watch, says_of
from streams.view.queries.missing_now import Left, by_left, to_the_minute, urgent
from streams.view.responses import seat_of

MONTHS_SHOWN = 12
URGENT_ROWS = 50
NO_DISTRICTS = {None, "00"}

router = APIRouter(include_in_schema=False)
everywhere = on(router)


class Home(NamedTuple):
    """`left`: how many are missing by how long the portal keeps them; `urgent`: those that it deletes first."""

    standing: overview.Standing
    left: dict[Left, int]
    urgent: list[dict[str, Any]]
    districts: list[dict[str, Any]]
    months: list[dict[str, Any]]
    recent: overview.Moments | None


def home_of(
    cursor: duckdb.DuckDBPyConnection, municipality: str, today: date, now: datetime, unit: overview.Unit | None
) -> Home:
    """All of one moment; `unit`: where its watch is too short for days."""
    chosen = ReportFilter(receiver=[municipality])
    is_open = chosen.model_copy(update={"status": ["missing"], "alarm": ["open"]})
    rows = queries.page(cursor, queries.report_listing(is_open, "alarm_at"), URGENT_ROWS, None).rows
    groups = queries.summary(cursor, ("district", "month"), chosen)  # once through all rows
    districts = _together(groups, "district")
    return Home(
        overview.standing(cursor, today, chosen),
        by_left(cursor, chosen, now),
        urgent([orjson.loads(row) for row in rows]),
        districts if {row["district"] for row in districts} - NO_DISTRICTS else [],
        [row for row in _together(groups, "month") if row["month"] is not None],
        overview.moments(cursor, unit, now, chosen) if unit else None,
    )


def _together(groups: Sequence[dict[str, Any]], by: str) -> list[dict[str, Any]]:
    """Groups by one of what they are grouped by, in order; what has none comes last."""
    found: dict[Any, list[dict[str, Any]]] = {}
    for group in groups:
        found.setdefault(group[by], []).append(group)
    return [{by: key} | queries.added_up(found[key]) for key in sorted(found, key=lambda key: (key is None, key))]


@everywhere("/receivers/{municipality}")
async def receiver(request: Request, municipality: str) -> Response:
    """One receiver. Whose reports are listed is recorded, as in every list."""
    seat, reader = seat_of(request), reader_of(request)
    municipality = known(municipality, reader)
    seat.within_reach(municipality)
    ensure_rows(seat, reader)
    now, today = to_the_minute(reader.now), norwegian_day(reader.now)
    watch = await seat.watch(reader.now)
    unit = overview.unit_of(watch, reader.now)
    answer = await seat.answer(
        ("receiver", municipality, now, unit), lambda cursor: home_of(cursor, municipality, today, now, unit)
    )
    home: Home = answer.found
    if home.urgent:
        await seat.record("list", [row["report_id"] for row in home.urgent], f"receiver={municipality}")
    return await page(
        request, reader, "receiver.html", answer,
        municipality=municipality, name=municipality_names()[municipality], home=home, watch=watch,
        says=says_of(seat.picture(answer.coverage, reader.now), home.standing.counts),
        is_lead=seat.reach.receivers is not None, is_whole=seat.reach.has_whole(municipality),
        became=_became(municipality), picture_of_months=_picture(home, today, watch, reader.now),
        older=[row for row in home.months if row["month"] < _first_shown(today)][::-1],
    )  # fmt: skip


def _became(municipality: str) -> list[str]:
    """What a number was split into."""
    return [code for one in municipalities() if one.code == municipality for code in one.successors]


def _first_shown(today: date) -> date:
    """The first of the twelve months that end today."""
    before = today.year * 12 + today.month - MONTHS_SHOWN
    return date(before // 12, before % 12 + 1, 1)


def _picture(home: Home, today: date, watch: Watch, now: datetime) -> MonthsPicture:
    """The last twelve months, also those of which nothing is known."""
    first = _first_shown(today)
    months = [date(first.year + (first.month + n - 1) // 12, (first.month + n - 1) % 12 + 1, 1) for n in range(12)]
    found = {row["month"]: row for row in home.months}
    none = dict.fromkeys(queries.COUNTS, 0)
    rows = [found.get(month) or {"month": month} | none for month in months]
    return months_picture(rows, {month for month in months if watch.refusal_of(month, now)})
