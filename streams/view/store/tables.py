"""The tables and views that analysts query: their columns, and how the topics' records become rows.

`reports` is `ReportState` made flat (`receiver.municipality` is `municipality`, `sent_record.offset` is `sent_offset`)
without what the checker keeps for itself (`held`), and with a few columns that every question needs.
"""

from collections.abc import Collection, Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints
from zlib import crc32

import orjson
from pydantic import BaseModel

from schemas.common import Count, EventId, WrittenTime
from schemas.outputs import (
    CLOSED_TYPE,
    MISSING_TYPE,
    RECOVERED_TYPE,
    REOPENED_TYPE,
    ArrivedRecord,
    Reason,
    ReportClosed,
    ReportMissing,
    ReportRecovered,
    ReportReopened,
    ReportState,
)
from streams.core.row import DOUBTS
from streams.presentation.times import ZONE

# Those of the contract without `erased`: what was erased by decision is no row here.
ShownStatus = Literal["pending", "stored", "missing", "recovered", "unproven", "undetermined", "unexpected"]
STATUSES: tuple[str, ...] = get_args(ShownStatus)
EventKind = Literal["missing", "recovered", "closed", "reopened"]
_KINDS: Mapping[str, EventKind] = {
    MISSING_TYPE: "missing", RECOVERED_TYPE: "recovered", CLOSED_TYPE: "closed", REOPENED_TYPE: "reopened",
}  # fmt: skip
REASONS: tuple[str, ...] = get_args(Reason)

_SQL = {EventId: "UUID", WrittenTime: "TIMESTAMPTZ", Count: "INTEGER"}
# Fields that stand behind others than in the contract, because they are looked at together.
_BEHIND: Mapping[type[BaseModel], Mapping[str, str]] = {
    ReportState: {"reason": "status", "recovered_at": "evidence"},
    ReportMissing: {
        "type": "event_id", "cause": "reason", "outcome": "cause", "missing_event_id": "evidence",
        "policy_version": "missing_event_id",
    },
    ArrivedRecord: {"topic": "arrived", "partition": "topic", "offset": "partition"},
}  # fmt: skip


def _shape(*models: type[BaseModel], without: Collection[str] = ()) -> dict[str, Any]:
    """The fields of records that are of one of these models, by name: their type in SQL, or what is nested in them."""
    hints: dict[str, Any] = {}
    for model in models:
        hints |= get_type_hints(model, include_extras=True)
    names = [name for model in models for name in model.model_fields if name not in without]
    for name, before in _BEHIND.get(models[0], {}).items():
        names = [one for one in names if one != name]
        names.insert(names.index(before) + 1, name)
    return {name: _type(name, hints[name]) for name in names}


def _type(name: str, hint: Any) -> Any:
    given = get_args(hint) if get_origin(hint) is UnionType or get_origin(hint) is Union else (hint,)
    kind = next(one for one in given if one is not NoneType)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return _shape(kind)
    if get_origin(kind) is list:
        return ["VARCHAR"]
    if name == "offset":
        return "BIGINT"
    return "INTEGER" if get_args(kind)[:1] == (int,) else _SQL.get(kind, "VARCHAR")


_STATE = _shape(ReportState, without=("version", "held"))
_EVENT = _shape(ReportMissing, ReportRecovered, ReportClosed, ReportReopened, without=("sent_record",))
_WORDS = {"status": f"ENUM{STATUSES!r}", "reason": f"ENUM{REASONS!r}"}
_AS = {name: f"CAST(r.{name} AS {kind}) AS {name}" for name, kind in _WORDS.items()} | {
    "type": "CASE r.type "
    + " ".join(f"WHEN '{kind}' THEN '{name}'" for kind, name in _KINDS.items())
    + " ELSE error('a type that is not known') END AS type",
}


def _flat(shape: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """The columns of a record `r`, with what is nested made flat: their names, where they are, and their types."""
    for name, kind in shape.items():
        if isinstance(kind, dict):
            named = {part: _name(name, part) for part in kind}
            yield from ((named[part], f'r.{name}."{part}" AS {named[part]}', of) for part, of in kind.items())
        else:
            yield name, _AS.get(name, f"r.{name}"), kind


def _name(record: str, part: str) -> str:
    """What a part of a record is called once it is made flat."""
    if part in (record, "id"):
        return record
    return part if record == "receiver" else f"{record.removesuffix('_record')}_{part.removeprefix(f'{record}_')}"


def _columns(shape: Mapping[str, Any]) -> str:
    return ", ".join(column for _, column, _ in _flat(shape))


def _defined(columns: Mapping[str, Any]) -> str:
    """The columns of a table that is to be made."""
    kinds = {name: f"{kind[0]}[]" if isinstance(kind, list) else kind for name, kind in columns.items()} | {
        name: kind for name, kind in _WORDS.items() if name in columns
    }
    return ", ".join(f"{name} {kind}" for name, kind in kinds.items())


# What is given out of a report and of an announcement: names of columns and their types.
STATE_COLUMNS: Mapping[str, Any] = {name: kind for name, _, kind in _flat(_STATE)}
EVENT_COLUMNS: Mapping[str, Any] = {name: kind for name, _, kind in _flat(_EVENT)}


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
    'COALESCE(recorded_at, r.alarm_at, r.arrived_at) AS recorded_at, "partition", "offset", event',
    ', recorded_at, "partition", "offset", event',
)

