"""What was announced last, as an Atom feed: for whoever wants to be told and reads feeds."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request, Response

from streams.presentation.municipality_names import municipality_names
from streams.view.http.api import EventFilter
from streams.view.page.addresses import PREFIXES
from streams.view.page.render import page, reader_of
from streams.view.queries import queries
from streams.view.responses import seat_of

MEDIA_TYPE = "application/atom+xml"
ENTRIES = 50

router = APIRouter(include_in_schema=False)


class FeedQuery(EventFilter):
    """Whose announcements, which, and in which zone their times are told."""

    utc: bool = False


async def atom(request: Request, query: Annotated[FeedQuery, Query()]) -> Response:
    """The last announcements, the latest first. What comes too fast for whoever asks now and then is in the API."""
    seat, reader = seat_of(request), reader_of(request)
    seat.ensure_rows()
    seat.within_reach(*query.receiver)
    listing = queries.announcement_listing("-recorded_at", query.conditions())
    answer = await seat.answer(
        ("atom", query.model_dump_json()), lambda cursor: queries.page(cursor, listing, ENTRIES, None)
    )
    await seat.record("read_events", answer.found.report_ids(), request.url.query)
    return await page(
        request, reader, "events.atom", answer, media_type=MEDIA_TYPE,
        events=[orjson.loads(row) for row in answer.found.rows], receivers=query.receiver, kinds=query.type,
        place=", ".join(municipality_names().get(code, code) for code in query.receiver),
    )  # fmt: skip


for _prefix in PREFIXES:
    router.add_api_route(f"{_prefix}/events.atom", atom, response_class=Response)
