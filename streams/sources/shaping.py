"""From a file's own columns to ours: values, municipality numbers, times, and what stands on every line."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import reduce
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from pydantic_core import to_jsonable_python

from streams.data import municipalities
from streams.sources.chunk import DAYS, FIELDS, MOST_LINES, RECEIVER, TIMES, Chunk, Kind, Odd
from streams.sources.column_names import composed, everywhere
from streams.sources.plan import SourcePlan, TimeStyle
from streams.sources.text import BLOCK_LINES
from streams.sources.times import LOCAL, are_days, from_excel, from_norwegian, rfc3339

_NOTHING = pa.array(["", "NULL", "null", "\\N"])  # how databases write that there is no value
_DIGITS = {"municipality": 4, "district": 2}
# What has lost its zero is the number of some municipality; what has lost its end is none.
_PADDED = {"municipality": pa.array([one.code[1:] for one in municipalities() if one.code.startswith("0")])}
_ENOUGH_LINES = MOST_LINES - 3 * BLOCK_LINES


class ShapedLines(NamedTuple):
    """Some lines of a file: `line` and text or times by our names; what fits into no column; how much is read."""

    table: pa.Table
    odd: list[Odd]
    done: float


class Shape:
    """How the lines of one file become ours.

    `has`: the columns of ours that the file tells. `tidy`: whether its text is somebody else's, so that blanks around
    it, Excel's `="0301"` and numbers without their leading zeros are mended. `styles`: how its times are written.
    """

    def __init__(
        self, source: SourcePlan, has: Iterable[str], styles: Mapping[str, TimeStyle | None], *, tidy: bool = True
    ) -> None:
        self._source = source
        self._everywhere = everywhere(source, has)
        self._styles = styles
        self._tidy = tidy

    def shape(self, lines: Any, raw: Mapping[str, Any]) -> tuple[pa.Table, list[Odd]]:
        """A chunk's table, and the lines whose times are none.

        `lines`: int64; `raw`: by our names, text, or times as Arrow has them.
        """
        columns: dict[str, Any] = {name: self._valued(name, raw[name]) for name in raw}
        for name, value in self._everywhere.items():
            given = None if name in self._source.constants else columns.get(name)
            columns[name] = pa.repeat(value, len(lines)) if given is None else pc.fill_null(given, value)
        told = {name: columns[name] for name in FIELDS[self._source.kind] if name in columns}
        timed = {name: self._timed(name, column) if name in TIMES else column for name, column in told.items()}
        good = pa.repeat(True, len(lines))
        for name in TIMES & told.keys():
            good = pc.and_(good, pc.or_(pc.is_valid(timed[name]), pc.is_null(told[name])))
        table = pa.table({"line": lines, **timed})
        days = [are_days(told[name], self._styles.get(name)) for name in TIMES & told.keys()]
        known = [pc.fill_null(one, False) for one in days if one is not None]
        if known and pc.any(any_day := reduce(pc.or_, known)).as_py():
            table = table.append_column(DAYS, any_day)
        if pc.all(good).as_py() in (True, None):
            return table, []
        bad = pa.table({"line": lines, **told}).filter(pc.invert(good))
        return table.filter(good), [self.odd(row.pop("line"), row) for row in bad.to_pylist()]

    def odd(self, line: int, row: Mapping[str, Any]) -> Odd:
        """A line that does not fit: what it tells, by our names, in the shape of the input topics."""
        told = {name: value for name, value in row.items() if value is not None}
        texts = {
            name: self._written(name, value) if name in TIMES else value
            for name, value in (self._everywhere | told | self._source.constants).items()
        }
        arrived = texts.get("arrived")
        return Odd(line, as_content(self._source.kind, texts), arrived=arrived if isinstance(arrived, str) else None)

    def valued(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """One line as a table would have it, but for its times and whatever is no text."""
        mended = _DIGITS.keys() | self._source.values.keys() if self._tidy else self._source.values.keys()
        return {
            name: self._valued(name, pa.array([value]))[0].as_py()
            if isinstance(value, str) and name in mended
            else value
            for name, value in row.items()
        }

    def _written(self, name: str, value: Any) -> Any:
        if isinstance(value, datetime | date):
            value = value.isoformat()
        if not isinstance(value, str):
            return value
        return rfc3339(value, self._styles.get(name), self._source.zone)

    def _valued(self, name: str, column: Any) -> Any:
        """Text with their values replaced by ours; times that Arrow knows stay."""
        if not pa.types.is_string(column.type):
            return column
        if self._tidy:
            column = _tidied(column)
        if values := self._source.values.get(name):
            theirs = pa.array([composed(value) for value in values])
            places = pc.index_in(pc.utf8_normalize(column, "NFC"), value_set=theirs)
            ours = pc.take(pa.array([value or None for value in values.values()], pa.string()), places)
            column = pc.if_else(pc.is_valid(places), ours, column)
        if self._tidy and name == "message_id":
            return _without_decimals(column)
        return _padded(column, _DIGITS[name], _PADDED.get(name)) if self._tidy and name in _DIGITS else column

    def _timed(self, name: str, column: Any) -> Any:
        style = self._styles.get(name)
        if pa.types.is_date(column.type):
            return column.cast(LOCAL)
        if style in ("excel", "excel1904") and not pa.types.is_timestamp(column.type):
            return from_excel(column, style)
        return from_norwegian(column) if style == "norwegian" and pa.types.is_string(column.type) else column


def gathered(parts: Iterable[ShapedLines], shape: Shape) -> Iterator[Chunk]:
    """Parts of a file as chunks: each large enough to be worth its handling."""
    tables: list[pa.Table] = []
    odd: list[Odd] = []
    done, lines = 0.0, 0
    for part in parts:
        tables.append(part.table)
        odd += part.odd
        done = part.done
        lines += part.table.num_rows + len(part.odd)
        if lines >= _ENOUGH_LINES:
            yield _chunk(tables, odd, done, shape)
            tables, odd, lines = [], [], 0
    if tables:
        yield _chunk(tables, odd, done, shape)


def _chunk(tables: list[pa.Table], odd: list[Odd], done: float, shape: Shape) -> Chunk:
    whole = pa.concat_tables(tables).combine_chunks()
    table, untimely = shape.shape(whole["line"], {name: whole[name] for name in whole.column_names if name != "line"})
    return Chunk(table, sorted(odd + untimely, key=lambda each: each.line), done)


def as_content(kind: Kind, row: Mapping[str, Any]) -> dict[str, Any]:
    """A line as what a record's value tells on the kind's input topic."""
    value = {name: row[name] for name in FIELDS[kind] if name in row and name not in RECEIVER}
    receiver = {name: row[name] for name in RECEIVER if name in row}
    if receiver:
        value["receiver"] = receiver
    content: dict[str, Any] = to_jsonable_python(value)
    return content


def _tidied(column: Any) -> Any:
    column = pc.utf8_trim_whitespace(column)
    if pc.any(pc.starts_with(column, '="')).as_py():
        column = pc.utf8_trim_whitespace(pc.replace_substring_regex(column, r'^="(.*)"$', r"\1"))
    return pc.if_else(pc.is_in(column, value_set=_NOTHING), None, column)


def _without_decimals(column: Any) -> Any:
    """Whole numbers to which a column of floats gave decimals; what is too long for one has lost digits, and stays."""
    if not pc.any(pc.ends_with(column, ".0")).as_py():
        return column
    return pc.replace_substring_regex(column, r"^([0-9]{1,15})\.0$", r"\1")


def _padded(column: Any, digits: int, known: Any) -> Any:
    """Numbers to which Excel gave decimals, or from which it took the leading zero; of `known` ones, where told."""
    whole = pc.replace_substring_regex(column, rf"^(\d{{{digits - 1},{digits}}})[.,]0+$", r"\1")
    padded = pc.replace_substring_regex(whole, rf"^(\d{{{digits - 1}}})$", r"0\1")
    return padded if known is None else pc.if_else(pc.is_in(whole, value_set=known), padded, whole)
