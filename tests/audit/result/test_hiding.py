"""In a result for open publication nobody can work out a number from 1 to 4, from all its tables together."""

import random
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

import pytest

from streams.audit.result.counts import COLUMNS, by_code, with_rest, without_groups
from streams.audit.schema import TERMS
from streams.presentation.joint_tables import CountsLine, Table, TableCell, hidden


class Report(NamedTuple):
    """One report, by what tables are made of."""

    receiver: int
    month: int
    version: int
    status: str


def table(reports: list[Report], by: str) -> Table:
    """The books of these reports by one of their properties."""
    groups: dict[int, dict[str, int]] = {}
    total = dict.fromkeys(COLUMNS, 0)
    for report in reports:
        for counts in (groups.setdefault(getattr(report, by), dict.fromkeys(COLUMNS, 0)), total):
            counts["sent"] += 1
            counts[report.status] += 1
    return Table([CountsLine((label,), counts) for label, counts in sorted(groups.items())], total, "sent", TERMS)


def world(draw: random.Random) -> dict[str, Table]:
    """Small tables of the same reports."""
    receivers, months = draw.randint(1, 6), draw.randint(1, 5)
    weights = [draw.choice((0, 1, 3, 30)) for _ in TERMS]
    weights[0] += 1
    reports = [
        Report(draw.randrange(receivers), draw.randrange(months), draw.randrange(3), draw.choices(TERMS, weights)[0])
        for _ in range(draw.randint(1, 60))
    ]
    reasons: dict[str, int | None] = {}
    for report in reports:
        if report.status == "missing":
            code = draw.choice("abc")
            reasons[code] = (reasons.get(code) or 0) + 1
    made = {f"{by}s": table(reports, by) for by in ("receiver", "month", "version")}
    merged = {name: with_rest(one) if draw.random() < 0.5 else one for name, one in made.items()}
    return {"books": without_groups(made["months"]), **merged, "reasons": by_code(reasons, "missing")}


def cells(tables: Mapping[str, Table]) -> Iterator[tuple[TableCell, int | None]]:
    for key, one in tables.items():
        for name in one.columns:
            yield from ((TableCell(key, i, name), group.counts[name]) for i, group in enumerate(one.groups))
            yield TableCell("", 0, name), one.total[name]


def sums(tables: Mapping[str, Table]) -> Iterator[dict[TableCell, int]]:
    """What a reader knows: these are all 0."""
    for key, one in tables.items():
        for at in [TableCell("", 0, ""), *(TableCell(key, i, "") for i in range(len(one.groups)))]:
            if one.parts:
                yield {at._replace(column=one.whole): -1, **{at._replace(column=name): 1 for name in one.parts}}
        for name in one.columns if one.groups else ():
            yield {TableCell("", 0, name): -1, **{TableCell(key, i, name): 1 for i in range(len(one.groups))}}


def worked_out(tables: Mapping[str, Table]) -> set[TableCell]:
    """The hidden cells that all sums together determine, exactly, by Gauss and Jordan."""
    unknown = sorted({cell for cell, number in cells(tables) if number is None})
    matrix = [[Fraction(line.get(cell, 0)) for cell in unknown] for line in sums(tables)]
    pivot = 0
    for column in range(len(unknown)):
        found = next((i for i in range(pivot, len(matrix)) if matrix[i][column]), None)
        if found is None:
            continue
        matrix[pivot], matrix[found] = matrix[found], matrix[pivot]
        matrix[pivot] = [number / matrix[pivot][column] for number in matrix[pivot]]
        for i, line in enumerate(matrix):
            if i != pivot and line[column]:
                matrix[i] = [a - line[column] * b for a, b in zip(line, matrix[pivot], strict=True)]
        pivot += 1
    alone = (line for line in matrix if sum(1 for number in line if number) == 1)
    return {unknown[next(i for i, number in enumerate(line) if number)] for line in alone}


@pytest.mark.parametrize("seed", range(60))
def test_no_count_from_1_to_4_is_shown_or_can_be_worked_out(seed: int) -> None:
    tables = world(random.Random(seed))
    shown = hidden({key: [one, without_groups(one)] for key, one in tables.items()})
    kept = {cell: number for cell, number in cells(tables) if cell.table == "" or shown[cell.table].groups}
    seen = dict(cells(shown))
    assert seen.keys() <= kept.keys()
    assert not [cell for cell, number in seen.items() if number is not None and 0 < number < 5]
    assert all(number in (None, kept[cell]) for cell, number in seen.items())
    assert all(seen[cell] == 0 for cell in seen if kept[cell] == 0)
    assert not worked_out(shown)


def test_every_table_tells_the_same_of_a_total() -> None:
    for seed in range(60):
        shown = hidden({key: [one] if not one.groups else [one, without_groups(one)]
                        for key, one in world(random.Random(seed)).items()})  # fmt: skip
        for name in COLUMNS:
            assert len({one.total[name] for one in shown.values() if name in one.total}) == 1


def two_rows(first: dict[str, int], second: dict[str, int]) -> Table:
    rows = [dict.fromkeys(COLUMNS, 0) | row | {"sent": sum(row.values())} for row in (first, second)]
    total = {name: sum(row[name] for row in rows) for name in COLUMNS}
    return Table([CountsLine((i,), row) for i, row in enumerate(rows)], total, "sent", TERMS)


def test_what_each_table_alone_hides_the_two_together_do_not_tell() -> None:
    """Each of the two is safe by itself; what they share would tell. Found among thousands drawn at random."""
    receivers = two_rows({"stored": 10, "recovered": 1}, {"stored": 11, "pending": 1, "undetermined": 2})
    months = two_rows({"stored": 11, "recovered": 1}, {"stored": 10, "pending": 1, "undetermined": 2})
    shown = hidden({"books": [without_groups(months)], "receivers": [receivers], "months": [months]})
    assert not worked_out(shown)


def test_an_answer_keeps_its_number_and_a_table_goes_instead() -> None:
    """Seven missing with seven receivers are one each: to hide that, their sum would have to go, or the receivers."""
    counts = dict.fromkeys(COLUMNS, 0) | {"sent": 101, "stored": 100, "missing": 1}
    total = {name: 7 * number for name, number in counts.items()}
    receivers = Table([CountsLine((i,), counts) for i in range(7)], total, "sent", TERMS)
    shown = hidden({"books": [without_groups(receivers)], "receivers": [receivers, without_groups(receivers)]})
    assert shown["receivers"].groups == []
    assert shown["books"].total["missing"] == 7


def test_beside_a_small_total_the_stored_are_hidden_and_not_the_missing() -> None:
    total = dict.fromkeys(COLUMNS, 0) | {"sent": 1072, "stored": 1000, "missing": 70, "recovered": 2}
    shown = hidden({"books": [Table([], total, "sent", TERMS)]})["books"].total
    assert [name for name, number in shown.items() if number is None] == ["stored", "recovered"]
