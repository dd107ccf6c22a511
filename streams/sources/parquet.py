"""Parquet files: only the columns that are asked for, in batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from streams.errors import ConfigurationError
from streams.sources.base import OpenFile
from streams.sources.chunk import FIELDS, TIMES, Chunk
from streams.sources.column_names import ensure_enough, resolve
from streams.sources.json_paths import Way, column
from streams.sources.plan import SourcePlan, TimeStyle
from streams.sources.shaping import Shape
from streams.sources.text import as_texts

# From here on a float of a type is the same for several whole numbers.
_EXACT = {pa.float16(): 2.0**11, pa.float32(): 2.0**24, pa.float64(): 2.0**53}
_BATCH_ROWS = 131_072
_UUID_HYPHENS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))


class ParquetFile(OpenFile):
    """A Parquet file, its columns flat or within structs. A line is a row, from 1."""

    format = "parquet"

    def __init__(self, path: Path, source: SourcePlan) -> None:
        super().__init__(path, source)
        with self._opened() as file:
            leaves = _leaves(file.schema_arrow)
            if not file.metadata.num_rows:
                raise ConfigurationError(f"{path.name} is empty: give a file that has records, or leave it out.")
        names = [".".join(way) for way, _ in leaves]
        self._ways = {ours: leaves[place][0] for ours, place in resolve(source, path.name, names).items()}
        ensure_enough(source, path.name, self._ways)
        self.columns = frozenset(self._ways)
        kinds = dict(leaves)
        for ours, way in self._ways.items():
            self._ensure_readable(ours, kinds[way])
        styles: dict[str, TimeStyle | None] = dict.fromkeys(FIELDS[source.kind], source.times)
        self._shape = Shape(source, self._ways, styles)

    def chunks(self) -> Iterator[Chunk]:
        """The file's lines. Raises ConfigurationError where it is damaged."""
        wanted = sorted({".".join(way) for way in self._ways.values()})
        with self._opened() as file:
            rows, read = file.metadata.num_rows, 0
            try:
                for batch in file.iter_batches(_BATCH_ROWS, columns=wanted):
                    raw = {ours: self._as_ours(ours, column(batch, way)) for ours, way in self._ways.items()}
                    lines = pa.arange(read + 1, read + 1 + batch.num_rows)
                    read += batch.num_rows
                    table, odd = self._shape.shape(lines, raw)
                    yield Chunk(table, odd, read / rows)
            except (pa.ArrowException, OSError):
                raise self._damaged() from None

    def _opened(self) -> Any:
        try:
            return pa.parquet.ParquetFile(self.path)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise self._damaged() from None

    def _damaged(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self.path.name} is no whole Parquet file: it was cut off or damaged, fetch it again."
        )

    def _ensure_readable(self, ours: str, kind: Any) -> None:
        """Raises ConfigurationError where a column's type can be none of ours."""
        plain = kind.value_type if pa.types.is_dictionary(kind) else kind
        number = pa.types.is_integer(plain) or pa.types.is_floating(plain) or pa.types.is_decimal(plain)
        serial = self.source.times in ("excel", "excel1904")
        if _is_text(plain):
            return
        if ours in TIMES:
            fits = pa.types.is_timestamp(plain) or pa.types.is_date(plain) or (number and serial)
            must = 'timestamps or text, or numbers with times = "excel" in a mapping file'
        else:
            fits, must = number or _is_uuid(plain), "text"
        if not fits:
            raise ConfigurationError(f"{self.path.name}: the column for {ours} must be {must}; its type fits neither.")

    def _as_ours(self, ours: str, given: Any) -> Any:
        if pa.types.is_dictionary(given.type):
            given = given.dictionary_decode()
        kind = given.type
        if pa.types.is_timestamp(kind):
            return given.cast(pa.timestamp("us", kind.tz), safe=False)
        if pa.types.is_date(kind) or (ours in TIMES and not _is_text(kind)):
            return given if pa.types.is_date(kind) else given.cast(pa.float64())
        if _is_uuid(kind):
            return _uuid_text(given)
        if pa.types.is_binary(kind):
            return as_texts(given)[0]
        if not _is_text(kind):
            given = _whole_numbers(given)
        return given.cast(pa.string())


def _leaves(schema: pa.Schema) -> list[tuple[Way, Any]]:
    """Every column that holds values, by the names that lead to it."""
    leaves: list[tuple[Way, Any]] = []
    left: list[tuple[Way, Any]] = [((field.name,), field.type) for field in reversed(schema)]
    while left:
        way, kind = left.pop()
        if pa.types.is_struct(kind):
            left += [
                ((*way, kind.field(place).name), kind.field(place).type) for place in reversed(range(kind.num_fields))
            ]
        else:
            leaves.append((way, kind))
    return leaves


def _is_text(kind: Any) -> bool:
    types = pa.types
    tests = (types.is_string, types.is_large_string, types.is_string_view, types.is_binary, types.is_null)
    return any(test(kind) for test in tests)


def _is_uuid(kind: Any) -> bool:
    return bool(kind == pa.uuid() or (pa.types.is_fixed_size_binary(kind) and kind.byte_width == 16))


def _uuid_text(column: Any) -> Any:
    """16 bytes each, in the order in which the text has them, as lower-case text with hyphens."""
    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    storage = pc.if_else(storage.is_valid(), storage, bytes(16))
    digits = b"".join(storage.to_pylist()).hex().encode()
    whole = (
        pa.Array.from_buffers(pa.binary(32), len(column), [None, pa.py_buffer(digits)])
        .cast(pa.binary())
        .cast(pa.string())
    )
    parts = [pc.utf8_slice_codeunits(whole, start, stop) for start, stop in _UUID_HYPHENS]
    return pc.if_else(column.is_valid(), pc.binary_join_element_wise(*parts, "-"), None)


def _whole_numbers(column: Any) -> Any:
    """Numbers without decimals, as they are written; others stay as they are, for the contract to refuse.

    Among them are those that a column of floats no longer tells from their neighbours.
    """
    if not pa.types.is_floating(column.type):
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid:  # decimals, or more digits than that
            return column
    exact = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), _EXACT[column.type]))
    whole = pc.if_else(exact, column, None).cast(pa.int64(), safe=False).cast(pa.string())
    if whole.null_count == column.null_count:
        return whole
    rounded = [None if each is None else f"{each:.16e}" for each in column.to_pylist()]
    return pc.coalesce(whole, pa.array(rounded, pa.string()))
