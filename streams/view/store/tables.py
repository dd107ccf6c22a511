"""The tables and views that analysts query: their columns, and how the topics' records become rows.

`reports` is `ReportState` made flat (`receiver.municipality` is `municipality`, `sent_record.offset` is `sent_offset`)
without what the checker keeps for itself (`held`), and with a few columns that every question needs.
"""

from collections.abc import Mapping
from typing import Any, get_args

import orjson

from schemas.outputs import Reason, Status
from streams.core.events import MISSING_TYPE, RECOVERED_TYPE
from streams.presentation.times import ZONE

SCHEMA_VERSION = 1
STATUSES: tuple[str, ...] = get_args(Status)
REASONS: tuple[str, ...] = get_args(Reason)

_PLACE = {"arrived": "TIMESTAMPTZ", "topic": "VARCHAR", "partition": "INTEGER", "offset": "BIGINT"}
_RECEIVER = {"municipality": "VARCHAR", "district": "VARCHAR", "unit_id": "VARCHAR", "org_number": "VARCHAR"}
_STATE: dict[str, Any] = {
    "report_id": "UUID", "status": "VARCHAR", "reason": "VARCHAR", "receiver": _RECEIVER, "channel": "VARCHAR",
    "case_system": "VARCHAR", "case_system_version": "VARCHAR", "form": "VARCHAR", "sent_at": "TIMESTAMPTZ",
    "due_at": "TIMESTAMPTZ", "alarm_at": "TIMESTAMPTZ", "receipt": "VARCHAR", "stored_at": "TIMESTAMPTZ",
    "evidence": "VARCHAR", "recovered_at": "TIMESTAMPTZ", "missing_event_id": "UUID", "message_ids": ["VARCHAR"],
    "attempts": "INTEGER", "flags": ["VARCHAR"], "policy_version": "VARCHAR", "touched_at": "TIMESTAMPTZ",
    "sent_record": _PLACE, "receipt_record": _PLACE, "stored_record": _PLACE,
}  # fmt: skip
_EVENT: dict[str, Any] = {
    "event_id": "UUID", "type": "VARCHAR", "report_id": "UUID", "reason": "VARCHAR", "cause": "VARCHAR",
    "receiver": _RECEIVER, "channel": "VARCHAR", "case_system": "VARCHAR", "case_system_version": "VARCHAR",
    "sent_at": "TIMESTAMPTZ", "due_at": "TIMESTAMPTZ", "alarm_at": "TIMESTAMPTZ",
    "portal_deletes_at": "TIMESTAMPTZ", "stored_at": "TIMESTAMPTZ", "arrived_at": "TIMESTAMPTZ",
    "evidence": "VARCHAR", "missing_event_id": "UUID", "policy_version": "VARCHAR",
}  # fmt: skip
_AS = {
    "status": f"CAST(r.status AS ENUM{STATUSES!r}) AS status",
    "reason": f"CAST(r.reason AS ENUM{REASONS!r}) AS reason",
    "type": f"CASE r.type WHEN '{MISSING_TYPE}' THEN 'missing' WHEN '{RECOVERED_TYPE}' THEN 'recovered' "
    "ELSE error('a type that is not known') END AS type",
}


def _columns(shape: Mapping[str, Any]) -> str:
    """The columns of a record `r`, with what is nested made flat."""
    columns = []
    for name, kind in shape.items():
        if isinstance(kind, dict):
            prefix = "" if name == "receiver" else f"{name.removesuffix('_record')}_"
            columns += [f'r.{name}."{part}" AS {prefix}{part}' for part in kind]
        else:
            columns.append(_AS.get(name, f"r.{name}"))
    return ", ".join(columns)


def _rows(shape: Mapping[str, Any], reader: str, more: str, kept: str = "") -> str:
    """Rows of `batch`, an Arrow table with the records' values as text in `value`; `kept` are more of its columns."""
    read = f"SELECT {reader}(value, '{orjson.dumps(shape).decode()}') AS r{kept} FROM batch"
    return (
        f"SELECT {_columns(shape)}, COALESCE(m.today, r.receiver.municipality) AS municipality_today, {more} "
        f"FROM ({read}) LEFT JOIN municipalities AS m ON m.code = r.receiver.municipality"
    )


# Strict: the other one makes a null of what it cannot read.
STATE_ROWS = _rows(
    _STATE,
    "from_json_strict",
    f"""CAST(timezone('{ZONE}', r.sent_at) AS DATE) AS sent_day, date_trunc('hour', r.sent_at) AS sent_hour,
    epoch(r.stored_record.arrived - r.sent_at) AS confirmation_seconds""",
)
# Each kind of event has fields that the other has not; they were held against their schemas before.
EVENT_ROWS = _rows(
    _EVENT,
    "from_json",
    'COALESCE(recorded_at, r.alarm_at, r.arrived_at) AS recorded_at, "partition", "offset"',
    ', recorded_at, "partition", "offset"',
)

# An event id that is known already says nothing new, as the contract has it.
NEW_EVENTS = f"""
    SELECT e.* FROM ({EVENT_ROWS}) AS e WHERE e.event_id NOT IN (SELECT event_id FROM announcements)
    QUALIFY row_number() OVER (PARTITION BY e.event_id ORDER BY e."partition", e."offset") = 1
"""

