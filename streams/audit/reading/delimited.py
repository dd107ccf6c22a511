"""CSV files, as databases and spreadsheets write them: only the columns that are asked for ever leave their lines."""

from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from streams.audit.chunks import TIMES, Chunk, Odd
from streams.audit.plan import Source, TimeStyle
from streams.audit.reading.header import read_header
from streams.audit.reading.names import check_enough, resolve
from streams.audit.reading.openfile import OpenFile
from streams.audit.reading.records import COLUMNS, CUT_OFF, Records
from streams.audit.reading.shaping import Shape
from streams.audit.reading.text import Block, TextFile, as_texts
from streams.audit.reading.times import looks_norwegian
from streams.errors import ConfigurationError

_SAMPLE_BYTES, _SAMPLE_VALUES = 1 << 20, 1_000


class _Rows(NamedTuple):
    """Records of a block: the lines on which they begin, and of each wanted column the bytes."""

    lines: Any
    columns: list[Any]
    odd: list[Odd]


class CsvFile(OpenFile):
    """A CSV file with a header. A record's line is the line of the file on which it begins, as an editor counts.

    Spreadsheets count the same while no cell holds a newline and no `sep=` stands before the header.
    """

    format = "csv"

    def __init__(self, path: Path, source: Source) -> None:
        super().__init__(path, source)
        self._text = TextFile(path, source.encoding)
        block = next(self._text.blocks(_SAMPLE_BYTES), Block(b"", 1, 1.0))
        self._header = read_header(source, path.name, block.data.split(b"\n"))
        places = resolve(source, path.name, self._header.names)
        check_enough(source, path.name, places)
        self.columns = frozenset(places)
        self._wanted = sorted(set(places.values()))
        self._places = {ours: self._wanted.index(place) for ours, place in places.items()}
        self._styles: dict[str, TimeStyle | None] = dict.fromkeys(TIMES, source.times)
        self._records = Records(self._header.delimiter, len(self._header.names))
        self._look_into_times()
        self._shape = Shape(source, places, self._styles)

    def chunks(self) -> Iterator[Chunk]:
        for rows, done in self._rows():
            table, untimely = self._shape.shape(rows.lines, self._texts(rows))
            yield Chunk(table, sorted(rows.odd + untimely, key=lambda each: each.line), done)
        if self._text.cut:
            self.warnings.add("cut_off")

    def _texts(self, rows: _Rows) -> dict[str, Any]:
        read = [as_texts(column) for column in rows.columns]
        if any(mixed for _, mixed in read):
            self.warnings.add("encoding_mixed")
        return {ours: read[place][0] for ours, place in self._places.items()}

    def _look_into_times(self) -> None:
        """Whether there is any record, and whether times are Norwegian ones where nobody said how they are written."""
        sample = next((rows for rows, _ in self._rows(_SAMPLE_BYTES) if len(rows.lines) or rows.odd), None)
        if sample is None:
            raise ConfigurationError(f"{self.path.name} is empty: give a file that has records, or leave it out.")
        if self.source.times is not None:
            return
        texts = Shape(self.source, self.columns, {}).shape(sample.lines, self._texts(sample))[0]
        for name in TIMES & self._places.keys():
            if looks_norwegian(texts[name].drop_null()[:_SAMPLE_VALUES]):
                self._styles[name] = "norwegian"
                self.warnings.add("norwegian_times")

    def _rows(self, size: int | None = None) -> Iterator[tuple[_Rows, float]]:
        """All records after the header, and how much of the file is read."""
        rest, begin, done = b"", self._header.body, 0.0
        for block in self._text.blocks(size) if size else self._text.blocks():
            data, done = block.data, block.done
            if block.first < self._header.body:
                data = _without_lines(data, self._header.body - block.first)
            elif not rest:
                begin = block.first
            if data:
                rows, rest, begin = self._read(rest + data, begin, last=not data.endswith(b"\n"))
                yield rows, done
        if rest:
            yield self._read(rest, begin, last=True)[0], done

    def _read(self, data: bytes, first: int, *, last: bool) -> tuple[_Rows, bytes, int]:
        """The records of some lines; and the beginning of one that goes on, with its line."""
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        rows = None if _holds_newlines(data, lines) else self._at_once(data, lines, first)
        if rows is None:
            split = self._records.split(data, first, last=last)
            columns = [pa.array([row[place] for row in split.rows], pa.binary()) for place in self._wanted]
            rows = _Rows(pa.array(split.lines, pa.int64()), columns, split.odd)
            rest = split.rest
        else:
            rest = b""
        if any(each.refusal == CUT_OFF for each in rows.odd):
            self.warnings.add("cut_off")
        return rows, rest, first + len(lines) - rest.count(b"\n")

    def _at_once(self, data: bytes, lines: list[bytes], first: int) -> _Rows | None:
        """The records of lines that are one each, by Arrow's own reader; None where it sees others."""
        bad: list[tuple[int, int]] = []

        def noted(row: Any) -> str:
            bad.append((row.number - 1, row.actual_columns))
            return "skip"

        names = [str(place) for place in self._wanted]
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(data),
                pa.csv.ReadOptions(
                    use_threads=False,
                    block_size=len(data) + 1,
                    column_names=[str(place) for place in range(len(self._header.names))],
                ),
                pa.csv.ParseOptions(delimiter=self._header.delimiter, invalid_row_handler=noted),
                pa.csv.ConvertOptions(
                    include_columns=names, column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:  # nothing but empty lines
            return None
        numbers = [number for number, line in enumerate(lines) if line]
        if table.num_rows + len(bad) != len(numbers):
            return None
        odd = self._refused([(numbers[row], width) for row, width in bad], lines, first, ends=data.endswith(b"\n"))
        skipped = {row for row, _ in bad}
        if skipped:
            numbers = [number for row, number in enumerate(numbers) if row not in skipped]
        return self._without_empty(_Rows(numbers, [table[name] for name in names], odd), lines, first)

    def _refused(self, bad: list[tuple[int, int]], lines: list[bytes], first: int, *, ends: bool) -> list[Odd]:
        """Those lines with another number of cells than the header has that are not empty."""
        odd = []
        for number, width in bad:
            if not self._records.is_empty(lines[number]):
                cut = not ends and number == len(lines) - 1 and width < len(self._header.names)
                odd.append(Odd(first + number, None, CUT_OFF if cut else COLUMNS))
        return odd

    def _without_empty(self, rows: _Rows, lines: list[bytes], first: int) -> _Rows:
        """The rows but for those in whose lines nothing stands."""
        numbers = pa.array(rows.lines, pa.int64())
        nothing = reduce(pc.and_, (pc.equal(column, b"") for column in rows.columns))
        suspects = numbers.filter(nothing).to_pylist()
        empty = [number for number in suspects if self._records.is_empty(lines[number])]
        columns = rows.columns
        if empty:
            kept = pc.invert(pc.is_in(numbers, value_set=pa.array(empty, pa.int64())))
            numbers, columns = numbers.filter(kept), [column.filter(kept) for column in columns]
        return _Rows(pc.add(numbers, first), columns, rows.odd)


def _without_lines(data: bytes, count: int) -> bytes:
    for _ in range(count):
        data = data.partition(b"\n")[2]
    return data


def _holds_newlines(data: bytes, lines: list[bytes]) -> bool:
    """Whether some quote is not closed on its own line."""
    return b'"' in data and any(line.count(b'"') & 1 for line in lines)
