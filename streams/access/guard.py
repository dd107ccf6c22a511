"""What every answer has: nothing for browsers to take from elsewhere, and no word of what failed."""

import logging
from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.access.doors import Door
from streams.access.gate import STATIC
from streams.problems import MEDIA_TYPE, Problem, ProblemDocument, invalid_request

SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
log = logging.getLogger(__name__)


class _BrokenOff(Exception):
    """An answer had begun when it failed: the server cuts the connection, so that nobody takes it for whole."""


class Guard:
    """The one guard: what we did not foresee is logged with the route's template, and shows nothing.

    The framework's own would raise the error again for the server to log, with the values that are in it. Every answer
    tells browsers to take nothing from elsewhere, and to tell nobody an address of ours.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith(STATIC):
                    headers.setdefault("Cache-Control", "private, no-store")
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if scope["type"] != "http":
                raise
            route = getattr(scope.get("route"), "path", "an unknown path")
            log.error("%s %s failed: %s", scope["method"], route, type(error).__name__)
            if begun:
                raise _BrokenOff(route) from None
            await _failed(self._door)(scope, receive, sending)


def _failed(door: Door) -> Response:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return problem_answer(
        ProblemDocument(
            type="urn:meldingsvakt:problem:failed",
            title=status.phrase,
            status=status,
            detail=f"The {door.name} failed to answer: try again; if it stays so, tell who runs it the time of day.",
        )
    )


def problem_answer(document: ProblemDocument) -> Response:
    """A problem document."""
    body = document.model_dump_json(exclude_none=True)
    return Response(body, status_code=document.status, media_type=MEDIA_TYPE)


def refuse_by(app: FastAPI, refused: Callable[[Request, Problem], Response], openapi: str) -> None:
    """Have every refusal of an application answered by one function, also what the framework refuses by itself."""

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return refused(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refused(request, invalid_request(list(error.errors()), openapi))

    async def by_framework(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        answer = refused(request, _of_framework(request, error, openapi))
        answer.headers.update(error.headers or {})
        return answer

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, by_framework)


def _of_framework(request: Request, error: HTTPException, openapi: str) -> Problem:
    """Unknown paths and methods."""
    status = HTTPStatus(error.status_code)
    detail = {
        404: f"There is nothing at this address: {openapi} lists what there is.",
        405: f"{request.method} is not possible here: {openapi} says what is.",
    }.get(status, f"{status.phrase}.")
    kind = status.phrase.lower().replace(" ", "-")
    return Problem(kind, detail, status=status)
