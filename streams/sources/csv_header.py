"""The line of a CSV file that has its names: its columns, and what separates them."""

import csv
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from streams.errors import ConfigurationError
from streams.sources.chunk import FIELDS
from streams.sources.column_names import aliases, alike, has_enough
from streams.sources.plan import SourcePlan
from streams.sources.text import as_text

DELIMITERS = (";", ",", "\t", "|")
_MOST_LINES = 50  # of one header, with newlines in its names


class CsvHeader(NamedTuple):
    """`body` is the number of the first line after it, from 1; `above`: whether other lines stand before it."""

    names: tuple[str, ...]
    delimiter: str
    body: int
    above: bool = False


def read_header(source: SourcePlan, file: str, lines: list[bytes]) -> CsvHeader:
    """What the first lines say. Excel's own `sep=;` before the names is heeded; a title before them is passed over.

    Raises ConfigurationError where there is no line with names.
    """
    start, delimiter = _first_line(lines, 0), source.delimiter
    said = as_text(lines[start]).strip().strip('"') if start < len(lines) else ""
    if said.lower().startswith("sep=") and len(said) <= len("sep=") + 1:
        delimiter = delimiter or said[len("sep=") :] or None
        start = _first_line(lines, start + 1)
    if start == len(lines):
        raise ConfigurationError(f"{file} is empty: give a file that has records, or leave it out.")
    delimiters = [delimiter] if delimiter else DELIMITERS
    first = _header(source, lines, start, delimiters)
    for number in range(start, min(start + _MOST_LINES, len(lines))):
        header = first if number == start else _header(source, lines, number, delimiters)
        if has_enough(source, header.names, _bare):
            return header._replace(above=number > start)
    return first


def _header(source: SourcePlan, lines: list[bytes], start: int, delimiters: Sequence[str]) -> CsvHeader:
    """The names that begin with a line, if they do."""
    texts = [as_text(line) for line in lines[start : start + _MOST_LINES]]
    rows = {each: _first_row(texts, each) for each in delimiters}
    known = _known(source)
    best = max(rows, key=lambda each: (len(known.intersection(map(_bare, rows[each][0]))), len(rows[each][0])))
    names, taken = rows[best]
    body = start + taken
    below = [as_text(line) for line in lines[body : body + _MOST_LINES] if line.strip()]
    return CsvHeader(_as_wide(names, below, best), best, body + 1)


def _as_wide(names: list[str], below: list[str], delimiter: str) -> tuple[str, ...]:
    """The names, one for each cell, where only the header or only what is below it ends with a delimiter.

    What most lines do is heeded: one alone may be broken.
    """
    rows = [row for row, _ in (_first_row([line], delimiter) for line in below)]
    ends = sum(len(row) == len(names) + 1 and not row[-1].strip() for row in rows)
    if ends > len(rows) // 2:
        return (*names, "")
    if not names[-1:] or names[-1].strip():
        return tuple(names)
    shorter = sum(len(row) == len(names) - 1 for row in rows)
    return tuple(names[:-1]) if shorter > len(rows) // 2 else tuple(names)


def _first_line(lines: list[bytes], start: int) -> int:
    """The first line from `start` on in which anything stands."""
    return next((number for number in range(start, len(lines)) if lines[number].strip()), len(lines))


def _first_row(texts: Iterable[str], delimiter: str) -> tuple[list[str], int]:
    """The first row, and how many lines it takes."""
    reader = csv.reader((text + "\n" for text in texts), delimiter=delimiter)
    try:
        return next(reader, []), reader.line_num
    except csv.Error:
        return [], 1


def _known(source: SourcePlan) -> set[str]:
    ours = {alike(alias) for name in FIELDS[source.kind] for alias in aliases(name)}
    return ours | {_bare(name) for name in source.columns.values()}


def _bare(name: str) -> str:
    """A name as it is compared, without the number that tells it from others alike."""
    before, _, number = alike(name).rpartition("#")
    return before.rstrip() if before and number.isdecimal() else alike(name)
