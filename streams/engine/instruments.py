"""Instruments that prometheus_client lacks: what a whole batch measured at once, and the last hour by receiver."""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

MINUTE_SECONDS, HOUR_MINUTES = 60, 60


class BatchHistogram(Collector):
    """Seconds in buckets, by at most one label whose values are known from the start.

    It takes what a batch measured at once: prometheus_client's own costs a microsecond for each value.
    """

    def __init__(
        self, name: str, text: str, bounds: Sequence[float], label: str | None = None, values: Iterable[str] = ("",)
    ) -> None:
        self._name, self._text, self._bounds, self._label = name, text, tuple(bounds), label
        self._counts = {value: [0] * (len(self._bounds) + 1) for value in values}
        self._sums = dict.fromkeys(self._counts, 0.0)

    def observe(self, seconds: Iterable[float], value: str = "") -> None:
        """Add what was measured."""
        counts, bounds, total = self._counts[value], self._bounds, 0.0
        for one in seconds:
            counts[bisect_left(bounds, one)] += 1
            total += one
        self._sums[value] += total

    def collect(self) -> Iterable[Metric]:
        """The histogram as it is now."""
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label] if self._label else [])
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        for value, counts in self._counts.items():
            buckets = list(zip(names, accumulate(counts), strict=True))
            family.add_metric([value] if self._label else [], buckets, self._sums[value])
        yield family


class LastHour:
    """How many reports went missing at one receiver within the last hour, without saying at which.

    It counts by receiver, minute by minute. `at` is any clock in seconds that never goes back.
    """

    def __init__(self) -> None:
        self._minutes: deque[tuple[int, Counter[str]]] = deque()
        self._total: Counter[str] = Counter()

    def add(self, counts: Mapping[str, int], at: float) -> None:
        """So many went missing now."""
        if not counts:
            return
        minute = int(at // MINUTE_SECONDS)
        if not self._minutes or self._minutes[-1][0] != minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1].update(counts)
        self._total.update(counts)

    def most(self, at: float) -> int:
        """The most at any one receiver within the hour before now (and up to a minute more)."""
        while self._minutes and self._minutes[0][0] < at // MINUTE_SECONDS - HOUR_MINUTES:
            self._total -= self._minutes.popleft()[1]  # what comes to nothing leaves the sum
        return max(self._total.values(), default=0)
