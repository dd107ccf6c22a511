"""Text files as blocks of whole lines in UTF-8, whatever they were written in and packed by."""

import codecs
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from streams.audit.chunks import MOST_LINES
from streams.errors import ConfigurationError

BLOCK_BYTES = 16 << 20
_LONGEST_LINE = 64 << 20
_RAW_BYTES = 1 << 20
_PACKED_BYTES = 64 << 10  # unpacked it is at most a thousand times as much
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Block(NamedTuple):
    """Whole lines, each with a newline at its end; only the file's very last may lack it.

    `first` is the number of the first one, from 1; `done` how much of the file is read, from 0 to 1.
    """

    data: bytes
    first: int
    done: float


class TextFile:
    """A text file, packed by gzip or not. `cut`: what was read last ended in the middle of a packed file."""

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self.path = path
        self.cut = False
        self._encoding = encoding

    def blocks(self, size: int = BLOCK_BYTES) -> Iterator[Block]:
        """All lines from the beginning; newlines of every kind have become one.

        Bytes are as they stand there unless the file has a mark or an encoding was declared: what is no UTF-8 then is
        for whoever reads the lines. Raises ConfigurationError where it cannot be unpacked, or is no text.
        """
        first, rest = 1, b""
        for data, done in self._decoded(size):
            whole, newline, tail = data.rpartition(b"\n")
            if not newline:
                rest += data
                if len(rest) > _LONGEST_LINE:
                    raise ConfigurationError(f"{self.path.name} has a line of over 64 MB: give a text file with lines.")
                continue
            for lines in _at_most(MOST_LINES, rest + whole + newline):
                yield Block(lines, first, done)
                first += lines.count(b"\n")
            rest = tail
        if rest:
            yield Block(rest, first, 1.0)

    def _decoded(self, size: int) -> Iterator[tuple[bytes, float]]:
        """What stands in the file as UTF-8, in pieces of about `size` bytes."""
        decoder: codecs.IncrementalDecoder | None = None
        gathered, begun, done = b"", False, 0.0
        for data, done in self._unpacked():
            if not begun:
                begun = True
                encoding, skip = self._encoding_of(data)
                data = data[skip:]  # noqa: PLW2901 - the mark is no part of the text
                decoder = codecs.getincrementaldecoder(encoding)("replace") if encoding else None
            gathered += decoder.decode(data).encode() if decoder else data
            if len(gathered) >= size and not gathered.endswith(b"\r"):
                yield _lines_ended_alike(gathered), done
                gathered = b""
        if decoder:
            gathered += decoder.decode(b"", final=True).encode()
        if gathered:
            yield _lines_ended_alike(gathered), done

    def _encoding_of(self, start: bytes) -> tuple[str | None, int]:
        """What to decode by (None: not at all), and how long the mark is."""
        for mark, encoding in _MARKS:
            if start.startswith(mark):
                return (None if mark == codecs.BOM_UTF8 else encoding), len(mark)
        if self._encoding:
            return self._encoding, 0
        # No text of ours begins with a NUL: UTF-16 without its mark.
        return {b"\0": "utf-16-le"}.get(start[1:2], "utf-16-be" if start[:1] == b"\0" else None), 0

    def _unpacked(self) -> Iterator[tuple[bytes, float]]:
        self.cut = False
        size = max(self.path.stat().st_size, 1)
        packed = self.path.suffix.lower() == ".gz"
        with self.path.open("rb") as file:
            pieces = iter(lambda: file.read(_PACKED_BYTES if packed else _RAW_BYTES), b"")
            for data in self._gunzipped(pieces) if packed else pieces:
                yield data, min(file.tell() / size, 1.0)

    def _gunzipped(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """All members of a gzip file, as far as they go."""
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            for packed in pieces:
                rest = packed
                while rest:
                    if member.eof:
                        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
                    if data := member.decompress(rest):
                        yield data
                    rest = member.unused_data
        except zlib.error:
            raise ConfigurationError(f"{self.path.name} cannot be unpacked: make or fetch it again.") from None
        self.cut = not member.eof


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


def _lines_ended_alike(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data


def _at_most(most: int, data: bytes) -> Iterator[bytes]:
    if data.count(b"\n") <= most:
        yield data
        return
    lines = data.splitlines(keepends=True)
    for start in range(0, len(lines), most):
        yield b"".join(lines[start : start + most])
