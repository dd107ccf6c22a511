"""The geometry of the time line: a bar a month, in the units of its own view box."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from streams.presentation.joint_tables import Table

STEP, WIDTH, HEIGHT = 10.0, 8.0, 100.0
LEAST_HEIGHT = 3.0  # one report is to be seen beside a hundred
STUB_HEIGHT = 12.0  # a hidden number


class MonthBar(NamedTuple):
    """One bar; `number` is None where it is hidden."""

    x: float
    y: float
    height: float
    number: int | None


class Series(NamedTuple):
    """Bars of one status. `highest` is None where there is none, or none that may be told."""

    name: str
    bars: list[MonthBar]
    highest: int | None
    when: tuple[date, str] | None


class Timeline(NamedTuple):
    """Bars over the same months: how wide they are together, and how many of them each year (or decade) has."""

    series: list[Series]
    width: float
    spans: list[tuple[str, int]]


def timeline(table: Table, names: Sequence[str]) -> Timeline:
    """Each of `names` on a scale of its own: few missing ones would not be seen beside many that cannot be told."""
    groups = [group for group in table.groups if group.label[0] is not None]
    spans: dict[str, int] = {}
    for group in groups:
        day, unit = group.label
        span = str(day.year) if unit == "month" else f"{day.year // 10}0"
        spans[span] = spans.get(span, 0) + 1
    series = [_series(name, [(group.label, group.counts[name]) for group in groups]) for name in names]
    return Timeline(series, max(STEP, STEP * len(groups)), list(spans.items()))


def _series(name: str, counts: Sequence[tuple[tuple[date, str], int | None]]) -> Series:
    highest, when = max(((number or 0, label) for label, number in counts), default=(0, None), key=lambda one: one[0])
    bars = [_bar(n, number, highest) for n, (_, number) in enumerate(counts) if number != 0]
    return Series(name, bars, highest or None, when if highest else None)


def _bar(n: int, number: int | None, highest: int) -> MonthBar:
    height = STUB_HEIGHT if number is None else max(LEAST_HEIGHT, round(HEIGHT * number / highest, 1))
    return MonthBar(STEP * n + (STEP - WIDTH) / 2, HEIGHT - height, height, number)
