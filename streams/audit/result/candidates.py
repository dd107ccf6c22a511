"""Proofs that might be meant: for a person to look at, never counted."""

from datetime import timedelta

import duckdb

from streams.audit.facts import STORED
from streams.audit.towns import agreeing
from streams.core.receivers import Municipalities

MOST_CANDIDATES = 5
BEFORE, AFTER = timedelta(hours=1), timedelta(days=30)
# A proof that names no report, or one that nobody saw as sent; not one that names a report which is known.
_PROOFS = f"""
CREATE TEMP TABLE proofs AS
SELECT p.source, p.line, p.event_at, CAST(p.report_id AS VARCHAR) AS report_id, n.municipality, n.district, n.form
FROM (SELECT source, line, event_at, names, NULL::UUID AS report_id FROM nameless WHERE kind = {STORED}
    UNION ALL SELECT source, line, event_at, names, report_id FROM sorted WHERE kind = {STORED} AND report_id IN (
        SELECT CAST(report_id AS UUID) FROM judged WHERE status = 'unexpected')
) AS p JOIN names AS n ON n.id = p.names WHERE n.municipality IS NOT NULL
"""
_CANDIDATES = f"""
CREATE TABLE candidates AS
SELECT v.report_id, CAST(row_number() OVER nearest AS INTEGER) AS rank, CAST(p.source AS SMALLINT) AS source, p.line,
    p.report_id AS candidate_report_id, p.municipality, p.form, make_timestamptz(p.event_at) AS stored_at,
    CAST(round((p.event_at - epoch_us(v.sent_at)) / 1e6) AS BIGINT) AS seconds_after_sent
FROM judged AS v JOIN agreeing AS a ON a.one = v.municipality
JOIN proofs AS p ON p.municipality = a.other
    AND p.event_at BETWEEN epoch_us(v.sent_at) - {BEFORE // timedelta(microseconds=1)}
        AND epoch_us(v.sent_at) + {AFTER // timedelta(microseconds=1)}
WHERE v.status IN ('missing', 'undetermined')
    AND (v.form IS NULL OR p.form IS NULL OR 'UKJENT' IN (v.form, p.form) OR v.form = p.form)
    AND (v.district IS NULL OR p.district IS NULL OR '00' IN (v.district, p.district) OR v.district = p.district)
WINDOW nearest AS (PARTITION BY v.report_id ORDER BY abs(p.event_at - epoch_us(v.sent_at)), p.source, p.line)
QUALIFY rank <= {MOST_CANDIDATES}
"""


def find_candidates(connection: duckdb.DuckDBPyConnection, rule: Municipalities) -> None:
    """Make the table `candidates` from the view `judged` and the facts."""
    connection.execute(_PROOFS)
    agreeing(connection, rule)
    connection.execute(_CANDIDATES)
    connection.execute("DROP TABLE proofs; DROP TABLE agreeing")
