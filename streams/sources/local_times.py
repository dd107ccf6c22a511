"""Local times without a zone as UTC: exactly, and a whole column at once.

Arrow's own `assume_timezone` is not enough: it knows no summer time after 2037, and errs at the changes before 1895.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_YEARS = range(2, 9999)  # one to each side must exist, too


class _Span(NamedTuple):
    """From `start` (local seconds since 1970) on, local time is `offset` seconds ahead of UTC, unless it is skipped."""

    start: int
    offset: int
    twice: bool = False
    skipped: bool = False


def to_utc(column: Any, zone: str) -> tuple[Any, Any]:
    """A column of timestamps without a zone, as UTC (microseconds); and which of them came twice.

    What comes twice in autumn is taken as the first of the two; what is skipped in spring, and what lies outside the
    years 2 to 9998, becomes null.
    """
    local = (column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column).cast(pa.timestamp("us"), False)
    years = [year for year in pc.unique(pc.year(local)).to_pylist() if year in _YEARS]
    if not years:
        return pa.nulls(len(local), pa.timestamp("us", "UTC")), pa.repeat(False, len(local))
    spans = sorted({span for year in {y + d for y in years for d in (-1, 0, 1)} for span in _spans(zone, year)})
    starts = pa.array([span.start * 1_000_000 for span in spans], pa.int64())
    micros = local.cast(pa.int64())
    at = pc.subtract(pc.search_sorted(starts, micros, side="right").cast(pa.int64()), 1)
    known = pc.and_(pc.greater_equal(at, 0), pc.is_in(pc.year(local), pa.array(years)))
    at = pc.if_else(known, at, None)
    offsets, twice, skipped = (pc.take(pa.array(values), at) for values in list(zip(*spans, strict=True))[1:])
    utc = pc.subtract(micros, pc.multiply(offsets, 1_000_000))
    utc = pc.if_else(pc.fill_null(skipped, True), None, utc).cast(pa.timestamp("us", "UTC"))
    return utc, pc.fill_null(twice, False)


@lru_cache(maxsize=4096)
def _spans(zone: str, year: int) -> tuple[_Span, ...]:
    """What a year's clock changes make of local time; the first begins with the year."""
    place = ZoneInfo(zone)
    begin = datetime(year, 1, 1, tzinfo=UTC)
    days = [begin + timedelta(days=day) for day in range((datetime(year + 1, 1, 1, tzinfo=UTC) - begin).days + 1)]
    spans = [_Span(_seconds(begin) + _offset(place, begin), _offset(place, begin))]
    for early, late in pairwise(days):
        before, after = _offset(place, early), _offset(place, late)
        if before != after:
            change = _seconds(_change(place, early, late))
            spans.append(_Span(change + min(before, after), before, twice=before > after, skipped=before < after))
            spans.append(_Span(change + max(before, after), after))
    return tuple(spans)


def _change(place: ZoneInfo, early: datetime, late: datetime) -> datetime:
    """The first second with the later offset."""
    before = _offset(place, early)
    while late - early > _SECOND:
        middle = early + (late - early) // 2
        middle = middle.replace(microsecond=0)
        if _offset(place, middle) == before:
            early = middle
        else:
            late = middle
    return late


def _offset(place: ZoneInfo, instant: datetime) -> int:
    offset = instant.astimezone(place).utcoffset()
    assert offset is not None, "a zone has an offset at any instant"
    return int(offset.total_seconds())


def _seconds(instant: datetime) -> int:
    return (instant - _EPOCH) // _SECOND
