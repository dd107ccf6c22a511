"""What a run leaves on its topics, and what a check of it finds."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from tests.system.faults.truth import Record


class Unseen(NamedTuple):
    """Offsets of one input that were deleted before this checker could read them; from 0 on: before it began."""

    from_offset: int
    to_offset: int


class History(NamedTuple):
    """Everything that a run left on its topics (read_committed, each partition in the order of its offsets)."""

    prefix: str
    app_id: str
    partitions: int
    policy: str
    successors: Mapping[str, tuple[str, ...]]
    inputs: Sequence[Record]
    missing: Sequence[Record]
    state: Sequence[Record]
    coverage: Sequence[Record]
    rejected: Sequence[Record]
    clocks_apart_seconds: float = 0.0  # by how much the run had set one broker's clock off
    unseen: Mapping[tuple[str, int], Unseen] = {}  # by topic and partition; `inputs` holds these records, too

    def complete_until(self, partition: int) -> str:
        """How far a partition was complete at last, as written; empty if it never was."""
        until = ""
        for value in self.coverages(partition):
            until = value["complete_until"] or until
        return until

    def coverages(self, partition: int) -> Iterator[dict[str, Any]]:
        """What a partition's coverage said, one word after the other."""
        return self._values(partition, "coverage")

    def books(self, partition: int) -> Iterator[dict[str, Any]]:
        """A partition's books, each receiver's one after the other."""
        return self._values(partition, "books")

    def _values(self, partition: int, kind: str) -> Iterator[dict[str, Any]]:
        for record in self.coverage:
            if record.partition == partition and record.value is not None:
                value = orjson.loads(record.value)
                if value["kind"] == kind:
                    yield value

    def rows(self) -> dict[str, dict[str, Any]]:
        """The last row of each report that can be read: one that cannot was written by a fault, and is refused."""
        rows: dict[str, dict[str, Any]] = {}
        for record in self.state:
            key = (record.key or b"").decode("utf-8", "replace")
            if record.value is None:
                rows.pop(key, None)
                continue
            try:
                rows[key] = orjson.loads(record.value)
            except orjson.JSONDecodeError:
                continue
        return rows


class Anomaly(NamedTuple):
    """Something that must never be. `detail` is one sentence, with the places that show it."""

    kind: str
    report_id: str | None
    detail: str


class Findings(NamedTuple):
    """What the check found, how many announcements it compared, and what there was to find.

    `verdicts`: by event id, when its window closed, be it later than its alarm.
    """

    anomalies: tuple[Anomaly, ...]
    compared: int
    counts: Mapping[str, int]
    verdicts: Mapping[str, datetime]


def place_of(record: Record) -> str:
    """Where a record lies, in words."""
    return f"{record.topic}-{record.partition} offset {record.offset}"
