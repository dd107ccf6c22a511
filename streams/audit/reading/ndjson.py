"""NDJSON: records as on the input topics, flat columns, others' objects, and the lines of `meldingsvakt simulate`."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from pydantic_core import from_json, to_json

from streams.audit.chunks import FIELDS, RECEIVER, Chunk, Odd
from streams.audit.plan import Source, TimeStyle
from streams.audit.reading.names import check_enough, not_there
from streams.audit.reading.openfile import OpenFile
from streams.audit.reading.shaping import Shape
from streams.audit.reading.text import TextFile
from streams.engine.intake import Refusal
from streams.errors import ConfigurationError

Way = tuple[str, ...]  # the names that lead to a value, from the outside in
_SAMPLE_BYTES = 2 << 20
_PIECE_LINES = 512
_WHOLE = {b"{}"}


class NdjsonFile(OpenFile):
    """An NDJSON file. A line of ours has the shape of the input topics, or a receiver's levels beside the rest."""

    format = "ndjson"

    def __init__(self, path: Path, source: Source) -> None:
        super().__init__(path, source)
        self._text = TextFile(path, source.encoding)
        found = _ways(self._objects())
        self._wrapped = not source.columns and {("topic",), ("value",)} <= found
        self._foreign = bool(source.columns)
        self._places = self._told(found)
        has = {ours for ours, ways in self._places.items() if found.intersection(ways)}
        check_enough(source, path.name, has)
        self.columns = frozenset(has)
        styles: dict[str, TimeStyle | None] = dict.fromkeys(FIELDS[source.kind], source.times)
        self._shape = Shape(source, has, styles, tidy=self._foreign)
        self._schema = _schema(self._all_ways())

    def chunks(self) -> Iterator[Chunk]:
        for block in self._text.blocks():
            lines = block.data.split(b"\n")
            ends = not lines[-1]
            if ends:
                lines.pop()
            parts, odd = self._read(block.data, lines, block.first, ends=ends)
            table = pa.concat_tables(parts)
            table, untimely = self._shape.shape(table["line"], _raw(table))
            yield Chunk(table, sorted(odd + untimely, key=lambda each: each.line), block.done)
        if self._text.cut:
            self.warnings.add("cut_off")

    def _objects(self) -> Iterator[Mapping[str, Any]]:
        """The objects at the beginning of the file."""
        empty = True
        for block in islice(self._text.blocks(_SAMPLE_BYTES), 1):
            for line in block.data.split(b"\n"):
                empty = empty and not line.strip()
                try:
                    given = from_json(line)
                except ValueError:
                    continue
                if isinstance(given, dict):
                    yield given
        if empty:
            raise ConfigurationError(f"{self.path.name} is empty: give a file that has records, or leave it out.")

    def _told(self, found: set[Way]) -> dict[str, list[Way]]:
        """Where each of our columns may stand; the first place that has a value counts."""
        places: dict[str, list[Way]] = {}
        for ours, theirs in self.source.columns.items():
            ways = [way for way in (tuple(theirs.split(".")), (theirs,)) if way in found]
            if not ways:
                raise not_there(ours, self.path.name)
            places[ours] = ways[:1]
        for ours in FIELDS[self.source.kind]:
            if ours in places or ours in self.source.constants:
                continue
            own = [("receiver", ours), (ours,)] if ours in RECEIVER else [(ours,)]
            if self._wrapped:
                own = [("at",)] if ours == "arrived" else [("value", *way) for way in own]
            taken = [way for ways in places.values() for way in ways]
            if free := [way for way in own if not any(_in_the_way(way, other) for other in taken)]:
                places[ours] = free
        return places

    def _all_ways(self) -> list[Way]:
        return [way for ways in self._places.values() for way in ways] + ([("topic",), ("key",)] * self._wrapped)

    def _read(self, data: bytes, lines: list[bytes], first: int, *, ends: bool) -> tuple[list[pa.Table], list[Odd]]:
        """All lines as tables in their order, and those that fit into none."""
        table = self._at_once(data, lines, first)
        if table is not None:
            return [table], []
        if len(lines) <= _PIECE_LINES:
            return self._one_by_one(lines, first, ends=ends)
        parts: list[pa.Table] = []
        odd: list[Odd] = []
        for start in range(0, len(lines), _PIECE_LINES):
            piece = lines[start : start + _PIECE_LINES]
            last = start + len(piece) == len(lines)
            more, odder = self._read(b"\n".join(piece), piece, first + start, ends=ends or not last)
            parts += more
            odd += odder
        return parts, odd

    def _at_once(self, data: bytes, lines: list[bytes], first: int) -> pa.Table | None:
        """The lines as a table, if each of them is an object that fits. Arrow's own reader takes in half of the time.

        That a line begins and ends with a brace shows that it holds whole objects; their number, that it holds one.
        """
        if {line[:1] + line[-1:] for line in lines} != _WHOLE or not _is_utf8(data):
            return None
        try:
            read = pa.json.read_json(
                pa.BufferReader(data),
                pa.json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                pa.json.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="ignore"),
            )
        except pa.ArrowInvalid:
            return None
        if read.num_rows != len(lines) or (self._wrapped and not self._all_of_the_kind(read)):
            return None
        columns = {ours: pc.coalesce(*(_at(read, way) for way in ways)) for ours, ways in self._places.items()}
        return pa.table({"line": pa.arange(first, first + len(lines)), **columns})

    def _all_of_the_kind(self, read: pa.Table) -> bool:
        same = pc.and_(pc.equal(read["topic"], self.kind), pc.and_(read["value"].is_valid(), read["key"].is_null()))
        return bool(pc.all(pc.fill_null(same, False)).as_py())

    def _one_by_one(self, lines: list[bytes], first: int, *, ends: bool) -> tuple[list[pa.Table], list[Odd]]:
        rows: list[dict[str, Any]] = []
        odd: list[Odd] = []
        for number, line in enumerate(lines, start=first):
            if not line.strip():
                continue
            last = not ends and number == first + len(lines) - 1
            row = self._line(number, line, last=last)
            if isinstance(row, Odd):
                odd.append(row)
            else:
                rows.append(row)
        names = {"line": pa.int64(), **dict.fromkeys(self._places, pa.string())}
        return [pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in names.items()})], odd

    def _line(self, number: int, line: bytes, *, last: bool) -> dict[str, Any] | Odd:
        """One line by our names; odd where it is no object, or one of them is no text."""
        try:
            given = from_json(line)
        except ValueError:
            return Odd(number, None, self._unreadable(line, last=last))
        if not isinstance(given, dict):
            return Odd(number, None, Refusal("json", "not_an_object"))
        if self._wrapped and given.get("topic") != self.kind:
            return Odd(number, None, Refusal("schema", "bad_value:topic"))
        if self._wrapped and not isinstance(given.get("value"), dict):
            return self._no_value(number, given)
        row = {ours: self._value(given, ways) for ours, ways in self._places.items()}
        key = given.get("key") if self._wrapped else None
        fits = all(value is None or isinstance(value, str) for value in row.values())
        if fits and key is None and self._receiver_fits(given):
            return {"line": number, **row}
        odd = self._shape.odd(number, self._shape.valued(row))
        if not self._receiver_fits(given) and odd.value is not None:
            # That it is no object is all that is told of it.
            odd = odd._replace(value=to_json(from_json(odd.value) | {"receiver": []}))
        return odd._replace(key=key.encode() if isinstance(key, str) else None)

    def _no_value(self, number: int, given: Mapping[str, Any]) -> Odd:
        reason = "tombstone" if given.get("value") is None else "not_an_object"
        key, at = given.get("key"), given.get("at")
        return Odd(
            number, None, Refusal("json", reason), at if isinstance(at, str) else None,
            key.encode() if isinstance(key, str) else None,
        )  # fmt: skip

    def _unreadable(self, line: bytes, *, last: bool) -> Refusal:
        if last:
            self.warnings.add("cut_off")
            return Refusal("json", "cut_off")
        return Refusal("json", "not_json") if _is_utf8(line) else Refusal("encoding", "not_utf8")

    def _value(self, given: Mapping[str, Any], ways: list[Way]) -> Any:
        value = next((value for way in ways if (value := _walk(given, way)) is not None), None)
        # Others' JSON has numbers where we have text; ours must be as the contract has it.
        number = self._foreign and isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if number else value

    def _receiver_fits(self, given: Mapping[str, Any]) -> bool:
        """Whether what leads to the receiver's levels is an object, or not there."""
        outer = {way[:-1] for ours in RECEIVER for way in self._places.get(ours, ()) if len(way) > 1}
        return all(isinstance(_walk(given, way), dict | None) for way in outer)


