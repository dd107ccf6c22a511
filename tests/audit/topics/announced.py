"""Lines of an audit, and announcements to hold them against."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from streams.audit.schema import VERDICTS
from streams.core.events import MISSING_TYPE, RECOVERED_TYPE, event_id, written

NOW = datetime(2026, 2, 1, tzinfo=UTC)
ALARM = datetime(2026, 1, 1, 12, tzinfo=UTC)


def verdict(number: int, status: str, alarm_at: datetime = ALARM, **fields: Any) -> dict[str, Any]:
    """A line of the audit."""
    missing = event_id(report(number), MISSING_TYPE, alarm_at) if status in ("missing", "recovered") else None
    return {
        "report_id": report(number), "status": status, "alarm_at": alarm_at, "missing_event_id": missing,
        "municipality_today": "0301", "policy_version": "v1", "by_event_time": False,
    } | fields  # fmt: skip


def missing(number: int, alarm_at: datetime = ALARM, after: float | None = 1, **fields: Any) -> dict[str, Any]:
    """An announcement, so many seconds after its alarm time; None where nothing tells."""
    recorded = {} if after is None else {"recordedtime": written(alarm_at + timedelta(seconds=after))}
    return {
        "type": MISSING_TYPE, "event_id": event_id(report(number), MISSING_TYPE, alarm_at),
        "report_id": report(number), "alarm_at": written(alarm_at), "policy_version": "v1",
    } | recorded | fields  # fmt: skip


def recovered(number: int, alarm_at: datetime = ALARM, arrived_at: datetime = ALARM + timedelta(days=1)) -> Any:
    """The announcement that a report was found again."""
    return {
        "type": RECOVERED_TYPE, "event_id": event_id(report(number), RECOVERED_TYPE, alarm_at),
        "missing_event_id": event_id(report(number), MISSING_TYPE, alarm_at), "report_id": report(number),
        "arrived_at": written(arrived_at),
    }  # fmt: skip


def result_of(folder: Path, verdicts: Sequence[dict[str, Any]], until: datetime | None = NOW) -> Path:
    """The folder that an audit leaves."""
    columns = ", ".join(f"{name} {kind}" for name, kind in VERDICTS.items())
    told = f", KV_METADATA {{until: '{written(until)}'}}" if until else ""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE verdicts ({columns})")
        for one in verdicts:
            names = ", ".join(one)
            connection.execute(
                f"INSERT INTO verdicts ({names}) VALUES ({', '.join('?' * len(one))})", list(one.values())
            )
        connection.execute(f"COPY verdicts TO '{folder / 'reports.parquet'}' (FORMAT parquet{told})")
    return folder


def report(number: int) -> str:
    return str(UUID(int=number, version=4))
