"""What is left of lines that could not be read finds the reports that it may be about: of them it cannot be told."""

import duckdb

from streams.audit.facts import EARLY_US, SENT, STORED
from streams.audit.towns import agreeing
from streams.data import succession
from streams.sources.ids import SHORTEST_SCRAP, SHORTEST_WORD

_INTO = "INSERT INTO unjudged SELECT DISTINCT f.report_id, t.kind, t.source, NULL::INTEGER, t.line, NULL::INTEGER"
# Each of the reports that claim a message may be the one that a line with its id is about; or with what is left of it,
# or with something glued to it: one begins or ends with the other.
_BOTH_LONG = f"least(length(t.word), length(f.message_id)) >= {SHORTEST_WORD}"
_WORDED = f"""
{_INTO} FROM worded AS t JOIN facts AS f ON f.message_id = t.word WHERE f.kind = {SENT};
{_INTO} FROM worded AS t JOIN facts AS f ON left(f.message_id, {SHORTEST_WORD}) = left(t.word, {SHORTEST_WORD})
WHERE f.kind = {SENT} AND {_BOTH_LONG} AND (starts_with(f.message_id, t.word) OR starts_with(t.word, f.message_id));
{_INTO} FROM worded AS t JOIN facts AS f ON right(f.message_id, {SHORTEST_WORD}) = right(t.word, {SHORTEST_WORD})
WHERE f.kind = {SENT} AND {_BOTH_LONG} AND (ends_with(f.message_id, t.word) OR ends_with(t.word, f.message_id));
"""
# An id on a line that is refused is a report's, unless it is known as something else.
_MENTIONED = """
INSERT INTO unjudged SELECT DISTINCT m.* FROM mentioned AS m
WHERE report_id IN (SELECT report_id FROM facts UNION ALL SELECT report_id FROM unjudged)
    OR CAST(report_id AS VARCHAR) NOT IN (
        SELECT lower(message_id) FROM facts WHERE message_id IS NOT NULL
        UNION ALL SELECT lower(message_id) FROM loose
        UNION ALL SELECT lower(unit_id) FROM names WHERE unit_id IS NOT NULL)
"""
# Ids that have so many digits in a row with what is left of one, or begin or end with the few that are all of it; where
# nothing at all is legible of a proof, each that is not proven.
_PIECES = f"[substr({{0}}, i, {SHORTEST_SCRAP}) for i in range(1, greatest(length({{0}}) - {SHORTEST_SCRAP - 2}, 2))]"
_RESEMBLING = f"""
CREATE TEMP TABLE wholes AS
SELECT DISTINCT report_id, FALSE AS of_message, replace(CAST(report_id AS VARCHAR), '-', '') AS whole FROM facts
    WHERE kind = {SENT} AND EXISTS (FROM scraps WHERE NOT of_message)
UNION ALL SELECT DISTINCT report_id, TRUE, regexp_replace(lower(message_id), '[^0-9a-z]', '', 'g') FROM facts
    WHERE kind = {SENT} AND message_id IS NOT NULL AND EXISTS (FROM scraps WHERE of_message);
{_INTO} FROM (
    SELECT DISTINCT of_message, kind, source, line, unnest({_PIECES.format("scrap")}) AS piece
    FROM scraps WHERE length(scrap) >= {SHORTEST_SCRAP}
) AS t JOIN (SELECT report_id, of_message, unnest({_PIECES.format("whole")}) AS piece FROM wholes) AS f
USING (of_message, piece);
{_INTO} FROM scraps AS t JOIN wholes AS f USING (of_message)
WHERE length(t.scrap) BETWEEN 1 AND {SHORTEST_SCRAP - 1}
    AND (starts_with(f.whole, t.scrap) OR ends_with(f.whole, t.scrap));
{_INTO} FROM scraps AS t, facts AS f
WHERE t.scrap = '' AND f.kind = {SENT} AND t.kind = {STORED} AND f.report_id NOT IN (
    SELECT report_id FROM facts WHERE kind = {STORED});
DROP TABLE wholes;
"""
# A proof of a message that nobody knows may be about any report at its receiver of which a message's id is not known;
# one whose digits were lost, about each message with such a number. A proof may come a little before its sent.
_STRAYED = f"""
{_INTO} FROM (
    SELECT s.kind, s.number, s.digits, n.municipality, any_value(s.source) AS source, min(s.line) AS line,
        max(COALESCE(s.event_at, {2**62})) AS latest
    FROM strays AS s JOIN names AS n ON n.id = s.names WHERE s.kind = {STORED} GROUP BY ALL
) AS t, facts AS f JOIN names AS n ON n.id = f.names
WHERE f.kind = {SENT} AND COALESCE(f.event_at, f.arrived) - {EARLY_US} <= t.latest
    AND (t.municipality IS NULL OR n.municipality IS NULL
        OR EXISTS (FROM agreeing AS a WHERE a.one = t.municipality AND a.other = n.municipality))
    AND (f.message_id IS NULL OR abs(TRY_CAST(f.message_id AS DOUBLE) - t.number) <= t.number * pow(10, 1 - t.digits))
    AND f.report_id NOT IN (SELECT report_id FROM facts WHERE kind = {STORED});
DROP TABLE agreeing;
"""


def follow_traces(connection: duckdb.DuckDBPyConnection) -> None:
    """Find, in `facts` before they are sorted, what `worded`, `mentioned`, `scraps` and `strays` may be about."""
    for table, statements in (("worded", _WORDED), ("mentioned", _MENTIONED), ("scraps", _RESEMBLING)):
        if _any(connection, table):
            connection.execute(statements)
    if _any(connection, "strays"):
        agreeing(connection, succession())
        connection.execute(_STRAYED)


def _any(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    return bool(connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchall())
