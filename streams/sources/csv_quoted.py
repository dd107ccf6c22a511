"""CSV records one by one: where cells hold newlines, or quotes do not close, so that a block is not read at once."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from streams.records.record import Refusal
from streams.sources.chunk import Odd
from streams.sources.text import Block

COLUMNS = Refusal("csv", "columns")  # another number of cells than the header has
CUT_OFF = Refusal("csv", "cut_off")
QUOTES = Refusal("csv", "quotes")  # a quote is never closed
SWALLOWED = Refusal("csv", "swallowed")  # a record seems to begin within another one's cell: some quote is astray
_LONGEST_RECORD_BYTES = 16 << 20  # bytes of a record; a quote that is still open then was never meant to be closed
_LONGEST_PIECE_BYTES = 256 << 10  # bytes of one that is looked at as a whole though it was refused


class Split(NamedTuple):
    """`lines`: where each record begins; `rows`: their cells; `left`: how many last lines begin one that goes on."""

    lines: list[int]
    rows: list[list[bytes]]
    odd: list[Odd]
    left: int = 0


class Piece(NamedTuple):
    """What is to be looked at of a line that tells no report: the record that begins there, or else the line alone.

    `whole`: its quotes are as they should be, so that it begins and ends where a record does.
    """

    line: int
    text: bytes
    whole: bool


class Pieces(NamedTuple):
    """`left`: how many last lines begin a record that goes on behind the block."""

    pieces: list[Piece]
    left: int = 0


class Records:
    """Takes records of a fixed number of cells apart. `wanted`: the places of those that are asked for.

    `begins`: whether a record seems to begin with some cells.

    A record that cannot be read costs its first line only: what a stray quote had swallowed is read again as lines.
    Quotes as others escape them, or that mean nothing, are no reason to refuse it while the wanted cells are legible.
    """

    def __init__(
        self, delimiter: str, width: int, wanted: Sequence[int], begins: Callable[[list[bytes]], bool]
    ) -> None:
        self._delimiter = delimiter.encode()
        self._wanted, self._begins = wanted, begins
        d = re.escape(self._delimiter)
        # Text in quotes, doubled within, and whatever stands behind them; or anything that does not begin with one.
        self._cell = re.compile(rb'(?:"((?:[^"]|"")*+)"([^%b\n]*+)|((?!")[^%b\n]*+))(%b|\n)' % (d, d, d))
        # The same of programs that put a backslash before a quote within.
        self._escaped = re.compile(
            rb'(?:"((?:[^"\\]|\\.|"")*+)"([^%b\n]*+)|((?!")[^%b\n]*+))(%b|\n)' % (d, d, d), re.DOTALL
        )
        self._width = width
        self._rest = range(0)  # lines on which a record goes on that was refused
        self._emptiness = self._delimiter + b'" \t'

    def begin(self) -> None:
        """The file is read from its beginning."""
        self._rest = range(0)

    def goes_on(self, number: int) -> bool:
        """Whether a record that was refused goes on with a line."""
        return number in self._rest

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
            rest = self.goes_on(block.first + number)
            if rest and not self._regular(line) and not self._goes_on_well(line, cells):
                cells = []  # it only looks like a record
            elif len(cells) != self._width and b'"' in line and not cut:
                cells, end = self._mended(data, begin, line, astray=not cells) or (cells, end)
            if len(cells) == self._width:
                taken = data.count(b"\n", begin, end) if b'"' in line else 1
                if any(cells):
                    split.lines.append(block.first + number)
                    split.rows.append(cells)
                    within = self._swallowed(cells) if taken > 1 else ()
                    split.odd.extend(Odd(block.first + number + line, None, SWALLOWED) for line in within)
            else:
                if cells:
                    here = block.first + number
                    self._rest = range(here + 1, max(self._rest.stop, here + data.count(b"\n", begin, end)))
                end = begin + len(line) + 1
                if self.holds_text(line):
                    why = CUT_OFF if cut and len(cells) < self._width else COLUMNS if cells or rest else QUOTES
                    split.odd.append(Odd(block.first + number, None, why))
            begin, number = end, number + taken
        return split

    def _regular(self, line: bytes) -> bool:
        """Whether each quote on a line begins or ends a cell, or is doubled within."""
        return self._regular_until(line) > len(line)

    def _goes_on_well(self, line: bytes, cells: list[bytes]) -> bool:
        """Whether only the last quote on a line stays open, and the record to which it belongs seems to be one."""
        at = self._regular_until(line)
        return len(cells) == self._width and line[at : at + 1] == b'"' and self._begins(cells)

    def _regular_until(self, line: bytes) -> int:
        """Where the first cell of a line begins whose quotes are not as they should be; behind its end if none does."""
        at = 0
        while (found := self._cell.match(line + b"\n", at)) and b'"' not in (found[2] or found[3] or b""):
            at = found.end()
        return at

    def mends(self, line: bytes) -> bool:
        """Whether a line that has not the right number of cells has it by another reading of its quotes."""
        if b'"' not in line:
            return False
        cells, _ = self._cells(line + b"\n", 0, line)
        return self._mended(line + b"\n", 0, line, astray=not cells) is not None

    def pieces(self, block: Block, numbers: Sequence[int], *, last: bool) -> Pieces:
        """What to look at of some of a block's lines, which are those that tell no report; `last`: nothing comes after.

        The lines on which a refused record goes on belong to it, unless one is a record of its own: then some quote had
        swallowed that.
        """
        found: list[Piece] = []
        begins = [0, *accumulate(len(line) + 1 for line in block.lines)]
        data, refused, passed = block.data if block.ends else block.data + b"\n", set(numbers), block.first
        for number in numbers:
            if number < passed:
                continue
            at = number - block.first
            line, begin = block.lines[at], begins[at]
            cells, end = self._cells(data, begin, line, most=_LONGEST_PIECE_BYTES)
            if cells is None and not last and len(data) - begin < _LONGEST_PIECE_BYTES:
                return Pieces(found, len(block.lines) - at)
            passed = number + data.count(b"\n", begin, end) if cells else number + 1
            rest = range(number + 1, passed)
            if cells and (len(cells) == self._width or self._is_one(block, cells, rest, refused)):
                found.append(Piece(number, data[begin:end].rstrip(b"\n"), whole=True))
            else:
                passed = number + 1
                found.append(Piece(number, line, whole=bool(cells) and self._regular(line)))
        return Pieces(found)

    def _is_one(self, block: Block, cells: list[bytes], rest: range, refused: Collection[int]) -> bool:
        """Whether none of the lines on which a record goes on is one of its own, or seems to begin one."""
        lines = {number: block.lines[number - block.first] for number in rest}
        return not (rest and self._swallowed(cells)) and all(
            not self.holds_text(line) or (number in refused and not self._stands_alone(line))
            for number, line in lines.items()
        )

    def _swallowed(self, cells: Iterable[bytes]) -> list[int]:
        """How many lines below its first one a record's cells have those that are of others.

        Where with one line of a cell another record seems to begin, a quote is astray: no line of it is of this one.
        """
        found, passed = [], 0
        for cell in cells:
            inner = cell.split(b"\n")[1:]
            if any(self._begins(line.split(self._delimiter)) for line in inner):
                found += [passed + at for at, line in enumerate(inner, start=1) if self.holds_text(line)]
            passed += len(inner)
        return found

    def _stands_alone(self, line: bytes) -> bool:
        cells = self._cells(line + b"\n", 0, line)[0]
        return self._regular(line) and cells is not None and (len(cells) == self._width or self.mends(line))

    def _mended(self, data: bytes, begin: int, line: bytes, *, astray: bool) -> tuple[list[bytes], int] | None:
        """The cells of a record whose quotes are escaped by backslashes, or are but text where nobody asks for them.

        `astray`: some quote does not close, or closes too early; where none is, delimiters in quotes are text.
        """
        if b"\\" in line:
            cells, end = self._cells(data, begin, line, self._escaped)
            if cells is not None and len(cells) == self._width:
                return cells, end
        cells = line.split(self._delimiter) if astray else []
        if len(cells) != self._width:
            return None
        for place in self._wanted:
            cell = cells[place].strip(b" ")
            if len(cell) > 1 and cell[:1] == cell[-1:] == b'"':
                cell = cell[1:-1]
            if b'"' in cell:
                return None
            cells[place] = cell
        return cells, begin + len(line) + 1

    def _cells(
        self,
        data: bytes,
        begin: int,
        line: bytes,
        pattern: re.Pattern[bytes] | None = None,
        most: int = _LONGEST_RECORD_BYTES,
    ) -> tuple[list[bytes] | None, int]:
        """The cells of the record that begins with a line, and where the next begins.

        None where a quote stays open; no cell where text stands behind the end of one that spans lines: then the quote
        that ended it was meant to begin another.
        """
        if b'"' not in line:
            return line.split(self._delimiter), begin + len(line) + 1
        cells: list[bytes] = []
        limit = min(begin + most, len(data))
        while found := (pattern or self._cell).match(data, begin, limit):
            quoted, behind, bare, end = found.groups()
            if quoted is None:
                cells.append(bare)
            elif behind and b"\n" in quoted:
                return [], begin
            else:
                cells.append(quoted.replace(b'""', b'"') + behind)
            begin = found.end()
            if end == b"\n":
                return cells, begin
        return None, begin
