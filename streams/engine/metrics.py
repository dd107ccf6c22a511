"""The worker's metrics, for Prometheus. Every name begins with `meldingsvakt_`; no label tells of a receiver."""

import time
from datetime import UTC, datetime
from itertools import product
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from schemas.reading import MOST_COUNTED
from streams.core.events import Cause
from streams.core.facts import Outcome
from streams.core.fold import Step
from streams.core.row import Reason, Status
from streams.engine.instruments import BatchHistogram, LastHour
from streams.engine.tally import CASE_SYSTEMS, CHANNELS, OTHER, Tally
from streams.records.record import INPUT_KINDS

MOST_NAMES = 50  # of a label whose values others choose; the rest is counted as "other"


class Label(NamedTuple):
    """A label and its values, where they are known: these are shown from the start, so that a rise can be seen."""

    name: str
    values: tuple[str, ...] = ()


COUNTERS: dict[str, tuple[str, tuple[Label, ...]]] = {
    "records": ("Input records read, by kind.", (Label("kind", (*INPUT_KINDS, "feed_mark")),)),
    "events": (
        "Input records by what came of each: a step of the rules, rejected, or sent_home to its own partition.",
        (Label("outcome", (*Step, "rejected", "sent_home")),),
    ),
    "decided": ("Rows that time decided, by their new status.", (Label("status", tuple(Status)),)),
    "missing": (
        "Reports announced missing, by reason and case system.",
        (Label("reason", tuple(Reason)), Label("case_system", (*CASE_SYSTEMS, OTHER))),
    ),
    "recovered": ("Missing reports that were found after all, by cause.", (Label("cause", tuple(Cause)),)),
    "closed": ("Alarms that somebody closed, by outcome.", (Label("outcome", tuple(Outcome)),)),
    "reopened": ("Alarms that somebody opened again.", ()),
    "rejected": (
        "Records listed on the rejected topic, by stage.",
        (Label("stage", ("batch", "encoding", "json", "schema", "size", "rule", "partition")),),
    ),
    "misplaced": (
        "Records in a wrong partition or with a wrong key, by fault.",
        (Label("fault", ("wrong_partition", "wrong_key", "no_key")),),
    ),
    "dropped_properties": (f"Unknown properties dropped; of one record at most {MOST_COUNTED} are counted.", ()),
    "broker_clock": ("Records that arrived with an append time before what was complete already.", ()),
    "marks_failed": ("Sets of marks that could not be written.", ()),
    "marks_lost": ("Sets of marks of which one was acknowledged and is not there.", ()),
    "fetch_errors": ("Fetches that failed and were repeated, by error.", (Label("error"),)),
    "heartbeats": (
        "Heartbeats for the dead man's switch: sent, failed, or withheld because this worker cannot vouch.",
        (Label("result", ("sent", "failed", "withheld")),),
    ),
}
MINUTE_SECONDS, HOUR_SECONDS, DAY_SECONDS = 60.0, 3600.0, 86400.0
CONFIRMATION_BOUNDS = (
    10.0, *(minutes * MINUTE_SECONDS for minutes in (1, 5, 15, 30)), *(hours * HOUR_SECONDS for hours in (1, 2, 4, 8)),
    *(days * DAY_SECONDS for days in (1, 2, 5, 12, 30)),
)  # fmt: skip
DELAY_BOUNDS = (
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, MINUTE_SECONDS, 5 * MINUTE_SECONDS, 15 * MINUTE_SECONDS, HOUR_SECONDS,
    6 * HOUR_SECONDS, DAY_SECONDS,
)  # fmt: skip
COMMIT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All metrics of one worker, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._counters = {name: self._counter(name, text, labels) for name, (text, labels) in COUNTERS.items()}
        self._seen: dict[str, set[tuple[str, ...]]] = {}
        self._delays = BatchHistogram(
            "meldingsvakt_detection_delay_seconds",
            "From alarm_at until the missing event was visible, by the brokers' clock.", DELAY_BOUNDS,
        )  # fmt: skip
        self._confirmations = BatchHistogram(
            "meldingsvakt_confirmation_seconds", "From sent_at until the proof of storage arrived, by channel.",
            CONFIRMATION_BOUNDS, "channel", (*CHANNELS, OTHER),
        )  # fmt: skip
        for histogram in (self._delays, self._confirmations):
            self.registry.register(histogram)
        self._commits = Histogram(
            "meldingsvakt_commit_seconds", "How long transactions took.", buckets=COMMIT_BOUNDS, registry=self.registry
        )
        self.restored = Gauge(
            "meldingsvakt_restore_seconds", "How long the last restore took, by partition.", ["partition"],
            registry=self.registry,
        )  # fmt: skip
        self.ready = self._gauge("ready", "1 while this worker has its partitions, restored, complete and without gap.")
        # Not of what this worker holds: while nobody holds any, it is what tells that somebody should.
        self.partitions = self._gauge("partitions", "Partitions of each input, whoever works them.")
        self._missing_at = LastHour()
        self._gauge(
            "receiver_burst_reports",
            "The most reports announced missing at any one receiver within the last hour; at which is not told.",
        ).set_function(lambda: self._missing_at.most(time.monotonic()))

    def count(self, metric: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        counter = self._counters[metric]
        (counter.labels(*self._bounded(metric, labels)) if labels else counter).inc(by)

    def committed(self, tally: Tally, seconds: float, now: datetime | None) -> None:
        """Add what a commit made true. `now` is the brokers' time: alarms are compared with no clock of the worker."""
        self._commits.observe(seconds)
        for (metric, *labels), by in tally.counts.items():
            self.count(metric, *labels, by=by)
        for channel, some in tally.confirmations.items():
            self._confirmations.observe(some, channel)
        if tally.alarms:
            # Every decision follows a mark that showed the brokers' time, but for one that a clock behind has held up.
            visible = now or datetime.now(UTC)
            self._delays.observe(max(0.0, (visible - alarm).total_seconds()) for alarm in tally.alarms)
        self._missing_at.add(tally.missing_at, time.monotonic())

    def _bounded(self, metric: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The labels, or "other" for those that would be one too many."""
        if all(label.values for label in COUNTERS[metric][1]):
            return labels
        seen = self._seen.setdefault(metric, set())
        if labels not in seen and len(seen) >= MOST_NAMES:
            return (OTHER,) * len(labels)
        seen.add(labels)
        return labels

    def _counter(self, name: str, text: str, labels: tuple[Label, ...]) -> Counter:
        counter = Counter(f"meldingsvakt_{name}", text, [label.name for label in labels], registry=self.registry)
        for values in product(*(label.values for label in labels)) if labels else ():
            counter.labels(*values)
        return counter

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"meldingsvakt_{name}", text, registry=self.registry)
