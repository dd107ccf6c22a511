"""Records of a partition's inputs, in their turn: they become facts and are applied, or they are listed."""

from collections.abc import Mapping
from datetime import datetime
from time import monotonic

from schemas.reading import Told
from streams.core.checker import Checker
from streams.core.facts import Decision, Fact, Place, Sent
from streams.core.fold import REFUSED, Step
from streams.engine.log import Input, Run
from streams.engine.results import Results
from streams.kafka.partitioner import partition_of
from streams.records.copies import Origin, copy_of
from streams.records.coverage import UNREADABLE_BATCH, Coverage, LastRecord, Loss
from streams.records.decode import FEED_HEADER, Intake, take_in, take_in_decision, take_in_mark
from streams.records.fast_decode import CleanReader
from streams.records.record import DECISION, KafkaRecord, Record, Refusal, UnreadableOffsets, arrival, mark_of
from streams.records.rejected import NO_APPEND_TIME, rejected, unreadable
from streams.settings import Settings

ATTEMPTS = frozenset({Step.OPENED, Step.RESENT, Step.REROUTED, Step.WINDOW_OPENED})


class Reading:
    """Applies records to the checker and notes on coverage how far it has come; what that brings is in `results`."""

    def __init__(
        self, settings: Settings, coverage: Coverage, checker: Checker, clean: CleanReader, topics: Mapping[str, str]
    ) -> None:
        """`topics`: those of the inputs, by the kind of their records."""
        self._settings, self._coverage, self._checker, self._clean = settings, coverage, checker, clean
        self._witnessed = topics["stored"], topics["receipt"]
        self.results = Results()
        self.look()

    def apply(self, one: Input, run: Run, pause: float) -> None:
        """Apply records of an input's first run, at least one, until the time to pause by the monotonic clock."""
        topic, kind = one.topic, one.kind
        applied, clean = self._coverage.applied[topic], self._clean.by_kind[kind]
        read = done = 0
        if applied.last is None and run.appended is not None:
            self.goes_on(topic, run.arrived)
        for record in run.records:
            done += 1
            place = Place(run.arrived, topic, self._coverage.partition, record.offset)
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
        self.results.tally.add("records", kind, by=read)

    def _pass_over(self, kind: str, record: KafkaRecord, place: Place) -> None:
        """A record from before the topic had append times: nobody knows when it arrived, so that it is a loss."""
        if isinstance(record, UnreadableOffsets):
            self._leave_out(kind, place.topic, record, None)
            return
        if mark_of(record) is not None:
            return
        whole = Record(kind, place, record.key, record.value, tuple(record.headers or ()))
        self.results.tally.add("records", kind)
        self.results.tally.add("events", "rejected")
        fact = self._read(whole).fact
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
        self.results.tally.add("records", "feed_mark")
        mark = take_in_mark(record, feed, self._settings.max_value_bytes)
        if isinstance(mark, Refusal):
            self.results.tally.add("events", "rejected")
            self._reject(record, mark, None, judged=False)
            return
        step = self._checker.mark(mark).step
        self.results.heard(step)
        if step in REFUSED:
            self._reject(record, Refusal("rule", step), None, judged=False)

    def _judge(self, record: Record) -> None:
        intake = self._read(record)
        self.results.tally.add("records", record.kind)
        if intake.extras:
            self.results.tally.add("dropped_properties", by=intake.extras)
        self._clean.learn(record, intake)
        if intake.refusal is not None and intake.origin is None:  # of a copy that is told of the original
            fact = intake.fact
            self._reject(record, intake.refusal, fact.report_id if fact else None, judged=fact is not None)
        if intake.fact is None or intake.told is None:
            self.results.tally.add("events", "rejected")
            return
        if not intake.key_fits:
            self.results.tally.add("misplaced", "no_key" if record.key is None else "wrong_key")
        if not self._at_home(intake.fact.report_id.encode()):
            self._send_home(record, intake.told, intake.origin)
        elif isinstance(intake.fact, Decision):
            self._decide(intake.fact, record)
        else:
            self._check(intake.fact, record.kind, record, intake.origin)

    def _read(self, record: Record) -> Intake[Fact] | Intake[Decision]:
        most = self._settings.max_value_bytes
        return take_in_decision(record, most) if record.kind == DECISION else take_in(record, most)

    def _decide(self, decision: Decision, record: Record) -> None:
        """What somebody said of an alarm. A copy is no second decision: it has the id of its original."""
        step, events = self._checker.decide(decision)
        self.results.did(decision.report_id, step, events)
        if step in REFUSED:
            self._reject(record, Refusal("rule", step), decision.report_id, judged=False)

    def _at_home(self, key: bytes | None) -> bool:
        return key is not None and partition_of(key, self._coverage.partitions) == self._coverage.partition

    def _check(self, fact: Fact, kind: str, record: KafkaRecord | Record, origin: Origin | None = None) -> None:
        checker = self._checker
        step, events = checker.apply(fact) if origin is None else checker.apply_copy(fact, origin.key(kind))
        self.results.did(fact.report_id, step, events)
        if step in ATTEMPTS and isinstance(fact, Sent) and fact.message_id:
            self.results.claimed(fact.message_id, fact.report_id)
        if step in REFUSED:
            whole = Record(kind, fact.place, record.key, record.value)
            self._reject(whole, Refusal("rule", step), fact.report_id, judged=False)

    def _send_home(self, record: Record, told: Told, origin: Origin | None) -> None:
        """A record in the wrong partition is copied to the right one, once."""
        if origin is not None:
            self.results.tally.add("events", "rejected")
            self._reject(record, Refusal("partition", "misplaced_again"), told.report_id, judged=False)
            return
        self.results.tally.add("events", "sent_home")
        self.results.tally.add("misplaced", "wrong_partition")
        home = partition_of(told.report_id.encode(), self._coverage.partitions)
        self.results.write(copy_of(record.place, home, told))

    def _reject(self, record: Record, refusal: Refusal, report_id: str | None, *, judged: bool) -> None:
        self.results.tally.add("rejected", refusal.stage)
        self.results.write(rejected(record, refusal, report_id, self._settings.output("rejected"), judged=judged))

    def _leave_out(self, kind: str, topic: str, offsets: UnreadableOffsets, arrived: datetime | None) -> None:
        """Nobody can read these offsets: they are listed, and whatever they said is lost."""
        self.results.tally.unreadable(kind, offsets.next_offset - offsets.offset)
        self.results.write(
            *unreadable(topic, self._coverage.partition, offsets, arrived, self._settings.output("rejected"))
        )
        since = arrived or self._coverage.applied[topic].latest or arrival(0)
        self._lose(Loss(topic, offsets.offset, offsets.next_offset, UNREADABLE_BATCH, since, arrived))

    def goes_on(self, topic: str, arrived: datetime) -> None:
        self._coverage.goes_on(topic, arrived)
        self.look()

    def _lose(self, loss: Loss) -> None:
        """What was lost is known from here on, not before."""
        self._coverage.lose(loss)
        self.look()

    def look(self) -> None:
        """What the witnesses can say by now."""
        self._checker.sight = self._coverage.sight(*self._witnessed)
