"""How answers are sent: JSON with the picture in it, files with it in their headers, and an ETag on both."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

from fastapi import Request, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from streams.core.events import written
from streams.problems import MEDIA_TYPE
from streams.view.http.formats import as_json
from streams.view.session import Seat
from streams.view.store.cache import Answer
from streams.view.store.freshness import CoverageNow, Picture

PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}},
    }
    for code, text in (
        (400, "A bad cursor or query"),
        (401, "No token, or none that is good here"),
        (403, "Not within reach of this token's scopes, or of a view that shows counts only"),
        (404, "No such thing"),
        (406, "No such format"),
        (409, "A month of which nothing can be certified"),
        (422, "A parameter that is unknown or cannot be read"),
        (429, "More requests than one organisation's share"),
        (503, "Tokens cannot be checked, or it cannot be recorded who looks"),
    )
}


def seat_of(request: Request) -> Seat:
    """The seat of whoever asks, as the gate gave it."""
    seat: Seat = request.state.seat
    return seat


def headers_of(picture: Picture) -> dict[str, str]:
    """How far an answer can be trusted, for formats that have no place for it. Nobody on the way keeps one."""
    until = written(picture.complete_until) if picture.complete_until else "unknown"
    headers = {"X-Complete-Until": until, "Cache-Control": "private, no-store", "Vary": "Accept, Authorization"}
    if picture.behind:
        headers["X-Behind"] = picture.behind
    if picture.gaps:
        headers["X-Gap"] = picture.gaps[0].cause
    return headers


def json_answer(request: Request, answer: Answer | CoverageNow, **content: Any) -> Response:
    """JSON with the picture; 304 where the client has it already."""
    coverage = answer.coverage if isinstance(answer, Answer) else answer
    picture = seat_of(request).picture(coverage)
    body = as_json({"picture": picture.model_dump(mode="json")} | content)
    return tagged(request, body, "application/json", headers_of(picture))


def tagged(request: Request, body: bytes, media_type: str, headers: dict[str, str]) -> Response:
    """A body with its ETag; 304 where the client has it already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = headers | {"ETag": tag}
    if known(request, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def known(request: Request, tag: str) -> bool:
    """True if the client has what bears this tag already."""
    given = request.headers.get("if-none-match", "").strip()
    return given == "*" or tag in (one.strip().removeprefix("W/") for one in given.split(","))


class TurnedStream(StreamingResponse):
    """A stream that takes a turn while it lasts; `first` is done before it begins, when it has got one."""

    def __init__(
        self, content: Any, turn: AbstractContextManager[None], first: Callable[[], Awaitable[None]], **more: Any
    ) -> None:
        super().__init__(content, **more)
        self._turn, self._first = turn, first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._turn:
            await self._first()
            await super().__call__(scope, receive, send)
