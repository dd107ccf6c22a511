"""The worker's own small server: /livez, /readyz and /metrics, also under the names that NAIS uses."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.engine.health.readiness import unready
from streams.engine.metrics import Metrics
from streams.engine.source import Source
from streams.engine.table import WindowedTable
from streams.health_paths import LIVE, METRICS, READY
from streams.settings import Settings

log = logging.getLogger(__name__)

# Who asks is done at once. One more connection closes the oldest, so that nobody who only connects keeps a probe out or
# takes the file descriptors that the way to Kafka needs.
MOST_PROBING = 100

Answer = Callable[[], web.Response]


class ProbeServer(web.Server):
    """An HTTP server with one answer for each path, and never more than so many connections."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        super().__init__(self._answer, access_log=None)
        self._answers = answers
        self._open: OrderedDict[RequestHandler, asyncio.Transport] = OrderedDict()

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Take it, and close the oldest where it is one too many."""
        super().connection_made(handler, transport)
        self._open[handler] = transport
        if len(self._open) > MOST_PROBING:
            _, oldest = self._open.popitem(last=False)
            oldest.abort()

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """It counts no more."""
        self._open.pop(handler, None)
        super().connection_lost(handler, exc)

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        answer = self._answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return answer()


class Server(Service):  # type: ignore[misc]  # mode has no types for us
    """Answers about this worker only; nothing in it shows a report."""

    def __init__(
        self, settings: Settings, table: WindowedTable, source: Source, metrics: Metrics, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._settings, self._table, self._source, self._metrics = settings, table, source, metrics
        self._runner: web.ServerRunner | None = None

    async def on_start(self) -> None:
        """Listen. A port that is taken is said, but the check itself must go on."""
        answers = ((self._livez, LIVE), (self._readyz, READY), (self._show_metrics, METRICS))
        self._runner = web.ServerRunner(ProbeServer({path: answer for answer, paths in answers for path in paths}))
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._settings.http_host, self._settings.http_port).start()
        except OSError as error:
            log.error(
                "Health and metrics are not served: %s:%d cannot be bound (%s); set MELDINGSVAKT_HTTP_PORT.",
                self._settings.http_host,
                self._settings.http_port,
                error.strerror,
            )

    async def on_stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _livez(self) -> web.Response:
        return web.json_response({"alive": True})  # that the event loop answers is the whole question

    def _readyz(self) -> web.Response:
        reasons = unready(self._source, self._table)
        body = {"ready": not reasons, "reasons": reasons, "partitions": sorted(self._table.partitions)}
        return web.json_response(body, status=503 if reasons else 200)

    def _show_metrics(self) -> web.Response:
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
