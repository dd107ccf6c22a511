"""The books in the three ways in which people ask: by receiver, by month, by case system and version."""

from collections.abc import Iterable, Sequence
from datetime import date

import duckdb

from streams.audit.schema import TERMS
from streams.presentation.joint_tables import Counts, CountsLine, Table

COLUMNS = ("sent", *TERMS)
# Where small numbers are hidden, fewer columns tell more: rare ones would hide others with them.
REST = "rest"
NOTABLE = ("missing", "recovered", "undetermined")
MOST_GROUPS = 500
MOST_MONTHS = 180  # of more than fifteen years there is a row a year


def by_receiver(connection: duckdb.DuckDBPyConnection, least: int = 1) -> Table:
    """Receivers under today's number, those with most missing first; all who have nothing to tell in one line.

    `least`: how many must be missing, recovered or undetermined for a line of its own.
    """
    return _table(_folded(_grouped(connection, "municipality_today"), least))


def by_version(connection: duckdb.DuckDBPyConnection, least: int = 1) -> Table:
    """Case systems and versions, in the same way."""
    return _table(_folded(_grouped(connection, "case_system", "case_system_version"), least))


def by_month(connection: duckdb.DuckDBPyConnection, most: int = MOST_MONTHS) -> Table:
    """Every month from the first to the last, also those without a report; by year where there are more than `most`.

    A label is the first day and `month` or `year`; None where it is not known when a report was sent.
    """
    found = {group.label[0]: group.counts for group in _grouped(connection, "month")}
    known = sorted(day for day in found if day is not None)
    unknown = [CountsLine((None, "month"), found[None])] if None in found else []
    if not known:
        return _table(unknown)
    months = _months(known[0], known[-1])
    if len(months) <= most:
        return _table([*(CountsLine((month, "month"), found.get(month, _sum([]))) for month in months), *unknown])
    years = [
        CountsLine((date(year, 1, 1), "year"), _sum(found[month] for month in known if month.year == year))
        for year in range(known[0].year, known[-1].year + 1)
    ]
    return _table([*years, *unknown])


def books(connection: duckdb.DuckDBPyConnection) -> Table:
    """The total alone."""
    return without_groups(_table(_grouped(connection)))


def with_rest(table: Table) -> Table:
    """What is neither missing nor cannot be told, in one column."""
    parts = ("missing", "undetermined")

    def merged(counts: Counts) -> Counts:
        number = (counts["sent"] or 0) - sum(counts[name] or 0 for name in parts)
        return {"sent": counts["sent"], **{name: counts[name] for name in parts}, REST: number}

    groups = [group._replace(counts=merged(group.counts)) for group in table.groups]
    return Table(groups, merged(table.total), table.whole, (*parts, REST))


def without_groups(table: Table) -> Table:
    """Its total alone."""
    return table._replace(groups=[])


def by_code(counts: Counts, name: str) -> Table:
    """One kind of reports by code (why they are missing, why it cannot be told)."""
    groups = [CountsLine((code,), {name: number}) for code, number in counts.items()]
    return Table(groups, {name: sum(filter(None, counts.values()))}, name, ())


def _grouped(connection: duckdb.DuckDBPyConnection, *by: str) -> list[CountsLine]:
    sums = ", ".join(f"CAST(coalesce(sum({name}), 0) AS BIGINT)" for name in COLUMNS)
    rows = connection.execute(f"SELECT {', '.join([*by, sums])} FROM books GROUP BY ALL").fetchall()
    return [CountsLine(row[: len(by)], dict(zip(COLUMNS, row[len(by) :], strict=True))) for row in rows]


def _folded(groups: Sequence[CountsLine], least: int) -> list[CountsLine]:
    """Those that have something to tell, the worst first, and the sum of all the others."""

    def is_notable(group: CountsLine) -> bool:
        return any((group.counts[name] or 0) >= least for name in NOTABLE)

    notable = sorted(
        filter(is_notable, groups),
        key=lambda group: (*(-(group.counts[name] or 0) for name in ("missing", "undetermined")), _sortable(group)),
    )
    shown, others = notable[:MOST_GROUPS], notable[MOST_GROUPS:]
    others += [group for group in groups if not is_notable(group)]
    return shown + ([CountsLine((), _sum(group.counts for group in others), len(others))] if others else [])


def _sortable(group: CountsLine) -> tuple[str, ...]:
    return tuple("" if part is None else str(part) for part in group.label)


def _table(groups: list[CountsLine]) -> Table:
    return Table(groups, _sum(group.counts for group in groups), "sent", TERMS)


def _sum(counts: Iterable[Counts]) -> dict[str, int]:
    total = dict.fromkeys(COLUMNS, 0)
    for one in counts:
        for name in COLUMNS:
            total[name] += one[name] or 0
    return total


def _months(first: date, last: date) -> list[date]:
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return [date(first.year + (first.month - 1 + n) // 12, (first.month - 1 + n) % 12 + 1, 1) for n in range(count)]
