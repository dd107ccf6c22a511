"""A small database as the view server has it: tables for analysts, and one that is not theirs."""

from pathlib import Path

import duckdb

Content = list[tuple[object, ...]]

TABLES = ("reports", "books")

SCHEMA = """
CREATE TYPE report_status AS ENUM ('waiting', 'stored', 'missing', 'recovered');
CREATE TABLE reports (
    report_id UUID, status report_status, municipality TEXT, sent_at TIMESTAMPTZ, flags TEXT[]
);
CREATE TABLE books (municipality TEXT, sent BIGINT, stored BIGINT, latest TIMESTAMPTZ);
CREATE TABLE positions (topic TEXT, secret TEXT);
INSERT INTO positions VALUES ('reports-sent', 'hunter2');
INSERT INTO reports SELECT
    ('00000000-0000-0000-0000-' || lpad(i::TEXT, 12, '0'))::UUID,
    (['waiting', 'stored', 'missing', 'recovered'])[1 + i % 4]::report_status,
    (['Oslo', 'Bergen', 'Tromsø'])[1 + i % 3],
    TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_hours(i::INTEGER),
    CASE WHEN i % 2 = 0 THEN ['late', 'copy'] ELSE [] END
FROM range(120) t(i);
INSERT INTO books SELECT municipality, count(*), count(*) FILTER (WHERE status = 'stored'), max(sent_at)
FROM reports GROUP BY ALL;
"""


def filled(path: Path | None = None, memory: str = "400MB") -> duckdb.DuckDBPyConnection:
    """A database in memory, or in a file, with 120 reports of three municipalities."""
    settings: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory, "threads": 2}
    settings["temp_directory"] = ""
    connection = duckdb.connect(str(path) if path else ":memory:", config=settings)
    connection.execute(SCHEMA)
    return connection


def content(connection: duckdb.DuckDBPyConnection) -> Content:
    """All that a query could have changed: rows, and what there is in the catalog, attached, installed and set."""
    tables = ("reports", "books", "positions")
    rows = [
        row for table in tables for row in connection.execute(f"SELECT * FROM main.{table} ORDER BY ALL").fetchall()
    ]
    catalog = "SELECT database_name, schema_name, table_name FROM duckdb_tables() ORDER BY ALL"
    for query in (
        catalog,
        "SELECT database_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
        "SELECT sequence_name FROM duckdb_sequences() ORDER BY ALL",
        "SELECT database_name FROM duckdb_databases() ORDER BY ALL",
        "SELECT count(*), list(function_name ORDER BY ALL) FILTER (WHERE NOT internal) FROM duckdb_functions()",
        "SELECT name, value FROM duckdb_settings() ORDER BY ALL",
        "SELECT name FROM duckdb_secrets() ORDER BY ALL",
    ):
        rows += connection.execute(query).fetchall()
    return rows
