"""Text files as blocks of whole lines in UTF-8, whatever they were written in and packed by."""

import codecs
import re
import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from streams.errors import ConfigurationError

BLOCK_BYTES = 1 << 20  # what a processor keeps at hand: lines of larger blocks take half as long again
BLOCK_LINES = 100_000
_LONGEST_LINE_BYTES = 64 << 20
_PACKED_BYTES = 64 << 10  # unpacked it is at most a thousand times as much
_MARK_BYTES = 4
_GZIP = b"\x1f\x8b"
_PADDING = b"\0\r\n \t"  # what is written behind a packed file, to fill a block or by mistake
# The longer ones first: they begin with the shorter.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip


_LINE_END = re.compile(rb"\r\n?|\n")


class Block(NamedTuple):
    """Whole lines: as they stand there, and apart without their newlines; only the file's very last may have none.

    `first` is the number of the first one, from 1; `done` how much of the file is read, from 0 to 1.
    """

    data: bytes
    lines: list[bytes]
    first: int
    done: float

    @classmethod
    def of(cls, lines: list[bytes], first: int, done: float, *, ends: bool) -> "Block":
        """Lines that were taken from another block."""
        return cls(b"\n".join(lines) + b"\n" * ends, lines, first, done)

    @property
    def ends(self) -> bool:
        """Whether its last line has a newline."""
        return self.data.endswith(b"\n")


class TextFile:
    """A text file, packed by gzip or not. `cut`: what was read last ended in the middle of a packed file."""

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.path = path
        self.cut = False
        self._encoding = encoding

    def blocks(self, size: int) -> Iterator[Block]:
        """All lines from the beginning; newlines of every kind have become one.

        Bytes are as they stand there unless the file has a mark or an encoding was declared: what is no UTF-8 then is
        for whoever reads the lines. Raises ConfigurationError where it cannot be unpacked, or is no text.
        """
        first, rest = 1, b""
        for data, done in self._decoded(size):
            whole, newline, tail = data.rpartition(b"\n")
            if not newline:
                rest += data
                if len(rest) > _LONGEST_LINE_BYTES:
                    raise ConfigurationError(f"{self.path.name} has a line of over 64 MB: give a text file with lines.")
                continue
            lines = (rest + whole).split(b"\n")
            if len(lines) <= BLOCK_LINES:
                yield Block(rest + whole + newline, lines, first, done)
            else:
                yield from _parts(lines, first, done)
            first += len(lines)
            rest = tail
        if rest:
            yield Block(rest, [rest], first, 1.0)

    def holding(self, numbers: Collection[int], size: int) -> Iterator[tuple[int, Block]]:
        """Some lines by their numbers, from 1, in their order, each with its block. Raises what `blocks` raises."""
        wanted = sorted(numbers)
        for block in self.blocks(size):
            here = bisect_left(wanted, block.first + len(block.lines))
            yield from ((number, block) for number in wanted[:here])
            del wanted[:here]
            if not wanted:
                return

    def _decoded(self, size: int) -> Iterator[tuple[bytes, float]]:
        """What stands in the file as UTF-8, in pieces of about `size` bytes."""
        pieces = self._unpacked(max(size, _MARK_BYTES))
        start, done = next(pieces, (b"", 1.0))
        encoding, skip = self._encoding_of(start)
        by_returns: bool | None = None  # whether lines end as on old Macs, by the first that ends
        decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
        gathered = b""
        for data, done in chain([(start[skip:], done)], pieces):  # noqa: B020 - the last one's is wanted afterwards
            gathered += decoder.decode(data).encode() if decoder else data
            if len(gathered) >= size and not gathered.endswith(b"\r"):
                by_returns = _ends_by_returns(gathered) if by_returns is None else by_returns
                yield _lines_ended_alike(gathered, by_returns=by_returns), done
                gathered = b""
        if decoder:
            gathered += decoder.decode(b"", final=True).encode()
        if gathered:
            by_returns = _ends_by_returns(gathered) if by_returns is None else by_returns
            yield _lines_ended_alike(gathered, by_returns=by_returns), done

    def _encoding_of(self, start: bytes) -> tuple[str | None, int]:
        """What to decode by (None: not at all), and how long the mark is."""
        for mark, encoding in _MARKS:
            if start.startswith(mark):
                return (None if mark == codecs.BOM_UTF8 else encoding), len(mark)
        if self._encoding:
            return self._encoding, 0
        if start.count(0) < len(start) // 4:  # some line is broken, no more
            return None, 0
        # No text of ours begins with a NUL: UTF-16 without its mark.
        return {b"\0": "utf-16-le"}.get(start[1:2], "utf-16-be" if start[:1] == b"\0" else None), 0

    def _unpacked(self, most: int) -> Iterator[tuple[bytes, float]]:
        """The file's bytes in pieces that could hold a mark, and how much of it is read."""
        self.cut = False
        size = max(self.path.stat().st_size, 1)
        with self.path.open("rb") as file:
            packed = self.path.suffix.lower() == ".gz" or file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            pieces = iter(lambda: file.read(min(most, _PACKED_BYTES) if packed else most), b"")
            start = b""
            for data in self._gunzipped(pieces) if packed else pieces:
                start += data
                if len(start) >= _MARK_BYTES:
                    yield start, min(file.tell() / size, 1.0)
                    start = b""
            if start:
                yield start, 1.0

    def _gunzipped(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """All members of a gzip file, as far as they go, without the padding behind them."""
        member, rest = _member(), b""
        try:
            for packed in pieces:
                rest += packed
                while rest:
                    if member.eof:
                        rest = rest.lstrip(_PADDING)
                        if len(rest) < len(_GZIP):
                            break
                        member = _member()
                    if data := member.decompress(rest):
                        yield data
                    rest = member.unused_data
        except zlib.error:
            raise ConfigurationError(f"{self.path.name} cannot be unpacked: make or fetch it again.") from None
        self.cut = not member.eof or bool(rest)


def _member() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def as_text(data: bytes) -> str:
    """UTF-8 where it is, else Windows-1252, which nearly every byte can be read as."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def as_texts(column: Any) -> tuple[Any, bool]:
    """A column of bytes as text, and whether some of it was no UTF-8."""
    try:
        return column.cast(pa.string()), False
    except pa.ArrowInvalid:
        return pa.array([None if value is None else as_text(value) for value in column.to_pylist()], pa.string()), True


def _ends_by_returns(data: bytes) -> bool | None:
    """Whether the first line that ends does so by a carriage return alone; None where none ends."""
    found = _LINE_END.search(data)
    return None if found is None else found[0] == b"\r"


def _lines_ended_alike(data: bytes, *, by_returns: bool | None) -> bytes:
    """Newlines have become one kind. A carriage return within a line is text, unless lines end so."""
    if b"\r" not in data:
        return data
    data = data.replace(b"\r\n", b"\n")
    return data.replace(b"\r", b"\n") if by_returns else data


def _parts(lines: list[bytes], first: int, done: float) -> Iterator[Block]:
    for start in range(0, len(lines), BLOCK_LINES):
        yield Block.of(lines[start : start + BLOCK_LINES], first + start, done, ends=True)
