"""A virtual worker around the engine's own processor and restore: what it commits are the bytes that Kafka would keep.

Slower than `tests.system.virtual.worker` by far, and nothing of the engine is imitated but the clients: records are
read from their bytes, marks come back as records, rows and books are restored from their topics by
`streams.engine.restore`, and inputs may have been deleted below the position.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import orjson

from streams.core.books import BooksUnbalanced
from streams.core.events import (
    CLOSED_TYPE,
    MISSING_TYPE,
    RECOVERED_TYPE,
    Cause,
    Claim,
    Closed,
    Event,
    Missing,
    Recovered,
    Reopened,
)
from streams.core.facts import Names, Outcome, Place, ReceiptCode, Receiver
from streams.core.row import Reason
from streams.engine.batch import Batch, Span
from streams.engine.processor import Processor
from streams.engine.slices import Bounds, Slice
from streams.errors import StateUnreadable
from streams.kafka.transaction import Writes
from streams.records.coverage import Loss, read_coverage
from streams.records.events import read_book
from streams.records.record import Write
from streams.records.state import read_state
from tests.system.virtual.kafka import FACTS, TOPICS, Fenced, ms_of
from tests.system.virtual.readers import COVERAGE, INPUTS, KINDS, SETTINGS, ByteKafka, Kept, VirtualRestorer
from tests.system.virtual.truth import Anomaly
from tests.system.virtual.worker import Worker

SMALLEST = Bounds(decisions=1, breaths=1, breath_seconds=-1, looks=1)  # one record or one look each


class EngineWorker(Worker):
    """A worker whose partition is a real processor. A slice is applied only when the one before it is committed."""

    kafka: ByteKafka
    _header = b""
    bounds = SMALLEST

    def restore(self) -> None:
        """Read the committed bytes by the engine's own code."""
        known = self.kafka.committed
        self._restored_until = known.until
        committed = {name: known.positions[kind] if known.topics[COVERAGE] else None for kind, name in INPUTS.items()}
        try:
            self.processor = self.restored(committed)
        except StateUnreadable as error:
            raise Anomaly("state_unreadable", str(error)) from None
        self.processor._slice = Slice(self.bounds)
        self.writes: Writes | None = None
        self.slices: Iterator[Writes | None] | None = None
        self.unwritten: list[str] = []  # inputs that the outstanding set has not been appended to yet
        self.marks = self.processor.marks
        self.positions = self.fetched = {kind: self.processor.position(name) for kind, name in INPUTS.items()}
        self._restored_at = self.positions
        self._skipped = [] if known.topics[COVERAGE] else [(kind, 0, begin) for kind, begin in self.positions.items()]

    @property
    def busy(self) -> bool:
        """True while something that was fetched is not committed."""
        return self.alive and any(one is not None for one in (self.batch, self.slices, self.writes))

    @property
    def between_slices(self) -> bool:
        """True if it has committed some slices of a batch, and not the last one."""
        return self.alive and self.slices is not None and self.writes is None

    def restored(self, committed: dict[str, int | None]) -> Processor:
        """The partition's processor as its last commit left it."""
        return self.kafka.runner.run(VirtualRestorer(self.kafka).processor(self.rules, 0, 1, committed))

    def write_some_marks(self, inputs: Sequence[str], header: bytes) -> None:
        """A set of marks is no transaction: each is appended when it is, with anything in between."""
        for topic in inputs:
            self.kafka.append(topic, None, header)

    def begin_set(self, at_once: int, turned: int) -> None:
        """Append so many marks of a new set, beginning with some input; or the rest of the set that was begun."""
        if self.unwritten:
            self.write_some_marks(self.unwritten, self._header)
            self.unwritten = []
        elif not self.marks.outstanding:
            order = [FACTS[(number + turned) % 3] for number in range(3)]
            self._header = self.marks.new_set()
            self.write_some_marks(order[:at_once], self._header)
            self.unwritten = order[at_once:]

    def abandon_set(self) -> None:
        """A mark of the set could not be appended for certain."""
        self.marks.abandon()
        self.unwritten = []

    def fetch(self, most: int) -> None:
        """Read on; what was deleted below the position ends the worker, so that a restart writes the loss down."""
        if any(self.fetched[topic] < self.kafka.begin[topic] for topic in TOPICS):
            self.alive = False
            return
        super().fetch(most)

    def apply(self) -> None:
        """Let the processor apply a slice of what was fetched; what it says is written by the next commit."""
        if self.writes is not None:
            return
        if self.slices is None and self.batch is not None:
            self.slices = self.begun()
        if self.slices is not None:
            self.writes = self.next_slice(self.slices)
            if self.writes is None:
                self.slices = None

    def begun(self) -> Iterator[Writes | None]:
        """The slices of what was fetched."""
        assert self.batch is not None
        spans = {INPUTS[kind]: Span(self.positions[kind], end) for kind, end in self.batch.items()}
        records = {
            INPUTS[kind]: self.kafka.records(kind, self.positions[kind], end) for kind, end in self.batch.items()
        }
        batch = Batch(0, 0, spans, records)
        if not self.processor.fits(batch):
            raise Anomaly("misfit", f"{spans} after {self.processor.coverage.applied}")
        self.positions, self.batch = self.batch, None
        return self.processor.slices(batch)

    def next_slice(self, slices: Iterator[Writes | None]) -> Writes | None:
        """What comes next; None at the end."""
        try:
            return next((writes for writes in slices if writes is not None), None)
        except BooksUnbalanced as error:
            raise Anomaly("books_unbalanced", str(error)) from None

    def commit(self) -> None:
        """Write all of it in one transaction; a worker that is refused ends."""
        if self.writes is None:
            return
        try:
            self.kafka.commit(self.epoch, self.work())
        except Fenced:
            self.alive = False
        self.writes = None

    def work(self) -> Kept:
        """What Kafka would hold after the commit."""
        known, writes = self.kafka.committed, self.writes
        assert writes is not None
        kept = Kept(
            rows=dict(known.rows), books=dict(known.books), until=known.until, events=list(known.events),
            topics={name: dict(values) for name, values in known.topics.items()},
            losses=known.losses + self._skipped, floors=dict(known.floors), begun=dict(known.begun),
        )  # fmt: skip
        kept.positions = {kind: writes.offsets[name] for kind, name in INPUTS.items()}
        for write in writes.records:
            _keep(kept, write)
        for kind, _, end in kept.losses:
            kept.floors.setdefault((kind, end), self._restored_until)
        for kind, _, end in kept.first_start:
            begun = self._first_fetched(kind, end)
            if end and begun is not None:
                kept.begun.setdefault(kind, begun)
        return kept

    def _first_fetched(self, kind: str, start: int) -> int | None:
        """The first record of an input, from an offset on, among those that this worker has fetched."""
        begin, log = max(start, self._restored_at[kind]), self.kafka.logs[kind]
        return next((offset for offset in range(begin, self.positions[kind]) if log[offset].seen), None)


