"""Lines of an audit, and announcements to hold them against."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from streams.audit.schema import EVENTS, VERDICTS
from streams.core.events import CLOSED_TYPE, MISSING_TYPE, RECOVERED_TYPE, REOPENED_TYPE, event_id, written

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


def decided(number: int, decision: int, outcome: str | None = None, alarm_at: datetime = ALARM, **fields: Any) -> Any:
    """The announcement that an alarm was closed, or without an outcome that it was opened anew."""
    kind = REOPENED_TYPE if outcome is None else CLOSED_TYPE
    return {
        "type": kind, "event_id": event_id(report(number), kind, report(decision)), "report_id": report(number),
        "missing_event_id": event_id(report(number), MISSING_TYPE, alarm_at), "outcome": outcome,
        "arrived_at": written(alarm_at + timedelta(hours=1)),
    } | fields  # fmt: skip


def ours(value: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """The audit's own line of an event that was announced so."""
    kind = value["type"].split(".")[-2]
    at = value["alarm_at"] if kind == "missing" else value["arrived_at"]
    return {
        "event": kind, "event_id": value["event_id"], "report_id": value["report_id"], "at": at,
        "missing_event_id": value.get("missing_event_id", value["event_id"]), "episode": value.get("episode", 1),
        "outcome": value.get("outcome"), "decision_id": value["event_id"] if kind in ("closed", "reopened") else None,
    } | fields  # fmt: skip


def result_of(
    folder: Path,
    verdicts: Sequence[dict[str, Any]],
    until: datetime | None = NOW,
    more: Sequence[dict[str, Any]] = (),
    decisions_since: datetime | None = None,
    decisions_until: datetime | None = None,
) -> Path:
    """The folder that an audit leaves. `more`: events beside those that follow from the verdicts."""
    told = {"until": until, "decisions_since": decisions_since, "decisions_until": decisions_until}
    events = [ours(missing(1, one["alarm_at"], report_id=one["report_id"], event_id=one["missing_event_id"]))
              for one in verdicts if one["missing_event_id"]]  # fmt: skip
    with duckdb.connect() as connection:
        for name, columns, rows in (("reports", VERDICTS, verdicts), ("events", EVENTS, [*events, *more])):
            described = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"CREATE TABLE {name} ({described})")
            for one in rows:
                names = ", ".join(f'"{column}"' for column in one)
                connection.execute(
                    f"INSERT INTO {name} ({names}) VALUES ({', '.join('?' * len(one))})", list(one.values())
                )
            known = ", ".join(f"{key}: '{written(at)}'" for key, at in told.items() if at)
            said = f", KV_METADATA {{{known}}}" if known else ""
            connection.execute(f"COPY {name} TO '{folder / name}.parquet' (FORMAT parquet{said})")
    return folder


def report(number: int) -> str:
    return str(UUID(int=number, version=4))
