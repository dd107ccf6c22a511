"""Rows as Arrow tables."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

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
