"""Where single reports may not be seen, no count from 1 to 4 is published, nor can it be worked out."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.presentation.small_numbers import suppressed
from streams.view.store.tables import STATUSES

Row = dict[str, Any]
COUNT = st.one_of(st.just(0), st.integers(1, 4), st.integers(0, 12), st.integers(0, 5000))
TABLES = st.lists(st.tuples(*[COUNT] * len(STATUSES)), max_size=6)


def table(groups: list[tuple[int, ...]]) -> tuple[list[Row], Row]:
    rows = [{"reports": sum(counts)} | dict(zip(STATUSES, counts, strict=True)) for counts in groups]
    total = {name: sum(row[name] for row in rows) for name in ("reports", *STATUSES)}
    return rows, total


def equations(rows: list[Row]) -> list[dict[tuple[int, str], int]]:
    """What the reader of groups and total (the last row) knows: sums that are 0."""
    last = len(rows) - 1
    across = [{(i, "reports"): -1} | {(i, name): 1 for name in STATUSES} for i in range(len(rows))]
    return across + [
        {(i, name): 1 for i in range(last)} | {(last, name): -1} for name in ("reports", *STATUSES)
    ]  # fmt: skip


def worked_out(rows: list[Row]) -> set[tuple[int, str]]:
    """The hidden cells that the sums determine, by Gauss: unit vectors of what is left of the equations."""
    unknown = [(i, name) for i, row in enumerate(rows) for name in row if row[name] is None]
    matrix = [[line.get(cell, 0) for cell in unknown] for line in equations(rows)]
    pivot = 0
    for column in range(len(unknown)):
        found = next((i for i in range(pivot, len(matrix)) if matrix[i][column]), None)
        if found is None:
            continue
        matrix[pivot], matrix[found] = matrix[found], matrix[pivot]
        first = matrix[pivot]
        for i, line in enumerate(matrix):
            if i != pivot and line[column]:
                factor = line[column] * first[column]  # every number is -1, 0 or 1: the sums are totally unimodular
                matrix[i] = [a - factor * b for a, b in zip(line, first, strict=True)]
        pivot += 1
    return {
        unknown[line.index(next(filter(None, line)))] for line in matrix if sum(1 for number in line if number) == 1
    }


@settings(deadline=None)
@example(groups=[(0, 0, 0, 1, 0, 0, 0), (0, 0, 0, 1, 0, 0, 0), (0, 0, 0, 0, 2, 0, 3), (0, 0, 0, 3, 0, 0, 1)])
@given(groups=TABLES)
def test_no_published_count_is_from_1_to_4_and_sums_do_not_tell_what_is_hidden(groups: list[tuple[int, ...]]) -> None:
    rows, total = table(groups)
    shown = suppressed(rows, total, "reports", STATUSES)
    for before, after in zip([*rows, total], shown, strict=True):
        assert before.keys() == after.keys()
        assert all(after[name] in (None, before[name]) for name in before)
        assert not [number for number in after.values() if number in range(1, 5)]
        assert all(after[name] == 0 for name in before if before[name] == 0)
    assert not worked_out(shown)


@given(groups=TABLES)
def test_what_is_hidden_is_more_than_one_each(groups: list[tuple[int, ...]]) -> None:
    rows, total = table(groups)
    for before, after in zip([*rows, total], suppressed(rows, total, "reports", STATUSES), strict=True):
        hidden = [before[name] for name in STATUSES if after[name] is None]
        assert after["reports"] is None or not hidden or sum(hidden) > len(hidden)


@settings(deadline=None)
@given(groups=TABLES, hidden=st.sets(st.sampled_from(("reports", *STATUSES))))
def test_totals_that_are_hidden_elsewhere_are_not_told_here(groups: list[tuple[int, ...]], hidden: set[str]) -> None:
    rows, total = table(groups)
    shown = suppressed(rows, total, "reports", STATUSES, [(len(rows), name) for name in hidden])
    assert all(shown[-1][name] is None for name in hidden if total[name])
    assert not worked_out(shown)


def test_large_counts_are_all_shown() -> None:
    rows, total = table([(5, 6, 7, 8, 9, 0, 10), (0, 5, 0, 5, 0, 0, 5)])
    assert suppressed(rows, total, "reports", STATUSES) == [*rows, total]


def test_what_is_hidden_in_one_group_is_hidden_with_the_least_of_the_others() -> None:
    rows, total = table([(3, 100, 0, 0, 0, 0, 0), (20, 90, 0, 0, 0, 0, 0), (30, 80, 0, 0, 0, 0, 0)])
    first, second, _, whole = suppressed(rows, total, "reports", STATUSES)
    assert (first["pending"], first["stored"], first["reports"]) == (None, None, 103)
    assert (second["pending"], second["stored"], second["reports"]) == (None, None, 110)
    assert whole == total
