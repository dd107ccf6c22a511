"""Small numbers in several tables that share a total: what one hides, no other may tell."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from streams.presentation.small_numbers import LEAST_SHOWN, suppressed

# Sums are solved in the remainders of a large prime: exact fractions would grow, and floating ones err.
_PRIME = (1 << 61) - 1
_SELDOM = frozenset({"pending", "unproven", "erased"})

Counts = Mapping[str, int | None]  # None: hidden, because it is small


class CountsLine(NamedTuple):
    """One line of a table. `label` says of what; with `folded` it is the sum of that many others."""

    label: tuple[Any, ...]
    counts: Counts
    folded: int = 0


class Table(NamedTuple):
    """Groups and their total; in each line `whole` is the sum of `parts`."""

    groups: list[CountsLine]
    total: Counts
    whole: str
    parts: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What is counted in each line."""
        return (self.whole, *self.parts)

    @property
    def worth_showing(self) -> tuple[str, ...]:
        """Its columns without those that are asked for seldom and are nought everywhere."""
        return tuple(name for name in self.columns if name not in _SELDOM or self.total[name] != 0)


class TableCell(NamedTuple):
    """A count: which table, which line, which column. The total is one line, without a table: all share it."""

    table: str
    line: int
    column: str


def hidden(variants: Mapping[str, Sequence[Table]]) -> dict[str, Table]:
    """The tables with every count from 1 to 4 as None, and as many others as it takes that no sum tells them.

    Of each table the first variant is taken that costs no total: better fewer lines than an answer without a number.
    The last one has no lines.
    """
    forced = _totals([of_one[-1] for of_one in variants.values()])
    tables = {
        key: next(
            (one for one in of_one[:-1] if all(cell in forced for cell in _totals_of(_one(key, one, forced)))),
            of_one[-1],
        )
        for key, of_one in variants.items()
    }  # fmt: skip
    while True:
        done = _each(tables, forced)
        told = _told(done)
        more = {cell for one in told for cell in [_beside(done, one)] if cell is not None}
        if not more:
            return done
        forced |= more


def _each(tables: Mapping[str, Table], forced: set[TableCell]) -> dict[str, Table]:
    """Each table by itself, again until no two differ in which totals are hidden."""
    while True:
        done = {key: _one(key, table, forced) for key, table in tables.items()}
        totals = {cell for table in done.values() for cell in _totals_of(table)}
        if totals <= forced:
            return done
        forced = forced | totals


def _totals(tables: Iterable[Table]) -> set[TableCell]:
    """The totals that must be hidden whatever the lines are: small ones, and those that would tell them.

    Next to a small one `stored` is hidden, and not the smallest, which is what was asked for: how many are missing.
    """
    forced: set[TableCell] = set()
    while True:
        before = len(forced)
        for table in tables:
            small = any(0 < (table.total[name] or 0) < LEAST_SHOWN for name in table.columns)
            names = {cell.column for cell in forced} | ({"stored"} if small else set())
            also = [(line, name) for line in (0, 1) for name in names.intersection(table.columns)]
            (_, total) = suppressed([table.total], table.total, table.whole, table.parts, also)
            forced |= _totals_of(table._replace(total=total))
        if len(forced) == before:
            return forced


def _totals_of(table: Table) -> set[TableCell]:
    return {TableCell("", 0, name) for name, number in table.total.items() if number is None}


def _one(key: str, table: Table, forced: set[TableCell]) -> Table:
    last = len(table.groups)
    if not table.groups:
        secret = {cell.column for cell in forced if not cell.table}
        return table._replace(total={name: None if name in secret else n for name, n in table.total.items()})
    also = [(cell.line, cell.column) for cell in forced if cell.table == key]
    also += [(last, cell.column) for cell in forced if not cell.table and cell.column in table.columns]
    *shown, total = suppressed([group.counts for group in table.groups], table.total, table.whole, table.parts, also)
    groups = [group._replace(counts=counts) for group, counts in zip(table.groups, shown, strict=True)]
    return table._replace(groups=groups, total=total)


def _cells(tables: Mapping[str, Table]) -> Iterator[tuple[TableCell, int | None]]:
    """Every count of every table; a total comes with each table that has it."""
    for key, table in tables.items():
        lines = [(TableCell(key, i, ""), group) for i, group in enumerate(table.groups)]
        for at, group in [*lines, (TableCell("", 0, ""), CountsLine((), table.total))]:
            for name in table.columns:
                yield at._replace(column=name), group.counts[name]


def _beside(tables: Mapping[str, Table], told: TableCell) -> TableCell | None:
    """The smallest count that is still shown: in the cell's own line or column, else anywhere."""
    shown = [(number, cell) for cell, number in _cells(tables) if number]
    beside = [
        (number, cell) for number, cell in shown
        if told[:2] == cell[:2] or (told.column == cell.column and (told.table == cell.table or not told.table))
    ]  # fmt: skip
    return min(beside or shown, default=(0, None))[1]


def _equations(tables: Mapping[str, Table]) -> Iterator[dict[TableCell, int]]:
    """The sums that a reader knows of what is hidden: of each line, and of each column up to the total."""
    unknown = {cell for cell, number in _cells(tables) if number is None}
    for key, table in tables.items():
        for at in [*(TableCell(key, i, "") for i in range(len(table.groups))), TableCell("", 0, "")]:
            if table.parts:
                across = {at._replace(column=name): 1 for name in table.parts} | {at._replace(column=table.whole): -1}
                yield {cell: sign for cell, sign in across.items() if cell in unknown}
        for name in table.columns if table.groups else ():
            down = {TableCell(key, i, name): 1 for i in range(len(table.groups))} | {TableCell("", 0, name): -1}
            yield {cell: sign for cell, sign in down.items() if cell in unknown}


def _told(tables: Mapping[str, Table]) -> list[TableCell]:
    """The hidden counts that the sums determine.

    What is not determined can be changed without breaking a sum. One such change of everything is drawn at random:
    what stays as it is in it is told (something else would stay by chance once in 10^18 times).
    """
    solved: dict[TableCell, dict[TableCell, int]] = {}  # each by those after it
    for equation in sorted(_equations(tables), key=len):
        left = dict(equation)
        while left:
            pivot = next((cell for cell in left if cell in solved), None)
            if pivot is None:
                chosen = min(left)
                inverse = pow(-left.pop(chosen), -1, _PRIME)
                solved[chosen] = {cell: factor * inverse % _PRIME for cell, factor in left.items()}
                break
            factor = left.pop(pivot)
            for cell, more in solved[pivot].items():
                left[cell] = (left.get(cell, 0) + factor * more) % _PRIME
                if not left[cell]:
                    del left[cell]
    return [cell for cell, change in _changes(tables, solved).items() if not change]


def _changes(tables: Mapping[str, Table], solved: Mapping[TableCell, Mapping[TableCell, int]]) -> dict[TableCell, int]:
    draw = random.Random(0)  # noqa: S311 (the same input is to give the same result, and nobody is kept from guessing)
    unknown = sorted({cell for cell, number in _cells(tables) if number is None})
    change = {cell: draw.randrange(1, _PRIME) for cell in unknown if cell not in solved}
    # What is solved later was never put into what was solved before, so the last one knows all that it stands on.
    for cell, by in reversed(list(solved.items())):
        change[cell] = sum(factor * change[one] for one, factor in by.items()) % _PRIME
    return change
