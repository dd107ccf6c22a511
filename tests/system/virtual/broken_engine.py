"""The engine's worker broken on purpose, each in one way that only bytes, restores and clocks can show."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson

from streams.core.deadlines import Deadlines
from streams.engine.log import Input, Log, Run
from streams.engine.processor import Processor
from streams.kafka.transaction import Writes
from streams.records.record import KafkaRecord, Write
from streams.records.state import state_record
from tests.system.virtual.engine import EngineWorker
from tests.system.virtual.readers import INPUTS, SETTINGS, Kept


class ArrivedAsStamped(EngineWorker):
    """A record counts as arrived when the broker's clock said so, even where that clock had stepped back."""

    def restored(self, committed: dict[str, int | None]) -> Processor:
        processor = super().restored(committed)
        for one in processor.log.inputs.values():
            one.__class__ = _AsStamped
        return processor


class _AsStamped(Input):
    def take_in(self, records: Sequence[KafkaRecord]) -> Iterator[Run]:
        for run in super().take_in(records):
            if run.appended is not None:
                self.runs[-1] = run._replace(arrived=run.appended)
            yield self.runs[-1]


class LatestForgotten(EngineWorker):
    """The latest arrival of each input is not restored."""

    def restored(self, committed: dict[str, int | None]) -> Processor:
        processor = super().restored(committed)
        for applied in processor.coverage.applied.values():
            applied.latest = None
        processor.begin_anew()
        return processor


class BeginningForgotten(EngineWorker):
    """Each worker begins anew where the inputs have lost something, wherever the first one did."""

    def restored(self, committed: dict[str, int | None]) -> Processor:
        processor = super().restored(committed)
        processor.coverage.beginnings = dict.fromkeys(processor.coverage.beginnings)
        return processor


class LossesUnsaid(EngineWorker):
    """What was deleted before it was read is jumped over in silence."""

    def restored(self, committed: dict[str, int | None]) -> Processor:
        processor = super().restored(committed)
        processor.coverage.losses.clear()
        return processor


class HeldForgotten(EngineWorker):
    """What a row holds back for its sent or its decision is not restored."""

    def restored(self, committed: dict[str, int | None]) -> Processor:
        processor = super().restored(committed)
        for row in list(processor.rows):
            row.held_stored, row.elsewhere, row.unread = [], None, ()
            processor.rows.restore(row.report_id, state_record(row))
        return processor


class IndexForgotten(EngineWorker):
    """The deadline index is not rebuilt."""

    def restored(self, committed: dict[str, int | None]) -> Processor:
        processor = super().restored(committed)
        processor.checker.deadlines = Deadlines()
        return processor


class _WithLog(EngineWorker):
    """A worker whose log is another one."""

    log_class: type[Log]

    def restored(self, committed: dict[str, int | None]) -> Processor:
        processor = super().restored(committed)
        processor.log.__class__ = self.log_class
        return processor


class _Latest(Log):
    @property
    def until(self) -> datetime | None:
        known = [one.latest for one in self.awaited if one.latest is not None]
        return max(known, default=None) if len(known) == len(self.awaited) else None


class LatestInputCounts(_WithLog):
    """Complete until what the input that has come furthest tells, not the one that is behind."""

    log_class = _Latest


class _First(Log):
    @property
    def until(self) -> datetime | None:
        return min((one.latest for one in self.awaited if one.latest is not None), default=None)


class FirstInputCounts(_WithLog):
    """What one input tells stands for those of which nothing is known."""

    log_class = _First


class _Beyond(Log):
    def first(self, until: datetime) -> Input | None:
        return next((one for one in self.inputs.values() if one.runs), None)


class AppliedBeyond(_WithLog):
    """What was fetched is applied at once, input by input, whether the others have come so far or not."""

    log_class = _Beyond


class _ByInput(Log):
    def first(self, until: datetime) -> Input | None:
        some = (one for one in self.inputs.values() if one.runs and one.runs[0].arrived < until)
        return next(some, None)


