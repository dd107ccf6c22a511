"""Working time: days and hours on which a receiver is at work."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

DAY = timedelta(days=1)
WEEKEND = 5  # Saturday, as `weekday` counts; Sunday comes after it


class WorkingTime(NamedTuple):
    """So many working days, then so much working time."""

    days: int = 0
    hours: timedelta = timedelta(0)


class Calendar(NamedTuple):
    """When receivers work: Monday to Friday between two times of a zone, but not on public holidays (sorted).

    It opens before it closes, on the same day.
    """

    id: str
    zone: tzinfo
    opens: time
    closes: time
    holidays: tuple[date, ...]

    def end(self, start: datetime, length: WorkingTime) -> datetime:
        """When so much working time has passed since `start` (UTC).

        A working day ends at the same time of the next one. What begins outside working hours, also at the very moment
        of closing, counts from their next beginning.
        """
        began = self._beginning(start.astimezone(self.zone).replace(tzinfo=None))
        day = began.date()
        for _ in range(length.days):
            day = self._working_day(day + DAY)
        ended = self._working_hours(datetime.combine(day, began.time()), length.hours)
        # A clock that is put back within working hours would else let it end before it began.
        return max(start, ended.replace(tzinfo=self.zone).astimezone(UTC))

    def _beginning(self, wall: datetime) -> datetime:
        """The first moment of working time from then on; like every time below, what a clock on the wall shows."""
        day = wall.date() if wall.time() < self.closes else wall.date() + DAY
        working = self._working_day(day)
        return max(wall, datetime.combine(working, self.opens))

    def _working_hours(self, wall: datetime, hours: timedelta) -> datetime:
        """When so many hours of working time have passed since a moment of it."""
        day, ended = wall.date(), wall + hours
        while ended > (closing := datetime.combine(day, self.closes)):
            day = self._working_day(day + DAY)
            ended = datetime.combine(day, self.opens) + (ended - closing)
        return ended

    def _working_day(self, day: date) -> date:
        """The first working day from this one on."""
        while day.weekday() >= WEEKEND or self._is_holiday(day):
            day += DAY
        return day

    def _is_holiday(self, day: date) -> bool:
        found = bisect_left(self.holidays, day)
        return found < len(self.holidays) and self.holidays[found] == day
