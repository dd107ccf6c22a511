"""Schedules for the engine's own processor, with what only it can meet: deletion, clocks that step back, whole days."""

import asyncio
from collections.abc import Iterable
from operator import attrgetter
from random import Random
from typing import Any

import orjson

from streams.core.checker import Checker, MemoryRows
from streams.core.events import written
from streams.core.facts import Decision, Fact
from streams.core.rules import Rules
from tests.core.reading import sight_of
from tests.system.virtual.engine import EngineWorker
from tests.system.virtual.kafka import FACTS, TOPICS, Committed, Entry, Kafka, time_of
from tests.system.virtual.readers import COVERAGE, INPUTS, MESSAGES, ByteKafka, Kept
from tests.system.virtual.schedule import FOREVER_MS, RULES, Scheduler, Step, draw, judged
from tests.system.virtual.truth import Anomaly, check_commit, check_end, law_of

TROUBLES = ("expire", "expire", "back", "back", "day")
DAY_MS = 86_400_000
UNEXPECTED_MS = DAY_MS
KEEP_MS = 121 * DAY_MS
LONG_AGO_MS = -1000 * DAY_MS
STEPS_BACK_MS = (1, 500, 3_000, 20_000)


def draw_troubled(rng: Random) -> list[Step]:
    """A schedule with up to three troubles in it."""
    steps = draw(rng)
    for name in rng.sample(TROUBLES, k=rng.randint(0, 3)):
        steps.insert(rng.randint(1, len(steps)), Step(name, rng.randrange(8), rng.randrange(8)))
    return steps


def view(kafka: ByteKafka) -> Kafka:
    """The log as the definitions see it: without what was lost and said so, and by the arrivals that count.

    Within a partition a record arrives no earlier than those before it, wherever a broker's clock stepped back.
    """
    seen = Kafka()
    seen.now, seen.committed = kafka.now, kafka.committed
    for topic, log in kafka.logs.items():
        latest = 0
        for offset, entry in enumerate(log):
            if topic in FACTS:  # a decision may have arrived long before that and hung
                latest = max(latest, kafka.committed.floors.get((topic, offset), 0))
            if _lost(kafka.committed, topic, offset) or not entry.seen:
                seen.logs[topic].append(Entry(max(latest, entry.at), None))
                continue
            latest = max(latest, entry.at)
            seen.logs[topic].append(Entry(latest, _arrived(entry.fact, latest), entry.mark))
    skipped = kafka.committed.first_start
    lost = [(a, b) for name, a, b in kafka.committed.losses if name == "stored" and (name, a, b) not in skipped]
    begun = [_begun(seen, kafka.committed, topic, end) for topic, _, end in skipped if end > 0 and topic in FACTS]
    seen.beginning = max((at for at in begun if at is not None), default=None)
    floors = kafka.committed.floors
    seen.lost = [
        (max(_last_before(seen, "stored", a), floors.get(("stored", b), 0)), _first_after(seen, "stored", b))
        for a, b in lost
    ]
    return seen


def _last_before(seen: Kafka, topic: str, offset: int) -> int:
    return max((entry.at for entry in seen.logs[topic][:offset] if entry.seen), default=LONG_AGO_MS)


def _first_after(seen: Kafka, topic: str, offset: int) -> int | None:
    return next((entry.at for entry in seen.logs[topic][offset:] if entry.seen), None)


def _begun(seen: Kafka, kept: Kept, topic: str, end: int) -> int | None:
    """When an input began that the first start did not find whole: what is lost afterwards does not move it."""
    return seen.logs[topic][kept.begun[topic]].at if topic in kept.begun else _first_after(seen, topic, end)


def _lost(kept: Kept, topic: str, offset: int) -> bool:
    return any(topic == name and start <= offset < end for name, start, end in kept.losses)


def _arrived(fact: Fact | Decision | None, at: int) -> Fact | Decision | None:
    if fact is None or fact.place.arrived == time_of(at):
        return fact
    changed: Fact | Decision = fact._replace(place=fact.place._replace(arrived=time_of(at)))
    return changed


