"""CSV lines that are refused: where on them the report's id should stand, and what can be made out there."""

from collections.abc import Mapping

from schemas.common import canonical_report_id
from streams.sources.csv_header import DELIMITERS
from streams.sources.ids import Legible, made_out, uuids_in
from streams.sources.text import as_text

_OTHER_IDS = frozenset({"message_id", "unit_id"})
MOST_GLUED = 8  # records on one line, one behind the other without a newline


class BrokenLines:
    """Looks at lines of another number of cells than the header has. `places`: our columns' places in the header.

    Cells before a delimiter too many keep their places from the left, those behind it from the right.
    """

    def __init__(self, delimiter: str, width: int, places: Mapping[str, int]) -> None:
        self._delimiters = dict.fromkeys((delimiter, *DELIMITERS))
        self._width = width
        self._id = places.get("report_id", -1)
        self._places = {place for name, place in places.items() if name not in _OTHER_IDS}
        self._words = bool(places.keys() & {"message_id", "state"})

    def legible(self, line: bytes) -> Legible:
        """What can be made out on a line."""
        text = as_text(line)
        return made_out(text, self._where(text), words=self._words)

    def _where(self, text: str) -> list[str]:
        """The cells that should hold a report's id, however the line is broken; those that do, where any does."""
        if self._id < 0:
            return []
        for delimiter in self._delimiters:
            cells = text.split(delimiter)
            if len(cells) < 2:
                continue
            glued = range(0, max(1, len(cells) - self._width + 1), max(1, self._width - 1))[:MOST_GLUED]
            for begins in (glued, [len(cells) - self._width]):
                if found := [begin for begin in begins if self._holds_id(cells, begin)]:
                    # In its first cell a record may be glued to the last one of another.
                    return [uuids_in(cells[begin + self._id])[-1 if begin > 0 else 0] for begin in found]
        return []

    def _holds_id(self, cells: list[str], begin: int) -> bool:
        """Whether a report's id stands where it should in a record that begins there, and no id where none can be."""
        there = {place: cells[begin + place] for place in self._places if 0 <= begin + place < len(cells)}
        own = there.pop(self._id, "")
        return bool(uuids_in(own)) and not any(canonical_report_id(other) for other in there.values())
