"""CSV files, as databases and spreadsheets write them: only the columns that are asked for ever leave their lines."""

from bisect import bisect_left
from collections.abc import Collection, Generator, Iterator
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from streams.errors import ConfigurationError
from streams.sources.base import OpenFile
from streams.sources.chunk import TIMES, Chunk, Odd
from streams.sources.column_names import ensure_enough, resolve
from streams.sources.csv_broken import BrokenLines
from streams.sources.csv_header import read_header
from streams.sources.csv_quoted import COLUMNS, CUT_OFF, Records
from streams.sources.ids import Legible
from streams.sources.plan import SourcePlan, TimeStyle
from streams.sources.shaping import Shape, ShapedLines, gathered
from streams.sources.text import Block, TextFile, as_texts
from streams.sources.times import looks_norwegian

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

    def __init__(self, path: Path, source: SourcePlan) -> None:
        super().__init__(path, source)
        self._text = TextFile(path, source.encoding)
        block = next(self._text.blocks(_SAMPLE_BYTES), Block(b"", [], 1, 1.0))
        self._header = read_header(source, path.name, block.lines)
        if self._header.above:
            self.warnings.add("lines_above")
        places = resolve(source, path.name, self._header.names)
        ensure_enough(source, path.name, places)
        self.columns = frozenset(places)
        self._wanted = sorted(set(places.values()))
        self._places = {ours: self._wanted.index(place) for ours, place in places.items()}
        self._styles: dict[str, TimeStyle | None] = dict.fromkeys(TIMES, source.times)
        self._broken = BrokenLines(self._header.delimiter, len(self._header.names), places)
        self._records = Records(
            self._header.delimiter, len(self._header.names), self._wanted, begins=self._broken.begins
        )
        self._look_into_times()
        self._shape = Shape(source, places, self._styles)

    def chunks(self) -> Iterator[Chunk]:
        yield from gathered((self._part(rows, done) for rows, done in self._rows(self.block_bytes)), self._shape)
        if self._text.cut:
            self.warnings.add("cut_off")

    def look_again(self, numbers: Collection[int]) -> Iterator[tuple[int, Legible]]:
        wanted, held = sorted(numbers), list[bytes]()
        for block in self._text.blocks(self.block_bytes):
            whole = Block.of(held + block.lines, block.first - len(held), 0.0, ends=block.ends) if held else block
            held = yield from self._looked(whole, wanted, last=not block.ends)
            if not wanted:
                return
        if held:
            yield from self._looked(Block.of(held, wanted[0], 1.0, ends=True), wanted, last=True)

    def _looked(
        self, block: Block, wanted: list[int], *, last: bool
    ) -> Generator[tuple[int, Legible], None, list[bytes]]:
        """What can be made out on the wanted lines that a block holds; gives those that go on behind it."""
        here = wanted[: bisect_left(wanted, block.first + len(block.lines))]
        found = self._records.pieces(block, here, last=last)
        for number, text, whole in found.pieces:
            yield number, self._broken.legible(text, whole=whole)
        behind = len(block.lines) - found.left
        del wanted[: bisect_left(wanted, block.first + behind)]
        return block.lines[behind:]

    def _part(self, rows: _Rows, done: float) -> ShapedLines:
        return ShapedLines(pa.table({"line": rows.lines, **self._texts(rows)}), rows.odd, done)

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
        raw = self._texts(sample)
        self._broken.learn({name: texts[:_SAMPLE_VALUES].to_pylist() for name, texts in raw.items()})
        if self.source.times is not None:
            return
        texts = Shape(self.source, self.columns, {}).shape(sample.lines, raw)[0]
        for name in TIMES & self._places.keys():
            if looks_norwegian(texts[name].drop_null()[:_SAMPLE_VALUES]):
                self._styles[name] = "norwegian"
                self.warnings.add("norwegian_times")

    def _rows(self, size: int) -> Iterator[tuple[_Rows, float]]:
        """All records after the header, and how much of the file is read."""
        self._records.begin()
        rest: list[bytes] = []  # lines that begin a record which goes on in the next block
        for block in self._text.blocks(size):
            header = max(self._header.body - block.first, 0)
            lines, first = rest + block.lines[header:], block.first + header - len(rest)
            if lines:
                whole = block if lines == block.lines else Block.of(lines, first, block.done, ends=block.ends)
                rows, left = self._read(whole, last=not block.ends)
                rest = lines[len(lines) - left :]
                yield rows, block.done
        if rest:
            yield self._read(Block.of(rest, first + len(lines) - len(rest), 1.0, ends=True), last=True)[0], 1.0

    def _read(self, block: Block, *, last: bool) -> tuple[_Rows, int]:
        """A block's records; and how many lines at its end begin one that goes on."""
        rows = None if self._holds_newlines(block) else self._at_once(block)
        left = 0
        if rows is None:
            split = self._records.split(block, last=last)
            columns = [pa.array([row[place] for row in split.rows], pa.binary()) for place in self._wanted]
            rows, left = _Rows(pa.array(split.lines, pa.int64()), columns, split.odd), split.left
        if any(each.refusal == CUT_OFF for each in rows.odd):
            self.warnings.add("cut_off")
        return rows, left

    def _holds_newlines(self, block: Block) -> bool:
        """Whether some quote may not be closed on its own line; where a stray one hides it, `_at_once` finds out."""
        if b'"' not in block.data:
            return False
        if self._records.goes_on(block.first):
            return True
        last = next((line for line in reversed(block.lines) if line), b"")
        return any(line.count(b'"') & 1 for line in block.lines) or self._records.stays_open(last)

    def _at_once(self, block: Block) -> _Rows | None:
        """The records of lines that are one each, by Arrow's own reader; None where it sees others."""
        bad: list[tuple[int, int]] = []

        def noted(row: Any) -> str:
            bad.append((row.number - 1, row.actual_columns))
            return "skip"

        names = [str(place) for place in self._wanted]
        try:
            table = pa.csv.read_csv(
                pa.BufferReader(block.data),
                pa.csv.ReadOptions(
                    use_threads=False,
                    block_size=len(block.data) + 1,
                    column_names=[str(place) for place in range(len(self._header.names))],
                ),
                pa.csv.ParseOptions(delimiter=self._header.delimiter, invalid_row_handler=noted),
                pa.csv.ConvertOptions(
                    include_columns=names, column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False
                ),
            )
        except pa.ArrowInvalid:  # nothing but empty lines
            return None
        numbers = list(range(len(block.lines)))
        if not all(block.lines):
            numbers = [number for number in numbers if block.lines[number]]
        if table.num_rows + len(bad) != len(numbers):
            return None
        if any(self._records.mends(block.lines[numbers[row]]) for row, _ in bad):
            return None
        odd = self._refused([(numbers[row], width) for row, width in bad], block)
        for row, _ in reversed(bad):
            del numbers[row]
        return self._without_empty(_Rows(pa.array(numbers, pa.int64()), [table[name] for name in names], odd), block)

    def _refused(self, bad: list[tuple[int, int]], block: Block) -> list[Odd]:
        """Those lines with another number of cells than the header has in which anything stands."""
        odd = []
        for number, width in bad:
            if self._records.holds_text(block.lines[number]):
                last = not block.ends and number == len(block.lines) - 1
                why = CUT_OFF if last and width < len(self._header.names) else COLUMNS
                odd.append(Odd(block.first + number, None, why))
        return odd

    def _without_empty(self, rows: _Rows, block: Block) -> _Rows:
        """The rows but for those in whose lines nothing stands; their lines as the file counts them."""
        nothing = reduce(pc.and_, (pc.equal(column, b"") for column in rows.columns))
        numbers, columns = rows.lines, rows.columns
        empty = [each for each in numbers.filter(nothing).to_pylist() if self._records.is_empty(block.lines[each])]
        if empty:
            kept = pc.invert(pc.is_in(numbers, value_set=pa.array(empty, pa.int64())))
            numbers, columns = numbers.filter(kept), [column.filter(kept) for column in columns]
        return _Rows(pc.add(numbers, block.first), columns, rows.odd)
