"""One partition: batches of records in, what to write in one transaction out. No Kafka client in here."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import NamedTuple

from schemas.reading import Told
from streams.core.books import Books
from streams.core.checker import Checker
from streams.core.deadlines import Deadlines
from streams.core.events import Event
from streams.core.facts import Fact, Place
from streams.core.fold import REFUSED, Step
from streams.core.row import Status
from streams.core.rules import Rules
from streams.engine import marks
from streams.engine.committed import Stand
from streams.engine.log import Input, Log, Run
from streams.engine.output import output_records
from streams.engine.pending import Waiting
from streams.engine.rows import PackedRows
from streams.engine.slices import Bounds, Slice, in_slices, whole
from streams.engine.tally import Tally
from streams.errors import ConfigurationError
from streams.kafka.partitioner import partition_of
from streams.kafka.transaction import Writes
from streams.records.copies import Origin, copy_of
from streams.records.coverage import UNREADABLE_BATCH, Coverage, Gap, LastRecord, Loss
from streams.records.decode import FEED_HEADER, take_in, take_in_mark
from streams.records.fast_decode import CleanReader
from streams.records.record import (
    KINDS,
    KafkaRecord,
    Record,
    Refusal,
    UnreadableOffsets,
    Write,
    arrival,
    mark_of,
)
from streams.records.rejected import NO_APPEND_TIME, lost_append_times, rejected, unreadable
from streams.settings import Settings

BROKER_CLOCK = "broker_clock"
BROKER_CLOCK_TOLERANCE = timedelta(seconds=1)  # between brokers that are kept in time; leaders change among them
OPENING_OR_SETTLING = frozenset({Step.OPENED, Step.STORED, Step.RECOVERED})


class Span(NamedTuple):
    """The part of one input that a batch covers: from the first position to the position after it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What was fetched of one partition's inputs: by topic its span (also when empty) and its records.

    `epoch` tells which seek the batch belongs to; batches of an earlier one are worthless.
    """

    partition: int
    epoch: int
    spans: Mapping[str, Span]
    records: Mapping[str, Sequence[KafkaRecord]]


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
        self._kinds = dict(zip(settings.inputs, KINDS, strict=True))
        topics = {kind: topic for topic, kind in self._kinds.items()}
        self._witnessed = topics["stored"], topics["receipt"]
        self.rows = rows
        self.coverage = coverage
        self.checker = Checker(rules, rows, books, deadlines)
        self.checker.sight = coverage.sight(*self._witnessed)
        self.log = Log(self._kinds, coverage.applied)
        self.marks = marks.Marks(settings.app_id, settings.inputs)
        self.marked_until: datetime | None = None  # the earliest of the set of marks that came back with the last batch
        self.waiting = waiting or Waiting()
        self._tally = Tally()
        self._clean = clean or CleanReader(settings.max_value_bytes)
        self._steps: Counter[Step] = Counter()
        self._opened_or_settled: list[str] = []
        self._events: list[Event] = []
        self._records: list[Write] = []
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
            self._apply_run(one, one.runs[0])
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
                self._goes_on(one.topic, run.arrived)
                new = False
            if run.waiting < len(run.records):
                for mark in filter(None, map(mark_of, run.records)):
                    self.marks.saw(mark, one.topic, run.arrived)

    def _ensure_append_times(self, topic: str, run: Run) -> None:
        """Raise ConfigurationError if the topic has lost them while this worker ran."""
        for record in run.records:
            if not isinstance(record, UnreadableOffsets) and self.marks.has_come(topic, mark_of(record)):
                raise ConfigurationError(lost_append_times(Place(run.arrived, topic, self.partition, record.offset)))

    def _apply_run(self, one: Input, run: Run) -> None:
        """Apply records of an input's first run, at least one, until it is out of breath."""
        topic, kind = one.topic, one.kind
        applied, clean = self.coverage.applied[topic], self._clean.by_kind[kind]
        read, done, pause = 0, 0, self._slice.out_of_breath_at
        if applied.last is None and run.appended is not None:
            self._goes_on(topic, run.arrived)
        for record in run.records:
            done += 1
            place = Place(run.arrived, topic, self.partition, record.offset)
            fact = None if record.headers or run.appended is None else clean(record.key, record.value, place)
            if fact is not None and self._at_home(record.key):
                self._check(fact, kind, record)
                read += 1
            elif run.appended is None:
                self._pass_over(kind, record, place)
            else:
                self._take(kind, record, place)
            if monotonic() > pause:
                break
        if run.appended is not None:
            applied.latest = run.arrived
        applied.next_offset = one.applied(done)
        applied.last = None if run.appended is None else LastRecord(applied.next_offset - 1, run.appended)
        self._tally.add("records", kind, by=read)

    def take_tally(self) -> Tally:
        """What has been counted since the last call: to be shown once it is committed."""
        taken, self._tally = self._tally, Tally()
        return taken

    def publish(self, gap: Gap | None) -> Writes:
        """Say on the coverage topic that a gap has opened; nothing else changes."""
        self.coverage.gap = gap
        return whole(self.partition, self._writes())

    def _pass_over(self, kind: str, record: KafkaRecord, place: Place) -> None:
        """A record from before the topic had append times: nobody knows when it arrived, so that it is a loss."""
        if isinstance(record, UnreadableOffsets):
            self._leave_out(kind, place.topic, record, None)
            return
        if mark_of(record) is not None:
            return
        whole = Record(kind, place, record.key, record.value, tuple(record.headers or ()))
        self._tally.add("records", kind)
        self._tally.add("events", "rejected")
        fact = take_in(whole, self._settings.max_value_bytes).fact
        self._reject(whole, NO_APPEND_TIME, fact.report_id if fact else None, judged=False)
        self._lose(Loss(place.topic, record.offset, record.offset + 1, NO_APPEND_TIME.reason, place.arrived))

    def _take(self, kind: str, record: KafkaRecord, place: Place) -> None:
        """A record that is not clean, not from here, or no record of a report at all."""
        if isinstance(record, UnreadableOffsets):
            self._leave_out(kind, place.topic, record, place.arrived)
            return
        if mark_of(record) is not None:
            return
        whole = Record(kind, place, record.key, record.value, tuple(record.headers or ()))
        feed = whole.header(FEED_HEADER) if kind == "stored" else None
        if feed is None:
            self._judge(whole)
        else:
            self._hear(whole, feed)

    def _hear(self, record: Record, feed: bytes) -> None:
        """A feed's mark."""
        self._tally.add("records", "feed_mark")
        mark = take_in_mark(record, feed, self._settings.max_value_bytes)
        if isinstance(mark, Refusal):
            self._tally.add("events", "rejected")
            self._reject(record, mark, None, judged=False)
            return
        step = self.checker.mark(mark).step
        self._steps[step] += 1
        if step in REFUSED:
            self._reject(record, Refusal("rule", step), None, judged=False)

    def _compare_clocks(self, one: Input) -> None:
        """A broker's clock that stepped back is said aloud at once, and until it has caught up."""
        if self._stepped_back(one) and one.appended is not None:
            self._tally.add("broker_clock")
            if self.coverage.gap is None or self.coverage.gap.cause != BROKER_CLOCK:
                self.coverage.gap = Gap(one.appended, BROKER_CLOCK)

    def _stepped_back(self, one: Input) -> bool:
        until, latest, appended = self.coverage.complete_until, one.latest, one.appended
        return appended is not None and (
            (until is not None and appended < until)
            or (latest is not None and latest - appended > BROKER_CLOCK_TOLERANCE)
        )

    def _judge(self, record: Record) -> None:
        intake = take_in(record, self._settings.max_value_bytes)
        self._tally.add("records", record.kind)
        if intake.extras:
            self._tally.add("dropped_properties", by=intake.extras)
        self._clean.learn(record, intake)
        if intake.refusal is not None and intake.origin is None:  # of a copy that is told of the original
            fact = intake.fact
            self._reject(record, intake.refusal, fact.report_id if fact else None, judged=fact is not None)
        if intake.fact is None or intake.told is None:
            self._tally.add("events", "rejected")
            return
        if not intake.key_fits:
            self._tally.add("misplaced", "no_key" if record.key is None else "wrong_key")
        if not self._at_home(intake.fact.report_id.encode()):
            self._send_home(record, intake.told, intake.origin)
        else:
            self._check(intake.fact, record.kind, record, intake.origin)

    def _at_home(self, key: bytes | None) -> bool:
        return key is not None and partition_of(key, self.coverage.partitions) == self.coverage.partition

    def _check(self, fact: Fact, kind: str, record: KafkaRecord | Record, origin: Origin | None = None) -> None:
        checker = self.checker
        step, events = checker.apply(fact) if origin is None else checker.apply_copy(fact, origin.key(kind))
        self._steps[step] += 1
        if step in OPENING_OR_SETTLING:
            self._opened_or_settled.append(fact.report_id)
        if events:
            self._events += events
        if step in REFUSED:
            whole = Record(kind, fact.place, record.key, record.value)
            self._reject(whole, Refusal("rule", step), fact.report_id, judged=False)

    def _send_home(self, record: Record, told: Told, origin: Origin | None) -> None:
        """A record in the wrong partition is copied to the right one, once."""
        if origin is not None:
            self._tally.add("events", "rejected")
            self._reject(record, Refusal("partition", "misplaced_again"), told.report_id, judged=False)
            return
        self._tally.add("events", "sent_home")
        self._tally.add("misplaced", "wrong_partition")
        home = partition_of(told.report_id.encode(), self.coverage.partitions)
        self._records.append(copy_of(record.place, home, told))

    def _reject(self, record: Record, refusal: Refusal, report_id: str | None, *, judged: bool) -> None:
        self._tally.add("rejected", refusal.stage)
        self._records.append(rejected(record, refusal, report_id, self._settings.output("rejected"), judged=judged))

    def _leave_out(self, kind: str, topic: str, offsets: UnreadableOffsets, arrived: datetime | None) -> None:
        """Nobody can read these offsets: they are listed, and whatever they said is lost."""
        self._tally.unreadable(kind, offsets.next_offset - offsets.offset)
        self._records += unreadable(topic, self.partition, offsets, arrived, self._settings.output("rejected"))
        since = arrived or self.coverage.applied[topic].latest or arrival(0)
        self._lose(Loss(topic, offsets.offset, offsets.next_offset, UNREADABLE_BATCH, since, arrived))

    def _goes_on(self, topic: str, arrived: datetime) -> None:
        self.coverage.goes_on(topic, arrived)
        self.checker.sight = self.coverage.sight(*self._witnessed)

    def _lose(self, loss: Loss) -> None:
        """What was lost is known from here on, not before."""
        self.coverage.lose(loss)
        self.checker.sight = self.coverage.sight(*self._witnessed)

    def _advance(self, completed: datetime) -> Iterator[None]:
        """Apply what arrived before `completed` in its order, and decide what that settles. T never goes back.

        With each pause it is said to be complete until what is left, and a gap closes at the end.
        """
        coverage, behind = self.coverage, self.clock_is_behind()
        until = coverage.checked_at = max(completed, coverage.checked_at or completed)
        if coverage.first_complete is None and self.marked_until is not None:
            coverage.first_complete = max(self.marked_until, coverage.complete_until or self.marked_until)
        self.checker.sight = coverage.sight(*self._witnessed)
        while (one := self.log.first(until)) is not None:
            run = one.runs[0]
            yield from self._decide(run.arrived)
            self._apply_run(one, run)
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
            self._tally.add("decided", passed.status or "erased")
            if passed.status in (Status.STORED, Status.RECOVERED):  # by a proof that had come late
                self._opened_or_settled.append(passed.report_id)
            self._events += passed.events
        return self.checker.deadlines.left(until)

    def _complete(self, until: datetime) -> None:
        """What is published is what has been decided. A look may lie before it that only erases."""
        coverage = self.coverage
        coverage.complete_until = max(until, coverage.complete_until or until)

    def _take_stock(self) -> None:
        """Once a slice, for the metrics: what waits from now on, and how long proofs took."""
        for report_id in dict.fromkeys(self._opened_or_settled):
            row = self.rows.get(report_id)
            if row is not None and row.status is Status.PENDING:
                self.waiting.add(report_id)
            elif row is not None:
                self._tally.proven(row)
        self._opened_or_settled.clear()
        for event in self._events:
            self._tally.announced(event)
        for step, by in self._steps.items():
            self._tally.add("events", step, by=by)
        self._steps.clear()
        books = self.checker.books
        changed = {name: books.by_receiver[name] for name in books.changed}
        self.stand.comes(self.coverage, changed, len(self.rows), self.waiting.since(self.rows))

    def clock_is_behind(self) -> bool:
        """True while an input's last record was appended by a clock behind what the partition knew before."""
        return any(map(self._stepped_back, self.log.inputs.values()))

    def _writes(self) -> Iterator[Writes | None]:
        """What the slice writes, and before it None where others may have their turn."""
        self.checker.books.ensure_balanced()
        if (judged_until := self.coverage.judged_until) is not None:
            self.coverage.policy = self.checker.rules.policy.judged_by(judged_until)
        self._take_stock()
        records, self._records, events, self._events = self._records, [], self._events, []
        for piece in output_records(self._settings, self.coverage, self.rows, self.checker.books, events):
            records += piece
            yield None
        yield Writes(self.partition, records, {topic: self.applied(topic) for topic in self.coverage.applied})
