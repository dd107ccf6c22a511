"""The counts for who may see no single report: a fixed set of tables, whatever is asked.

A small number is hidden in vain where another question tells it: the same with one receiver less, another grouping of
the same reports, a rounded number beside the exact ones. So there are no other questions. The tables are made together,
once for each state of the reports; what is coarser is added up from what they show.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from streams.presentation.joint_tables import CountsLine, Table, hidden
from streams.problems import Problem
from streams.view.queries import queries
from streams.view.queries.filters import ReportFilter
from streams.view.queries.queries import COUNTS, By
from streams.view.store.tables import STATUSES

# Each groups all reports by something that has nothing to do with the others: only their totals are the same.
BASES: Mapping[str, tuple[By, ...]] = {
    "receiver": ("receiver",),
    "month": ("month",),
    "version": ("case_system", "case_system_version"),
    "channel": ("channel",),
}
# What may be asked: of which of them, by which of its columns.
ASKED: Mapping[tuple[str, ...], tuple[str, tuple[str, ...]]] = {
    ("receiver",): ("receiver", ("municipality",)),
    ("county",): ("receiver", ("county",)),
    ("month",): ("month", ("month",)),
    ("case_system",): ("version", ("case_system",)),
    ("case_system", "case_system_version"): ("version", ("case_system", "case_system_version")),
    ("channel",): ("channel", ("channel",)),
}
ASKED_FOR = ("reports", "missing")
KEYS = ("municipality", "month", "case_system", "case_system_version", "channel")
PUBLISHED_COLUMNS = ("grouped_by", *KEYS, *COUNTS)
MOST_GROUPS_PUBLISHED = 2_000  # of one table: what hides small numbers takes the square of their number
Row = dict[str, Any]


class Published(NamedTuple):
    """All that is shown: the total, and the tables by name. None is a number that is hidden."""

    total: Row
    tables: Mapping[str, list[Row]]

    def by(self, by: Sequence[str]) -> list[Row]:
        """The groups of a question. Raises Problem where it is none of those that may be asked."""
        if not by:
            return []
        if tuple(sorted(by)) not in {tuple(sorted(one)) for one in ASKED}:
            raise Problem("counts-only", SENTENCE, "by", status=HTTPStatus.FORBIDDEN)
        table, columns = next(found for one, found in ASKED.items() if sorted(one) == sorted(by))
        return _added_up(self.tables[table], columns)

    def arrow(self) -> pa.Table:
        """All of it as one table: what a row is not grouped by is null, and `grouped_by` tells."""
        rows = [{"grouped_by": "nothing", **self.total}]
        rows += [{"grouped_by": name, **row} for name, table in self.tables.items() for row in table]
        types = {"month": pa.date32(), **dict.fromkeys(COUNTS, pa.int64())}
        schema = pa.schema([(name, types.get(name, pa.string())) for name in PUBLISHED_COLUMNS])
        return pa.Table.from_pylist(rows, schema=schema)


SENTENCE = (
    "Where single reports may not be seen there are fixed tables of all reports, without filters: by receiver, county, "
    "month, channel, case_system, or case_system and case_system_version."
)


def ensure_unfiltered(chosen: ReportFilter, without: Sequence[str] = ()) -> None:
    """Raise Problem where a question of who sees counts only is of a part of the reports."""
    given = chosen.model_dump(exclude_defaults=True, exclude={"by", "reach", *without})
    if any(given.values()):
        raise Problem("counts-only", SENTENCE, *given, status=HTTPStatus.FORBIDDEN)


def ensure_measured(by: Sequence[str]) -> None:
    """Raise Problem where who sees counts only asks for confirmation times of receivers or days."""
    if not {"month", "case_system", "case_system_version", "channel"}.issuperset(by):
        raise Problem(
            "counts-only", "Where single reports may not be seen confirmation times are by month, channel, case_system "
            "and case_system_version.", "by", status=HTTPStatus.FORBIDDEN,
        )  # fmt: skip


def published(cursor: duckdb.DuckDBPyConnection) -> Published:
    """The tables, as they are at this moment."""
    (total,) = queries.summary(cursor, (), ReportFilter())
    groups = {name: queries.summary(cursor, by, ReportFilter()) for name, by in BASES.items()}
    for name, rows in groups.items():
        queries.ensure_few(rows, MOST_GROUPS_PUBLISHED)
        if name == "receiver":
            for row in rows:
                row["county"] = (row["municipality"] or "")[:2] or None
    return together(total, groups)


def together(total: Row, groups: Mapping[str, list[Row]]) -> Published:
    """What of them may be shown: no count from 1 to 4, and none that sums tell, of whichever of them.

    Where that would cost how many there are or are missing, the tables that cost a total are left out: they have no
    rows.
    """
    alone = _table([], total)
    tables = {name: _table(rows, total) for name, rows in groups.items()}
    shown = hidden({"": [alone]} | {name: [table] for name, table in tables.items()})
    if any(shown[""].total[name] is None for name in ASKED_FOR):
        shown = hidden({"": [alone]} | {name: [table, alone] for name, table in tables.items()})
    made = {name: _shown(rows, shown[name].groups) for name, rows in groups.items()}
    return Published(dict(shown[""].total), made)


def _shown(rows: Sequence[Row], lines: Sequence[CountsLine]) -> list[Row]:
    return [dict(row, **line.counts) for row, line in zip(rows, lines, strict=False)]


def _table(rows: Sequence[Row], total: Row) -> Table:
    lines = [CountsLine((), {name: row[name] for name in COUNTS}) for row in rows]
    return Table(lines, {name: total[name] for name in COUNTS}, "reports", STATUSES)


def _added_up(rows: Sequence[Row], columns: tuple[str, ...]) -> list[Row]:
    """Rows by these columns: the sums of what is shown, and hidden where a part is."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[column] for column in columns), []).append(row)
    return [
        dict(zip(columns, key, strict=True)) | {name: _sum([row[name] for row in parts]) for name in COUNTS}
        for key, parts in groups.items()
    ]


def _sum(numbers: Sequence[int | None]) -> int | None:
    return None if None in numbers else sum(number for number in numbers if number is not None)