class ByInput(_WithLog):
    """What may be applied is, but input by input."""

    log_class = _ByInput


class _Undecided(Log):
    @property
    def until(self) -> datetime | None:
        self.awaited = list(self.inputs.values())
        return super().until


class DecisionsWaitedFor(_WithLog):
    """T is how far all inputs have come, that of decisions among them: one that hangs holds everything back."""

    log_class = _Undecided


class _AsTheyCome(Log):
    def first(self, until: datetime) -> Input | None:
        decisions = next(one for one in self.inputs.values() if one not in self.awaited)
        return decisions if decisions.runs else super().first(until)


class DecisionsAsTheyCome(_WithLog):
    """A decision is applied as it is fetched, whatever of the rest is still to come."""

    log_class = _AsTheyCome


class AllSaidWithTheFirstSlice(EngineWorker):
    """The first slice of what the marks made certain says already that all of it is decided."""

    def next_slice(self, slices: Iterator[Writes | None]) -> Writes | None:
        writes, coverage = super().next_slice(slices), self.processor.coverage
        if writes is not None and coverage.complete_until != coverage.checked_at:
            value = orjson.dumps(coverage.value() | {"complete_until": coverage.value()["checked_at"]})
            writes.records = [one._replace(value=value) if one.key == b"0" else one for one in writes.records]
        return writes


class RestForgotten(EngineWorker):
    """What the first slice leaves of a batch is taken for done."""

    def next_slice(self, slices: Iterator[Writes | None]) -> Writes | None:
        writes = super().next_slice(slices)
        if writes is not None:
            for kind, name in INPUTS.items():
                self.processor.coverage.applied[name].next_offset = writes.offsets[name] = self.positions[kind]
                self.processor.log.inputs[name].runs.clear()
            slices.close()  # type: ignore[attr-defined]  # they are a generator
        return writes


class LooksForgotten(EngineWorker):
    """A slice takes out all looks that are due, and what does not fit into it is never looked at again."""

    def next_slice(self, slices: Iterator[Writes | None]) -> Writes | None:
        writes, coverage = super().next_slice(slices), self.processor.coverage
        if writes is not None and coverage.checked_at is not None and coverage.complete_until != coverage.checked_at:
            list(self.processor.checker.deadlines.passed(coverage.checked_at))
        return writes


class SliceAppliedTwice(EngineWorker):
    """The positions of a slice are those of before it."""

    def next_slice(self, slices: Iterator[Writes | None]) -> Writes | None:
        before = {name: self.processor.applied(name) for name in INPUTS.values()}
        writes = super().next_slice(slices)
        if writes is not None:
            writes.offsets = before
            applied = orjson.loads(next(one.value or b"" for one in writes.records if one.key == b"0"))
            for name, offset in before.items():
                applied["applied"][name]["next_offset"] = offset
            value = orjson.dumps(applied)
            writes.records = [one._replace(value=value) if one.key == b"0" else one for one in writes.records]
        return writes


class NobodyIsFenced(EngineWorker):
    """Every epoch may commit."""

    def fence(self) -> int:
        return self.kafka.epoch


class FencesBackWithItsProcessor(EngineWorker):
    """A fenced worker takes the partition back and commits what it has."""

    def commit(self) -> None:
        if self.writes is not None and self.epoch != self.kafka.epoch:
            self.epoch = self.kafka.fence()
        super().commit()


class _Drops(EngineWorker):
    """A transaction that loses some of its records and is committed all the same."""

    def drops(self, write: Write) -> bool:
        raise NotImplementedError

    def work(self) -> Kept:
        assert self.writes is not None
        self.writes.records = [write for write in self.writes.records if not self.drops(write)]
        return super().work()


class TombstonesLost(_Drops):
    """Erased rows stay on the state topic."""

    def drops(self, write: Write) -> bool:
        return write.topic == SETTINGS.output("state") and write.value is None


class BooksLost(_Drops):
    """The books are not written with the rows."""

    def drops(self, write: Write) -> bool:
        return write.topic == SETTINGS.output("coverage") and b"/" in write.key


