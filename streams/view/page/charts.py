"""The geometry of the charts, in the units of their own view boxes; the templates draw them as SVG."""

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

WIDTH, HEIGHT = 640.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 32.0, 16.0, 32.0
# Durations that people know, for the grid: seconds.
_KNOWN = (1, 10, 60, 600, 3600, 6 * 3600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400)


class Point(NamedTuple):
    """A place in a chart."""

    x: float
    y: float


class ChartLine(NamedTuple):
    """One line: its name, its points, and the path that joins them."""

    name: str
    points: list[Point]
    path: str


class Tick(NamedTuple):
    """A place on an axis and what stands there."""

    at: float
    value: float


class Chart(NamedTuple):
    """Lines over months, on a logarithmic scale of seconds."""

    lines: list[ChartLine]
    ticks: list[Tick]
    months: list[tuple[float, date]]


def durations_chart(months: Sequence[date], series: Mapping[str, Sequence[float | None]]) -> Chart:
    """Lines of seconds, one value a month (None where there is none)."""
    known = [value for values in series.values() for value in values if value is not None]
    low, high = _bounds(known)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(months) - 1)
    xs = [LEFT + step * n if len(months) > 1 else (LEFT + WIDTH - RIGHT) / 2 for n in range(len(months))]

    def y(value: float) -> float:
        share = (math.log(min(max(value, low), high)) - math.log(low)) / (math.log(high) - math.log(low))
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    lines = []
    for name, values in series.items():
        points = [Point(round(x, 1), y(value)) for x, value in zip(xs, values, strict=True) if value is not None]
        path = " ".join(f"{'L' if n else 'M'}{point.x} {point.y}" for n, point in enumerate(points))
        lines.append(ChartLine(name, points, path))
    ticks = [Tick(y(value), value) for value in _KNOWN if low <= value <= high]
    every = max(1, math.ceil(len(months) / 8))
    shown = [(round(x, 1), month) for n, (x, month) in enumerate(zip(xs, months, strict=True)) if n % every == 0]
    return Chart(lines, ticks, shown)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    """The known durations around all values: at least one decade or so apart."""
    least, most = max(1.0, min(values, default=1.0)), min(_KNOWN[-1], max(1.0, max(values, default=60.0)))
    low = max((known for known in _KNOWN if known <= least), default=_KNOWN[0])
    high = min((known for known in _KNOWN if known >= most), default=_KNOWN[-1])
    if low == high:
        low = _KNOWN[max(0, _KNOWN.index(low) - 1)]
        high = _KNOWN[min(len(_KNOWN) - 1, _KNOWN.index(high) + 1)]
    return float(low), float(high)


class Bar(NamedTuple):
    """One bar: what it is of, its number, its share of the longest, and the page that tells more, if there is one."""

    name: str
    number: int
    share: float
    address: str | None = None


def bars(named: Sequence[tuple[str, int, str | None]]) -> list[Bar]:
    """Bars of names, numbers and addresses in the order given, the longest with a share of 1."""
    longest = max((number for _, number, _ in named), default=1) or 1
    return [Bar(name, number, round(number / longest, 4), address) for name, number, address in named]
