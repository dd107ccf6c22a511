"""Local times as UTC, against the standard library's own zones, minute by minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.local_times import to_utc

CHANGES = [  # the last Sundays of March and October
    datetime(2019, 3, 31), datetime(2019, 10, 27), datetime(2020, 3, 29), datetime(2020, 10, 25),
    datetime(2021, 3, 28), datetime(2021, 10, 31), datetime(2022, 3, 27), datetime(2022, 10, 30),
    datetime(2023, 3, 26), datetime(2023, 10, 29), datetime(2024, 3, 31), datetime(2024, 10, 27),
    datetime(2025, 3, 30), datetime(2025, 10, 26), datetime(2026, 3, 29), datetime(2026, 10, 25),
    datetime(2027, 3, 28), datetime(2027, 10, 31),
]  # fmt: skip


def expected(local: datetime, zone: str) -> tuple[datetime | None, bool]:
    """What the standard library says: the first of two readings, None where none reads back as the same time."""
    place = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(place).replace(tzinfo=None) != local:
        return None, False
    return first, first != second


def converted(times: list[datetime], zone: str) -> list[tuple[datetime | None, bool]]:
    utc, twice = to_utc(pa.array(times, pa.timestamp("us")), zone)
    return list(zip(utc.to_pylist(), twice.to_pylist(), strict=True))


@pytest.mark.parametrize("zone", ["Europe/Oslo", "America/New_York", "Asia/Kolkata", "UTC"])
def test_every_minute_around_the_clock_changes_is_as_the_standard_library_reads_it(zone: str) -> None:
    times = [day + timedelta(minutes=minute) for day in CHANGES for minute in range(-60, 300)]
    assert converted(times, zone) == [expected(time, zone) for time in times]


@given(
    st.lists(st.datetimes(datetime(1890, 1, 1), datetime(2120, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(["Europe/Oslo", "Europe/London", "America/New_York", "Australia/Lord_Howe"]),
)
def test_any_times_are_as_the_standard_library_reads_them(times: list[datetime], zone: str) -> None:
    assert converted(times, zone) == [expected(time, zone) for time in times]


def test_the_hour_that_comes_twice_is_taken_as_the_first_and_marked() -> None:
    assert converted([datetime(2022, 10, 30, 2, 30)], "Europe/Oslo") == [
        (datetime(2022, 10, 30, 0, 30, tzinfo=UTC), True)
    ]


def test_a_time_that_the_clock_skipped_is_null() -> None:
    assert converted([datetime(2022, 3, 27, 2, 30)], "Europe/Oslo") == [(None, False)]


def test_nulls_and_impossible_years_stay_null_and_chunks_are_one_column() -> None:
    column = pa.chunked_array(
        [
            pa.array([None, datetime(1, 1, 1), datetime(9999, 12, 31)], pa.timestamp("us")),
            pa.array([datetime(2022, 7, 1, 12)], pa.timestamp("us")),
        ]
    )
    utc, twice = to_utc(column, "Europe/Oslo")
    assert utc.to_pylist() == [None, None, None, datetime(2022, 7, 1, 10, tzinfo=UTC)]
    assert twice.to_pylist() == [False] * 4


def test_no_times_at_all_are_no_times_at_all() -> None:
    utc, twice = to_utc(pa.array([], pa.timestamp("us")), "Europe/Oslo")
    assert (utc.type, len(utc), len(twice)) == (pa.timestamp("us", "UTC"), 0, 0)
