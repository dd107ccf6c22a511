"""The view as a web application."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.access.grants import Grants, grants_of
from streams.health_paths import LIVE, METRICS, READY
from streams.memory import look_for_garbage_less_often
from streams.problems import Problem, ProblemDocument, invalid_request
from streams.view.http.api import router
from streams.view.http.authentication import STATIC, Gate
from streams.view.http.events import router as events
from streams.view.http.metrics import Measuring, Requests, show_metrics
from streams.view.http.sql_files import router as sql_files
from streams.view.page.atom import router as atom
from streams.view.page.find import router as find
from streams.view.page.home import router as homes
from streams.view.page.live import router as live
from streams.view.page.render import refusal, warm_up
from streams.view.page.routes import router as pages
from streams.view.page.trends import router as pictures
from streams.view.responses import problem_answer
from streams.view.services import Desk
from streams.view.store.freshness import coverage_of

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


def application(desk: Desk, failed: Callable[[BaseException], None], grants: Grants | None = None) -> FastAPI:
    """The API and the pages over one desk, which is started and stopped with it; `failed` as in `Desk.start`.

    `grants` are those of the desk's settings unless given. Raises ConfigurationError where these are not right.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warm_up()
        look_for_garbage_less_often()
        desk.start(failed)
        yield
        await desk.stop()

    app = FastAPI(
        title="meldingsvakt",
        summary="Which reports are missing, where, since when and why; and how far that can be trusted.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,  # to where the Host says
    )
    app.state.desk = desk
    app.state.requests = Requests()
    for answer, paths in ((_livez, LIVE), (_readyz, READY), (show_metrics, METRICS)):
        for path in paths:
            app.add_api_route(path, answer, include_in_schema=False)
    app.include_router(router)
    app.include_router(events)
    app.include_router(sql_files)
    app.include_router(pages)
    app.include_router(find)
    app.include_router(homes)
    app.include_router(pictures)
    app.include_router(atom)
    app.include_router(live)
    app.mount(
        "/static", StaticFiles(packages=[("streams.view.page", "static"), ("streams.presentation", "static")]), "static"
    )
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_middleware(Gate, desk=desk, grants=grants or grants_of(desk.settings), refuse=_refused)
    app.add_middleware(_Guard)
    app.add_middleware(Measuring, requests=app.state.requests)
    app.add_middleware(_Heads)
    return app


async def _livez() -> Response:
    return JSONResponse({"alive": True})  # that the event loop answers is the whole question


async def _readyz(request: Request) -> Response:
    """Ready to be asked: Kafka has been reached, and what there was has been read once."""
    desk: Desk = request.app.state.desk
    picture = desk.picture((await desk.answers.get("coverage", coverage_of)).found)
    reason = picture.behind if picture.behind in ("building", "kafka_unreachable") else None
    return JSONResponse({"ready": reason is None, "reason": reason}, status_code=503 if reason else 200)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _refused(request, error)


def _refused(request: Request, problem: Problem) -> Response:
    """To programs as a problem document, to people as a page."""
    if request.url.path.startswith("/api/"):
        return problem_answer(problem.document())
    return refusal(request, problem)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return _refused(request, invalid_request(list(error.errors())))


async def _http(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: unknown paths and methods."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = {
        404: "There is nothing at this address: /api/v1/openapi.json lists what there is.",
        405: f"{request.method} is not possible here: /api/v1/openapi.json says what is.",
    }.get(status, f"{status.phrase}.")
    kind = status.phrase.lower().replace(" ", "-")
    answer = _refused(request, Problem(kind, detail, status=status))
    answer.headers.update(error.headers or {})
    return answer


class _Heads:
    """HEAD is answered as GET, without the body: everywhere, also where a body comes piece by piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        ended = False

        async def sending(message: Message) -> None:
            nonlocal ended
            if message["type"] != "http.response.body":
                await send(message)
            elif not ended:
                ended = True  # then whoever makes more of it is told that nobody listens any more
                await send({"type": "http.response.body", "body": b""})

        await self._app(dict(scope, method="GET"), receive, sending)


class _BrokenOff(Exception):
    """An answer had begun when it failed: the server cuts the connection, so that nobody takes it for whole."""


class _Guard:
    """The one guard: what we did not foresee is logged with the route's template, and shows nothing.

    The framework's own would raise the error again for the server to log, with the values that are in it. Every answer
    tells browsers to take nothing from elsewhere, and to tell nobody an address of ours.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
            await _failed()(scope, receive, sending)


def _failed() -> Response:
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return problem_answer(
        ProblemDocument(
            type="urn:meldingsvakt:problem:failed",
            title=status.phrase,
            status=status,
            detail="The view failed to answer: try again, and if it stays so, tell who runs it the time of day.",
        )
    )
