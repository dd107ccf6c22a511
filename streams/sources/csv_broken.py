"""CSV lines in which something is wrong: where on them the report's id should stand, and what can be made out."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence

from streams.sources.chunk import TIMES
from streams.sources.csv_header import DELIMITERS
from streams.sources.ids import SHORTEST_WORD, Legible, besides_uuids, made_out, uuids_in
from streams.sources.text import as_text

_OTHER_IDS = frozenset({"message_id", "unit_id"})
SHIFTS = (1, -1, 2, -2)  # by how many cells a record may be moved
MOST_GLUED = 8  # records on one line, one behind the other without a newline
# What cells look like, whatever stands around their text.
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}|^\W*[0-9]{5}")
_TOWN = re.compile(r"\W*(?:[0-9]{3,4})?(?:[.,]0+)?\W*")
_WORD = re.compile(r"\W*[\w.:+-]*\W*")


class BrokenLines:
    """Looks at lines in which something is wrong. `places`: our columns' places in the header.

    Cells before a delimiter too many keep their places from the left, those behind it from the right.
    """

    def __init__(self, delimiter: str, width: int, places: Mapping[str, int]) -> None:
        self._delimiters = dict.fromkeys((delimiter, *DELIMITERS))
        self._width = width
        self._id = places.get("report_id", -1)
        self._vague: set[int] = set()
        self._message = places.get("message_id", -1)
        self._others = {place: name for name, place in places.items() if name != "report_id"}

    def learn(self, texts: Mapping[str, Sequence[str | None]]) -> None:
        """Some records, by our columns: where most cells do not look as they should, any cell may stand."""
        for place, name in self._others.items():
            given = [text for text in texts.get(name, ()) if text and text.strip()]
            if sum(not self._fits(place, text) for text in given) > len(given) // 2:
                self._vague.add(place)

    def legible(self, record: bytes, *, whole: bool) -> Legible:
        """What can be made out on a record, or on a line that may be a part of one where it is not whole."""
        text = as_text(record)
        return made_out(text, self._where(text, whole=whole))

    def begins(self, given: Sequence[bytes]) -> bool:
        """Whether a record seems to begin with some cells: they are what they should be, an id among them."""
        cells = [as_text(cell).strip(' "') for cell in given]
        if len(cells) < 2 or not all(self._fits(place, _at(cells, place)) for place in self._others):
            return False
        if uuids_in(_at(cells, self._id) or ""):
            return True
        message = _at(cells, self._message) or ""
        timed = any(_at(cells, place) for place, name in self._others.items() if name in TIMES)
        return bool(message) and (timed or (len(message) >= SHORTEST_WORD and any(map(str.isdecimal, message))))

    def _where(self, text: str, *, whole: bool) -> list[str]:
        """The report ids that stand where they should, however the line is broken; none where that is not certain."""
        for delimiter in self._delimiters if self._id >= 0 else ():
            for cells in (_quoted(text, delimiter), text.split(delimiter)):
                if len(cells) > 1 and (found := self._found(cells)):
                    return found if self._is_certain(cells, found, whole=whole) else []
        return []

    def _is_certain(self, cells: list[str], found: list[str], *, whole: bool) -> bool:
        """Whether the ids that were found are all that the cells may be about."""
        if self._glued(cells):
            return whole
        if len(set(found)) > 1 or len(cells) > self._width + 1:  # more may be of several records
            return False
        # Of a part nobody knows which end is missing: both must tell the same. In a cell with lines a record may lie.
        if (not whole and len(found) < 2) or any("\n" in cell and uuids_in(cell) for cell in cells):
            return False
        missing = self._width - len(cells)
        if missing > 0 and self._crowded(cells, found[0]):
            return False
        return missing <= 0 or any(self._goes(cells, found[0], gap, missing) for gap in range(len(cells) + 1))

    @staticmethod
    def _crowded(cells: list[str], own: str) -> bool:
        """Whether the id shares its cell with other words, and others stand elsewhere: what separates is not known."""
        among = [cell for cell in cells if own in uuids_in(cell)]
        return len(uuids_in(*cells)) > 1 and all(besides_uuids(cell) for cell in among)

    def _goes(self, cells: list[str], own: str, gap: int, missing: int) -> bool:
        """Whether every cell is what it should be where so many are missing from a place on."""

        def cell(place: int) -> str | None:
            return _at(cells, place) if place < gap else _at(cells, place - missing) if place >= gap + missing else None

        return uuids_in(cell(self._id) or "") == (own,) and all(
            self._fits(place, cell(place)) for place in self._others
        )

    def _found(self, cells: list[str]) -> list[str]:
        if glued := self._glued(cells):
            # In its first cell a record is glued to the last one of the record before.
            return [uuids_in(cells[begin + self._id])[-1 if begin else 0] for begin in glued]
        right = len(cells) - self._width
        before, behind = ([place for place in self._others if (place < self._id) is left] for left in (True, False))
        found = self._held(cells, 0, before)[:1] + self._held(cells, right, behind)[-1:]
        for shift in SHIFTS if not found and not right else ():
            found = found or self._held(cells, shift, self._others)[:1]
        return found

    def _held(self, cells: list[str], begin: int, beside: Iterable[int]) -> list[str]:
        """The ids in the cell of a record's own, where it begins there and the cells beside are what they should be."""
        own = _at(cells, begin + self._id)
        if own is None or any(each in own for each in DELIMITERS):  # what separates these cells is not what it seems
            return []
        found = uuids_in(own)
        fits = len(found) == 1 and all(self._fits(place, _at(cells, begin + place)) for place in beside)
        return list(found) if fits else []

    def _fits(self, place: int, cell: str | None) -> bool:
        """Whether a cell could be one of the column that has a place; one that is not there could."""
        name = self._others[place]
        if cell is None or not cell.strip():
            return True
        if name not in _OTHER_IDS and uuids_in(cell):
            return False
        if place in self._vague:
            return True
        if name in TIMES:
            return _TIME.search(cell) is not None
        return (_TOWN if name == "municipality" else _WORD).fullmatch(cell.strip()) is not None

    def _glued(self, cells: list[str]) -> list[int]:
        """Where records begin of which several are glued together."""
        step = self._width - 1
        if step < 1 or len(cells) < 2 * step + 1:
            return []
        begins = list(range(0, len(cells) - step, step)[:MOST_GLUED])
        return begins if all(uuids_in(_at(cells, begin + self._id) or "") for begin in begins) else []


def _quoted(text: str, delimiter: str) -> list[str]:
    """The cells of a line whose quotes are as they should be, else none."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), []) if '"' in text else []
    except csv.Error:
        return []


def _at(cells: list[str], place: int) -> str | None:
    return cells[place] if 0 <= place < len(cells) else None
