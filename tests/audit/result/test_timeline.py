"""The geometry of the time line."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from streams.audit.result.timeline import HEIGHT, LEAST_HEIGHT, timeline
from streams.presentation.joint_tables import CountsLine, Table

COUNT = st.one_of(st.none(), st.just(0), st.integers(1, 10**7))


def table(counts: list[int | None], unit: str = "month") -> Table:
    labels = [
        (date(2020 + n // 12, n % 12 + 1, 1) if unit == "month" else date(1995 + n, 1, 1)) for n in range(len(counts))
    ]
    groups = [CountsLine((label, unit), {"missing": count}) for label, count in zip(labels, counts, strict=True)]
    return Table(groups, {"missing": None}, "missing", ())


@given(counts=st.lists(COUNT, min_size=1, max_size=90))
def test_every_bar_is_inside_and_stands_on_the_ground(counts: list[int | None]) -> None:
    chart = timeline(table(counts), ["missing"])
    (series,) = chart.series
    assert len(series.bars) == len([count for count in counts if count != 0])
    for bar in series.bars:
        assert 0 <= bar.x <= chart.width - 9
        assert bar.y + bar.height == HEIGHT
        assert LEAST_HEIGHT <= bar.height <= HEIGHT
    known = [count for count in counts if count]
    assert series.highest == max(known, default=None)


def test_years_are_as_wide_as_their_months_and_what_has_no_time_is_left_out() -> None:
    made = table([1] * 14)
    made.groups.append(CountsLine((None, "month"), {"missing": 3}))
    chart = timeline(made, ["missing"])
    assert (chart.spans, chart.width) == ([("2020", 12), ("2021", 2)], 140)


def test_of_many_years_there_are_decades() -> None:
    assert timeline(table([1] * 12, "year"), ["missing"]).spans == [("1990", 5), ("2000", 7)]


def test_without_anything_there_is_no_bar() -> None:
    (series,) = timeline(table([0, 0]), ["missing"]).series
    assert (series.bars, series.highest, series.when) == ([], None, None)
