"""Files as they come, and what is read out of them."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streams.sources import OpenFile, open_source
from streams.sources.chunk import Kind, Odd
from streams.sources.ids import Legible
from streams.sources.mapping import plain
from streams.sources.plan import SourcePlan

ID = "0b5e1f6a-7c1d-4a52-9c55-1d2f0a9b3c4d"
OTHER = "9d3f0c1e-54a7-4d6b-8f21-6a7b8c9d0e1f"
SENT_AT = "2022-03-04T05:06:07Z"
NATIONAL_ID = "01017012345"
SENT = {
    "report_id": ID,
    "sent_at": SENT_AT,
    "receiver": {"municipality": "0301", "district": "04"},
    "channel": "FIKS_IO",
    "case_system": "VISMA_FAMILIA",
}


class Read(NamedTuple):
    """All of a file. `rows` without their nulls."""

    rows: list[dict[str, Any]]
    odd: list[Odd]
    warnings: set[str]

    @property
    def refused(self) -> list[tuple[int, str]]:
        """The lines that could not be read, and why."""
        return [(odd.line, f"{odd.refusal.stage}:{odd.refusal.reason}") for odd in self.odd if odd.refusal]

    @property
    def values(self) -> list[tuple[int, Any]]:
        """The odd lines that something is left of."""
        return [
            (odd.line, odd.value if isinstance(odd.value, dict) else json.loads(odd.value))
            for odd in self.odd
            if odd.value is not None
        ]


def opened(source: SourcePlan, block_bytes: int | None = None) -> OpenFile:
    (file,) = open_source(source)
    if block_bytes:
        file.block_bytes = block_bytes
    return file


def read(source: SourcePlan, block_bytes: int | None = None) -> Read:
    """Everything that the only file of a source says."""
    file = opened(source, block_bytes)
    rows: list[dict[str, Any]] = []
    odd: list[Odd] = []
    for chunk in file.chunks():
        rows += [{name: value for name, value in row.items() if value is not None} for row in chunk.table.to_pylist()]
        odd += chunk.odd
    return Read(rows, odd, file.warnings)


def legible(source: SourcePlan, block_bytes: int | None = None) -> list[Legible]:
    """What can be made out on the lines of a source's only file that could not be read."""
    return [one for _, one in opened(source, block_bytes).look_again([odd.line for odd in read(source).odd])]


def written(folder: Path, name: str, content: bytes | str) -> Path:
    """A file with a content, packed if its name says so."""
    path = folder / name
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def source_of(path: Path, kind: Kind = "sent", **told: Any) -> SourcePlan:
    """A source with a file, as a mapping file would tell of it."""
    return SourcePlan(kind=kind, files=(str(path),), **told) if told else plain(kind, [path])


def ndjson(*values: Mapping[str, Any]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def csv_lines(*lines: Sequence[str], delimiter: str = ";", newline: str = "\r\n") -> str:
    return "".join(delimiter.join(line) + newline for line in lines)
