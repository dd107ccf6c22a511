"""Pictures that are as wide as what they show."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from streams.view.page.pictures import (
    ABOVE,
    BAR_HEIGHT,
    LABEL_WIDTH,
    LEVELS,
    heat_map,
    months_picture,
)

MONTHS = [date(2020 + n // 12, n % 12 + 1, 1) for n in range(40)]


@given(numbers=st.lists(st.one_of(st.none(), st.integers(0, 10**7)), max_size=40))
def test_bars_stand_on_the_base_inside_the_picture_and_whatever_is_not_0_is_seen(numbers: list[int | None]) -> None:
    picture = months_picture([{"month": MONTHS[n], "reports": number} for n, number in enumerate(numbers)], ())
    for bar, number in zip(picture.bars, numbers, strict=True):
        assert abs(bar.y + bar.height - picture.base) < 0.11
        assert ABOVE <= bar.y <= picture.base
        assert (bar.height >= 2) == bool(number)
        assert bar.x + 44 <= picture.width


def test_the_highest_bar_is_as_high_as_the_picture_and_months_that_nobody_watched_are_told() -> None:
    rows = [{"month": MONTHS[n], "reports": number} for n, number in enumerate((5, 10, 0))]
    picture = months_picture(rows, {MONTHS[0]})
    assert [bar.height for bar in picture.bars] == [BAR_HEIGHT / 2, BAR_HEIGHT, 0]
    assert [bar.unseen for bar in picture.bars] == [True, False, False]
    assert [bar.row for bar in picture.bars] == rows


def test_a_cell_is_darker_the_more_there_is() -> None:
    values = {"a": {MONTHS[0]: 8.0, MONTHS[1]: 4.0, MONTHS[2]: 0.0}, "b": {MONTHS[1]: 0.01}}
    found = heat_map(values, MONTHS[:3])
    assert [[cell.level for cell in row.cells] for row in found.rows] == [[LEVELS, 2, 0], [0, 1, 0]]
    assert [[cell.value for cell in row.cells] for row in found.rows] == [[8.0, 4.0, 0.0], [None, 0.01, None]]
    assert [row.name for row in found.rows] == ["a", "b"]
    assert found.rows[0].cells[0].x == LABEL_WIDTH
    assert found.rows[1].y - found.rows[0].y == found.height - found.rows[1].y


def test_of_nothing_there_is_an_empty_map() -> None:
    assert heat_map({}, []).rows == []