def _keep(kept: Kept, write: Write) -> None:
    name, report_id = write.topic.removeprefix(f"{SETTINGS.app_id}."), write.key.decode()
    if name == "missing":
        kept.events.append(event_of(orjson.loads(write.value or b""), kept))
        return
    if name == "rejected" and orjson.loads(write.value or b"")["reason"] == "decision_unfit":
        return
    if name not in ("state", "coverage", "messages"):
        raise Anomaly("rejected", str(write))
    kept.topics[write.topic][write.key] = write.value
    if name == "messages":
        return
    if name == "coverage":
        _cover(kept, orjson.loads(write.value or b""))
    elif write.value is None:
        kept.rows.pop(report_id, None)
    else:
        kept.rows[report_id] = read_state(write.value)


def _cover(kept: Kept, value: dict[str, Any]) -> None:
    if value["kind"] == "books":
        municipality, book = read_book(value)
        kept.books[municipality] = book
        return
    coverage = read_coverage(value)
    kept.until = kept.until if coverage.complete_until is None else ms_of(coverage.complete_until)
    for loss in coverage.losses:
        _lose(kept, loss)


def _lose(kept: Kept, loss: Loss) -> None:
    if loss.to_offset is None:
        raise Anomaly("wrong_loss", f"{loss}: no topic was deleted here")
    lost = KINDS[loss.topic], loss.from_offset, loss.to_offset
    if lost not in kept.losses:
        kept.losses.append(lost)


def event_of(value: dict[str, Any], kept: Kept) -> Event:
    """The event that a value of the missing topic tells; what it does not tell is taken from the row."""
    receiver = Receiver(**value["receiver"]) if value["receiver"] else None
    names = Names(receiver, value["channel"], value["case_system"], value["case_system_version"], value.get("form"))
    row = kept.rows[value["report_id"]]
    if value["type"] != MISSING_TYPE:
        return _answer_of(value, names)
    record, claim = value["sent_record"], value["receipt"]
    assert row.sent is not None
    assert value["feed"] is None  # no schedule has one
    return Missing(
        value["event_id"], value["report_id"], Reason(value["reason"]), names,
        _time(value["sent_at"]), _time(value["due_at"]), _time(value["alarm_at"]), _time(value["portal_deletes_at"]),
        value["policy_version"], Place(row.sent.arrived, record["topic"], record["partition"], record["offset"]),
        tuple(value["message_ids"]), Claim(ReceiptCode(claim["receipt"]), _time(claim["arrived"])) if claim else None,
        None, value["episode"], value["previous_event_id"],
    )  # fmt: skip


def _answer_of(value: dict[str, Any], names: Names) -> Event:
    """What came of an alarm."""
    said: dict[str, Any] = {name: value[name] for name in ("event_id", "missing_event_id", "report_id", "episode")}
    said |= {name: _time(value[name]) for name in ("sent_at", "due_at", "arrived_at")}
    said |= {"reason": Reason(value["reason"]), "names": names}
    if value["type"] == RECOVERED_TYPE:
        proof = {"stored_at": _time(value["stored_at"]), "evidence": value["evidence"]}
        return Recovered(**said, **proof, cause=Cause(value["cause"]))
    said |= {"decision_id": value["decision_id"], "decided_at": _time(value["decided_at"])}
    return Closed(**said, outcome=Outcome(value["outcome"])) if value["type"] == CLOSED_TYPE else Reopened(**said)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
