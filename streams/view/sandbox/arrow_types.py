"""Answers of plain Arrow types, which JSON, CSV and Parquet can all hold."""

import pyarrow as pa

from streams.view.sandbox.values import values

SUM = pa.decimal128(38, 0)  # what DuckDB makes of a sum of integers


def plain(table: pa.Table) -> pa.Table:
    """The same rows: enumerations and intervals as text, sums as integers, moments in UTC, each name only once.

    What is in lists stays as it is.
    """
    columns = [_column(column) for column in table.columns]
    return pa.Table.from_arrays(columns, names=_unique(table.column_names))


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == SUM:
        return _integers(column)
    wanted = _type(column.type)
    if wanted == column.type:
        return column
    if pa.types.is_interval(column.type):
        return pa.chunked_array([pa.array(values(part), wanted) for part in column.chunks], wanted)
    return column.cast(wanted)


def _integers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Sums as 64-bit integers, where they fit."""
    try:
        return column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column


def _type(type_: pa.DataType) -> pa.DataType:
    is_ = pa.types
    if is_.is_dictionary(type_):
        return _type(type_.value_type)
    if is_.is_interval(type_) or isinstance(type_, pa.UuidType):
        return pa.string()
    if is_.is_timestamp(type_) and type_.tz is not None:
        return pa.timestamp("us", tz="UTC")
    return type_


def _unique(names: list[str]) -> list[str]:
    """Names as they are, with _2 and so on behind those that were there before. DuckDB knows no case in names."""
    seen: set[str] = set()
    result = []
    for name in names:
        fresh, count = name, 1
        while fresh.lower() in seen:
            count += 1
            fresh = f"{name}_{count}"
        seen.add(fresh.lower())
        result.append(fresh)
    return result
