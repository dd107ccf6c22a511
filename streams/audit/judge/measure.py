"""What each source covers: known by offsets, declared, or measured from what is in it."""

from collections.abc import Iterable
from datetime import UTC, datetime

import duckdb

from streams.audit.facts import EARLY_US, SENT, STORED, FactKind
from streams.audit.judge.coverage import Stretch
from streams.audit.load.load import Found
from streams.audit.load.timestamps import time_of
from streams.data import todays_number
from streams.sources.plan import Covers

EVER = datetime(1900, 1, 1, tzinfo=UTC)
_BY_RECEIVER = f"""
SELECT COALESCE(n.municipality, f.municipality) AS receiver, min(s.arrived), max(s.arrived)
FROM sorted AS s LEFT JOIN names AS n ON n.id = s.names LEFT JOIN (
    SELECT t.report_id, arg_min(m.municipality, t.arrived) AS municipality, min(COALESCE(t.event_at, t.arrived)) AS sent
    FROM sorted AS t JOIN names AS m ON m.id = t.names WHERE t.kind = {SENT} GROUP BY t.report_id
) AS f ON f.report_id = s.report_id
WHERE s.kind = ? AND s.source = ? AND receiver IS NOT NULL
    AND NOT COALESCE(s.by_event AND s.arrived < f.sent - {EARLY_US}, FALSE) GROUP BY ALL ORDER BY ALL
"""
# The first of a source's proofs whose time can be right: nearly always one of the very first.
_FIRST = f"""
WITH earliest AS (FROM sorted WHERE kind = {STORED} AND source = ? ORDER BY arrived LIMIT ?)
SELECT min(e.arrived) FROM earliest AS e LEFT JOIN (
    SELECT report_id, min(COALESCE(event_at, arrived)) AS sent FROM sorted
    WHERE kind = {SENT} AND report_id IN (SELECT report_id FROM earliest) GROUP BY report_id
) AS f USING (report_id) WHERE NOT COALESCE(e.by_event AND e.arrived < f.sent - {EARLY_US}, FALSE)
"""
_VERY_FIRST, _ALL = 1_000, 2**40


def stretches(
    connection: duckdb.DuckDBPyConnection, kind: FactKind, found: Found, until: datetime | None
) -> Iterable[Stretch]:
    """What a source covers with its facts of a kind. `until`: declared by whoever knows, for topics.

    What is not declared is measured: for each receiver from its first fact to its last. Claims need no measuring by
    receiver, because no report is missing for want of one. Where a file was cut off nothing is covered after its end.
    """
    if found.certain:
        to = until or (None if found.to is None else time_of(found.to))
        if to is not None:
            yield Stretch(None, None, EVER if found.since is None else time_of(found.since), to)
        return
    if found.first is None or found.last is None:
        return
    first, last, declared = _first(connection, kind, found), time_of(found.last), found.covers or Covers()
    end = min(declared.to, last) if declared.to is not None and "cut_off" in found.warnings else declared.to
    systems = declared.case_systems or (None,)
    if declared.receivers is not None or kind is FactKind.RECEIPT:
        everybody = declared.receivers is None or declared.receivers == "all"
        for municipality in (None,) if everybody else declared.receivers or ():
            yield from (Stretch(municipality, one, declared.since or first, end or last) for one in systems)
        return
    for municipality, (its_first, its_last) in _by_receiver(connection, kind, found.number).items():
        for one in systems:
            yield Stretch(municipality, one, declared.since or time_of(its_first), end or time_of(its_last))


def _first(connection: duckdb.DuckDBPyConnection, kind: FactKind, found: Found) -> datetime:
    """The first time of a source, but for proofs that are older than their reports."""
    first = None
    for most in (_VERY_FIRST, _ALL) if kind is FactKind.STORED else ():
        first = first or connection.sql(_FIRST, params=[found.number, most]).fetchall()[0][0]
    assert found.first is not None
    return time_of(max(first or found.first, found.first))


def _by_receiver(connection: duckdb.DuckDBPyConnection, kind: FactKind, source: int) -> dict[str, tuple[int, int]]:
    """The first and the last time of each receiver under today's number: a new number is no gap."""
    times: dict[str, tuple[int, int]] = {}
    for municipality, first, last in connection.sql(_BY_RECEIVER, params=[kind.value, source]).fetchall():
        today = todays_number(municipality)
        known_first, known_last = times.get(today, (first, last))
        times[today] = min(first, known_first), max(last, known_last)
    return times
