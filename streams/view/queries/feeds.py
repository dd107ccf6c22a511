"""The feeds: what each has vouched for, how long it has been silent, and what waits for it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import duckdb

from streams.view.queries.queries import dictionaries
from streams.view.store.tables import HAS_SPOKEN

_WORDS = """
    SELECT feed, t.partitions, COALESCE(w.heard_in, 0) AS heard_in, COALESCE(w.vouched_in, 0) AS vouched_in,
        w.vouched_until, w.since, w.last_heard, w.heard_everywhere, {counts}
    FROM {words} CROSS JOIN trust t ORDER BY feed
"""
_WITH_COUNTS = _WORDS.format(
    words="feed_words w FULL JOIN feed_waits r USING (feed)",
    counts="COALESCE(r.waiting, 0) AS waiting, COALESCE(r.undetermined, 0) AS undetermined, r.oldest_alarm_at",
)
_WITHOUT = _WORDS.format(words="feed_words w", counts="NULL AS waiting, NULL AS undetermined, NULL AS oldest_alarm_at")

_BY_PARTITION = 'SELECT * FROM feeds ORDER BY feed, "partition"'
_HEARD = f'SELECT * REPLACE (CAST(NULL AS INTEGER) AS proofs) FROM feeds WHERE {HAS_SPOKEN} ORDER BY feed, "partition"'
ITS_WORD = 'SELECT feed, "partition", vouched_until, since, heard FROM feeds WHERE feed = ? AND "partition" = ?'


class FeedsHeard(NamedTuple):
    """Each feed over all partitions, and in each partition where it has been heard or has brought something."""

    words: list[dict[str, Any]]
    by_partition: list[dict[str, Any]]


def feeds(cursor: duckdb.DuckDBPyConnection, *, shows_rows: bool) -> FeedsHeard:
    """All feeds within reach, those included that reports wait for and nobody has heard.

    Who may see no single report is told no number of reports or proofs: they are small ones.
    """
    if not shows_rows:
        return FeedsHeard(dictionaries(cursor, _WITHOUT), dictionaries(cursor, _HEARD))
    return FeedsHeard(dictionaries(cursor, _WITH_COUNTS), dictionaries(cursor, _BY_PARTITION))


def word_for(cursor: duckdb.DuckDBPyConnection, report: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the feed that a report waits for has said in its partition; None where it waits for none.

    Of one that was never heard there, the times are None.
    """
    feed, partition = report["feed"], report["sent_partition"]
    if feed is None or report["status"] not in ("pending", "undetermined"):
        return None
    silence = {"feed": feed, "partition": partition, "vouched_until": None, "since": None, "heard": None}
    return next(iter(dictionaries(cursor, ITS_WORD, [feed, partition])), silence)
