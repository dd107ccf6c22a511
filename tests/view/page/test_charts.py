"""The geometry of the charts."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from streams.view.page.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, bars, durations_chart

_seconds = st.one_of(st.none(), st.floats(0, 4e7))


@given(values=st.lists(_seconds, min_size=1, max_size=40))
def test_every_point_lies_inside_whatever_the_values(values: list[float | None]) -> None:
    months = [date(2020 + n // 12, n % 12 + 1, 1) for n in range(len(values))]
    chart = durations_chart(months, {"p50": values})
    (line,) = chart.lines
    assert len(line.points) == len([value for value in values if value is not None])
    for point in line.points:
        assert LEFT <= point.x <= WIDTH - RIGHT
        assert TOP <= point.y <= HEIGHT - BOTTOM + 0.1
    assert len(chart.ticks) >= 2
    assert len(chart.months) <= 8


@given(first=st.floats(1, 1e7), second=st.floats(1, 1e7))
def test_longer_is_higher(first: float, second: float) -> None:
    chart = durations_chart([date(2026, 1, 1), date(2026, 2, 1)], {"p50": [first, second]})
    low, high = (point.y for point in chart.lines[0].points)
    assert (low >= high) == (first <= second) or low == high


def test_a_grid_line_lies_where_its_value_would() -> None:
    chart = durations_chart([date(2026, 1, 1), date(2026, 2, 1)], {"p50": [60.0, 3600.0]})
    at = {tick.value: tick.at for tick in chart.ticks}
    assert [point.y for point in chart.lines[0].points] == [at[60], at[3600]]


def test_bars_are_shares_of_the_longest() -> None:
    assert [bar.share for bar in bars([("a", 4, None), ("b", 1, None), ("c", 0, None)])] == [1.0, 0.25, 0.0]
    assert bars([]) == []
