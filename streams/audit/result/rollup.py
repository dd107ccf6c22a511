"""From the verdicts of all ranges to the tables that the result is written from."""

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from streams.audit.arrow import registered
from streams.audit.facts import SENT
from streams.audit.judge.ranges import JUDGED
from streams.audit.result.candidates import find_candidates
from streams.audit.schema import CONTRADICTIONS, SOURCES, TERMS
from streams.audit.workspace import Work
from streams.core.fold import Step
from streams.core.receivers import Municipalities
from streams.data import municipalities, todays_number
from streams.presentation.times import ZONE
from streams.sources.chunk import NAMES

_COLUMNS = ", ".join(JUDGED)
DECISION_UNFIT = f"rule:{Step.DECISION_UNFIT}"
# Reports that are known to be sent, though no fact could be judged.
_LEFT = f"""
COPY (
    SELECT {_COLUMNS} FROM (SELECT CAST(u.report_id AS VARCHAR) AS report_id, 'undetermined' AS status, u.untold,
        {", ".join(f"n.{name}" for name in NAMES)}, u.sent_at, FALSE AS reason_certain, 0 AS attempts,
        [] AS flags, TRUE AS by_event_time, CAST(u.source AS SMALLINT) AS sent_source, u.line AS sent_line,
        u.part AS sent_partition, {
    ", ".join(
        f"CAST(NULL AS {kind}) AS {name}"
        for name, kind in JUDGED.items()
        if name
        in (
            "reason",
            "cause",
            "due_at",
            "alarm_at",
            "receipt",
            "stored_at",
            "stored_arrived",
            "evidence",
            "missing_event_id",
            "episode",
            "outcome",
            "closed_at",
            "policy_version",
            "stored_source",
            "stored_line",
            "stored_partition",
        )
    )
}
    FROM (
        SELECT report_id, 'sent_unreadable' AS untold, source, part, line, names, NULL::TIMESTAMPTZ AS sent_at
        FROM unjudged WHERE kind = {SENT}
        UNION ALL SELECT report_id, 'accepted_not_sent', source, NULL, line, names, make_timestamptz(taken_at)
        FROM accepted WHERE report_id NOT IN (SELECT report_id FROM unjudged WHERE kind = {SENT})
    ) AS u LEFT JOIN names AS n ON n.id = u.names
    WHERE NOT EXISTS (FROM read_parquet(?) AS v WHERE v.report_id = CAST(u.report_id AS VARCHAR)
        AND v.status <> 'unexpected')
    QUALIFY row_number() OVER (PARTITION BY u.report_id ORDER BY u.source, u.line) = 1)
) TO ? (FORMAT parquet, COMPRESSION lz4)
"""
_VERDICTS = f"""
CREATE VIEW verdicts AS
SELECT v.*, COALESCE(m.today, v.municipality) AS municipality_today,
    CAST(date_trunc('month', timezone('{ZONE}', v.sent_at)) AS DATE) AS month
FROM judged AS v LEFT JOIN todays AS m ON m.code = v.municipality
"""
# Decisions that fit nothing: as the checker lists them, and those about reports of which nothing is known.
_UNFIT = f"""
DELETE FROM rejects WHERE reason = '{DECISION_UNFIT}';
INSERT INTO rejects SELECT source, line, "partition", '{DECISION_UNFIT}' FROM read_parquet('{{unfit}}');
INSERT INTO rejects SELECT source, line, part, '{DECISION_UNFIT}' FROM decisions
WHERE action <> 'acknowledge' AND report_id NOT IN (SELECT report_id FROM sorted);
"""
_GROUP = "municipality_today, month, case_system, case_system_version"
# `sent` is counted from the facts, and finds its group by the report id: a report without a verdict stands in none.
_BOOKS = f"""
CREATE TABLE books AS
WITH counted AS (
    SELECT {_GROUP}, count(*) AS sent FROM (
        SELECT report_id FROM sorted WHERE kind = {SENT} UNION SELECT report_id FROM unjudged WHERE kind = {SENT}
        UNION SELECT report_id FROM accepted
    ) AS s LEFT JOIN verdicts AS v ON CAST(v.report_id AS UUID) = s.report_id GROUP BY ALL
), judged_ones AS (
    SELECT {_GROUP}, {", ".join(f"count(*) FILTER (status = '{term}') AS {term}" for term in (*TERMS, "unexpected"))},
        count(*) FILTER (cause = 'confirmed_late') AS confirmed_late
    FROM verdicts GROUP BY ALL
)
SELECT COALESCE(c.municipality_today, j.municipality_today) AS municipality_today,
    COALESCE(c.month, j.month) AS month, COALESCE(c.case_system, j.case_system) AS case_system,
    COALESCE(c.case_system_version, j.case_system_version) AS case_system_version, COALESCE(c.sent, 0) AS sent,
    {", ".join(f"COALESCE(j.{name}, 0) AS {name}" for name in (*TERMS, "unexpected", "confirmed_late"))}
FROM counted AS c FULL JOIN judged_ones AS j
ON {" AND ".join(f"c.{name} IS NOT DISTINCT FROM j.{name}" for name in _GROUP.split(", "))}
"""


def tell(work: Work, sources: Iterable[Sequence[Any]], rule: Municipalities) -> None:
    """Make the tables of `Audited` in the connection. `sources`: rows of SOURCES."""
    connection = work.connection
    judged = str(work.verdicts / "*.verdicts.parquet")
    left = work.verdicts / "left.verdicts.parquet"
    left.unlink(missing_ok=True)
    connection.execute(_LEFT, [judged, str(left)])
    for name in ("verdicts", "judged"):
        connection.execute(f"DROP VIEW IF EXISTS {name}")
    for name in ("candidates", "contradictions", "books", "sources", "todays"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(f"CREATE VIEW judged AS SELECT {_COLUMNS} FROM read_parquet('{judged}')")
    _todays(connection)
    connection.execute(_VERDICTS)
    find_candidates(connection, rule)
    _contradictions(work)
    connection.execute(_UNFIT.format(unfit=work.verdicts / "*.unfit.parquet"))
    events = work.verdicts / "*.events.parquet"
    connection.execute(f"CREATE OR REPLACE VIEW events AS FROM read_parquet('{events}')")
    connection.execute(_BOOKS)
    columns = ", ".join(f'"{name}" {kind}' for name, kind in SOURCES.items())
    connection.execute(f"CREATE TABLE sources ({columns})")
    for row in sources:
        connection.execute(f"INSERT INTO sources VALUES ({', '.join('?' * len(SOURCES))})", list(row))


def _todays(connection: duckdb.DuckDBPyConnection) -> None:
    codes = sorted({municipality.code for municipality in municipalities()})
    with registered(connection, known=pa.table({"code": codes, "today": [todays_number(code) for code in codes]})):
        connection.execute("CREATE TABLE todays AS FROM known")


def _contradictions(work: Work) -> None:
    """What two sents of different sources say, and what was rejected and is stored all the same."""
    files = str(work.verdicts / "*.contradictions.parquet")
    named = ", ".join(CONTRADICTIONS)
    work.connection.execute(
        f"CREATE TABLE contradictions AS SELECT {named} FROM read_parquet('{files}') UNION ALL "
        "SELECT report_id, 'rejected_but_stored', sent_source, sent_line, stored_source, stored_line FROM judged "
        "WHERE status IN ('stored', 'recovered') AND receipt = 'FEILET'"
    )
