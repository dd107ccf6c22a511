"""Percentiles and tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.programs.bench.figures import percentile, spread, table

FIGURES = st.lists(st.floats(0, 1e6), min_size=1, max_size=300)


@given(FIGURES, st.floats(0.001, 1))
def test_a_percentile_is_a_figure_that_enough_do_not_exceed_and_the_smallest_such(
    figures: list[float], share: float
) -> None:
    found = percentile(figures, share)
    assert found in figures
    assert sum(figure <= found for figure in figures) >= share * len(figures)
    assert sum(figure < found for figure in figures) < share * len(figures)


def test_of_a_hundred_figures_the_99th_is_the_second_highest() -> None:
    assert spread([float(n) for n in range(1, 101)]) == (100, 50.0, 99.0, 100.0)


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)


def test_a_table_is_markdown_with_figures_that_can_be_read() -> None:
    assert table(("what", "n", "s"), [("rows", 1_000_000, 0.01234), ("much", True, 12345.6)]) == (
        "| what | n | s |\n| --- | ---: | ---: |\n| rows | 1 000 000 | 0.0123 |\n| much | yes | 12 346 |"
    )