def _walk(given: Any, way: Way) -> Any:
    for name in way:
        if not isinstance(given, dict):
            return None
        given = given.get(name)
    return given


def _ways(objects: Iterable[Mapping[str, Any]]) -> set[Way]:
    """All ways to anything in some objects."""
    found: set[Way] = set()
    left: list[tuple[Way, Any]] = [((), each) for each in objects]
    while left:
        way, given = left.pop()
        found.add(way)
        if isinstance(given, dict):
            left += [((*way, name), value) for name, value in given.items()]
    return found


def _in_the_way(one: Way, other: Way) -> bool:
    """Whether one leads through the other's value: then it cannot be text."""
    return one != other and (one[: len(other)] == other or other[: len(one)] == one)


def _schema(ways: list[Way]) -> pa.Schema:
    tree: dict[str, Any] = {}
    for way in ways:
        branch = tree
        for name in way[:-1]:
            branch = branch.setdefault(name, {})
        branch[way[-1]] = None
    return pa.schema(_fields(tree))


def _fields(tree: dict[str, Any]) -> list[pa.Field]:
    return [pa.field(name, pa.string() if leaf is None else pa.struct(_fields(leaf))) for name, leaf in tree.items()]


def _at(table: pa.Table, way: Way) -> Any:
    column = table[way[0]]
    return pc.struct_field(column, list(way[1:])) if len(way) > 1 else column


def _raw(table: pa.Table) -> dict[str, Any]:
    return {name: table[name] for name in table.column_names if name != "line"}


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
