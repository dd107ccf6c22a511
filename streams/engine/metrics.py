"""The worker's metrics, for Prometheus. Every name begins with `meldingsvakt_`."""

from collections import Counter as Counts
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.engine.window import Window

COUNTERS = {
    "records": ("Input records read, by kind.", "kind"),
    "facts": ("What the facts read did, by step.", "step"),
    "decided": ("Rows that time decided, by their new status.", "status"),
    "rejected": ("Records listed on the rejected topic, by reason.", "reason"),
    "misplaced": ("Records in a wrong partition or with a wrong key, by fault.", "fault"),
    "dropped_properties": ("Unknown properties dropped, by name.", "name"),
    "broker_clock": ("Records that arrived with an append time before what was complete already.", ""),
    "commits": ("Transactions committed.", ""),
    "marks_failed": ("Sets of marks that could not be written.", ""),
    "fetch_errors": ("Fetches that failed and were repeated, by error.", "error"),
    "losses": ("Stretches of an input that were deleted before they were read, by cause.", "cause"),
}


class Metrics:
    """All metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counters = {
            name: Counter(f"meldingsvakt_{name}", text, [label] if label else [], registry=self.registry)
            for name, (text, label) in COUNTERS.items()
        }
        self.restored = Gauge(
            "meldingsvakt_restore_seconds", "How long the last restore took, by partition.", ["partition"],
            registry=self.registry,
        )  # fmt: skip

    def count(self, metric: str, label: str = "", by: int = 1) -> None:
        """Add to a counter."""
        counter = self._counters[metric]
        (counter.labels(label) if label else counter).inc(by)

    def count_all(self, counts: Counts[tuple[str, str]]) -> None:
        """Add what was tallied for a commit."""
        for (metric, label), by in counts.items():
            self.count(metric, label, by)

    def watch(self, windows: dict[int, Window]) -> None:
        """Also show how the partitions stand, read anew at each scrape."""
        self.registry.register(_Partitions(windows))


class _Partitions(Collector):
    def __init__(self, windows: dict[int, Window]) -> None:
        self._windows = windows

    def collect(self) -> Iterable[Metric]:
        until = _gauge("complete_until_seconds", "Until when the partition is complete (seconds since 1970).")
        lag = _gauge("completeness_age_seconds", "For how long completeness has stood still.")
        gap = _gauge("gap", "1 while the checker cannot see, by cause.", "cause")
        rows = _gauge("rows", "Rows kept.")
        unpacked = _gauge("rows_unpacked", "Restored rows that are not packed yet: each takes thrice the room.")
        books = _gauge("reports", "Reports by status; sent is counted on its own.", "status")
        for partition, window in sorted(self._windows.items()):
            name, coverage = str(partition), window.ledger.coverage
            rows.add_metric([name], len(window.ledger.rows))
            unpacked.add_metric([name], window.ledger.rows.unpacked)
            lag.add_metric([name], window.stood_still())
            if coverage.complete_until is not None:
                until.add_metric([name], coverage.complete_until.timestamp())
            if coverage.gap is not None:
                gap.add_metric([name, coverage.gap.cause], 1)
            total = window.ledger.checker.books.total()
            for status in ("sent", "pending", "stored", "missing", "recovered", "unproven", "erased", "unexpected"):
                books.add_metric([name, status], getattr(total, status))
        yield from (until, lag, gap, rows, unpacked, books)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"meldingsvakt_{name}", text, labels=["partition", *labels])
