"""Answers of plain Arrow types, which JSON, CSV and Parquet can all hold."""

import pyarrow as pa

SUM = pa.decimal128(38, 0)  # what DuckDB makes of a sum of integers


def plain(table: pa.Table) -> pa.Table:
    """The same rows: enumerations and intervals as text, sums as integers, moments in UTC, each name only once."""
    columns = [_column(column) for column in table.columns]
    return pa.Table.from_arrays(columns, names=_unique(table.column_names))


def _column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == SUM:
        return _integers(column)
    wanted = _type(column.type)
    if wanted == column.type:
        return column
    if pa.types.is_nested(column.type) or pa.types.is_interval(column.type):
        return pa.chunked_array([pa.array([_value(value) for value in column.to_pylist()], type=wanted)])
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
    return _nested(type_) if is_.is_nested(type_) else type_


def _nested(type_: pa.DataType) -> pa.DataType:
    if pa.types.is_map(type_):
        return pa.map_(_type(type_.key_type), _type(type_.item_type))
    if pa.types.is_struct(type_):
        return pa.struct([pa.field(field.name, _type(field.type)) for field in type_])
    return pa.list_(_type(type_.value_type))


def _value(value: object) -> object:
    """A value as pyarrow can build it again. Intervals become text."""
    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    if isinstance(value, tuple):
        return tuple(_value(inner) for inner in value)
    return value


def _interval(value: pa.MonthDayNano) -> str:
    """Such as "1 month 2 days 03:04:05.5"."""
    months, days, nanoseconds = value
    sign, rest = "-" if nanoseconds < 0 else "", abs(nanoseconds) // 1000
    seconds, micros = divmod(rest, 1_000_000)
    clock = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    clock += f".{micros:06}".rstrip("0") if micros else ""
    parts = [
        f"{count} {unit}{'' if abs(count) == 1 else 's'}" for count, unit in ((months, "month"), (days, "day")) if count
    ]
    return " ".join([*parts, clock] if rest or not parts else parts)


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