# An event id that is known already says nothing new, as the contract has it.
NEW_EVENTS = f"""
    SELECT e.* FROM ({EVENT_ROWS}) AS e WHERE e.event_id NOT IN (SELECT event_id FROM announcements)
        AND e.report_id NOT IN (SELECT report_id FROM erased_reports)
    QUALIFY row_number() OVER (PARTITION BY e.event_id ORDER BY e."partition", e."offset") = 1
"""

_COUNTS = ", ".join(f"count(*) FILTER (status = '{status}') AS {status}" for status in STATUSES)
_SUMS = ", ".join(f"CAST(sum({name}) AS BIGINT) AS {name}" for name in ("sent", *STATUSES, "erased"))
_GROUPS = "municipality_today AS municipality, district, channel, case_system, case_system_version"

# Of these, rows are found by where they are: by a few columns at first, then the others are read.
PLACED = ("reports", "announcements")
TABLES = f"""
CREATE TABLE municipalities (
    code VARCHAR, name VARCHAR, county VARCHAR, county_name VARCHAR, today VARCHAR, valid_from DATE, valid_to DATE,
    successors VARCHAR[]
);
CREATE TABLE reports (
    {_defined(STATE_COLUMNS)}, municipality_today VARCHAR, sent_day DATE, sent_hour TIMESTAMPTZ,
    confirmation_seconds DOUBLE
);
CREATE TABLE announcements (
    {_defined(EVENT_COLUMNS)}, municipality_today VARCHAR, recorded_at TIMESTAMPTZ, "partition" INTEGER,
    "offset" BIGINT, event VARCHAR
);
CREATE TABLE coverage (
    "partition" INTEGER, partitions INTEGER, complete_until TIMESTAMPTZ, checked_at TIMESTAMPTZ,
    gap_since TIMESTAMPTZ, gap_cause VARCHAR, inputs_begin TIMESTAMPTZ, first_complete TIMESTAMPTZ
);
CREATE TABLE losses (
    "partition" INTEGER, topic VARCHAR, from_offset BIGINT, to_offset BIGINT, cause VARCHAR, since TIMESTAMPTZ,
    until TIMESTAMPTZ
);
CREATE TABLE feeds (
    feed VARCHAR, "partition" INTEGER, vouched_until TIMESTAMPTZ, since TIMESTAMPTZ, heard TIMESTAMPTZ, proofs INTEGER
);
CREATE TABLE books (
    "partition" INTEGER, municipality VARCHAR, sent BIGINT, sent_records BIGINT, duplicates BIGINT, resends BIGINT,
    erased BIGINT, {", ".join(f"{status} BIGINT" for status in STATUSES)}
);
CREATE TABLE erased_reports (report_id UUID);
CREATE TABLE positions (topic VARCHAR, "partition" INTEGER, next_offset BIGINT);
CREATE TABLE about (schema_version INTEGER, application VARCHAR, cluster VARCHAR, applied_at TIMESTAMPTZ);
{"".join(f"CREATE VIEW placed_{table} AS SELECT rowid AS place, * FROM {table};" for table in PLACED)}
"""

# Else all that is known of a feed in a partition is that proofs have come: that is a count of reports, if a small one.
HAS_SPOKEN = "(heard IS NOT NULL OR vouched_until IS NOT NULL)"

# What is worked out from the tables; each may use those before it.
VIEWS = {
    "missing_now": """
    SELECT r.report_id, r.reason, r.municipality, m.name AS municipality_name, r.municipality_today, r.district,
        r.unit_id, r.channel, r.case_system, r.case_system_version, r.sent_at, r.due_at, r.alarm_at,
        a.portal_deletes_at, r.feed, r.episode, r.outcome, r.closed_at
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
    # Of all partitions together a feed has vouched for no more than where it has vouched for least.
    "feed_words": f"""
    SELECT feed, count(heard) AS heard_in, count(vouched_until) AS vouched_in, min(vouched_until) AS vouched_until,
        arg_min(since, vouched_until) AS since, max(heard) AS last_heard,
        CASE WHEN count(heard) = any_value(t.partitions) THEN min(heard) END AS heard_everywhere
    FROM feeds CROSS JOIN trust t WHERE {HAS_SPOKEN} GROUP BY feed
    """,
    # What only a feed's word can settle: its window is over, and nothing of what would have proved it was lost.
    "feed_waits": f"""
    SELECT feed, count(*) FILTER (over AND status = 'pending') AS waiting,
        count(*) FILTER (over AND status = 'undetermined') AS undetermined,
        min(alarm_at) FILTER (over) AS oldest_alarm_at
    FROM (
        SELECT feed, status, alarm_at, alarm_at < t.complete_until AND (
            status = 'pending' OR status = 'undetermined' AND NOT list_has_any(flags, {sorted(DOUBTS)})
        ) AS over
        FROM reports CROSS JOIN trust t WHERE feed IS NOT NULL
    ) GROUP BY feed
    """,
}

# The counts that are published: no view, but made where a query reads them.
PUBLISHED = "counts_suppressed"
# What may be read where single reports may not be seen.
COUNTS_ONLY = ("municipalities", "coverage", "losses", "trust", "feed_words", PUBLISHED)
# What may be read from outside; `erased_reports`, `positions` and `about` are the store's own.
PUBLIC = (
    "reports", "announcements", "coverage", "losses", "feeds", "books", "municipalities",
    "missing_now", "counts_by_hour", "counts_by_day", "counts_by_month", PUBLISHED,
    "confirmation_times", "balance", "trust", "feed_words", "feed_waits",
)  # fmt: skip

# Of the view's file: where the tables are others than those in it, it is made anew.
SCHEMA_VERSION = crc32(f"{TABLES}{VIEWS}".encode()) >> 1
