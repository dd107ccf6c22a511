"""Counts by receiver as a table: one order over all of them, what has nothing to look at folded, and sums."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Row = Mapping[str, Any]
PER = 1000  # reports, for rates
ALWAYS = ("reports", "sent", "stored", "missing", "rate", "difference")  # other columns stand where they have a number


class CountTable(NamedTuple):
    """`rows` have something to look at and `folded` have not, both in the order of `sort`; `total` is of all of them.

    `folded_sum`: None where nothing is folded.
    """

    columns: tuple[str, ...]
    sort: str
    rows: list[Row]
    folded: list[Row]
    folded_sum: Row | None
    total: Row | None


def count_table(
    rows: Sequence[Row], columns: tuple[str, ...], sort: str, *, total: Row | None, worth: Sequence[str] = ()
) -> CountTable:
    """Rows with a `name`, a `municipality` and the columns' numbers, None for what is hidden.

    `sort`: `name` from A, a column from its largest number; a minus turns it round. `worth`: columns of which one must
    not be 0 for a row to stand out; none fold nothing. Columns of nothing but zeros are left out.
    """
    ordered = _sorted(rows, sort)
    columns = tuple(name for name in columns if name in ALWAYS or any(row[name] != 0 for row in rows))
    shown = [row for row in ordered if not worth or any(row[name] != 0 for name in worth)]
    folded = [row for row in ordered if worth and all(row[name] == 0 for name in worth)]
    return CountTable(columns, sort, shown, folded, summed(folded, columns) if folded else None, total)


def with_rate(row: Row) -> dict[str, Any]:
    """The row with how many of a thousand reports are missing; None where that is hidden or nothing was sent."""
    missing, reports = row["missing"], row["reports"]
    return dict(row, rate=round(PER * missing / reports, 1) if missing is not None and reports else None)


def summed(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, Any]:
    """The sums of columns, none of which is hidden; of rates their rate."""
    found: dict[str, Any] = {name: sum(row[name] for row in rows) for name in columns if name != "rate"}
    return with_rate(found) if "rate" in columns else found


def _sorted(rows: Sequence[Row], sort: str) -> list[Row]:
    name, turned = sort.removeprefix("-"), sort.startswith("-")
    by_name = sorted(rows, key=lambda row: (row["name"] is None, row["name"] or "", row["municipality"] or ""))
    if name == "name":
        return by_name[::-1] if turned else by_name
    return sorted(by_name, key=lambda row: row[name] or 0, reverse=not turned)
