"""Small numbers: one report in a municipality of two hundred people tells who it is about."""

from collections.abc import Sequence
from typing import Any

LEAST = 5


def suppressed(rows: Sequence[dict[str, Any]], counts: Sequence[str]) -> list[dict[str, Any]]:
    """The rows with every count from 1 to 4 as None.

    Where only one cell of a row or of a column is hidden, the smallest of the others is hidden with it, because the
    sum of the rest would tell it.
    """
    hidden = {(i, name) for i, row in enumerate(rows) for name in counts if row[name] and row[name] < LEAST}
    lines = [[(i, name) for name in counts] for i in range(len(rows))]
    lines += [[(i, name) for i in range(len(rows))] for name in counts]
    for line in lines:
        if len(hidden.intersection(line)) == 1:
            others = [cell for cell in line if cell not in hidden and rows[cell[0]][cell[1]]]
            if others:
                hidden.add(min(others, key=lambda cell: rows[cell[0]][cell[1]]))
    return [row | {name: None for name in counts if (i, name) in hidden} for i, row in enumerate(rows)]
