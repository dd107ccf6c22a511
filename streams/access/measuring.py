"""What was asked at a door, for Prometheus: by route, never by what is in an address."""

import time

from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD", "POST")
OTHER = "other"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Requests:
    """What was asked, by the template of the route: an address itself could name a report."""

    def __init__(self, door: str) -> None:
        self.registry = CollectorRegistry()
        self._count = Counter(
            f"meldingsvakt_{door}_requests", "Requests answered.", ["route", "method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            f"meldingsvakt_{door}_request_seconds", "From the request until its answer began.", ["route"],
            buckets=BOUNDS, registry=self.registry,
        )  # fmt: skip

    def answered(self, scope: Scope, status: int, seconds: float) -> None:
        """A request was answered, or has begun to be."""
        route = getattr(scope.get("route"), "path", OTHER)
        method = scope["method"] if scope["method"] in METHODS else OTHER
        self._count.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class Measuring:
    """The outermost layer: measures every request."""

    def __init__(self, app: ASGIApp, requests: Requests) -> None:
        self._app, self._requests = app, requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._requests.answered(scope, message["status"], time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, sending if scope["type"] == "http" else send)
