"""What the page shows of an answer to SQL: some rows at a time, of long values the beginning, ids as links."""

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

import duckdb

from streams.view.sandbox import QueryResult
from streams.view.sandbox.values import slices, values

ROWS_SHOWN, CELLS_SHOWN, CELL_CHARACTERS = 200, 20_000, 300
# Columns whose values have a page of their own: under which address, and what such a value looks like.
_PAGES = {
    "report_id": ("/reports/", re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")),
    "municipality": ("/receivers/", re.compile(r"[0-9]{4}\Z")),
    "municipality_today": ("/receivers/", re.compile(r"[0-9]{4}\Z")),
}


class SqlTable(NamedTuple):
    """The columns' names, the rows that are shown, how many there are, and how the query went.

    `start`: how many rows lie before those that are shown; `step`: how many are shown at most.
    """

    names: list[str]
    rows: list[list[Any]]
    number: int
    truncated: bool
    seconds: float
    start: int
    step: int


def sql_table(found: QueryResult, start: int = 0) -> SqlTable:
    """As it is shown, from a row on; from the first where there are not so many."""
    table = found.table
    step = max(1, min(ROWS_SHOWN, CELLS_SHOWN // table.num_columns))
    start = start if start < table.num_rows else 0
    parts = [part for batch in table.slice(start, step).to_batches() for part in slices(batch)]
    rows = [list(map(_cell, row)) for part in parts for row in zip(*map(values, part.columns), strict=True)]
    return SqlTable(table.column_names, rows, table.num_rows, found.truncated, found.seconds, start, step)


def page_of(name: str, value: Any) -> str | None:
    """The address of the page about a cell's value; None where there is none."""
    path, form = _PAGES.get(name, ("", None))
    return f"{path}{value}" if form is not None and isinstance(value, str) and form.match(value) else None


def columns_of(cursor: duckdb.DuckDBPyConnection, tables: tuple[str, ...]) -> dict[str, list[str]]:
    """The columns of tables, by table."""
    return {name: [column for column, *_ in cursor.execute(f"DESCRIBE {name}").fetchall()] for name in tables}


def _cell(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:  # of no zone: not the reader's
        return str(value)
    if value is None or isinstance(value, bool | int | float | Decimal | datetime | date | time):
        return value
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= CELL_CHARACTERS else text[:CELL_CHARACTERS] + "…"
