"""Times as the audit's tables hold them: microseconds since 1970."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """A time as microseconds since 1970."""
    return (time - EPOCH) // _MICROSECOND


def time_of(microseconds: int) -> datetime:
    """Microseconds since 1970 as a time (UTC)."""
    return EPOCH + microseconds * _MICROSECOND
