"""What the page of the books shows: books, alarms, how far each partition is complete, and what the feeds have said."""

from typing import Any

import duckdb

from streams.view.queries import queries
from streams.view.queries.feeds import feeds
from streams.view.queries.filters import ReportFilter


def trust(cursor: duckdb.DuckDBPyConnection, *, shows_rows: bool) -> dict[str, Any]:
    """All of one moment; of the books and alarms whoever may see no single report is told nothing but the balance."""
    books, (partitions, losses) = queries.books(cursor), queries.partitions(cursor)
    return {
        "balanced": not any(row["difference"] for row in books),
        "books": books if shows_rows else [],
        "alarms": queries.alarms(cursor, ReportFilter()) if shows_rows else None,
        "partitions": partitions,
        "losses": losses,
        "feeds": feeds(cursor, shows_rows=shows_rows),
    }
