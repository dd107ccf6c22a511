"""The intake's metrics, for Prometheus. None tells of a report, a receiver or who sends."""

from collections import Counter as Counts
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.access.measuring import BOUNDS, Requests


class Written:
    """What was taken and committed, beside what was asked."""

    def __init__(self) -> None:
        self.requests = Requests("intake")
        self.registry: CollectorRegistry = self.requests.registry
        self._items = Counter(
            "meldingsvakt_intake_items", "Items answered, by kind and verdict.", ["kind", "verdict"],
            registry=self.registry,
        )  # fmt: skip
        self._marks = Counter("meldingsvakt_intake_marks", "Marks of feeds that were written.", registry=self.registry)
        self._commit_seconds = Histogram(
            "meldingsvakt_intake_commit_seconds", "How long transactions took.", buckets=BOUNDS, registry=self.registry
        )
        self._failed = Counter(
            "meldingsvakt_intake_failed_commits", "Transactions that did not certainly succeed.", registry=self.registry
        )
        self._unreadable = Gauge(
            "meldingsvakt_intake_unreadable_coverage", "Records of coverage that could not be read.",
            registry=self.registry,
        )  # fmt: skip
        self._ready = Gauge("meldingsvakt_intake_ready", "1 while /readyz says so.", registry=self.registry)

    def items(self, kind: str, counts: Mapping[str, int]) -> None:
        """Items were answered."""
        for verdict, count in Counts(counts).items():
            self._items.labels(kind, verdict).inc(count)

    def marked(self) -> None:
        """A feed's mark was written."""
        self._marks.inc()

    def committed(self, seconds: float) -> None:
        """A transaction was committed."""
        self._commit_seconds.observe(seconds)

    def failed(self) -> None:
        """A transaction failed, or could not begin."""
        self._failed.inc()

    def unreadable(self, count: int) -> None:
        """So many records of coverage could not be read."""
        self._unreadable.set(count)

    def ready(self, is_ready: bool) -> None:
        """Whether it is ready."""
        self._ready.set(is_ready)
