"""The view's metrics, for Prometheus. Every name begins with `meldingsvakt_view_`; none tells of a report."""

from collections.abc import Iterable
from typing import get_args

import duckdb
from fastapi import Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.access.measuring import Requests
from streams.view.services import Desk
from streams.view.store.feed import Progress
from streams.view.store.freshness import Behind, Picture


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
