"""Times as they are shown and written: days are Norwegian ones, files are in UTC."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
SPREADSHEET_TIME_FORMAT = "%d.%m.%Y %H:%M:%S"  # Norwegian Excel takes it for a time
ZONE = "Europe/Oslo"  # days and months are Norwegian ones
OSLO = ZoneInfo(ZONE)


def norwegian_day(time: datetime) -> date:
    """The day that it is in Norway."""
    return time.astimezone(OSLO).date()
