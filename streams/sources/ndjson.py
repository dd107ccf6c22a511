"""NDJSON: records as on the input topics, flat columns, others' objects, and the lines of `meldingsvakt simulate`."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from pydantic_core import from_json

from streams.errors import ConfigurationError
from streams.records.record import Refusal
from streams.sources.base import OpenFile
from streams.sources.chunk import FIELDS, RECEIVER, Chunk, Odd
from streams.sources.column_names import composed, ensure_enough, not_there
from streams.sources.ids import Legible, made_out, uuids_in, visible
from streams.sources.json_paths import Way, all_ways, column, in_the_way, schema, walk
from streams.sources.plan import SourcePlan, TimeStyle
from streams.sources.shaping import Shape, ShapedLines, gathered
from streams.sources.text import Block, TextFile, as_text

OTHER_TOPIC = Refusal("schema", "bad_value:topic")
TOMBSTONE = Refusal("json", "tombstone")
_SAMPLE_BYTES = 2 << 20
_FEW_LINES = 256
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_ID_WITHIN = 80  # letters behind the name that it goes by
_OPEN, _CLOSED = {ord("{")}, {ord("}")}


class NdjsonFile(OpenFile):
    """An NDJSON file. A line of ours has the shape of the input topics, or a receiver's levels beside the rest."""

    format = "ndjson"

    def __init__(self, path: Path, source: SourcePlan) -> None:
        super().__init__(path, source)
        self._text = TextFile(path, source.encoding)
        found = all_ways(self._objects())
        if not found:
            raise ConfigurationError(f"{path.name} has no line that is a JSON object: write one object a line.")
        self._wrapped = not source.columns and ("topic",) in found and dict in found.get(("value",), ())
        self._foreign = bool(source.columns)
        self._places = self._told(found)
        has = {ours for ours, ways in self._places.items() if found.keys() & set(ways)}
        ensure_enough(source, path.name, has)
        self.columns = frozenset(has)
        styles: dict[str, TimeStyle | None] = dict.fromkeys(FIELDS[source.kind], source.times)
        self._shape = Shape(source, has, styles, tidy=self._foreign)
        # Whatever has become of its name's letters, and of what stands around it.
        names = [r"[\W_]*".join(re.split(r"[\W_]+", way[-1])) for way in self._places.get("report_id", ())]
        self._id_of = re.compile(rf"(?:{'|'.join(names) or '$^'})\W.{{0,{_ID_WITHIN}}}", re.IGNORECASE)
        self._outer = {way[:-1] for ours in RECEIVER for way in self._places.get(ours, ()) if len(way) > 1}
        # Others' JSON has numbers where we have text; ours must be as the contract has it.
        numbers = {way for way, kinds in found.items() if self._foreign and kinds <= {int, NoneType} and int in kinds}
        self._schema = schema({way: pa.int64() if way in numbers else pa.string() for way in self._all_ways()})

    def chunks(self) -> Iterator[Chunk]:
        yield from gathered(self._parts(), self._shape)
        if self._text.cut:
            self.warnings.add("cut_off")

    def look_again(self, numbers: Collection[int]) -> Iterator[tuple[int, Legible]]:
        for number, block in self._text.holding(numbers, self.block_bytes):
            text = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), as_text(block.lines[number - block.first]))
            places = [uuids_in(place)[:1] for place in self._id_of.findall(visible(text))]
            yield number, made_out(text, [one for place in places for one in place])

    def _parts(self) -> Iterator[ShapedLines]:
        for block in self._text.blocks(self.block_bytes):
            yield from self._read(block)

    def _objects(self) -> Iterator[Mapping[str, Any]]:
        """The objects at the beginning of the file."""
        empty = True
        for block in islice(self._text.blocks(_SAMPLE_BYTES), 1):
            for line in block.lines:
                empty = empty and not line.strip()
                try:
                    given = from_json(line)
                except ValueError:
                    continue
                if isinstance(given, dict):
                    yield given
        if empty:
            raise ConfigurationError(f"{self.path.name} is empty: give a file that has records, or leave it out.")

    def _told(self, found: Mapping[Way, set[type]]) -> dict[str, list[Way]]:
        """Where each of our columns may stand; the first place that has a value counts."""
        places: dict[str, list[Way]] = {}
        spelt: dict[Way, list[Way]] = {}  # a name may be composed in several ways in one file
        for way in found:
            spelt.setdefault(tuple(map(composed, way)), []).append(way)
        for ours, theirs in self.source.columns.items():
            name = composed(theirs)
            ways = spelt.get(tuple(name.split("."))) or spelt.get((name,))
            if ways is None:
                raise not_there(ours, self.path.name)
            places[ours] = ways
        for ours in FIELDS[self.source.kind]:
            if ours in places or ours in self.source.constants:
                continue
            own = [("receiver", ours), (ours,)] if ours in RECEIVER else [(ours,)]
            if self._wrapped:
                own = [("at",)] if ours == "arrived" else [("value", *way) for way in own]
            taken = [way for ways in places.values() for way in ways]
            if free := [way for way in own if not any(in_the_way(way, other) for other in taken)]:
                places[ours] = free
        return places

    def _all_ways(self) -> list[Way]:
        return [way for ways in self._places.values() for way in ways] + ([("topic",), ("key",)] * self._wrapped)

    def _read(self, block: Block) -> Iterator[ShapedLines]:
        """The lines, as many at once as they allow."""
        part = self._at_once(block)
        _, lines, first, done = block
        if part is not None:
            yield part
        elif len(lines) <= _FEW_LINES:
            yield ShapedLines(*self._one_by_one(block), done)
        else:
            length = max(_FEW_LINES, len(lines) // 8)
            for start in range(0, len(lines), length):
                some = lines[start : start + length]
                ends = block.ends or start + length < len(lines)
                yield from self._read(Block.of(some, first + start, done, ends=ends))

    def _at_once(self, block: Block) -> ShapedLines | None:
        """The lines as a table, if each of them is an object that fits. Arrow's own reader takes in half of the time.

        That a line begins and ends with a brace shows that it holds whole objects; their number, that it holds one.
        """
        data, lines, first, done = block
        if not (all(lines) and {line[0] for line in lines} == _OPEN and {line[-1] for line in lines} == _CLOSED):
            return None
        if not _is_utf8(data):
            return None
        try:
            read = pa.json.read_json(
                pa.BufferReader(data),
                pa.json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                pa.json.ParseOptions(explicit_schema=self._schema, unexpected_field_behavior="ignore"),
            )
        except pa.ArrowInvalid:
            return None
        if read.num_rows != len(lines):
            return None
        read = read.append_column("", pa.arange(first, first + len(lines)))
        odd: list[Odd] = []
        if self._wrapped:
            ours = pc.fill_null(pc.equal(read["topic"], self.kind), False)
            odd = [Odd(line, None, OTHER_TOPIC) for line in read[""].filter(pc.invert(ours)).to_pylist()]
            read = read.filter(ours)
            if read["value"].null_count or read["key"].null_count < len(read):
                return None
        columns = {
            name: pc.coalesce(*(column(read, way) for way in ways)).cast(pa.string())
            for name, ways in self._places.items()
        }
        return ShapedLines(pa.table({"line": read[""], **columns}), odd, done)

    def _one_by_one(self, block: Block) -> tuple[pa.Table, list[Odd]]:
        rows: list[dict[str, Any]] = []
        odd: list[Odd] = []
        for number, line in enumerate(block.lines, start=block.first):
            if not line.strip():
                continue
            last = not block.ends and number == block.first + len(block.lines) - 1
            row = self._line(number, line, last=last)
            if isinstance(row, Odd):
                odd.append(row)
            else:
                rows.append(row)
        names = {"line": pa.int64(), **dict.fromkeys(self._places, pa.string())}
        return pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in names.items()}), odd

    def _line(self, number: int, line: bytes, *, last: bool) -> dict[str, Any] | Odd:
        """One line by our names; odd where it is no object, or one of them is no text."""
        try:
            given = self._parsed(line)
        except (ValueError, RecursionError):
            return Odd(number, None, self._unreadable(line, last=last))
        if not isinstance(given, dict):
            return Odd(number, line)  # JSON within a JSON string, or nothing that is taken
        if self._wrapped and given.get("topic") != self.kind:
            return Odd(number, None, OTHER_TOPIC)
        if self._wrapped and not isinstance(given.get("value"), dict):
            return self._no_value(number, given)
        row = {ours: self._value(given, ways) for ours, ways in self._places.items()}
        key = given.get("key") if self._wrapped else None
        fits = all(value is None or isinstance(value, str) for value in row.values())
        if fits and key is None and self._receiver_fits(given):
            return {"line": number, **row}
        odd = self._shape.odd(number, self._shape.valued(row))
        if not self._receiver_fits(given) and isinstance(odd.value, dict):
            # That it is no object is all that is told of it.
            odd = odd._replace(value=odd.value | {"receiver": []})
        return odd._replace(key=key.encode() if isinstance(key, str) else None)

    def _parsed(self, line: bytes) -> Any:
        """What a line says. In free text there may be anything: other encodings, half a surrogate, control characters.

        Raises ValueError or RecursionError.
        """
        try:
            return from_json(line)
        except ValueError:
            text = as_text(line)
            given = json.loads(text, strict=False)
        if not _is_utf8(line):
            self.warnings.add("encoding_mixed")
        return given

    def _no_value(self, number: int, given: Mapping[str, Any]) -> Odd:
        """A tombstone, or JSON within a JSON string and what else only the contract's reader can tell."""
        value, key, at = given.get("value"), given.get("key"), given.get("at")
        odd = Odd(number, None, TOMBSTONE)
        if value is not None:
            odd = Odd(number, json.dumps(value).encode())
        return odd._replace(
            arrived=at if isinstance(at, str) else None, key=key.encode() if isinstance(key, str) else None
        )

    def _unreadable(self, line: bytes, *, last: bool) -> Refusal:
        if last:
            self.warnings.add("cut_off")
            return Refusal("json", "cut_off")
        return Refusal("json", "not_json") if _is_utf8(line) else Refusal("encoding", "not_utf8")

    def _value(self, given: Mapping[str, Any], ways: list[Way]) -> Any:
        value = next((value for way in ways if (value := walk(given, way)) is not None), None)
        if isinstance(value, str) and not value.isascii():
            return value.encode("utf-8", "replace").decode()  # half a surrogate is no text
        number = self._foreign and isinstance(value, int | float) and not isinstance(value, bool)
        return str(value) if number else value

    def _receiver_fits(self, given: Mapping[str, Any]) -> bool:
        """Whether what leads to the receiver's levels is an object, or not there."""
        return all(isinstance(walk(given, way), dict | None) for way in self._outer)


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
