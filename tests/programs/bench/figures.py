"""Percentiles, and tables in Markdown."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple


class Spread(NamedTuple):
    """How some figures are spread: nearest-rank percentiles, so that each is a figure that was measured."""

    measured: int
    p50: float
    p99: float
    highest: float


def percentile(figures: Sequence[float], share: float) -> float:
    """The smallest figure that at least `share` (0 to 1) of all do not exceed. Raises ValueError if there are none."""
    if not figures:
        raise ValueError("There is no percentile of nothing.")
    return sorted(figures)[max(ceil(share * len(figures)) - 1, 0)]


def spread(figures: Sequence[float]) -> Spread:
    """Count, median, 99th percentile and maximum. Raises ValueError if there are no figures."""
    return Spread(len(figures), percentile(figures, 0.5), percentile(figures, 0.99), max(figures, default=0.0))


def table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is aligned to the left, all others to the right."""
    rules = ["---"] + ["---:"] * (len(heads) - 1)
    return "\n".join("| " + " | ".join(map(_shown, cells)) + " |" for cells in (heads, rules, *lines))


def _shown(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}".replace(",", " ")
    return f"{cell:.3g}" if isinstance(cell, float) and abs(cell) < 100 else _plain(cell)


def _plain(cell: object) -> str:
    return _shown(round(cell)) if isinstance(cell, float) else str(cell)
