"""The facts of all sources put together: message ids become report ids, and everything is sorted by report."""

from streams.audit.facts import COLUMNS, RECEIPT, SENT, STORED
from streams.audit.load.traces import follow_traces
from streams.audit.workspace import Work

_OTHERS = ", ".join(f"l.{name}" for name in COLUMNS[1:])
_OF_RECEIPT = f"CASE WHEN l.kind = {RECEIPT} THEN l.message_id END"  # which attempt it is about
# Whose report a message carried, by the facts of its sending; a message id that two reports claim tells nothing.
_MESSAGES = f"""
CREATE TEMP TABLE messages AS
SELECT message_id, min(report_id) AS report_id, count(DISTINCT report_id) AS reports
FROM facts WHERE kind = {SENT} AND message_id IN (SELECT message_id FROM loose) GROUP BY message_id;
"""
_RESOLVED = f"""
INSERT INTO facts SELECT m.report_id, {_OTHERS.replace("l.message_id", _OF_RECEIPT)}
FROM loose AS l JOIN messages AS m USING (message_id) WHERE m.reports = 1;
INSERT INTO rejects SELECT l.source, l.line, NULL,
    CASE WHEN m.reports > 1 THEN 'ids:message_id_ambiguous' ELSE 'ids:message_id_unknown' END
FROM loose AS l LEFT JOIN messages AS m USING (message_id) WHERE COALESCE(m.reports, 0) <> 1;
INSERT INTO nameless SELECT l.* FROM loose AS l LEFT JOIN messages AS m USING (message_id)
WHERE COALESCE(m.reports, 0) <> 1 AND l.kind = {STORED};
INSERT INTO worded SELECT l.message_id, l.kind, l.source, l.line
FROM loose AS l JOIN messages AS m USING (message_id) WHERE m.reports > 1;
INSERT INTO strays SELECT l.kind, l.source, l.line, l.names, l.event_at, NULL, 0
FROM loose AS l ANTI JOIN messages AS m USING (message_id) WHERE l.kind = {STORED};
DROP TABLE messages;
"""
# A sent whose line is broken within its message's id leaves a line that cannot be read, and one that can, with but the
# end of the id. A proof of a message that nobody knows, and that ends so, may be about it.
_BROKEN = f"""
INSERT INTO unjudged SELECT DISTINCT f.report_id, {STORED}, s.source, NULL::INTEGER, s.line, NULL::INTEGER
FROM (
    SELECT l.source, l.line, unnest([substr(l.message_id, i) FOR i IN range(2, length(l.message_id) + 1)]) AS rest
    FROM loose AS l ANTI JOIN messages AS m USING (message_id) WHERE l.kind = {STORED}
) AS s JOIN (
    SELECT f.report_id, f.message_id FROM facts AS f JOIN doubtful AS d ON d.source = f.source AND d.line = f.line - 1
    WHERE f.kind = {SENT} AND d.kind = {SENT}
) AS f ON f.message_id = s.rest;
"""
_SORTED = """
CREATE TABLE sorted AS FROM facts ORDER BY report_id;
DROP TABLE facts;
"""


def bring_together(work: Work) -> None:
    """Resolve what only a message id names, then sort; what cannot be resolved is listed, and followed."""
    if work.found("sorted") is not None:
        return
    with work.stage("sorted"):
        if work.connection.sql("SELECT count(*) FROM loose").fetchall()[0][0]:
            work.connection.execute(_MESSAGES + _BROKEN + _RESOLVED)
        follow_traces(work.connection)
        work.connection.execute(_SORTED)
