"""The answer in numbers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson

from streams.audit.schema import SOURCES, TERMS, Audited
from streams.core.events import written


@dataclass(frozen=True, slots=True)
class SourceRead:
    """One source as it was read. `receivers`: to how many the coverage is limited; None where it is not."""

    id: int
    kind: str
    name: str
    format: str | None
    records: int | None
    facts: int | None
    rejected: int | None
    ignored: int | None
    has_arrival: bool | None
    first: datetime | None
    last: datetime | None
    declared: bool | None
    receivers: int | None
    covers_from: datetime | None
    covers_to: datetime | None
    warnings: tuple[str, ...]
    reject_reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """An audit in numbers; `difference` is what was sent, less the sum of the terms: 0, or the books do not balance.

    `sent` is counted from the facts (the books), `terms` from the verdicts. `uncertain` are the missing reports that
    no receipts cover, so that nothing is known of a receipt. `outcomes` are what people said of the missing reports,
    `open` where nobody has closed the alarm. `candidates` are the reports that have any. What is None
    is hidden, because it is small or would tell something small.
    """

    made_at: datetime
    until: datetime
    policy_versions: tuple[str, ...]
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    sent: int | None
    terms: dict[str, int | None]
    unexpected: int | None
    confirmed_late: int | None
    difference: int | None
    reasons: dict[str, int | None]
    uncertain: int | None
    outcomes: dict[str, int | None]
    untold: dict[str, int | None]
    by_event_time: int | None
    receivers_with_missing: int | None
    candidates: int | None
    contradictions: dict[str, int | None]
    sources: tuple[SourceRead, ...]

    @property
    def rejects(self) -> int | None:
        """How many records could not be read, in all sources."""
        rejected = [source.rejected for source in self.sources]
        return None if None in rejected else sum(filter(None, rejected))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is to be known of the sources, as codes, once each."""
        return tuple(sorted({code for source in self.sources for code in source.warnings}))


_OUTCOMES = "SELECT coalesce(outcome, 'open'), count(*) FROM verdicts WHERE status = 'missing' GROUP BY ALL"


def summary(audited: Audited) -> AuditSummary:
    """The answer of a finished audit in numbers."""
    connection = audited.connection
    statuses = _counts(connection, "SELECT status, count(*) FROM verdicts GROUP BY ALL")
    ((sent, confirmed_late),) = connection.execute(
        "SELECT CAST(coalesce(sum(sent), 0) AS BIGINT), CAST(coalesce(sum(confirmed_late), 0) AS BIGINT) FROM books"
    ).fetchall()
    ((first, last, by_event_time, receivers, uncertain),) = connection.execute("""
        SELECT min(sent_at), max(sent_at), count(*) FILTER (by_event_time),
            count(DISTINCT municipality_today) FILTER (status = 'missing'),
            count(*) FILTER (status = 'missing' AND reason_certain IS FALSE)
        FROM verdicts WHERE status <> 'unexpected'
    """).fetchall()
    first, last = (time and time.astimezone(UTC) for time in (first, last))
    ((candidates,),) = connection.execute("SELECT count(DISTINCT report_id) FROM candidates").fetchall()
    return AuditSummary(
        made_at=audited.made_at, until=audited.until, policy_versions=audited.policy_versions,
        first_sent_at=first, last_sent_at=last, sent=sent,
        terms={term: statuses.get(term, 0) for term in TERMS}, unexpected=statuses.get("unexpected", 0),
        confirmed_late=confirmed_late, difference=sent - sum(statuses.get(term, 0) for term in TERMS),
        reasons=_of_status(connection, "reason", "missing"), uncertain=uncertain,
        outcomes=_counts(connection, _OUTCOMES), untold=_of_status(connection, "untold", "undetermined"),
        by_event_time=by_event_time, receivers_with_missing=receivers, candidates=candidates,
        contradictions=_counts(connection, "SELECT coalesce(field, ''), count(*) FROM contradictions GROUP BY ALL"),
        sources=_sources(connection),
    )  # fmt: skip


def _of_status(connection: duckdb.DuckDBPyConnection, code: str, status: str) -> dict[str, Any]:
    query = f"SELECT coalesce({code}, ''), count(*) FROM verdicts WHERE status = '{status}' GROUP BY ALL"
    return _counts(connection, query)


def _counts(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, Any]:
    """By code, the commonest first."""
    found = dict(connection.execute(query).fetchall())
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0]))))


def _sources(connection: duckdb.DuckDBPyConnection) -> tuple[SourceRead, ...]:
    reasons: dict[int, dict[str, int]] = {}
    for source, reason, number in connection.execute(
        "SELECT source, coalesce(reason, ''), count(*) AS number FROM rejects GROUP BY ALL ORDER BY number DESC, 2"
    ).fetchall():
        reasons.setdefault(source, {})[reason] = number
    names = ", ".join(f'"{name}"' for name in SOURCES)
    rows = connection.execute(f"SELECT {names} FROM sources ORDER BY id").fetchall()
    return tuple(_source(dict(zip(SOURCES, row, strict=True)), reasons) for row in rows)


def _source(row: Mapping[str, Any], reasons: Mapping[int, dict[str, int]]) -> SourceRead:
    counted = {name: row[name] or 0 for name in ("records", "facts", "rejected", "ignored")}
    texts = {"kind": row["kind"] or "", "name": row["name"] or "", "warnings": tuple(row["warnings"] or ())}
    row = {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in row.items()}
    return SourceRead(**{**row, **counted, **texts, "reject_reasons": reasons.get(row["id"], {})})


def as_json(value: AuditSummary) -> bytes:
    """For programs; times in UTC with six digits and Z, as everywhere."""
    whole = asdict(value) | {"rejects": value.rejects, "warnings": value.warnings}
    options = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(whole, default=written, option=options)
