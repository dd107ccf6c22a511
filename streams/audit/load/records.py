"""From the records of topics to facts: read as the live checker reads them, where and when they arrived."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import duckdb

from streams.audit.facts import NamesTable
from streams.audit.load.irregular import OddLines
from streams.audit.load.timestamps import microseconds
from streams.audit.topics.copies import Arrival, Arrivals
from streams.audit.topics.reader import Hole
from streams.core.facts import FeedMark, Stored
from streams.records.record import MOST_LISTED, Record, Refusal


class TakingRecords:
    """Takes the records of the input topics into the tables. `sources`: the number of each kind's source."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: NamesTable,
        sources: Mapping[str, int],
        partitions: int,
        max_value_bytes: int,
    ) -> None:
        now = datetime.now(UTC)
        self._connection, self._names = connection, names
        self._proofs: Counter[tuple[int, str]] = Counter()  # by partition and feed, since its last mark
        self._marks: list[tuple[int | str | None, ...]] = []
        connection.execute("INSERT INTO heard VALUES (?)", [partitions])
        self._arrivals = Arrivals(partitions, max_value_bytes)
        self._into = {
            kind: OddLines(connection, names, source, now, max_value_bytes) for kind, source in sources.items()
        }
        self.records = dict.fromkeys(sources, 0)
        self.holes = dict.fromkeys(sources, 0)
        self.counts = self._arrivals.counts

    def take(self, records: Iterable[Record]) -> None:
        """Take records; those of one partition in the order of their offsets, over all calls."""
        self._take(self._arrivals.take(records))

    def leave_out(self, holes: Iterable[Hole]) -> None:
        """What lies in batches that nobody can read: offset by offset, the first ones where there are very many."""
        for hole in holes:
            into = self._into[hole.kind]
            self.holes[hole.kind] += 1
            self.records[hole.kind] += hole.next_offset - hole.offset
            for offset in range(hole.offset, min(hole.next_offset, hole.offset + MOST_LISTED)):
                into.refuse(offset, Refusal("batch", hole.cause), hole.partition)
            into.write()

    def finish(self) -> None:
        """After the last record: what was misplaced and nobody has copied."""
        self._take(self._arrivals.rest())

    def _take(self, arrivals: Iterable[Arrival]) -> None:
        for record, fact, refusal, mark in arrivals:
            if mark is not None:
                self._hear(mark)
                continue
            into = self._into[record.kind]
            self.records[record.kind] += 1
            if isinstance(fact, Stored) and fact.feed is not None:
                self._proofs[record.place.partition, fact.feed] += 1
            if refusal is not None:
                into.refuse(record.place.offset, refusal, record.place.partition)
            if fact is not None:
                into.add_fact(fact)
        for one in self._into.values():
            one.write()
        self._names.write()
        if self._marks:
            self._connection.executemany("INSERT INTO marks VALUES (?, ?, ?, ?, ?, ?, ?)", self._marks)
            self._marks.clear()

    def _hear(self, mark: FeedMark) -> None:
        """What a feed vouches for, with how many of its proofs have come here since its last mark."""
        place = mark.place
        proofs = self._proofs.pop((place.partition, mark.feed), 0)
        self._marks.append(
            (
                place.partition, place.offset, mark.feed, microseconds(place.arrived), microseconds(mark.vouched_until),
                mark.proofs, proofs,
            )
        )  # fmt: skip
