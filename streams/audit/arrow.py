"""Rows as Arrow tables, and Arrow tables as what statements may read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import duckdb
import pyarrow as pa

# A statement reads what it was given under a name, and never what a Python variable nearby happens to be called.
NO_REPLACEMENTS = {"python_enable_replacements": "false"}

_KINDS = {
    "VARCHAR": pa.string(), "BOOLEAN": pa.bool_(), "TIMESTAMPTZ": pa.timestamp("us", "UTC"), "INTEGER": pa.int32(),
    "SMALLINT": pa.int16(), "BIGINT": pa.int64(), "VARCHAR[]": pa.list_(pa.string()), "DATE": pa.date32(),
}  # fmt: skip


def schema_of(columns: Mapping[str, str]) -> pa.Schema:
    """The schema of a table whose columns are told as DuckDB names their types."""
    return pa.schema([(name, _KINDS[kind]) for name, kind in columns.items()])


def table_of(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    """Rows in the order of a schema's columns; there may be none."""
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)


class _Lent:
    """A table until it is taken back: what a transaction has read is kept until its end, whatever is unregistered."""

    def __init__(self, table: pa.Table) -> None:
        self.table: pa.Table | None = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """What DuckDB asks for each time that it reads the table."""
        assert self.table is not None, "it was taken back"
        return self.table.__arrow_c_stream__(requested_schema)


@contextmanager
def registered(connection: duckdb.DuckDBPyConnection, **tables: pa.Table) -> Iterator[None]:
    """Tables by the names under which statements may read them meanwhile."""
    lent = {name: _Lent(table) for name, table in tables.items()}
    for name, one in lent.items():
        connection.register(name, one)
    try:
        yield
    finally:
        for name, one in lent.items():
            connection.unregister(name)
            one.table = None
