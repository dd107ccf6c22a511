"""What the records of the input topics say, each once: of a misplaced original and its copy only one counts."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.core.facts import Decision, Fact, FeedMark
from streams.kafka.partitioner import partition_of
from streams.records.decode import feed_of, take_in, take_in_decision, take_in_mark
from streams.records.fast_decode import CleanReader
from streams.records.record import DECISION, Record, Refusal


class Arrival(NamedTuple):
    """A record that is evidence, a decision or a feed's mark, or that could not be read.

    A refused sent may still have a fact, as in the intake.
    """

    record: Record
    fact: Fact | Decision | None
    refusal: Refusal | None = None
    mark: FeedMark | None = None


_Original = tuple[str, int, int, str]  # kind, partition, offset, and the report: a header counts with its own alone


class Arrivals:
    """Sorts out records in any order of their partitions; it remembers those that are misplaced.

    The checker copies a misplaced record into the right partition, once, and judges by the copy's arrival: where the
    copy is there, the original says nothing. Where no checker ran yet, it is evidence all the same, by its own arrival.
    `counts`: `copies`; `copied` and `not_copied`, the misplaced originals of each sort; `misplaced_again`, copies that
    lie in a wrong partition themselves, which the checker refuses; `refused`, what could not be read, those included.
    """

    def __init__(self, partitions: int, max_value_bytes: int) -> None:
        self._partitions = partitions
        self._most_bytes = max_value_bytes
        self._clean = CleanReader(max_value_bytes)
        self._misplaced: dict[_Original, Arrival] = {}
        self._copies: set[_Original] = set()
        self.counts: Counter[str] = Counter()

    def take(self, records: Iterable[Record]) -> Iterator[Arrival]:
        """What they say, in their order, but for misplaced originals: they wait for their copies."""
        for record in records:
            fact = None if record.headers else self._clean.by_kind[record.kind](record.key, record.value, record.place)
            if fact is not None and self._home(fact) == record.place.partition:
                yield Arrival(record, fact)
            elif (arrival := self._mark(record) or self._sort_out(record)) is not None:
                self.counts["refused"] += arrival.refusal is not None
                yield arrival

    def rest(self) -> Iterator[Arrival]:
        """After the last record: the misplaced originals that nobody has copied, and those that could not be read.

        Of what could not be read and was copied all the same there is no fact left.
        """
        for origin, arrival in self._misplaced.items():
            copied = origin in self._copies
            self.counts["copied" if copied else "not_copied"] += 1
            self.counts["refused"] += arrival.refusal is not None
            if not copied or arrival.refusal is not None:
                yield arrival._replace(fact=None) if copied else arrival
        self._misplaced.clear()

    def _home(self, fact: Fact | Decision) -> int:
        return partition_of(fact.report_id.encode(), self._partitions)

    def _mark(self, record: Record) -> Arrival | None:
        feed = feed_of(record.kind, record.headers)
        if feed is None:
            return None
        mark = take_in_mark(record, feed, self._most_bytes)
        return Arrival(record, None, mark) if isinstance(mark, Refusal) else Arrival(record, None, mark=mark)

    def _sort_out(self, record: Record) -> Arrival | None:
        """The rare case, by the checker's own intake. None for a misplaced original."""
        read = take_in_decision if record.kind == DECISION else take_in
        intake = read(record, self._most_bytes)
        self._clean.learn(record, intake)
        if intake.fact is None:
            return Arrival(record, None, intake.refusal)
        at_home = self._home(intake.fact) == record.place.partition
        if intake.origin is None:
            arrival = Arrival(record, intake.fact, intake.refusal)
            if at_home:
                return arrival
            self._misplaced[record.kind, record.place.partition, record.place.offset, intake.fact.report_id] = arrival
            return None
        if not at_home:
            self.counts["misplaced_again"] += 1
            return Arrival(record, None, Refusal("partition", "misplaced_again"))
        self.counts["copies"] += 1
        original = record.kind, intake.origin.partition, intake.origin.offset, intake.fact.report_id
        if original in self._copies:
            return None  # another checker's copy of the same
        self._copies.add(original)
        return Arrival(record, intake.fact)  # that it could not be read is told of the original
