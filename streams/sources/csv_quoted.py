"""CSV records one by one: where cells hold newlines, or quotes do not close, so that a block is not read at once."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from streams.records.record import Refusal
from streams.sources.chunk import Odd
from streams.sources.csv_broken import BrokenLines
from streams.sources.text import Block

COLUMNS = Refusal("csv", "columns")  # another number of cells than the header has
CUT_OFF = Refusal("csv", "cut_off")
QUOTES = Refusal("csv", "quotes")  # a quote is never closed
_LONGEST_RECORD_BYTES = 16 << 20  # bytes of a record; a quote that is still open then was never meant to be closed


class Split(NamedTuple):
    """`lines`: where each record begins; `rows`: their cells; `left`: how many last lines begin one that goes on."""

    lines: list[int]
    rows: list[list[bytes]]
    odd: list[Odd]
    left: int = 0


class Records:
    """Takes records of a fixed number of cells apart. `places`: those of our columns.

    A record that cannot be read costs its first line only: what a stray quote had swallowed is read again as lines.
    Quotes as others escape them, or that mean nothing, are no reason to refuse it while the wanted cells are legible.
    """

    def __init__(self, delimiter: str, width: int, places: Mapping[str, int]) -> None:
        self._delimiter = delimiter.encode()
        self._wanted = sorted(set(places.values()))
        self._broken = BrokenLines(delimiter, width, places)
        d = re.escape(self._delimiter)
        # Text in quotes, doubled within, and whatever stands behind them; or anything that does not begin with one.
        self._cell = re.compile(rb'(?:"((?:[^"]|"")*+)"([^%b\n]*+)|((?!")[^%b\n]*+))(%b|\n)' % (d, d, d))
        # The same of programs that put a backslash before a quote within.
        self._escaped = re.compile(
            rb'(?:"((?:[^"\\]|\\.|"")*+)"([^%b\n]*+)|((?!")[^%b\n]*+))(%b|\n)' % (d, d, d), re.DOTALL
        )
        self._width = width
        self._emptiness = self._delimiter + b'" \t'

    def refused(self, number: int, line: bytes, why: Refusal) -> Odd:
        """A line that cannot be read, with what can be made out on it."""
        return Odd(number, None, why, legible=self._broken.legible(line))

    def holds_text(self, line: bytes) -> bool:
        """Whether anything stands in it but delimiters, quotes and blanks."""
        return bool(line.strip(self._emptiness))

    def is_empty(self, line: bytes) -> bool:
        """Whether nothing stands in any cell: spreadsheets write such lines below the last one used."""
        return not self.holds_text(line) and not any(self._cells(line + b"\n", 0, line)[0] or ())

    def stays_open(self, line: bytes) -> bool:
        """Whether a record that begins with a line goes on after it."""
        return self._cells(line + b"\n", 0, line)[0] is None

    def split(self, block: Block, *, last: bool) -> Split:
        """A block's records; `last`: nothing comes after it."""
        data = block.data if block.ends else block.data + b"\n"
        split = Split([], [], [])
        number = begin = 0
        while number < len(block.lines):
            line = block.lines[number]
            cells, end = self._cells(data, begin, line)
            if cells is None and not last and len(data) - begin < _LONGEST_RECORD_BYTES:
                return split._replace(left=len(block.lines) - number)
            cells = cells or []
            taken = 1
            cut = not block.ends and number == len(block.lines) - 1
            if len(cells) != self._width and b'"' in line and not cut:
                cells, end = self._mended(data, begin, line) or (cells, end)
            if len(cells) == self._width:
                taken = data.count(b"\n", begin, end) if b'"' in line else 1
                if any(cells):
                    split.lines.append(block.first + number)
                    split.rows.append(cells)
            else:
                end = begin + len(line) + 1
                if self.holds_text(line):
                    why = CUT_OFF if cut and len(cells) < self._width else COLUMNS if cells else QUOTES
                    split.odd.append(self.refused(block.first + number, line, why))
            begin, number = end, number + taken
        return split

    def mends(self, line: bytes) -> bool:
        """Whether a line that has not the right number of cells has it by another reading of its quotes."""
        return b'"' in line and self._mended(line + b"\n", 0, line) is not None

    def _mended(self, data: bytes, begin: int, line: bytes) -> tuple[list[bytes], int] | None:
        """The cells of a record whose quotes are escaped by backslashes, or are but text where nobody asks for them."""
        if b"\\" in line:
            cells, end = self._cells(data, begin, line, self._escaped)
            if cells is not None and len(cells) == self._width:
                return cells, end
        cells = line.split(self._delimiter)
        if len(cells) == self._width and not any(b'"' in cells[place].strip(b' "') for place in self._wanted):
            bare = [cell.strip(b' "') if place in self._wanted else cell for place, cell in enumerate(cells)]
            return bare, begin + len(line) + 1
        return None

    def _cells(
        self, data: bytes, begin: int, line: bytes, pattern: re.Pattern[bytes] | None = None
    ) -> tuple[list[bytes] | None, int]:
        """The cells of the record that begins with a line, and where the next begins.

        None where a quote stays open; no cell where text stands behind the end of one that spans lines: then the quote
        that ended it was meant to begin another.
        """
        if b'"' not in line:
            return line.split(self._delimiter), begin + len(line) + 1
        cells: list[bytes] = []
        limit = min(begin + _LONGEST_RECORD_BYTES, len(data))
        while found := (pattern or self._cell).match(data, begin, limit):
            quoted, behind, bare, end = found.groups()
            if quoted is None:
                cells.append(bare)
            elif behind.strip() and b"\n" in quoted:
                return [], begin
            else:
                cells.append(quoted.replace(b'""', b'"') + behind)
            begin = found.end()
            if end == b"\n":
                return cells, begin
        return None, begin
