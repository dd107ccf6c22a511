"""Small numbers: one report in a municipality of two hundred people tells who it is about."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

LEAST_SHOWN = 5

Cell = tuple[int, str]


def suppressed(
    groups: Sequence[Mapping[str, Any]],
    total: Mapping[str, Any],
    whole: str,
    parts: Sequence[str],
    also: Collection[Cell] = (),
) -> list[dict[str, Any]]:
    """The groups and, as the last row, their total, with every count from 1 to 4 as None.

    In each row `whole` is the sum of the `parts`, in each column the total is the sum of the groups. Where these sums
    would tell a hidden count, others are hidden with it, the smallest first. `also` are hidden in any case: lines
    by number (the total is the last) and columns.
    """
    rows = [*groups, total]
    names = (whole, *parts)
    hidden = {(i, name) for i, row in enumerate(rows) for name in names if 0 < row[name] < LEAST_SHOWN}
    hidden |= {(i, name) for i, name in also if rows[i][name]}
    while more := _more(rows, names, whole, hidden):
        hidden |= more
    return [{name: None if (i, name) in hidden else row[name] for name in row} for i, row in enumerate(rows)]


def without_small(rows: Sequence[Mapping[str, Any]], whole: str, parts: Sequence[str]) -> list[dict[str, Any]]:
    """The same for rows that are all there is, so that their sums are the total."""
    total = {name: sum(row[name] for row in rows) for name in (whole, *parts)}
    return suppressed(rows, total, whole, parts)[: len(rows)]


def _more(rows: Sequence[Mapping[str, Any]], names: Sequence[str], whole: str, hidden: set[Cell]) -> set[Cell]:
    """What must be hidden, too: the smallest other number of each line that would tell."""
    more = set()
    for line in _telling(rows, names, whole, hidden):
        others = [cell for cell in line if cell not in hidden and rows[cell[0]][cell[1]]]
        if others:
            more.add(_smallest(rows, others))
    # A total of nothing is the sum of its parts only: its columns tell nothing.
    return more or (_across(rows, names, hidden) if len(rows) > 1 else set())


def _smallest(rows: Sequence[Mapping[str, Any]], cells: Sequence[Cell]) -> Cell:
    return min(cells, key=lambda cell: (rows[cell[0]][cell[1]], cell))


def _across(rows: Sequence[Mapping[str, Any]], names: Sequence[str], hidden: set[Cell]) -> set[Cell]:
    """Where everything in the lines of a told cell is hidden or 0: the smallest number that closes a way around it."""
    for told in _told(hidden):
        side = _reached(told, hidden - {told})
        others = [
            (i, name) for i, row in enumerate(rows) for name in names
            if row[name] and (i, name) not in hidden and (i in side) != (name in side)
        ]  # fmt: skip
        if others:
            return {_smallest(rows, others)}
    return set()


def _reached(start: Cell, edges: set[Cell]) -> set[int | str]:
    """The rows and columns that are connected with a cell's row."""
    side: set[int | str] = {start[0]}
    while more := {end for edge in edges if not side.isdisjoint(edge) for end in edge} - side:
        side |= more
    return side


def _telling(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], whole: str, hidden: set[Cell]
) -> Iterator[list[Cell]]:
    last = len(rows) - 1
    told = _told(hidden)
    by_row = [[(i, name) for name in names] for i in range(len(rows))]
    by_column = {name: [(i, name) for i in range(len(rows))] for name in names}
    for i, line in enumerate(by_row):
        if _small_rest(rows, hidden.intersection(line), (i, whole)):
            yield line
    for name, line in by_column.items():
        if _small_rest(rows, hidden.intersection(line), (last, name)):
            yield line
    for i, name in told:
        lines = (by_row[i], by_column[name])
        alone = [line for line in lines if len(hidden.intersection(line)) == 1]
        yield from alone or [by_row[i] + by_column[name]]


def _small_rest(rows: Sequence[Mapping[str, Any]], hidden: set[Cell], total: Cell) -> bool:
    """True if what a line's total leaves for its hidden counts is a small number itself, or tells each of them.

    It is the count of all that they count together, which may be a group of its own elsewhere. Nothing that is hidden
    is 0, so where the rest is as small as it can be each of them is 1.
    """
    if not hidden or total in hidden:
        return False
    rest = sum(rows[i][name] for i, name in hidden)
    return bool(rest < LEAST_SHOWN or rest == len(hidden))


def _told(hidden: set[Cell]) -> list[Cell]:
    """The hidden cells that the sums tell: those on no closed way along rows and columns of hidden ones.

    Rows and columns are the points of a graph and hidden cells its edges; what is told are its bridges.
    """
    edges: dict[int | str, list[tuple[int | str, Cell]]] = {}
    for cell in sorted(hidden):
        row, column = cell
        edges.setdefault(row, []).append((column, cell))
        edges.setdefault(column, []).append((row, cell))
    reached: dict[int | str, int] = {}
    lowest: dict[int | str, int] = {}
    bridges = []
    for root, first in edges.items():
        if root in reached:
            continue
        reached[root] = lowest[root] = len(reached)
        way: list[tuple[int | str, Cell | None, Iterator[tuple[int | str, Cell]]]] = [(root, None, iter(first))]
        while way:
            point, came_by, rest = way[-1]
            for to, cell in rest:
                if to not in reached:
                    reached[to] = lowest[to] = len(reached)
                    way.append((to, cell, iter(edges[to])))
                    break
                if cell != came_by:
                    lowest[point] = min(lowest[point], reached[to])
            else:
                way.pop()
                if way:
                    before = way[-1][0]
                    lowest[before] = min(lowest[before], lowest[point])
                    if came_by is not None and lowest[point] > reached[before]:
                        bridges.append(came_by)
    return bridges
