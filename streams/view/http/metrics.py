"""The view's metrics, for Prometheus. Every name begins with `meldingsvakt_view_`; none tells of a report."""

import time
from collections.abc import Iterable
from typing import get_args

import duckdb
from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streams.view.services import Desk
from streams.view.store.feed import Progress
from streams.view.store.freshness import Behind, Picture

METHODS = ("GET", "HEAD", "POST")
OTHER = "other"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Requests:
    """What was asked, by the template of the route: an address itself could name a report."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._count = Counter(
            "meldingsvakt_view_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "meldingsvakt_view_request_seconds", "From the request until its answer began.", ["route"],
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


async def show_metrics(request: Request) -> Response:
    """What was asked so far, and how the tables stand."""
    desk: Desk = request.app.state.desk
    books = await desk.answers.get("books_difference", _books_difference)
    standing = CollectorRegistry()
    standing.register(ViewGauges(desk.picture(books.coverage), books.found, desk.feed.progress))
    requests: Requests = request.app.state.requests
    body = generate_latest(requests.registry) + generate_latest(standing)
    return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _books_difference(cursor: duckdb.DuckDBPyConnection) -> int:
    """Receiver by receiver: too much at one must not hide too little at another."""
    ((difference,),) = cursor.execute("SELECT coalesce(sum(abs(difference)), 0) FROM balance").fetchall()
    return int(difference)


class ViewGauges(Collector):
    def __init__(self, picture: Picture, books_difference: int, progress: Progress) -> None:
        self._picture, self._books_difference, self._progress = picture, books_difference, progress

    def collect(self) -> Iterable[Metric]:
        picture = self._picture
        records = CounterMetricFamily(
            "meldingsvakt_view_records", "Records read from Kafka, by topic.", labels=["topic"]
        )
        for topic, count in sorted(self._progress.records_read.items()):
            records.add_metric([topic], count)
        yield records
        if picture.records_left is not None:
            yield _gauge("records_left", "Records that are left to read.", picture.records_left)
        if picture.complete_until is not None:
            until = picture.complete_until.timestamp()
            yield _gauge("complete_until_timestamp_seconds", "Until when the tables are complete.", until)
        behind = GaugeMetricFamily(
            "meldingsvakt_view_behind", "1 for the reason why the picture is older than it should be.",
            labels=["reason"],
        )  # fmt: skip
        for reason in get_args(Behind):
            behind.add_metric([reason], picture.behind == reason)
        yield behind
        yield _gauge("gaps", "Partitions of which the checker says that it cannot see them.", len(picture.gaps))
        yield _gauge("losses", "Stretches of the inputs that were lost before they could be read.", picture.losses)
        yield _gauge(
            "books_difference_reports", "Receiver by receiver, how far sent is from the sum of the statuses.",
            self._books_difference,
        )  # fmt: skip


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"meldingsvakt_view_{name}", text, value=value)
