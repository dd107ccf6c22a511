"""CSV records one by one: where cells hold newlines, or quotes do not close, so that a block is not read at once."""

import re
from typing import NamedTuple

from streams.records.record import Refusal
from streams.sources.chunk import Odd
from streams.sources.text import Block

COLUMNS = Refusal("csv", "columns")  # another number of cells than the header has
CUT_OFF = Refusal("csv", "cut_off")
QUOTES = Refusal("csv", "quotes")  # a quote is never closed
_LONGEST_RECORD_BYTES = 1 << 20  # bytes of a record; a quote that is still open then was never meant to be closed


class Split(NamedTuple):
    """`lines`: where each record begins; `rows`: their cells; `left`: how many last lines begin one that goes on."""

    lines: list[int]
    rows: list[list[bytes]]
    odd: list[Odd]
    left: int = 0


class Records:
    """Takes records of a fixed number of cells apart.

    A record that cannot be read costs its first line only: what a stray quote had swallowed is read again as lines.
    """

    def __init__(self, delimiter: str, width: int) -> None:
        self._delimiter = delimiter.encode()
        d = re.escape(self._delimiter)
        # Text in quotes, doubled within, and whatever stands behind them; or anything that does not begin with one.
        self._cell = re.compile(rb'(?:"((?:[^"]|"")*+)"([^%b\n]*+)|((?!")[^%b\n]*+))(%b|\n)' % (d, d, d))
        self._width = width
        self._emptiness = self._delimiter + b'" \t'

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
            if len(cells) == self._width:
                taken = data.count(b"\n", begin, end) if b'"' in line else 1
                if any(cells):
                    split.lines.append(block.first + number)
                    split.rows.append(cells)
            else:
                end = begin + len(line) + 1
                if self.holds_text(line):
                    cut = not block.ends and number == len(block.lines) - 1 and len(cells) < self._width
                    why = CUT_OFF if cut else COLUMNS if cells else QUOTES
                    split.odd.append(Odd(block.first + number, None, why))
            begin, number = end, number + taken
        return split

    def _cells(self, data: bytes, begin: int, line: bytes) -> tuple[list[bytes] | None, int]:
        """The cells of the record that begins with a line, and where the next begins.

        None where a quote stays open; no cell where text stands behind the end of one that spans lines: then the quote
        that ended it was meant to begin another.
        """
        if b'"' not in line:
            return line.split(self._delimiter), begin + len(line) + 1
        cells: list[bytes] = []
        limit = min(begin + _LONGEST_RECORD_BYTES, len(data))
        while found := self._cell.match(data, begin, limit):
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
