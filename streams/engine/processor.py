"""One partition: batches of records in, what to write in one transaction out. No Kafka client in here."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from streams.core.books import Books
from streams.core.checker import Checker
from streams.core.deadlines import Deadlines
from streams.core.facts import Place
from streams.core.rules import Rules
from streams.engine import marks
from streams.engine.batch import Batch
from streams.engine.committed import Stand
from streams.engine.log import Input, Log, Run
from streams.engine.output import output_records
from streams.engine.pending import Waiting
from streams.engine.reading import Reading
from streams.engine.rows import PackedRows
from streams.engine.slices import Bounds, Slice, in_slices, whole
from streams.engine.tally import Tally
from streams.errors import ConfigurationError
from streams.kafka.transaction import Writes
from streams.records.coverage import Coverage, Gap
from streams.records.fast_decode import CleanReader
from streams.records.record import INPUT_KINDS, KafkaRecord, UnreadableOffsets, mark_of
from streams.records.rejected import lost_append_times
from streams.settings import Settings

BROKER_CLOCK = "broker_clock"


class Processor:
    """The rows, books, positions and completeness of one partition."""

    def __init__(
        self,
        settings: Settings,
        rules: Rules,
        rows: PackedRows,
        books: Books,
        coverage: Coverage,
        deadlines: Deadlines | None = None,
        clean: CleanReader | None = None,
        waiting: Waiting | None = None,
        bounds: Bounds | None = None,
    ) -> None:
        self._settings = settings
        self._kinds = dict(zip(settings.inputs, INPUT_KINDS, strict=True))
        self.rows = rows
        self.coverage = coverage
        coverage.municipalities = rules.municipalities.fingerprint
        self.checker = Checker(rules, rows, books, deadlines)
        topics = {kind: topic for topic, kind in self._kinds.items()}
        self._reading = Reading(
            settings, coverage, self.checker, clean or CleanReader(settings.max_value_bytes), topics
        )
        self.log = Log(self._kinds, coverage.applied)
        self.marks = marks.Marks(settings.app_id, settings.facts)
        self.marked_until: datetime | None = None  # the earliest of the set of marks that came back with the last batch
        self.waiting = waiting or Waiting()
        self._results = self._reading.results
        self._slice = Slice(bounds or Bounds())
        self.stand = Stand(coverage, books.by_receiver, len(rows), self.waiting.since(rows))

    @property
    def partition(self) -> int:
        """The partition's number, the same in every input and output."""
        return self.coverage.partition

    def fits(self, batch: Batch) -> bool:
        """True if the batch begins exactly where the last one ended."""
        return all(self.position(topic) == span.start for topic, span in batch.spans.items())

    def position(self, topic: str) -> int:
        """The next offset to fetch."""
        return self.log.inputs[topic].next_offset

    def applied(self, topic: str) -> int:
        """The next offset to apply."""
        return self.coverage.applied[topic].next_offset

    def begin_anew(self) -> None:
        """Forget what was fetched and is not applied: it will be fetched again."""
        self.log = Log(self._kinds, self.coverage.applied)

    def slices(self, batch: Batch) -> Iterator[Writes | None]:
        """Apply a batch that fits, and decide what has become certain: what to write for it, slice by slice.

        Each is a transaction of its own, to be committed before the next is asked for. None says that others should
        have their turn before it is asked again. The rest may be dropped after any slice: what is applied is where the
        positions are, and what is left to be decided is decided with the next marks.
        """
        return in_slices(self._work(batch), self._slice, self._writes)

    def apply(self, batch: Batch) -> Writes:
        """All slices of a batch as one: for whoever has no session to keep."""
        return whole(self.partition, self.slices(batch))

    def _work(self, batch: Batch) -> Iterator[None]:
        """All that a batch takes, with a pause whenever it is out of breath."""
        for topic, span in batch.spans.items():
            self._fetch(self.log.inputs[topic], batch.records.get(topic, ()))
            self.log.inputs[topic].next_offset = span.end
        self.marked_until = self.marks.take_complete()
        until = self.log.until
        if until is not None:
            yield from self._advance(until)
        for one in self.log.inputs.values():
            self._pass_marks(one)

    def _pass_marks(self, one: Input) -> None:
        """What waits for nothing is applied when all before it is: marks, and control records, which nobody sees."""
        while one.runs and not one.runs[0].waiting:
            self._reading.apply(one, one.runs[0], self._slice.out_of_breath_at)
        if not one.runs:
            self.coverage.applied[one.topic].next_offset = one.next_offset

    def _fetch(self, one: Input, records: Sequence[KafkaRecord]) -> None:
        """Keep records until their turn comes; what must be known before is noted at once."""
        new = one.appended is None
        for run in one.take_in(records):
            if run.appended is None:
                self._ensure_append_times(one.topic, run)
                new = True
                continue
            self._compare_clocks(one)
            if new:
                self._reading.goes_on(one.topic, run.arrived)
                new = False
            if run.waiting < len(run.records):
                for mark in filter(None, map(mark_of, run.records)):
                    self.marks.saw(mark, one.topic, run.arrived)

    def _ensure_append_times(self, topic: str, run: Run) -> None:
        """Raise ConfigurationError if the topic has lost them while this worker ran."""
        for record in run.records:
            if not isinstance(record, UnreadableOffsets) and self.marks.has_come(topic, mark_of(record)):
                raise ConfigurationError(lost_append_times(Place(run.arrived, topic, self.partition, record.offset)))

    def take_tally(self) -> Tally:
        """What has been counted since the last call: to be shown once it is committed."""
        return self._results.take_tally()

    def publish(self, gap: Gap | None) -> Writes:
        """Say on the coverage topic that a gap has opened; nothing else changes."""
        self.coverage.gap = gap
        return whole(self.partition, self._writes())

    def _advance(self, completed: datetime) -> Iterator[None]:
        """Apply what arrived before `completed` in its order, and decide what that settles. T never goes back.

        With each pause it is said to be complete until what is left, and a gap closes at the end.
        """
        coverage, behind = self.coverage, self.clock_is_behind()
        until = coverage.checked_at = max(completed, coverage.checked_at or completed)
        if coverage.first_complete is None and self.marked_until is not None:
            coverage.first_complete = max(self.marked_until, coverage.complete_until or self.marked_until)
        self._reading.look()
        while (one := self.log.first(until)) is not None:
            run = one.runs[0]
            yield from self._decide(run.arrived)
            self._reading.apply(one, run, self._slice.out_of_breath_at)
            if self._slice.to_pause:
                self._complete(run.arrived)
                yield
        yield from self._decide(until)
        self._complete(until)
        if not behind:
            coverage.gap = None

    def _decide(self, until: datetime) -> Iterator[None]:
        """Every look that lies before a time."""
        while (left := self._decide_some(until)) is not None:
            if self._slice.to_pause:
                self._complete(left)
                yield

    def _decide_some(self, until: datetime) -> datetime | None:
        """A few looks; when the next of those lies that are left."""
        for passed in self.checker.advance(until, self._slice.bounds.looks):
            self._slice.decided += 1
            self._results.passed(passed)
        return self.checker.deadlines.left(until)

    def _complete(self, until: datetime) -> None:
        """What is published is what has been decided. A look may lie before it that only erases."""
        coverage = self.coverage
        coverage.complete_until = max(until, coverage.complete_until or until)

    def _compare_clocks(self, one: Input) -> None:
        """A broker's clock that stepped back is said aloud at once, and until it has caught up."""
        if one not in self.log.awaited:
            return  # what hung has arrived before T, and no clock is wrong
        if one.stepped_back(self.coverage.complete_until) and one.appended is not None:
            self._results.tally.add("broker_clock")
            if self.coverage.gap is None or self.coverage.gap.cause != BROKER_CLOCK:
                self.coverage.gap = Gap(one.appended, BROKER_CLOCK)

    def clock_is_behind(self) -> bool:
        """True while an input that verdicts wait for ends with a record of a clock behind what was known before."""
        return any(one.stepped_back(self.coverage.complete_until) for one in self.log.awaited)

    def _writes(self) -> Iterator[Writes | None]:
        """What the slice writes, and before it None where others may have their turn."""
        self.checker.books.ensure_balanced()
        if (judged_until := self.coverage.judged_until) is not None:
            self.coverage.policy = self.checker.rules.policy.judged_by(judged_until)
        self._results.take_stock(self.rows, self.waiting)
        books = self.checker.books
        changed = {name: books.by_receiver[name] for name in books.changed}
        self.stand.comes(self.coverage, changed, len(self.rows), self.waiting.since(self.rows))
        records, events, claims = self._results.take()
        for piece in output_records(self._settings, self.coverage, self.rows, books, events, claims):
            records += piece
            yield None
        yield Writes(self.partition, records, {topic: self.applied(topic) for topic in self.coverage.applied})
