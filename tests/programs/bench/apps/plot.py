"""The plot: events a second, and CPU seconds per million events. Arguments: the results as JSON, the SVG to write."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot

OURS, PEER, LIMIT = "#c2410c", "#475569", "#cbd5e1"


def main(results: Path, target: Path) -> None:
    """Two panels of bars, the quickest on top."""
    mpl.rcParams |= {"svg.hashsalt": "bench", "svg.fonttype": "none"}
    found = json.loads(results.read_text(encoding="utf-8"))
    rows = found["rows"][::-1]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 0.5 * len(rows) + 1.4), sharey=True)
    _bars(left, rows, "rate", "events/s")
    _bars(right, rows, "cpu_per_million", "CPU seconds per million events")
    figure.suptitle(f"One log of {found['setup']['events']} events, {found['setup']['date']}", fontsize=10)
    figure.tight_layout()
    figure.savefig(target, metadata={"Date": None})


def _bars(axes: Any, rows: list[dict[str, Any]], field: str, title: str) -> None:
    values = [row[field] for row in rows]
    bars = axes.barh([row["label"] for row in rows], values, color=[_color(row["name"]) for row in rows])
    axes.bar_label(bars, labels=[_number(value) for value in values], padding=3, fontsize=8)
    # From tens of milliseconds to minutes: on a linear scale most bars would be invisible.
    axes.set_xscale("log")
    axes.set_xlim(max(min(values), 0.1) / 2, max(values) * 4)
    axes.set_title(f"{title} (logarithmic)", fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=8)


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ") if value >= 10 else f"{value:.1f}"


def _color(name: str) -> str:
    if name == "checker":
        return OURS
    return LIMIT if name.startswith(("read", "rewrite")) else PEER


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
