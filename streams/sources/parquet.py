"""Parquet files: only the columns that are asked for, in batches."""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from streams.errors import ConfigurationError
from streams.sources.base import OpenFile
from streams.sources.chunk import FIELDS, TIMES, Chunk
from streams.sources.column_names import ensure_enough, resolve
from streams.sources.ids import Legible, made_out
from streams.sources.json_paths import Way, column, walk
from streams.sources.plan import SourcePlan, TimeStyle
from streams.sources.shaping import Shape
from streams.sources.text import as_texts

# From here on a float of a type is the same for several whole numbers.
_EXACT = {pa.float16(): 2.0**11, pa.float32(): 2.0**24, pa.float64(): 2.0**53}
T = TypeVar("T")
_ENCRYPTED = b"PARE"  # with which a file begins whose footer is encrypted, too
_NOT_WHOLE = "is no whole Parquet file: it was cut off or damaged, fetch it again."
_BATCH_ROWS = 131_072
_UUID_HYPHENS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))


class ParquetFile(OpenFile):
    """A Parquet file, its columns flat or within structs. A line is a row, from 1."""

    format = "parquet"

    def __init__(self, path: Path, source: SourcePlan) -> None:
        super().__init__(path, source)
        with self._opened() as file:
            leaves = self._read(lambda: _leaves(file.schema_arrow))
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
        """The file's lines. Raises ConfigurationError where it cannot be read."""
        wanted = sorted({".".join(way) for way in self._ways.values()})
        with self._opened() as file:
            rows, read = file.metadata.num_rows, 0
            batches = file.iter_batches(_BATCH_ROWS, columns=wanted)
            while (batch := self._read(lambda: next(batches, None))) is not None:
                raw = {ours: self._as_ours(ours, column(batch, way)) for ours, way in self._ways.items()}
                lines = pa.arange(read + 1, read + 1 + batch.num_rows)
                read += batch.num_rows
                table, odd = self._shape.shape(lines, raw)
                yield Chunk(table, odd, read / rows)
        if read != rows:
            raise ConfigurationError(f"{self.path.name} {_NOT_WHOLE}")

    def look_again(self, numbers: Collection[int]) -> Iterator[tuple[int, Legible]]:
        wanted, read = frozenset(numbers), 0
        own = self._ways.get("report_id")
        with self._opened() as file:
            batches = file.iter_batches(_BATCH_ROWS)
            while (batch := self._read(lambda: next(batches, None))) is not None:
                for number in sorted(wanted.intersection(range(read + 1, read + 1 + batch.num_rows))):
                    row = batch.slice(number - read - 1, 1).to_pylist()[0]
                    yield number, made_out(str(row), [] if own is None else [str(walk(row, own))])
                read += batch.num_rows

    def _opened(self) -> Any:
        return self._read(lambda: pa.parquet.ParquetFile(self.path, page_checksum_verification=True))

    def _read(self, part: Callable[[], T]) -> T:
        """A part of the file. Raises ConfigurationError where it cannot be read, whatever the library raises then."""
        try:
            return part()
        except Exception as error:  # noqa: BLE001 - it depends on which byte is wrong: OSError, KeyError, UnicodeError ...
            raise ConfigurationError(f"{self.path.name} {self._why(error)}") from None

    def _why(self, error: Exception) -> str:
        with self.path.open("rb") as file:
            encrypted = file.read(len(_ENCRYPTED)) == _ENCRYPTED
        if encrypted or "encrypt" in str(error) or "decrypt" in str(error):
            return "is encrypted: write it without encryption, or decrypt it first."
        if isinstance(error, pa.ArrowNotImplementedError):
            return (
                "has a type or a codec that cannot be read: write it anew with plain types, packed by zstd or snappy."
            )
        return _NOT_WHOLE

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
        if not _is_text(kind):
            return _whole_numbers(given).cast(pa.string())
        texts, mixed = as_texts(given.cast(pa.binary()))  # nobody has looked yet whether text is UTF-8
        if mixed:
            self.warnings.add("encoding_mixed")
        return texts


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
