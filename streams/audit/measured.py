"""What each source covers: declared, or measured from what is in it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import duckdb

from streams.audit.coverage import Stretch
from streams.audit.facts import FactKind
from streams.audit.plan import Covers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVER = datetime(1, 1, 2, tzinfo=UTC)  # a day later than the first there is: it can be told in every zone
_BY_RECEIVER = """
SELECT COALESCE(n.municipality, f.municipality) AS receiver, min(s.arrived), max(s.arrived)
FROM sorted AS s LEFT JOIN names AS n ON n.id = s.names LEFT JOIN (
    SELECT t.report_id, arg_min(m.municipality, t.order_at) AS municipality
    FROM sorted AS t JOIN names AS m ON m.id = t.names WHERE t.kind = 0 GROUP BY ALL
) AS f ON n.municipality IS NULL AND f.report_id = s.report_id
WHERE s.kind = ? AND s.source = ? AND receiver IS NOT NULL GROUP BY ALL ORDER BY ALL
"""


class Reach(NamedTuple):
    """One source's own times (None where it has no facts), and what was declared of it."""

    source: int
    first: datetime | None
    last: datetime | None
    declared: Covers | None
    cut_off: bool


def stretches(connection: duckdb.DuckDBPyConnection, kind: FactKind, reach: Reach) -> Iterable[Stretch]:
    """What a source covers with its facts of a kind.

    What is not declared is measured: for each receiver from its first fact to its last. Claims need no measuring by
    receiver, because no report is missing for want of one. Where a file was cut off nothing is covered after its end.
    """
    first, last, declared = reach.first, reach.last, reach.declared or Covers()
    if first is None or last is None:
        return
    to = min(declared.to, last) if declared.to is not None and reach.cut_off else declared.to
    systems = declared.case_systems or (None,)
    if declared.receivers is not None or kind is FactKind.RECEIPT:
        everybody = declared.receivers is None or declared.receivers == "all"
        for municipality in (None,) if everybody else declared.receivers or ():
            yield from (Stretch(municipality, one, declared.since or first, to or last) for one in systems)
        return
    for municipality, its_first, its_last in connection.sql(_BY_RECEIVER, params=[kind.value, reach.source]).fetchall():
        for one in systems:
            yield Stretch(municipality, one, declared.since or time(its_first), to or time(its_last))


def time(microseconds: int) -> datetime:
    """Microseconds since 1970 as a time."""
    return _EPOCH + timedelta(microseconds=microseconds)
