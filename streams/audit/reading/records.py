"""CSV records one by one: where cells hold newlines, or quotes do not close, and whole blocks cannot be read at once."""

import re
from typing import NamedTuple

from streams.audit.chunks import Odd
from streams.engine.intake import Refusal

COLUMNS = Refusal("csv", "columns")  # another number of cells than the header has
CUT_OFF = Refusal("csv", "cut_off")
QUOTES = Refusal("csv", "quotes")  # a quote is never closed
_LONGEST = 1 << 20  # bytes of a record; a quote that is still open then was never meant to be closed


class Split(NamedTuple):
    """`lines`: where each record begins; `rows`: their cells; `rest`: the beginning of a record that goes on."""

    lines: list[int]
    rows: list[list[bytes]]
    odd: list[Odd]
    rest: bytes = b""


class Records:
    """Takes records of a fixed number of cells apart.

    A record that cannot be read costs its first line only: what a stray quote had swallowed is read again as lines.
    """

    def __init__(self, delimiter: str, width: int) -> None:
        d = re.escape(delimiter.encode())
        # Text in quotes, doubled within, and whatever stands behind them; or anything that does not begin with one.
        self._cell = re.compile(rb'(?:"((?:[^"]|"")*+)"([^%b\n]*+)|((?!")[^%b\n]*+))(%b|\n)' % (d, d, d))
        self._width = width
        self._emptiness = delimiter.encode() + b'" \t\n'

    def is_empty(self, record: bytes) -> bool:
        """Whether nothing stands in it: spreadsheets write such lines below the last one used."""
        return not record.strip(self._emptiness)

    def split(self, data: bytes, first: int, *, last: bool) -> Split:
        """Whole lines as records. `first` is the number of the first line, `last` whether nothing comes after them."""
        whole = data if data.endswith(b"\n") else data + b"\n"
        split = Split([], [], [])
        begin, line = 0, first
        while begin < len(whole):
            cells, end = self._cells(whole, begin)
            if not cells and not last and len(whole) - begin < _LONGEST:
                return split._replace(rest=data[begin:])
            taken = whole.count(b"\n", begin, end)
            if len(cells) != self._width and (not cells or taken > 1):
                end, taken = whole.index(b"\n", begin) + 1, 1
            if not self.is_empty(whole[begin:end]):
                if len(cells) == self._width:
                    split.lines.append(line)
                    split.rows.append(cells)
                else:
                    cut = end > len(data) and len(cells) < self._width
                    split.odd.append(Odd(line, None, CUT_OFF if cut else COLUMNS if cells else QUOTES))
            begin, line = end, line + taken
        return split

    def _cells(self, data: bytes, begin: int) -> tuple[list[bytes], int]:
        """The record's cells, and where the next begins; none where a quote does not close."""
        cells: list[bytes] = []
        limit = min(begin + _LONGEST, len(data))
        while found := self._cell.match(data, begin, limit):
            quoted, behind, bare, end = found.groups()
            cells.append(bare if quoted is None else quoted.replace(b'""', b'"') + behind)
            begin = found.end()
            if end == b"\n":
                return cells, begin
        return [], begin

