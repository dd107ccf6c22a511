"""The view as a web application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

from fastapi import FastAPI, Request, Response
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.access.doors import Door
from streams.access.gate import Gate
from streams.access.grants import Grants, grants_of
from streams.access.guard import Guard, problem_answer, refuse_by
from streams.access.measuring import Measuring, Requests
from streams.access.tokens import Visitor
from streams.health_paths import LIVE, METRICS, READY
from streams.memory import look_for_garbage_less_often
from streams.problems import Problem
from streams.settings import Settings
from streams.view.http.api import router
from streams.view.http.events import router as events
from streams.view.http.metrics import show_metrics
from streams.view.http.sql_files import router as sql_files
from streams.view.page.atom import router as atom
from streams.view.page.find import router as find
from streams.view.page.home import router as homes
from streams.view.page.live import router as live
from streams.view.page.render import refusal, warm_up
from streams.view.page.routes import router as pages
from streams.view.page.trends import router as pictures
from streams.view.services import Desk
from streams.view.session import Seat
from streams.view.store.freshness import coverage_of

MOST_BODY_BYTES = 64 * 1024


def door_of(settings: Settings) -> Door:
    """The view's door."""
    return Door(
        "view", settings.view_host, settings.view_port, settings.view_unprotected, settings.view_requests_a_minute,
        lambda path: MOST_BODY_BYTES,
    )  # fmt: skip


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
    app.state.requests = Requests("view")
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
    refuse_by(app, _refused, "/api/v1/openapi.json")
    granted, door = grants or grants_of(desk.settings), door_of(desk.settings)

    def seated(request: Request, visitor: Visitor | None) -> Seat:
        if visitor is None:
            return Seat(desk, granted.unnamed)
        return Seat(desk, granted.reach(visitor, parse_qs(request.url.query).get("reach", [None])[0]), visitor)

    app.add_middleware(Gate, door=door, tokens=granted.tokens, seated=seated, refuse=_refused)
    app.add_middleware(Guard, door=door)
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


def _refused(request: Request, problem: Problem) -> Response:
    """To programs as a problem document, to people as a page."""
    if request.url.path.startswith("/api/"):
        return problem_answer(problem.document())
    return refusal(request, problem)


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
