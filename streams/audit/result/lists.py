"""The lists of an audit: which columns, which rows, in which order. Files and the page show the same ones."""

from collections.abc import Iterator
from typing import NamedTuple

import duckdb
import pyarrow as pa

from streams.audit.schema import BOOKS
from streams.presentation.times import TIME_FORMAT, ZONE

CHUNK_ROWS = 20_000
# With `names` for the view of municipalities' names. The connection's own zone has no say in what is written.
_REPORTS = """
    SELECT v.*, coalesce(c.candidates, 0) AS candidates, n.name AS municipality_name, t.name AS municipality_today_name,
        s.name AS sent_source_name, p.name AS stored_source_name,
        strftime(timezone('{zone}', v.sent_at), '%Y-%m-%d %H:%M:%S') AS sent_at_norway
    FROM verdicts v
    LEFT JOIN (SELECT report_id, count(*) AS candidates FROM candidates GROUP BY report_id) c USING (report_id)
    LEFT JOIN {names} n ON n.code = v.municipality LEFT JOIN {names} t ON t.code = v.municipality_today
    LEFT JOIN sources s ON s.id = v.sent_source LEFT JOIN sources p ON p.id = v.stored_source
    WHERE {where}
"""
# What somebody who looks for a report by hand needs comes first.
REPORT = (
    "report_id", "status", "outcome", "closed_at", "candidates", "reason", "reason_certain", "untold",
    "sent_at_norway", "municipality_today", "municipality_today_name", "municipality", "municipality_name",
    "district", "channel", "case_system", "case_system_version", "form", "receipt", "sent_at", "due_at", "alarm_at",
    "stored_at", "stored_arrived", "cause", "evidence", "unit_id", "org_number", "attempts", "flags",
    "by_event_time", "policy_version", "missing_event_id", "episode", "sent_source_name", "sent_line",
    "sent_partition", "stored_source_name", "stored_line", "stored_partition",
)  # fmt: skip
_TIMES = frozenset({"sent_at", "due_at", "alarm_at", "closed_at", "stored_at", "stored_arrived", "report_sent_at"})
_LISTS = frozenset({"flags"})
# The worst first: those that nobody has closed, of them without anything that could be the report, then those that have
# been missing for longest.
WORST_FIRST = "outcome IS NOT NULL, candidates > 0, alarm_at NULLS LAST, report_id"
RECEIVER = "CASE WHEN regexp_full_match(municipality_today, '[0-9][0-9][0-9][0-9]') THEN municipality_today END"


class List(NamedTuple):
    """Rows for a file: `query` has {names} for the view of municipalities' names."""

    columns: tuple[str, ...]
    query: str
    order: str
    comment: bool = True

    def sql(self, names: str) -> str:
        """Its columns as they stand in a text file: times as everywhere, lists with a bar between their items."""
        columns = ", ".join(_written(name) for name in self.columns)
        return f"SELECT {columns} FROM ({self.query.format(names=names, zone=ZONE)}) ORDER BY {self.order}"

    def values(self, names: str, most: int | None = None) -> str:
        """Its columns with their own types, and no more rows than that."""
        limit = "" if most is None else f" LIMIT {most}"
        columns = ", ".join(f'"{name}"' for name in self.columns)
        return f"SELECT {columns} FROM ({self.query.format(names=names, zone=ZONE)}) ORDER BY {self.order}{limit}"


def reports(*statuses: str, order: str = WORST_FIRST, first: tuple[str, ...] = ()) -> List:
    """The reports of these statuses; `first` are more columns, before the others."""
    chosen = ", ".join(f"'{status}'" for status in statuses)
    query = _REPORTS.replace("{where}", f"v.status IN ({chosen})")
    return List((*first, *REPORT), query, order)


def of_receivers() -> List:
    """What a receiver has to look at, receiver by receiver; the first column is its number (NULL: not known)."""
    made = reports("missing", "undetermined", "recovered", order=f"receiver NULLS LAST, status, {WORST_FIRST}")
    query = f"SELECT *, {RECEIVER} AS receiver FROM ({made.query})"
    return made._replace(columns=("receiver", *made.columns), query=query)


def candidates(most: int) -> List:
    """What might be a missing report, the nearest in time first; at most so many a report."""
    columns = (
        "report_id", "report_sent_at", "rank", "candidate_report_id", "municipality", "municipality_name", "form",
        "stored_at", "seconds_after_sent", "source_name", "line",
    )  # fmt: skip
    query = f"""
        SELECT c.*, v.sent_at AS report_sent_at, n.name AS municipality_name, s.name AS source_name
        FROM candidates c LEFT JOIN verdicts v USING (report_id) LEFT JOIN {{names}} n ON n.code = c.municipality
        LEFT JOIN sources s ON s.id = c.source WHERE c.rank <= {most}
    """
    return List(columns, query, "report_sent_at NULLS LAST, report_id, rank")


CONTRADICTIONS = List(
    ("report_id", "field", "source_name", "line", "other_source_name", "other_line"),
    """SELECT c.*, s.name AS source_name, o.name AS other_source_name FROM contradictions c
    LEFT JOIN sources s ON s.id = c.source LEFT JOIN sources o ON o.id = c.other_source""",
    "report_id, field, line, other_line",
)
REJECTS = List(
    ("source_name", "line", "partition", "reason"),
    "SELECT r.*, s.name AS source_name FROM rejects r LEFT JOIN sources s ON s.id = r.source",
    "source, partition NULLS FIRST, line",
)
BOOKS_LIST = List(
    ("municipality_today", "municipality_today_name", *(name for name in BOOKS if name != "municipality_today")),
    "SELECT b.*, n.name AS municipality_today_name FROM books b LEFT JOIN {names} n ON n.code = b.municipality_today",
    "municipality_today NULLS LAST, month NULLS LAST, case_system, case_system_version",
    comment=False,
)


def batches(connection: duckdb.DuckDBPyConnection, wanted: List, names: str) -> Iterator[pa.RecordBatch]:
    """Its rows, at least one batch: an empty list has its columns, too."""
    reader = connection.sql(wanted.sql(names)).to_arrow_reader(CHUNK_ROWS)
    yield pa.RecordBatch.from_pylist([], reader.schema)
    yield from reader


def _written(name: str) -> str:
    if name in _TIMES:
        return f"strftime(timezone('UTC', \"{name}\"), '{TIME_FORMAT}') AS \"{name}\""
    return f'array_to_string("{name}", \'|\') AS "{name}"' if name in _LISTS else f'"{name}"'
