"""What the page shows of an answer to SQL: a few rows, and of long values the beginning."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from streams.view.sandbox import QueryResult
from streams.view.sandbox.values import slices, values

ROWS_SHOWN, CELLS_SHOWN, CELL_CHARACTERS = 200, 20_000, 300


class SqlTable(NamedTuple):
    """The columns' names, the rows that are shown, how many there are, and how the query went."""

    names: list[str]
    rows: list[list[Any]]
    number: int
    truncated: bool
    seconds: float


def sql_table(found: QueryResult) -> SqlTable:
    """As it is shown."""
    table = found.table
    few = table.slice(0, min(ROWS_SHOWN, CELLS_SHOWN // table.num_columns))
    parts = [part for batch in few.to_batches() for part in slices(batch)]
    rows = [list(map(_cell, row)) for part in parts for row in zip(*map(values, part.columns), strict=True)]
    return SqlTable(table.column_names, rows, table.num_rows, found.truncated, found.seconds)


def _cell(value: Any) -> Any:
    if isinstance(value, datetime) and value.tzinfo is None:  # of no zone: not the reader's
        return str(value)
    if value is None or isinstance(value, bool | int | float | Decimal | datetime | date | time):
        return value
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= CELL_CHARACTERS else text[:CELL_CHARACTERS] + "…"
