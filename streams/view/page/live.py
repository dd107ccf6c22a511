"""A stream that says when the tables have changed, so that open pages ask again."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response

from streams.view.responses import TurnedStream, seat_of
from streams.view.session import Seat

TABLES_LOOK_SECONDS = 1.0
SAY_EVERY = 5  # looks: also when nothing has changed, so that a page that missed it asks again
# Then the browser asks again by itself, with a token that is still good.
LOOKS = 600

router = APIRouter(include_in_schema=False)


@router.get("/live")
async def live(request: Request) -> Response:
    """Server-sent events `state`; the data changes with the tables."""
    seat = seat_of(request)
    turn = seat.desk.open_pages.turn(seat.sharer)
    headers = {"Cache-Control": "no-store"}
    return TurnedStream(_states(seat), turn, _nothing, media_type="text/event-stream", headers=headers)


async def _nothing() -> None:
    """That the tables change tells of no report."""


async def _states(seat: Seat) -> AsyncIterator[bytes]:
    said, quiet = "", 0
    for _ in range(LOOKS):
        tag = seat.desk.store.tag
        if tag != said or quiet >= SAY_EVERY:
            said, quiet = tag, 0
            yield f"event: state\ndata: {tag}\n\n".encode()
        quiet += 1
        await asyncio.sleep(TABLES_LOOK_SECONDS)
