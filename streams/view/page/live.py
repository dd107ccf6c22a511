"""A stream that says when the tables have changed, so that open pages ask again."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from streams.problems import Problem
from streams.view.responses import seat_of
from streams.view.session import Seat

TABLES_LOOK_SECONDS = 1.0
SAY_EVERY = 5  # looks: also when nothing has changed, so that a page that missed it asks again
# Then the browser asks again by itself, with a token that is still good.
LOOKS = 600
MOST_OPEN_PAGES = 300

router = APIRouter(include_in_schema=False)


@router.get("/live")
async def live(request: Request) -> Response:
    """Server-sent events `state`; the data changes with the tables."""
    seat = seat_of(request)
    if seat.desk.live >= MOST_OPEN_PAGES:
        raise Problem(
            "too-many-open", "Too many pages are open: ask again later.", status=HTTPStatus.SERVICE_UNAVAILABLE
        )
    return StreamingResponse(_states(seat), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _states(seat: Seat) -> AsyncIterator[bytes]:
    said, quiet = "", 0
    seat.desk.live += 1
    try:
        for _ in range(LOOKS):
            tag = seat.desk.store.tag
            if tag != said or quiet >= SAY_EVERY:
                said, quiet = tag, 0
                yield f"event: state\ndata: {tag}\n\n".encode()
            quiet += 1
            await asyncio.sleep(TABLES_LOOK_SECONDS)
    finally:
        seat.desk.live -= 1
