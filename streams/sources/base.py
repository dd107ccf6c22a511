"""A file that was looked into and found to be what was said."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from pathlib import Path

from streams.sources.chunk import Chunk, Kind
from streams.sources.ids import Legible
from streams.sources.plan import Format, SourcePlan
from streams.sources.text import BLOCK_BYTES


class OpenFile(ABC):
    """One file of a source.

    `columns`: those of ours that it tells, constants and defaults apart. `warnings`: codes of what was noticed, filled
    while it is read: `cut_off` (it ends in the middle of a line), `encoding_mixed` (text that is no UTF-8 was read as
    Windows-1252), `norwegian_times` (taken as such unasked), `lines_above` (of another kind, before the header).
    """

    format: Format
    block_bytes = BLOCK_BYTES

    def __init__(self, path: Path, source: SourcePlan) -> None:
        self.path = path
        self.source = source
        self.kind: Kind = source.kind
        self.name = _name(path, source)
        self.columns: frozenset[str] = frozenset()
        self.warnings: set[str] = set()

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """All lines from the beginning, each time anew."""

    @abstractmethod
    def look_again(self, numbers: Collection[int]) -> Iterator[tuple[int, Legible]]:
        """What can be made out on some lines, whatever is wrong with them; in their order."""


def _name(path: Path, source: SourcePlan) -> str:
    """What the result calls the file: by the source's name, told apart where it has several."""
    if source.name is None:
        return path.name
    return source.name if len(source.files) == 1 else f"{source.name} ({path.name})"
