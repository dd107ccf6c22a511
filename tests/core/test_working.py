"""When does so much working time end?"""

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core.working import Calendar, WorkingTime

OSLO = ZoneInfo("Europe/Oslo")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EASTER = (date(2026, 4, 2), date(2026, 4, 3), date(2026, 4, 5), date(2026, 4, 6))
HOLIDAYS = (*EASTER, date(2026, 5, 1), date(2026, 5, 14), date(2026, 5, 25), date(2026, 12, 25))
NORWAY = Calendar("NO", OSLO, time(8), time(16), HOLIDAYS)


def wall(text: str, zone: tzinfo = OSLO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "days", "hours", "end"),
    [
        ("2026-02-27T15:00", 2, 0, "2026-03-03T15:00"),  # a Friday
        ("2026-02-27T15:00", 0, 2, "2026-03-02T09:00"),
        ("2026-02-27T15:00", 0, 1, "2026-02-27T16:00"),  # working hours end with the day, not with the next morning
        ("2026-02-27T15:00", 1, 2, "2026-03-03T09:00"),
        ("2026-02-27T15:59:59.999999", 1, 0, "2026-03-02T15:59:59.999999"),
        ("2026-02-27T16:00", 1, 0, "2026-03-03T08:00"),
        ("2026-02-28T12:00", 1, 0, "2026-03-03T08:00"),
        ("2026-03-02T00:00", 1, 0, "2026-03-03T08:00"),
        ("2026-03-02T07:59:59.999999", 0, 4, "2026-03-02T12:00"),
        ("2026-03-02T08:00", 0, 8, "2026-03-02T16:00"),
        ("2026-03-02T08:00", 0, 17, "2026-03-04T09:00"),
        ("2026-03-02T23:30", 0, 8, "2026-03-03T16:00"),
        ("2026-03-02T10:00", 0, 0, "2026-03-02T10:00"),
        ("2026-02-28T12:00", 0, 0, "2026-03-02T08:00"),
        ("2026-04-01T15:00", 1, 0, "2026-04-07T15:00"),  # Easter
        ("2026-04-02T10:00", 0, 1, "2026-04-07T09:00"),
        ("2026-12-24T12:00", 2, 0, "2026-12-29T12:00"),
        ("2026-03-27T15:00", 1, 0, "2026-03-30T15:00"),  # over a night whose clock is put forward
        ("2026-10-23T15:00", 1, 0, "2026-10-26T15:00"),  # and one whose clock is put back
        ("2026-03-29T02:30", 0, 1, "2026-03-30T09:00"),  # there is no such time
        ("2026-10-25T02:30", 0, 1, "2026-10-26T09:00"),
    ],
)
def test_it_counts_only_while_receivers_are_at_work(start: str, days: int, hours: int, end: str) -> None:
    ended = NORWAY.end(wall(start).astimezone(UTC), WorkingTime(days, timedelta(hours=hours)))
    assert ended == wall(end)
    assert ended.tzinfo is UTC


def test_it_takes_a_working_day_for_an_hour_less_or_more_where_the_clock_changes() -> None:
    forward = NORWAY.end(wall("2026-03-27T15:00").astimezone(UTC), WorkingTime(1))
    back = NORWAY.end(wall("2026-10-23T15:00").astimezone(UTC), WorkingTime(1))
    assert forward - wall("2026-03-27T15:00").astimezone(UTC) == timedelta(days=3) - HOUR
    assert back - wall("2026-10-23T15:00").astimezone(UTC) == timedelta(days=3) + HOUR


class Changing(tzinfo):
    """A zone whose clock goes one hour forward at ten on Monday, the 2nd of March 2026, and back at ten on Tuesday."""

    FORWARD = datetime(2026, 3, 2, 10, tzinfo=UTC).replace(tzinfo=None)
    BACK = FORWARD + timedelta(days=1)  # from 11 to 10 on the wall

    def utcoffset(self, at: datetime | None) -> timedelta:
        assert at is not None
        plain = at.replace(tzinfo=None)
        summer = self.FORWARD + HOUR <= plain < self.BACK or (self.BACK <= plain < self.BACK + HOUR and not at.fold)
        return HOUR if summer else timedelta(0)

    def dst(self, at: datetime | None) -> timedelta:
        return self.utcoffset(at)

    def tzname(self, at: datetime | None) -> str:
        return "changing"

    def fromutc(self, at: datetime) -> datetime:
        plain = at.replace(tzinfo=None)
        summer = self.FORWARD <= plain < self.BACK
        fold = self.BACK <= plain < self.BACK + HOUR
        return (at + HOUR if summer else at).replace(fold=int(fold))


@pytest.mark.parametrize("length", [WorkingTime(1), WorkingTime(0, HOUR), WorkingTime(0, timedelta(0))])
def test_it_never_ends_before_it_began_though_the_clock_changes_at_work(length: WorkingTime) -> None:
    calendar = Calendar("X", Changing(), time(8), time(16), ())
    for minutes in range(0, 2 * 24 * 60, 7):
        start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minutes)
        assert calendar.end(start, length) >= start


def minute_by_minute(calendar: Calendar, start: datetime, days: int, minutes: int) -> datetime:
    """The same by looking at each minute: `days` working days whose time of day is the same, then minutes at work."""
    now = start
    while not at_work(calendar, now):
        now += MINUTE
    clock = now.astimezone(calendar.zone).time()
    for _ in range(days):
        now += HOUR  # past the same time of day, and still on the same day's working hours or after them
        while not (at_work(calendar, now) and now.astimezone(calendar.zone).time() == clock):
            now += MINUTE
    while minutes > 0:
        minutes -= at_work(calendar, now)
        now += MINUTE
    return now


def at_work(calendar: Calendar, now: datetime) -> bool:
    there = now.astimezone(calendar.zone)
    week = there.strftime("%a") not in ("Sat", "Sun")
    return week and there.date() not in calendar.holidays and 8 <= there.hour < 16


STARTS = st.one_of(
    st.integers(0, 365 * 24 * 60),
    *(st.integers(day * 24 * 60, (day + 5) * 24 * 60) for day in (84, 90, 119, 293, 355)),  # changes, Easter, feasts
)


@given(STARTS, st.integers(0, 4), st.integers(0, 26 * 60))
def test_it_ends_when_who_looks_every_minute_sees_it_end(begun: int, days: int, minutes: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=begun)
    naive = minute_by_minute(NORWAY, start, days, minutes)
    assert NORWAY.end(start, WorkingTime(days, timedelta(minutes=minutes))) == naive


@given(STARTS, st.integers(0, 3000), st.integers(0, 4), st.integers(0, 26 * 60))
def test_what_begins_later_never_ends_earlier(begun: int, later: int, days: int, minutes: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=begun)
    length = WorkingTime(days, timedelta(minutes=minutes))
    assert start <= NORWAY.end(start, length) <= NORWAY.end(start + timedelta(minutes=later), length)


def test_it_keeps_the_microseconds_and_asks_for_no_zone_of_its_own() -> None:
    start = datetime(2026, 3, 2, 13, 0, 0, 1, tzinfo=timezone(timedelta(hours=5)))
    assert NORWAY.end(start, WorkingTime(1)) == start + timedelta(days=1)
