"""The intake as a web application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse

from streams.access.connection_limits import BoundedHttp
from streams.access.doors import Door
from streams.access.gate import Gate
from streams.access.grants import Grants, grants_of
from streams.access.guard import Guard, problem_answer, refuse_by
from streams.access.measuring import Measuring
from streams.access.tokens import Visitor
from streams.health_paths import LIVE, METRICS, READY
from streams.intake.bodies import MOST_DELIVERED_BYTES, OPENAPI
from streams.intake.desk import Caller, IntakeDesk
from streams.intake.list_routes import router as list_router
from streams.intake.lists import MOST_LIST_BYTES
from streams.intake.routes import router
from streams.memory import look_for_garbage_less_often
from streams.problems import Problem
from streams.settings import Settings

LISTS = "/intake/v1/lists"


class IntakeHttp(BoundedHttp):
    """Bodies as long as a list may be, with all that is around their chunks."""

    most_body_bytes = 2 * MOST_LIST_BYTES


def door_of(settings: Settings) -> Door:
    """The intake's door."""
    return Door(
        "intake", settings.intake_host, settings.intake_port, settings.intake_unprotected,
        settings.intake_requests_a_minute, lambda path: None if path == LISTS else MOST_DELIVERED_BYTES, IntakeHttp,
    )  # fmt: skip


def application(desk: IntakeDesk, failed: Callable[[BaseException], None], grants: Grants | None = None) -> FastAPI:
    """The API over one desk, which is started and stopped with it; `failed` as in `IntakeDesk.start`.

    `grants` are those of the desk's settings unless given. Raises ConfigurationError where these are not right.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        look_for_garbage_less_often()
        desk.start(failed)
        yield
        await desk.stop()

    app = FastAPI(
        title="meldingsvakt intake",
        summary="Proofs that reports lie in a case system, and what is decided of alarms.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
        lifespan=lifespan,
        redirect_slashes=False,  # to where the Host says
    )
    app.state.desk = desk
    for answer, paths in ((_livez, LIVE), (_readyz, READY), (_metrics, METRICS)):
        for path in paths:
            app.add_api_route(path, answer, include_in_schema=False)
    app.include_router(router)
    app.include_router(list_router)
    refuse_by(app, _refused, OPENAPI)
    granted, door = grants or grants_of(desk.settings), door_of(desk.settings)

    def seated(request: Request, visitor: Visitor | None) -> Caller:
        return Caller(desk, granted, visitor)

    app.add_middleware(Gate, door=door, tokens=granted.tokens, seated=seated, refuse=_refused)
    app.add_middleware(Guard, door=door)
    app.add_middleware(Measuring, requests=desk.told.requests)
    return app


async def _livez() -> Response:
    return JSONResponse({"alive": True})  # that the event loop answers is the whole question


async def _readyz(request: Request) -> Response:
    """Ready to take: it can write, and has read which report each message brought."""
    desk: IntakeDesk = request.app.state.desk
    reason = desk.trouble
    return JSONResponse({"ready": reason is None, "reason": reason}, status_code=503 if reason else 200)


async def _metrics(request: Request) -> Response:
    desk: IntakeDesk = request.app.state.desk
    desk.told.ready(desk.trouble is None)
    if desk.follower.heard is not None:
        desk.told.unreadable(desk.follower.heard.unreadable)
    return Response(generate_latest(desk.told.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _refused(request: Request, problem: Problem) -> Response:
    answer = problem_answer(problem.document())
    if problem.status in (429, 503):
        answer.headers["Retry-After"] = "5" if problem.status == 503 else "60"
    return answer
