"""A desk behind the server that `meldingsvakt view` runs, on a real port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from streams.access.connection_limits import BoundedHttp
from streams.view.http.application import application
from streams.view.services import Desk
from tests.engine.world import free_port
from tests.view.conftest import failed


@asynccontextmanager
async def listening(desk: Desk) -> AsyncIterator[int]:
    """The port of the real application."""
    port = free_port()
    app = application(desk, failed)
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_config=None, http=BoundedHttp, ws="none", lifespan="off",
        proxy_headers=False, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # it has no event for it
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await running


class Unlived:
    """The application without its start and end, which would come with every single request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        while (await receive())["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
