"""What is in an answer as Python's values: also times that Python has none for, and never many at one go."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pyarrow as pa

from streams.view.sandbox.errors import too_large

MOST_VALUES = 500_000  # of an answer: its cells, and what is in their lists
ROW_VALUES = 20_000
SLICE_VALUES = 4_000  # a thread that makes values lets no other one work while Arrow makes them
_DAY, _EPOCH = date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_KNOWN: dict[Any, str | None] = {
    None: None, 2**31 - 1: "infinity", -(2**31) + 1: "-infinity", 2**63 - 1: "infinity", -(2**63) + 1: "-infinity",
}  # fmt: skip


def slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """A batch in parts of few values each, none of them empty. Raises Refused where one row has too many."""
    if count(batch) <= SLICE_VALUES:
        if batch.num_rows:
            yield batch
    elif batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from slices(batch.slice(0, half))
        yield from slices(batch.slice(half))
    elif count(batch) <= ROW_VALUES:
        yield batch
    else:
        raise too_large(f"One row of the answer holds more than {ROW_VALUES} values")


def count(batch: pa.RecordBatch) -> int:
    """How many values there are, those in lists included."""
    return sum(map(_count, batch.columns))


def _count(array: pa.Array) -> int:
    if pa.types.is_struct(array.type):
        return len(array) + sum(map(_count, array.flatten()))
    if _is_listed(array.type):
        return len(array) + _count(_inside(array))
    return len(array)


def values(array: pa.Array) -> list[Any]:
    """Its values: moments with their zone; what Python cannot hold as text."""
    for of, read in _READERS:
        if of(array.type):
            return read(array)
    found: list[Any] = array.to_pylist()
    return found


def _read(array: pa.Array, written: Callable[[Any], Any]) -> list[Any]:
    return [_KNOWN[value] if value in _KNOWN else written(value) for value in array.to_pylist()]


def _is_listed(type_: pa.DataType) -> bool:
    is_ = pa.types
    return any(of(type_) for of in (is_.is_list, is_.is_large_list, is_.is_map, is_.is_fixed_size_list))


def _offsets(array: pa.Array) -> list[int]:
    """Where each of its lists begins in what is in them, and where the last one ends."""
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        return [size * n for n in range(array.offset, array.offset + len(array) + 1)]
    found: list[int] = array.offsets.to_pylist()
    return found


def _inside(array: pa.Array) -> pa.Array:
    """What is in the lists, one after the other; a map is a list of pairs."""
    offsets = _offsets(array)
    first, last = offsets[0], offsets[-1]
    if not pa.types.is_map(array.type):
        return array.values.slice(first, last - first)
    pairs = [array.keys.slice(first, last - first), array.items.slice(first, last - first)]
    return pa.StructArray.from_arrays(pairs, names=["key", "value"])


def _structs(array: pa.Array) -> list[Any]:
    parts = {field.name: values(part) for field, part in zip(array.type, array.flatten(), strict=True)}
    known = array.is_valid().to_pylist()
    return [{name: part[n] for name, part in parts.items()} if known[n] else None for n in range(len(array))]


def _lists(array: pa.Array) -> list[Any]:
    found, offsets = values(_inside(array)), _offsets(array)
    if pa.types.is_map(array.type):
        found = [tuple(pair.values()) for pair in found]
    known, first = array.is_valid().to_pylist(), offsets[0]
    return [
        found[begin - first : end - first] if known[n] else None for n, (begin, end) in enumerate(pairwise(offsets))
    ]


def _moment(value: int, type_: pa.TimestampType) -> datetime | str:
    try:
        moment = _EPOCH + timedelta(microseconds=value * 10**6 // _A_SECOND[type_.unit])
    except OverflowError:
        return _outside(value)
    return moment if type_.tz else moment.replace(tzinfo=None)


def _date(value: int) -> date | str:
    try:
        return _DAY + timedelta(days=value)
    except OverflowError:
        return _outside(value)


def _time(value: int) -> time | str:
    return "24:00:00" if value >= 86_400 * 10**6 else (_EPOCH + timedelta(microseconds=value)).time()


def _outside(value: int) -> str:
    return "after the year 9999" if value > 0 else "before the year 1"


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


_READERS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], list[Any]]], ...] = (
    (pa.types.is_timestamp, lambda array: _read(array.cast(pa.int64()), lambda value: _moment(value, array.type))),
    (pa.types.is_date32, lambda array: _read(array.cast(pa.int32()), _date)),
    (pa.types.is_time64, lambda array: _read(array.cast(pa.int64()), _time)),
    (pa.types.is_interval, lambda array: _read(array, _interval)),
    (pa.types.is_struct, _structs),
    (_is_listed, _lists),
)