class Troubled(Scheduler):
    """Plays schedules on the real processor. What lies beyond the end of a schedule is a day, and then the erasure."""

    def __init__(
        self, runner: asyncio.Runner, worker_class: type[EngineWorker] = EngineWorker, rules: Rules = RULES
    ) -> None:
        super().__init__(worker_class, rules, ByteKafka(runner))

    kafka: ByteKafka
    owner: EngineWorker
    zombie: EngineWorker | None

    def play(self, steps: Iterable[Step]) -> dict[str, str]:
        """Play all steps, let everything settle, and compare. The status of each report. Raises Anomaly."""
        for step in steps:
            self.seen[step.name] += 1
            getattr(self, f"_{step.name}")(step.a, step.b)
        self._settle()
        self._crash(0, 0)
        statuses = check_end(view(self.kafka)) | self._check_unsent()
        self._read_again()
        self._check_messages()
        self._check_erased()
        return statuses

    def _expire(self, a: int, b: int) -> None:
        """Retention deletes the oldest records of an input, read or not."""
        topic = TOPICS[a % 4]
        begin = self.kafka.begin[topic] + 1 + b % 4
        self.kafka.begin[topic] = max(self.kafka.begin[topic], min(self.kafka.end(topic), begin))

    def _back(self, a: int, b: int) -> None:
        """The broker's clock steps back, or one takes over whose clock is behind."""
        self.kafka.now = max(0, self.kafka.now - STEPS_BACK_MS[a % 4])

    def _day(self, a: int, b: int) -> None:
        """Long enough for a proof without a sent to be unexpected; once in a while just as long."""
        self.kafka.now += DAY_MS + (a % 3)

    def _turn(self, a: int, b: int) -> None:
        """Fetch, and work it off; when `b` is 3 or 7 only a slice of it."""
        self._of_owner(lambda worker: worker.fetch(1 + a))
        while self.owner.busy:
            self._apply(a, b)
            self._commit(a, b)
            if b % 4 == 3:
                return

    def _crash(self, a: int, b: int) -> None:
        self.seen["between_slices"] += self.owner.between_slices
        super()._crash(a, b)

    def _takeover(self, a: int, b: int) -> None:
        self.seen["between_slices"] += self.owner.between_slices
        super()._takeover(a, b)

    def _marks(self, a: int, b: int) -> None:
        """Some marks of a set, or the rest of them: all at once when `a` is 0. Now and then a set is abandoned."""
        self._of_owner(lambda worker: worker.abandon_set() if a and b == 7 else worker.begin_set(3 - a % 3, b))

    def _zombie(self, a: int, b: int) -> None:
        """The sleeper wakes up for one thing, or for all that it would do."""
        if a < 4:
            super()._zombie(a, b)
        elif self.zombie is not None and self.zombie.alive:
            self.zombie.fetch(1 + b)
            while self.zombie.busy:
                before = self.kafka.committed
                self.zombie.apply()
                self.zombie.commit()
                self._checked(before)

    def _seen(self) -> Kafka:
        return view(self.kafka)

    def _checked(self, before: Committed) -> None:
        if self.kafka.committed is not before:
            seen = view(self.kafka)
            self._check_beginnings(seen)
            check_commit(seen, before)

    def _check_beginnings(self, seen: Kafka) -> None:
        """Coverage says of each input that was not whole when the first record came that the first start found."""
        kept = self.kafka.committed
        said = orjson.loads(kept.topics[COVERAGE].get(b"0") or b'{"beginnings": {}}')["beginnings"]
        begun = {topic: written(time_of(seen.logs[topic][offset].at)) for topic, offset in kept.begun.items()}
        known = {INPUTS[topic]: begun.get(topic) for topic, _, end in kept.first_start if end and topic in FACTS}
        if said != known:
            raise Anomaly("coverage_lied", f"It says that it begins at {said}, it does at {known}.")

    def _settle(self) -> None:
        self._close(0, 0)
        self.kafka.now += FOREVER_MS
        everything = sum(len(log) for log in self.kafka.logs.values())
        for _ in range(8):
            self._marks(0, 0)
            self._turn(everything, 0)
            if self.kafka.committed.until >= self.kafka.now:
                return
        raise Anomaly("stalled", f"Complete only until {self.kafka.committed.until} at {self.kafka.now}.")

    def _check_unsent(self) -> dict[str, str]:
        """Reports of which no sent came: unexpected a day after their first proof."""
        seen, kept = view(self.kafka), self.kafka.committed
        facts: dict[str, list[Any]] = {topic: [e.fact for e in log if e.fact] for topic, log in seen.logs.items()}
        sent = {fact.report_id for fact in facts["sent"]}
        statuses: dict[str, str] = {}
        for fact in (*facts["receipt"], *facts["stored"]):
            if fact.report_id not in sent:
                proofs = [one for one in facts["stored"] if one.report_id == fact.report_id]
                passed = proofs and proofs[0].place.arrived < time_of(kept.until - UNEXPECTED_MS)
                statuses[fact.report_id] = "unexpected" if passed else "pending"
        for report_id, status in statuses.items():
            row = kept.rows.get(report_id)
            if row is None or row.status != status:
                raise Anomaly("wrong_status", f"{report_id} is {status}, but the row says {row}.")
        counted = [sum(book.sent_records for book in kept.books.values()), len(facts["sent"])]
        unexpected = [sum(book.unexpected for book in kept.books.values()), [*statuses.values()].count("unexpected")]
        if counted[0] != counted[1] or unexpected[0] != unexpected[1]:
            raise Anomaly("books_unbalanced", f"sent records {counted}, unexpected {unexpected}: {kept.books}")
        return statuses

    def _check_messages(self) -> None:
        """The messages topic knows exactly the ids that the rows have."""
        kept = self.kafka.committed
        said = {key.decode() for key, value in kept.topics[MESSAGES].items() if value is not None}
        known = {f"{name}/{report_id}" for report_id, row in kept.rows.items() for name in row.message_ids}
        if said != known:
            raise Anomaly("wrong_messages", f"{said}, but the rows have {known}.")

    def _check_erased(self) -> None:
        """After the keeping time only what is missing is kept; the books know of the rest."""
        self.kafka.now += KEEP_MS
        self._settle()
        kept = self.kafka.committed
        statuses = check_end(view(self.kafka))
        self._check_messages()
        if kept.rows.keys() != statuses.keys() or {*statuses.values()} - {"missing"}:
            raise Anomaly("wrong_erasure", f"{statuses}, but kept are {kept.rows}.")
        if any(book.unexpected for book in kept.books.values()):
            raise Anomaly("books_unbalanced", f"{statuses}, but {kept.books}")

    def _read_again(self) -> None:
        """The pure checker reads the same log from the beginning: the same events, as values."""
        checker, seen = Checker(self.rules, MemoryRows()), view(self.kafka)
        checker.sight = sight_of(law_of(seen))
        facts = [entry.fact for topic in TOPICS for entry in seen.logs[topic] if entry.fact is not None]
        events = judged(checker, facts)
        for passed in checker.advance(time_of(self.kafka.committed.until)):
            events += passed.events
        by_id = attrgetter("event_id")
        if sorted(events, key=by_id) != sorted(self.kafka.committed.events, key=by_id):
            raise Anomaly("different_events", f"{events} is not {self.kafka.committed.events}.")
