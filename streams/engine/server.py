"""The worker's own small server: /livez, /readyz and /metrics, also under the names that NAIS uses."""

import logging
from typing import Any

from aiohttp import web
from mode import Service
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from streams.engine.metrics import Metrics
from streams.engine.readiness import unready
from streams.engine.source import Source
from streams.engine.table import WindowedTable
from streams.settings import Settings

log = logging.getLogger(__name__)

LIVE = ("/livez", "/isAlive", "/internal/isalive")
READY = ("/readyz", "/isReady", "/internal/isready")
METRICS = ("/metrics", "/internal/metrics", "/internal/prometheus")


class Server(Service):  # type: ignore[misc]  # mode has no types for us
    """Answers about this worker only; nothing in it shows a report."""

    def __init__(
        self, settings: Settings, table: WindowedTable, source: Source, metrics: Metrics, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._settings, self._table, self._source, self._metrics = settings, table, source, metrics
        self._runner: web.AppRunner | None = None

    async def on_start(self) -> None:
        """Listen. A port that is taken is said, but the check itself must go on."""
        app = web.Application()
        for answer, paths in ((self._livez, LIVE), (self._readyz, READY), (self._show_metrics, METRICS)):
            app.add_routes([web.get(path, answer) for path in paths])
        self._runner = web.AppRunner(app, access_log=None)
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

    async def _livez(self, request: web.Request) -> web.Response:
        return web.json_response({"alive": True})  # that the event loop answers is the whole question

    async def _readyz(self, request: web.Request) -> web.Response:
        reasons = unready(self._source, self._table)
        body = {"ready": not reasons, "reasons": reasons, "partitions": sorted(self._table.windows)}
        return web.json_response(body, status=503 if reasons else 200)

    async def _show_metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