class MessagesLost(_Drops):
    """Message ids of resends are not written with their rows."""

    def drops(self, write: Write) -> bool:
        return write.topic == SETTINGS.output("messages") and write.key.startswith(b"m1/")


class LateRowsLost(_Drops):
    """The batch of a report's row that was settled is refused, and the commit goes through."""

    def drops(self, write: Write) -> bool:
        return write.topic == SETTINGS.output("state") and b'"status":"stored"' in (write.value or b"")


class EventsLost(_Drops):
    """Recovered events are not written."""

    def drops(self, write: Write) -> bool:
        return write.topic == SETTINGS.output("missing") and b"missing_event_id" in (write.value or b"")


class EventsFirst(EngineWorker):
    """Events go out before the transaction; a crash in between says them again."""

    def apply(self) -> None:
        fresh = self.writes is None and self.batch is not None
        super().apply()
        if fresh and self.writes is not None:
            self._announce()

    def _announce(self) -> None:
        assert self.writes is not None
        events: list[Any] = self.work().events
        known = self.kafka.committed
        early = Kept(
            known.rows, known.books, known.positions, known.until, events, known.topics, known.losses, known.floors,
            known.begun,
        )  # fmt: skip
        self.kafka.committed = early
        self.writes.records = [one for one in self.writes.records if one.topic != SETTINGS.output("missing")]


SPLIT_BRAIN = {
    "announced_twice", "coverage_lied", "lost", "phantom", "state_unreadable", "wrong_status", "books_unbalanced",
}  # fmt: skip
# Each with the kinds of anomaly that it may show itself by.
BROKEN: dict[type[EngineWorker], set[str]] = {
    ArrivedAsStamped: {"coverage_lied", "phantom", "wrong_reason", "wrong_status", "different_events", "lost"},
    LatestForgotten: {"coverage_lied", "phantom", "wrong_reason", "wrong_status", "different_events", "lost"},
    BeginningForgotten: {"coverage_lied", "phantom", "lost", "wrong_status", "different_events", "books_unbalanced"},
    LossesUnsaid: {"lost", "phantom", "wrong_reason", "wrong_status", "books_unbalanced"},
    HeldForgotten: {"lost", "phantom", "wrong_reason", "wrong_status", "books_unbalanced", "different_events"},
    IndexForgotten: {"lost", "wrong_status", "wrong_erasure"},
    LatestInputCounts: {"coverage_lied", "phantom", "wrong_reason", "wrong_status", "different_events", "lost"},
    FirstInputCounts: {"coverage_lied", "phantom"},
    AppliedBeyond: {
        "decided_beyond", "coverage_lied", "phantom", "wrong_reason", "wrong_status", "different_events", "lost",
    },
    ByInput: {"coverage_lied"},
    DecisionsWaitedFor: {"stalled"},
    DecisionsAsTheyCome: {"decided_beyond", "coverage_lied"},
    NobodyIsFenced: SPLIT_BRAIN,
    FencesBackWithItsProcessor: SPLIT_BRAIN,
    AllSaidWithTheFirstSlice: {"lost", "coverage_lied"},
    RestForgotten: {
        "lost", "wrong_status", "books_unbalanced", "phantom", "stalled", "coverage_lied", "wrong_reason",
        "decided_beyond",
    },
    LooksForgotten: {"books_unbalanced", "lost", "wrong_status", "wrong_erasure"},
    SliceAppliedTwice: {"books_unbalanced", "wrong_status", "state_unreadable", "coverage_lied", "wrong_reason"},
    TombstonesLost: {"wrong_erasure", "state_unreadable"},
    MessagesLost: {"wrong_messages"},
    BooksLost: {"books_unbalanced", "state_unreadable"},
    LateRowsLost: {"wrong_status", "state_unreadable"},
    EventsLost: {"lost"},
    EventsFirst: {"announced_twice", "phantom"},
}  # fmt: skip
