"""Announcements as they are pulled: whole CloudEvents, each partition in its order, from where the last ones ended."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb
import orjson

from streams.problems import BadRequest
from streams.view.queries.filters import Condition, carried, taken_back, where

MOST_OFFSET, MOST_PARTITION = 2**63 - 1, 2**31 - 1


class EventCursor(NamedTuple):
    """How far somebody has come: of which checker, and the next offset of each partition of which there was anything.

    A place in one order over all partitions would not do: they are read by themselves, and what comes late from one
    would lie before it.
    """

    checker: str
    positions: Mapping[int, int]

    def written(self) -> str:
        """As the client carries it; it is not secret."""
        return carried([self.checker, sorted(self.positions.items())])

    @classmethod
    def read(cls, text: str) -> "EventCursor":
        """Raises BadRequest when it is none of ours."""
        try:
            checker, pairs = taken_back(text)
            positions = dict(pairs)
        except (ValueError, TypeError):
            raise _none_of_ours("This cursor is none that was given here") from None
        if not (isinstance(checker, str) and all(_is_place(*place) for place in positions.items())):
            raise _none_of_ours("This cursor is none that was given here")
        return cls(checker, positions)


class Pulled(NamedTuple):
    """Some events in JSON, whose they are, and where to go on."""

    events: Sequence[str]
    report_ids: Sequence[str]
    cursor: EventCursor


def pull(
    cursor: duckdb.DuckDBPyConnection, conditions: Sequence[Condition], after: EventCursor | None, limit: int
) -> Pulled:
    """The next events behind a cursor, or the first. Raises BadRequest where it is another checker's.

    They are in the order in which they were recorded, but never before one of their own partition that lies before
    them: writers' clocks may differ.
    """
    checker = _checker(cursor)
    if after is not None and after.checker != checker:
        raise _none_of_ours("This cursor is of another checker, or of its topics before they were made anew")
    positions = dict(after.positions) if after else {}
    condition = where([*conditions, Condition('"offset" >= COALESCE(p.position, 0)')])
    found = cursor.execute(
        f"""SELECT event, CAST(report_id AS VARCHAR), "partition", "offset" FROM (
            SELECT *, max(recorded_at) OVER (PARTITION BY "partition" ORDER BY "offset") AS recorded_by
            FROM announcements LEFT JOIN (
                SELECT unnest(CAST(? AS INTEGER[])) AS "partition", unnest(CAST(? AS BIGINT[])) AS position
            ) AS p USING ("partition") {condition.sql}
        ) ORDER BY recorded_by, "partition", "offset" LIMIT {limit}""",
        [list(positions), list(positions.values()), *condition.values],
    ).fetchall()
    positions |= {partition: offset + 1 for _, _, partition, offset in found}
    return Pulled(
        [event for event, *_ in found],
        list(dict.fromkeys(report_id for _, report_id, *_ in found)),
        EventCursor(checker, positions),
    )


def _checker(cursor: duckdb.DuckDBPyConnection) -> str:
    """Of which checker on which cluster the tables are: offsets of another are of something else."""
    about = cursor.execute("SELECT application, cluster FROM main.about").fetchall()
    return hashlib.sha256(orjson.dumps(about)).hexdigest()[:8]


def _is_place(partition: object, offset: object) -> bool:
    return _is_number(partition, MOST_PARTITION) and _is_number(offset, MOST_OFFSET)


def _is_number(value: object, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _none_of_ours(what: str) -> BadRequest:
    return BadRequest("bad-cursor", f"{what}: leave it out to begin with the first event there is.", "after")
