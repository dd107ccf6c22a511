"""A file that was looked into and found to be what was said."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from streams.audit.chunks import Chunk, Kind
from streams.audit.plan import Format, Source


class OpenFile(ABC):
    """One file of a source.

    `columns`: those of ours that it tells, constants and defaults apart. `warnings`: codes of what was noticed, filled
    while it is read: `cut_off` (it ends in the middle of a line), `encoding_mixed` (text that is no UTF-8 was read as
    Windows-1252), `dates_without_time` (dates stand for their midnight), `norwegian_times` (taken as such unasked).
    """

    format: Format

    def __init__(self, path: Path, source: Source) -> None:
        self.path = path
        self.source = source
        self.kind: Kind = source.kind
        self.name = path.name if source.name is None else source.name
        self.columns: frozenset[str] = frozenset()
        self.warnings: set[str] = set()

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """All lines from the beginning, each time anew."""
