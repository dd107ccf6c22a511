"""The geometry of pictures that are as wide as what they show, in pixels: on a narrow screen they scroll in a frame."""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

BAR_WIDTH, BAR_GAP, BAR_HEIGHT, ABOVE, BELOW = 44.0, 8.0, 120.0, 24.0, 40.0


class SentBar(NamedTuple):
    """One month: where its bar stands, how high it is, and the row that it is of. `unseen`: not watched whole."""

    x: float
    y: float
    height: float
    row: Mapping[str, Any]
    unseen: bool

    @property
    def middle(self) -> float:
        """Where its words stand."""
        return self.x + BAR_WIDTH / 2


class MonthsPicture(NamedTuple):
    """Bars of how many reports were sent each month."""

    bars: list[SentBar]
    width: float

    @property
    def base(self) -> float:
        """Where the bars stand."""
        return ABOVE + BAR_HEIGHT

    @property
    def height(self) -> float:
        """Of the whole picture."""
        return ABOVE + BAR_HEIGHT + BELOW


def months_picture(rows: Sequence[Mapping[str, Any]], unseen: Collection[date], of: str = "reports") -> MonthsPicture:
    """A bar a month, in the order given, the highest as high as the picture; one that is not 0 can be seen."""
    most = max((row[of] or 0 for row in rows), default=0) or 1
    bars = []
    for number, row in enumerate(rows):
        height = round(max((row[of] or 0) / most * BAR_HEIGHT, 2.0 if row[of] else 0.0), 1)
        x = number * (BAR_WIDTH + BAR_GAP)
        bars.append(SentBar(x, round(ABOVE + BAR_HEIGHT - height, 1), height, row, row["month"] in unseen))
    return MonthsPicture(bars, max(0.0, len(rows) * (BAR_WIDTH + BAR_GAP) - BAR_GAP))


CELL_WIDTH, CELL_HEIGHT, LABEL_WIDTH, HEAD_HEIGHT = 44.0, 26.0, 220.0, 26.0
LEVELS = 4


class HeatCell(NamedTuple):
    """One place of a heat map; `level` from 0 for nothing to LEVELS for the most; `value` is None where nothing is."""

    x: float
    y: float
    level: int
    value: float | None


class HeatRow(NamedTuple):
    """A row with its name."""

    name: Any
    y: float
    cells: list[HeatCell]


class HeatMap(NamedTuple):
    """Rows by months."""

    rows: list[HeatRow]
    months: list[tuple[float, date]]
    width: float
    height: float


def heat_map(values: Mapping[Any, Mapping[date, float]], months: Sequence[date]) -> HeatMap:
    """Rows in the order given."""
    most = max((value for row in values.values() for value in row.values()), default=0.0)

    def level(value: float | None) -> int:
        return 0 if not value else max(1, math.ceil(value / most * LEVELS))

    rows = []
    for number, (name, row) in enumerate(values.items()):
        y = HEAD_HEIGHT + number * CELL_HEIGHT
        cells = [
            HeatCell(LABEL_WIDTH + n * CELL_WIDTH, y, level(row.get(month)), row.get(month))
            for n, month in enumerate(months)
        ]
        rows.append(HeatRow(name, y, cells))
    heads = [(LABEL_WIDTH + (n + 0.5) * CELL_WIDTH, month) for n, month in enumerate(months)]
    return HeatMap(rows, heads, LABEL_WIDTH + len(months) * CELL_WIDTH, HEAD_HEIGHT + len(values) * CELL_HEIGHT)
