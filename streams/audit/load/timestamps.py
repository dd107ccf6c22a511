"""Times as the audit's tables hold them, as microseconds since 1970; also whole columns of text or Arrow's times."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from streams.audit.arrow import registered
from streams.sources.local_times import to_utc

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# What is plainly a time of RFC 3339, by a pattern that the contract's reader accepts, too: anything else is left to it.
_DAY = r"(19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
PLAIN = rf"^{_DAY}T{_CLOCK}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
# As databases and languages write them besides: a blank for the T or before the zone, no seconds, a zone in hours
# alone, in words or told twice, any number of decimals.
ZONED = (
    r"(?i)^((?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9])[T ]"
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{1,9})?)?)"
    r" ?(Z|UTC|GMT|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)(?:\[[A-Z0-9_/+-]{1,40}\])?$"
)
LOCAL = rf"^{_DAY}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,6}})?)?$"
DAY = rf"^{_DAY}$"
# Within how many hours a local time lies: the one that comes twice in autumn, and the longest day.
TWICE_HOURS, DAY_HOURS = 1, 25
_READ = f"""
SELECT epoch_us(CASE WHEN regexp_matches(text, '{PLAIN}') THEN TRY_CAST(text AS TIMESTAMPTZ)
        WHEN regexp_matches(text, '{ZONED}') THEN TRY_CAST(replace(regexp_replace(regexp_replace(
            text, '{ZONED}', '\\1T\\2\\3'), '(?i)(UTC|GMT|Z)$', 'Z'), ',', '.') AS TIMESTAMPTZ) END) AS us,
    CASE WHEN us IS NULL AND (regexp_matches(text, '{LOCAL}') OR regexp_matches(text, '{DAY}'))
        THEN TRY_CAST(text AS TIMESTAMP) END AS local,
    local IS NOT NULL AND length(text) = {len("2022-03-02")} AS day
FROM texts
"""
_US = pa.timestamp("us", "UTC")


class Instants(NamedTuple):
    """A column of times. `us`: int64, the earliest that it can be, null where there is none that could be read.

    `within`: uint8, the hours from there on in which it lies, 0 where it is known. `local`: how many were given without
    a zone and could not be read for want of one.
    """

    us: pa.ChunkedArray
    within: pa.ChunkedArray
    local: int


def instants(connection: duckdb.DuckDBPyConnection, column: pa.ChunkedArray, zone: str | None) -> Instants:
    """Read a column; times without a zone are those of `zone`."""
    if pa.types.is_timestamp(column.type):
        if column.type.tz is not None:
            return _plain(pc.cast(column, _US, safe=False))
        return _in_zone(pc.cast(column, pa.timestamp("us"), safe=False), zone)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = pc.cast(column, pa.string())
    with registered(connection, texts=pa.table({"text": column})):
        found = connection.sql(_READ).to_arrow_table()
    us, local = found["us"], found["local"]
    if local.null_count == len(local):
        return _plain(us)
    in_zone = _in_zone(local, zone)
    within = pc.if_else(found["day"], _hours(DAY_HOURS), in_zone.within)
    return Instants(pc.coalesce(us, in_zone.us), within, in_zone.local)


def _plain(utc: pa.ChunkedArray) -> Instants:
    return Instants(pc.cast(utc, pa.int64()), _exactly(len(utc)), 0)


def _in_zone(local: pa.ChunkedArray, zone: str | None) -> Instants:
    if zone is None:
        count = len(local)
        return Instants(pa.chunked_array([pa.nulls(count, pa.int64())]), _exactly(count), count - local.null_count)
    utc, twice = to_utc(local, zone)
    return Instants(pc.cast(utc, pa.int64()), pc.if_else(twice, _hours(TWICE_HOURS), _hours(0)), 0)


def _hours(count: int) -> pa.Scalar:
    return pa.scalar(count, pa.uint8())


def _exactly(count: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(_hours(0), count)])


def microseconds(time: datetime) -> int:
    """A time as microseconds since 1970."""
    return (time - EPOCH) // _MICROSECOND


def time_of(microseconds: int) -> datetime:
    """Microseconds since 1970 as a time (UTC)."""
    return EPOCH + microseconds * _MICROSECOND
