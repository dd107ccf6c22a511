"""How it has gone over time, in pictures, each with its table."""

from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from streams.presentation.times import norwegian_day
from streams.view.lookups import published_of
from streams.view.page.addresses import on
from streams.view.page.pictures import heat_map, months_picture
from streams.view.page.render import page, reader_of
from streams.view.queries.trends import Rate, Trends, every_month, rates, trends, worst_first
from streams.view.responses import seat_of
from streams.view.session import Seat

router = APIRouter(include_in_schema=False)
everywhere = on(router)


@everywhere("/trends")
async def show_trends(request: Request) -> Response:
    """Rates by month, case system and version; receivers by months; how soon what was missing was found."""
    seat, reader = seat_of(request), reader_of(request)
    if not seat.shows_rows:
        return await _published(request, seat)
    watch = await seat.watch(reader.now)
    kept = norwegian_day(watch.kept_since) + timedelta(days=1)
    answer = await seat.answer(("trends", kept), lambda cursor: trends(cursor, kept))
    found: Trends = answer.found
    months = [rate.of[0] for rate in found.months]
    unseen = {month for month in months if watch.refusal_of(month, reader.now)}
    return await page(
        request, reader, "trends.html", answer,
        months=found.months, withheld=False, rates=_rates(found.months, unseen),
        versions=found.versions, highest=_highest(found.versions), trends=found,
        version_map=heat_map(found.version_months, months), receiver_map=heat_map(found.receivers, months),
    )  # fmt: skip


async def _published(request: Request, seat: Seat) -> Response:
    """Of the counts that are published; a rate of what is hidden is hidden."""
    answer, reader = await published_of(seat), reader_of(request)
    tables, erased = answer.found.tables, norwegian_day((await seat.watch(reader.now)).kept_since)
    known = rates((row for row in tables["month"] if row["month"] is not None), ("month",))
    months = every_month([one for one in known if one.of[0] > erased])
    # Those of a version are of all times: of what is erased in part there is no rate.
    whole = all(one.of[0] > erased for one in known)
    versions = rates(tables["version"], ("case_system", "case_system_version")) if known and whole else []
    return await page(
        request, reader, "trends.html", answer,
        months=months, rates=_rates(months, set()), versions=worst_first(versions), highest=_highest(versions),
        trends=None, withheld=not known and answer.found.total["reports"] != 0,
    )  # fmt: skip


def _rates(months: list[Rate], unseen: set[date]) -> Any:
    return months_picture([{"month": one.of[0], "rate": one.per_thousand, "of": one} for one in months], unseen, "rate")


def _highest(versions: list[Rate]) -> float:
    """The longest bar: of those of which so few were sent that the rate tells little there is none."""
    return max((one.per_thousand or 0.0 for one in versions if not one.few), default=0.0)
