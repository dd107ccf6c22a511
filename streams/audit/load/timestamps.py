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
LOCAL = rf"^{_DAY}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{{1,6}})?)?$"
_READ = f"""
SELECT epoch_us(CASE WHEN regexp_matches(text, '{PLAIN}') THEN TRY_CAST(text AS TIMESTAMPTZ) END) AS us,
    CASE WHEN regexp_matches(text, '{LOCAL}') THEN TRY_CAST(text AS TIMESTAMP) END AS local
FROM texts
"""
_US = pa.timestamp("us", "UTC")


class Instants(NamedTuple):
    """A column of times. `us`: int64, null where there is none that could be read; `folded`: the hour that comes twice.

    `local`: how many were given without a zone and could not be read for want of one.
    """

    us: pa.ChunkedArray
    folded: pa.ChunkedArray
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
        return Instants(us, _never(len(us)), 0)
    in_zone = _in_zone(local, zone)
    return Instants(pc.coalesce(us, in_zone.us), in_zone.folded, in_zone.local)


def _plain(utc: pa.ChunkedArray) -> Instants:
    return Instants(pc.cast(utc, pa.int64()), _never(len(utc)), 0)


def _in_zone(local: pa.ChunkedArray, zone: str | None) -> Instants:
    if zone is None:
        count = len(local)
        return Instants(pa.chunked_array([pa.nulls(count, pa.int64())]), _never(count), count - local.null_count)
    utc, ambiguous = to_utc(local, zone)
    return Instants(pc.cast(utc, pa.int64()), ambiguous, 0)


def _never(count: int) -> pa.ChunkedArray:
    return pa.chunked_array([pa.repeat(pa.scalar(False), count)])


def microseconds(time: datetime) -> int:
    """A time as microseconds since 1970."""
    return (time - EPOCH) // _MICROSECOND


def time_of(microseconds: int) -> datetime:
    """Microseconds since 1970 as a time (UTC)."""
    return EPOCH + microseconds * _MICROSECOND
