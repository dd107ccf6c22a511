"""The search in the head of every page: it leads to the one thing that is meant, or to a page of what may be."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from streams.view.page.addresses import on
from streams.view.page.render import page, reader_of
from streams.view.queries import queries
from streams.view.queries.search import MOST_HITS, Hits, name_meant, numbers_called, search
from streams.view.responses import seat_of
from streams.view.session import Seat

MOST_SEARCH_CHARACTERS = 64

router = APIRouter(include_in_schema=False)
everywhere = on(router)


@everywhere("/find")
async def find(request: Request) -> Response:
    """What was written leads to a municipality's home or a report's page, or to the hits."""
    seat, reader = seat_of(request), reader_of(request)
    text = dict(reader.here.pairs).get("q", "").strip()[:MOST_SEARCH_CHARACTERS]
    coverage = await seat.answer("coverage", queries.partitions)
    hits = await _hits(seat, text)
    path = _where(seat, hits)
    if path is not None:
        address = reader.here.to(path[0], path[1])
        return Response(status_code=HTTPStatus.SEE_OTHER, headers={"Location": address})
    nothing = bool(text) and not hits.municipalities and not hits.reports
    likely = name_meant(text) if nothing else None
    if likely is not None and not any(map(seat.reach.has, numbers_called(likely))):
        likely = None
    return await page(
        request, reader, "find.html", coverage, kept=False, text=text, hits=hits, most=MOST_HITS, likely=likely
    )


async def _hits(seat: Seat, text: str) -> Hits:
    """What is found within reach. That a report is there is told by leading to it: so it is recorded before."""
    if not text:
        return Hits([], None, [])
    if not seat.shows_rows:
        return search(None, text, seat.reach.has)
    answer = await seat.answer(("find", text), lambda cursor: search(cursor, text, seat.reach.has))
    hits: Hits = answer.found
    if hits.reports:
        await seat.record("list", [row["report_id"] for row in hits.reports], text)
    return hits


def _where(seat: Seat, hits: Hits) -> tuple[str, list[tuple[str, str]]] | None:
    if hits.only_municipality is not None:
        if seat.shows_rows:
            return f"/receivers/{hits.only_municipality}", []
        return "/receivers", [("q", hits.only_municipality)]
    return (f"/reports/{hits.only_report}", []) if hits.only_report is not None else None
