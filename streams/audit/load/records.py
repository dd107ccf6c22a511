"""From the records of topics to facts: read as the live checker reads them, where and when they arrived."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import duckdb

from streams.audit.facts import NamesTable
from streams.audit.load.irregular import OddLines
from streams.audit.topics.copies import Arrival, Arrivals
from streams.audit.topics.reader import Hole
from streams.core.facts import Decision, FeedMark, Stored
from streams.core.fold import Step
from streams.core.policy import Policy
from streams.records.record import MOST_LISTED, Record, Refusal


class TakingRecords:
    """Takes the records of the input topics into the tables. `sources`: the number of each kind's source.

    `policy` tells from when on a feed is known: what it brought and said before counts for nothing.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        names: NamesTable,
        sources: Mapping[str, int],
        partitions: int,
        max_value_bytes: int,
        policy: Policy,
    ) -> None:
        now = datetime.now(UTC)
        self._names, self._policy = names, policy
        self._proofs: Counter[tuple[int, str]] = Counter()  # by partition and feed, since its last mark
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
            if refusal is not None:
                into.refuse(record.place.offset, refusal, record.place.partition)
            if isinstance(fact, Decision):
                into.add_decision(fact)
            elif fact is not None:
                if isinstance(fact, Stored) and fact.feed is not None:
                    self._count(fact.feed, fact)
                into.add_fact(fact)
        for one in self._into.values():
            one.write()
        self._names.write()

    def _count(self, feed: str, proof: Stored) -> None:
        if self._policy.knows_feed(feed, proof.place.arrived):
            self._proofs[proof.place.partition, feed] += 1

    def _hear(self, mark: FeedMark) -> None:
        """What a feed vouches for, with how many of its proofs have come here since its last mark."""
        place, into = mark.place, self._into["stored"]
        if not self._policy.knows_feed(mark.feed, place.arrived):
            into.refuse(place.offset, Refusal("rule", Step.FEED_UNKNOWN), place.partition)
            return
        into.add_mark(mark, proofs=self._proofs.pop((place.partition, mark.feed), 0))