_COUNTS = ", ".join(f"count(*) FILTER (status = '{status}') AS {status}" for status in STATUSES)
_TOTALS = ", ".join(f"CAST(sum({status}) AS BIGINT) AS {status}" for status in STATUSES)
# Rounded, because other sums are exact: what is hidden here would be what is left of them.
_HIDDEN = ", ".join(
    f"CASE WHEN {status} NOT BETWEEN 1 AND 4 THEN CAST(round({status} / 5.0) * 5 AS BIGINT) END AS {status}"
    for status in STATUSES
)
_SUMS = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in ("sent", *STATUSES, "erased"))
_GROUPS = "municipality_today AS municipality, district, channel, case_system, case_system_version"

TABLES = f"""
CREATE TABLE municipalities (
    code VARCHAR, name VARCHAR, county VARCHAR, county_name VARCHAR, today VARCHAR, valid_from DATE, valid_to DATE,
    successors VARCHAR[]
);
CREATE TABLE reports AS {STATE_ROWS};
CREATE TABLE announcements AS {EVENT_ROWS};
CREATE TABLE coverage (
    "partition" INTEGER, partitions INTEGER, complete_until TIMESTAMPTZ, checked_at TIMESTAMPTZ,
    gap_since TIMESTAMPTZ, gap_cause VARCHAR
);
CREATE TABLE losses (
    "partition" INTEGER, topic VARCHAR, from_offset BIGINT, to_offset BIGINT, cause VARCHAR, since TIMESTAMPTZ,
    until TIMESTAMPTZ
);
CREATE TABLE books (
    "partition" INTEGER, municipality VARCHAR, sent BIGINT, sent_records BIGINT, duplicates BIGINT, resends BIGINT,
    erased BIGINT, {", ".join(f"{status} BIGINT" for status in STATUSES)}
);
CREATE TABLE positions (topic VARCHAR, "partition" INTEGER, next_offset BIGINT);
CREATE TABLE about (schema_version INTEGER, application VARCHAR, cluster VARCHAR, applied_at TIMESTAMPTZ);
"""

# What is worked out from the tables; each may use those before it.
VIEWS = {
    "missing_now": """
    SELECT r.report_id, r.reason, r.municipality, m.name AS municipality_name, r.municipality_today, r.district,
        r.unit_id, r.channel, r.case_system, r.case_system_version, r.sent_at, r.due_at, r.alarm_at,
        a.portal_deletes_at
    FROM reports r
    LEFT JOIN municipalities m ON m.code = r.municipality
    LEFT JOIN announcements a ON a.event_id = r.missing_event_id
    WHERE r.status = 'missing' ORDER BY r.alarm_at
    """,
    "counts_by_hour": f"""
    SELECT sent_hour AS hour, {_GROUPS}, count(*) AS reports, {_COUNTS} FROM reports GROUP BY ALL
    """,
    "counts_by_day": f"""
    SELECT sent_day AS day, {_GROUPS}, count(*) AS reports, {_COUNTS} FROM reports GROUP BY ALL
    """,
    "counts_by_month": f"""
    SELECT CAST(date_trunc('month', sent_day) AS DATE) AS month, {_GROUPS}, count(*) AS reports, {_COUNTS}
    FROM reports GROUP BY ALL
    """,
    "counts_suppressed": f"""
    SELECT month, municipality, case_system, {_HIDDEN}
    FROM (
        SELECT month, municipality, case_system, {_TOTALS} FROM counts_by_month GROUP BY ALL
    )
    """,
    "confirmation_times": """
    SELECT CAST(date_trunc('month', sent_day) AS DATE) AS month, case_system, case_system_version,
        count(confirmation_seconds) AS confirmed, quantile_cont(confirmation_seconds, 0.5) AS p50_seconds,
        quantile_cont(confirmation_seconds, 0.95) AS p95_seconds,
        quantile_cont(confirmation_seconds, 0.99) AS p99_seconds
    FROM reports WHERE sent_day IS NOT NULL GROUP BY ALL
    """,
    "balance": f"""
    SELECT municipality, {_SUMS},
        CAST(sum(sent - pending - stored - missing - recovered - unproven - undetermined - erased) AS BIGINT)
            AS difference
    FROM books GROUP BY municipality
    """,
    "trust": """
    SELECT CASE WHEN count(complete_until) = max(partitions) THEN min(complete_until) END AS complete_until,
        max(partitions) AS partitions, count(gap_since) AS gaps, min(gap_since) AS gap_since,
        (SELECT count(*) FROM losses) AS losses
    FROM coverage
    """,
}

# What may be read where single reports may not be seen.
COUNTS_ONLY = ("municipalities", "coverage", "losses", "trust", "counts_suppressed")
# What may be read from outside; `positions` and `about` are the store's own.
PUBLIC = (
    "reports", "announcements", "coverage", "losses", "books", "municipalities",
    "missing_now", "counts_by_hour", "counts_by_day", "counts_by_month", "counts_suppressed",
    "confirmation_times", "balance", "trust",
)  # fmt: skip
