"""Times as people and spreadsheets write them, as local timestamps; whole columns at once."""

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from streams.sources.local_times import to_utc
from streams.sources.plan import TimeStyle

LOCAL = pa.timestamp("us")
# 31.12.2022 14:30 or 14:30:05; a dot between hours and minutes is as common. Never month first, never two-digit years.
_DAY = r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>[12]\d{3})"
_CLOCK = r"[ T]+(?P<hour>\d{1,2})[:.](?P<minute>[0-5]\d)(?:[:.](?P<second>[0-5]\d))?"
NORWEGIAN = f"^{_DAY}(?:{_CLOCK})?$"
_NORWEGIAN_TIME = f"^{_DAY}{_CLOCK}$"
_SERIAL = r"^\d{1,6}(?:[.,]\d{1,12})?$"
# Excel's days since; it thinks 1900 had a 29th of February. Workbooks from older ones for Mac count from 1904.
_SERIAL_BEGINS = {"excel": datetime(1899, 12, 30), "excel1904": datetime(1904, 1, 1)}  # noqa: DTZ001
_FIRST_SERIAL = 61  # before that Excel is a day off
_LAST_SERIAL = 2_958_465.99999


def from_norwegian(column: Any) -> Any:
    """Text such as 31.12.2022 14:30 as local timestamps, a day as its beginning; null where it is no such time."""
    parts = pc.extract_regex(column, pattern=NORWEGIAN)
    given = [pc.struct_field(parts, name) for name in ("day", "month", "year", "hour", "minute", "second")]
    text = pc.binary_join_element_wise(*(pc.if_else(pc.equal(part, ""), "0", part) for part in given), " ")
    at = pc.strptime(text, "%d %m %Y %H %M %S", "us", error_is_null=True)
    # A 31st of February is read as a 3rd of March.
    return pc.if_else(pc.equal(pc.day(at), pc.cast(given[0], pa.int64())), at, None)


def from_excel(column: Any, style: str = "excel") -> Any:
    """Excel's serial numbers (days of the 1900 system, or of 1904's) as local timestamps; else null.

    To the second: five decimals, as spreadsheets mostly write, tell no more.
    """
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.match_substring_regex(column, _SERIAL), column, None)
        column = pc.cast(pc.replace_substring(column, ",", "."), pa.float64())
    days = pc.if_else(
        pc.and_(pc.greater_equal(column, _FIRST_SERIAL), pc.less_equal(column, _LAST_SERIAL)), column, None
    )
    seconds = pc.cast(pc.round(pc.multiply(days, 86_400.0)), pa.int64())
    begin = (datetime(1970, 1, 1) - _SERIAL_BEGINS[style]) // timedelta(seconds=1)  # noqa: DTZ001 - a difference
    return pc.multiply(pc.subtract(seconds, begin), 1_000_000).cast(LOCAL)


def looks_norwegian(column: Any) -> bool:
    """Whether every text in a column is such a time or day, and there is a time."""
    texts = pc.drop_null(column)
    every = pc.all(pc.match_substring_regex(texts, NORWEGIAN)).as_py()
    return bool(len(texts) and every and pc.any(pc.match_substring_regex(texts, _NORWEGIAN_TIME)).as_py())


def are_days(column: Any, style: TimeStyle | None) -> Any:
    """Which values of a column are but a day, without a time of it: dates, and what a style writes so."""
    if pa.types.is_date(column.type):
        return pc.is_valid(column)
    if style == "norwegian" and pa.types.is_string(column.type):
        return pc.invert(pc.match_substring_regex(column, _NORWEGIAN_TIME))
    if style in _SERIAL_BEGINS and pa.types.is_string(column.type):
        return pc.match_substring_regex(column, r"^[0-9]+([.,]0+)?$")
    if style in _SERIAL_BEGINS and pa.types.is_floating(column.type):
        return pc.equal(pc.floor(column), column)
    return None


def rfc3339(text: str, style: TimeStyle | None, zone: str | None) -> str:
    """One time as the input topics have it, where it can be told; else as it stands there."""
    local = _one(text, style)
    if local is None or local.tzinfo is not None or zone is None:
        return text
    utc: datetime | None = to_utc(pa.array([local], LOCAL), zone)[0][0].as_py()
    return text if utc is None else utc.isoformat()


def _one(text: str, style: TimeStyle | None) -> datetime | None:
    if style in ("norwegian", "excel", "excel1904"):
        given = pa.array([text], pa.string())
        if are_days(given, style)[0].as_py():
            return None
        found: datetime | None = (from_norwegian(given) if style == "norwegian" else from_excel(given, style))[
            0
        ].as_py()
        return found
    try:
        return datetime.fromisoformat(text) if len(text) > len("2022-03-02") else None
    except ValueError:
        return None
