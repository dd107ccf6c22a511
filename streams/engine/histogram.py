"""A histogram that takes what a batch measured at once: prometheus_client's own costs a microsecond for each value."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class BatchHistogram(Collector):
    """Seconds in buckets, by at most one label whose values are known from the start."""

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
