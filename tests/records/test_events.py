"""Times as they stand in every value."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from streams.core.events import written
from streams.records.events import stamp


class _Replaced(datetime):
    """What a test or a simulation puts in the place of the clock."""


@given(at=st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)), whole=st.booleans())  # noqa: DTZ001
def test_a_stamp_is_the_time_as_it_is_written(at: datetime, whole: bool) -> None:
    time = at.replace(tzinfo=UTC, microsecond=0) if whole else at.replace(tzinfo=UTC)
    assert stamp(time) == written(time)


def test_so_is_one_of_another_clock() -> None:
    for microsecond in (0, 120):
        time = _Replaced(2026, 1, 1, 12, 0, 0, microsecond, tzinfo=UTC)
        assert stamp(time) == written(time)
