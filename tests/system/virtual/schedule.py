"""Schedules: what happens in which order, drawn from a seed, played on the virtual Kafka, checked at every commit."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from operator import attrgetter
from random import Random
from typing import Any, NamedTuple

from streams.core.checker import Checker, MemoryRows
from streams.core.events import Event
from streams.core.facts import (
    Action,
    Decision,
    Fact,
    Names,
    Outcome,
    Place,
    Receipt,
    ReceiptCode,
    Receiver,
    Sent,
    Stored,
)
from streams.core.policy import Policy
from streams.core.receivers import Municipalities
from streams.core.rules import Limits, Rules
from tests.core.reading import taken
from tests.system.virtual.kafka import TOPICS, Committed, Entry, Kafka, time_of
from tests.system.virtual.truth import (
    NO_PROOF_ASKED,
    SUCCESSORS,
    VERSION,
    Anomaly,
    alarms,
    announced,
    check_commit,
    check_end,
)
from tests.system.virtual.worker import Worker

REPORTS = ("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "10000000-0000-4000-8000-000000000001")
POLICY_TOML = f"""portal_retention = "P30D"
[[version]]
id = "virtual"
grace = "PT1S"
default = "PT4S"
[version.allowance]
FIKS_IO = "PT4S"
SVARINN = "PT8S"
[[version.override]]
municipality = "{NO_PROOF_ASKED}"
proof = "none"
"""
RULES = Rules(Policy((VERSION,)), Municipalities(SUCCESSORS), Limits(keep=timedelta(days=120)))
TOWNS = ("0301", "0301", "4601", NO_PROOF_ASKED)
FOREVER_MS = 60_000
CODES = tuple(ReceiptCode)
# Nothing is erased in here: what that leaves depends on when a decision that hung comes into sight.
ACTIONS = ((Action.ACKNOWLEDGE,), (Action.CLOSE,), (Action.CLOSE, Action.REOPEN), (Action.CLOSE,))
LATER_MS = 10_000
NOBODYS = "30000000-0000-4000-8000-000000000003"
TURNS: dict[type[Fact | Decision], int] = {Sent: 0, Receipt: 1, Stored: 2, Decision: 3}


class Step(NamedTuple):
    """One thing that happens: its name, and up to two small numbers that say how."""

    name: str
    a: int = 0
    b: int = 0


# Each step and how often it is drawn. `turn` is fetch, apply and commit at once, as a healthy worker does it.
WEIGHTS = {
    "sent": 14, "receipt": 7, "stored": 11, "decide": 6, "again": 4, "wait": 8, "edge": 9, "turn": 14, "marks": 10,
    "fetch": 5, "apply": 5, "commit": 5, "crash": 4, "takeover": 4, "zombie": 6, "open": 2, "close": 3,
}  # fmt: skip
NAMES, WEIGHT_LIST = tuple(WEIGHTS), tuple(WEIGHTS.values())


def draw(rng: Random) -> list[Step]:
    """A schedule of a dozen steps; the first one is always a sent or something that comes before it."""
    names = rng.choices(NAMES, WEIGHT_LIST, k=rng.randint(8, 16))
    first = rng.choice(("sent", "sent", "stored", "receipt"))
    return [Step(name, rng.randrange(8), rng.randrange(8)) for name in (first, *names)]


@dataclass(slots=True)
class Scheduler:
    """Plays steps. `worker` is the class of the workers, broken ones included."""

    worker_class: type[Worker] = Worker
    rules: Rules = RULES
    kafka: Kafka = field(default_factory=Kafka)
    owner: Worker = field(init=False)
    zombie: Worker | None = None
    seen: Counter[str] = field(default_factory=Counter)
    transaction: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        self.owner = self.worker_class(self.kafka, self.rules)

    def play(self, steps: Iterable[Step]) -> dict[str, str]:
        """Play all steps, let everything settle, and compare. The status of each report. Raises Anomaly."""
        for step in steps:
            self.seen[step.name] += 1
            getattr(self, f"_{step.name}")(step.a, step.b)
        self._settle()
        statuses = check_end(self.kafka)
        self._read_again()
        return statuses

    def _sent(self, a: int, b: int) -> None:
        town, channel = TOWNS[(a >> 1) % 4], "SVARINN" if b == 7 else "FIKS_IO"
        names = Names(Receiver(town), channel, "UKJENT")
        self._append("sent", lambda place: Sent(
            REPORTS[a % 2], place, place.arrived - timedelta(seconds=(0, 0, 1, 4, 9, -2, 0, 0)[b]), names, f"m{b % 3}",
        ))  # fmt: skip

    def _receipt(self, a: int, b: int) -> None:
        self._append("receipt", lambda place: Receipt(REPORTS[a % 2], place, CODES[b % len(CODES)]))

    def _stored(self, a: int, b: int) -> None:
        town = self._town_of(REPORTS[a % 2])
        receiver = (None, Receiver(town), Receiver(town), Receiver("4601" if town != "4601" else "0301"))[(a >> 1) % 4]
        lead = timedelta(seconds=(0, 0, 0, 3, 6, 12, -1, 0)[b])
        self._append("stored", lambda place: Stored(REPORTS[a % 2], place, place.arrived - lead, "READ_BACK", receiver))

    def _decide(self, a: int, b: int) -> None:
        """Somebody says something of the last alarm of a report, of the one before it, or of nobody's."""
        report_id = REPORTS[a % 2]
        if b >= 6:
            self.kafka.now += LATER_MS
        alarms = [NOBODYS, *announced(self._seen(), report_id)]
        alarm = alarms[-2:][0] if a == 7 else alarms[-1]
        for action in ACTIONS[b % 4]:
            outcome = list(Outcome)[a % 5] if action is Action.CLOSE else None
            number = len(self.kafka.logs["decision"])
            made = partial(_decision, f"{number:08x}-0000-4000-8000-000000000004", report_id, alarm, action, outcome)
            self._append("decision", made)

    def _again(self, a: int, b: int) -> None:
        """A producer repeats one of its records."""
        topic = TOPICS[a % 4]
        facts = [entry.fact for entry in self.kafka.logs[topic] if entry.fact is not None]
        if facts:
            fact = facts[b % len(facts)]
            self._append(topic, lambda place: fact._replace(place=place))

    def _wait(self, a: int, b: int) -> None:
        self.kafka.now += (1, 200, 1000, 2500)[a % 4]

    def _edge(self, a: int, b: int) -> None:
        """Wait for the next alarm: just before it, at it, or just after it."""
        coming = [alarm for alarm in alarms(self._seen()) if alarm >= self.kafka.now]
        if coming:
            self.kafka.now = max(self.kafka.now, coming[0] + (a % 3) - 1)

    def _seen(self) -> Kafka:
        """The log by the arrivals that count."""
        return self.kafka

    def _turn(self, a: int, b: int) -> None:
        self._of_owner(lambda worker: worker.fetch(1 + a))
        self._of_owner(lambda worker: worker.apply())
        self._commit(a, b)

    def _marks(self, a: int, b: int) -> None:
        self._of_owner(lambda worker: worker.write_marks())

    def _fetch(self, a: int, b: int) -> None:
        self._of_owner(lambda worker: worker.fetch(1 + a % 3))

    def _apply(self, a: int, b: int) -> None:
        self._of_owner(lambda worker: worker.apply())

    def _commit(self, a: int, b: int) -> None:
        self._of_owner(lambda worker: worker.commit())

    def _crash(self, a: int, b: int) -> None:
        """The owner dies; another one takes over."""
        self.owner = self.worker_class(self.kafka, self.rules)

    def _takeover(self, a: int, b: int) -> None:
        """The owner sleeps through its session: another one takes over, and the sleeper does not know it."""
        self.zombie = self.owner
        self.owner = self.worker_class(self.kafka, self.rules)

    def _zombie(self, a: int, b: int) -> None:
        """The sleeper wakes up and goes on where it was."""
        worker = self.zombie
        if worker is None or not worker.alive:
            return
        before = self.kafka.committed
        (worker.write_marks, lambda: worker.fetch(1 + b), worker.apply, worker.commit)[a % 4]()
        self._checked(before)

    def _open(self, a: int, b: int) -> None:
        """An upstream producer appends in a transaction that it leaves open."""
        if self.transaction is None:
            name, topic = (("_sent", "sent"), ("_stored", "stored"), ("_decide", "decision"))[a % 3]
            offset = len(self.kafka.logs[topic])
            getattr(self, name)(b, 0)
            self.transaction = topic, offset
            self.kafka.stable[topic] = offset

    def _close(self, a: int, b: int) -> None:
        """It commits, or aborts: an aborted record is never seen."""
        if self.transaction is not None:
            topic, offset = self.transaction
            if a % 2:
                log = self.kafka.logs[topic]
                log[offset] = Entry(log[offset].at, None)
            del self.kafka.stable[topic]
            self.transaction = None

    def _of_owner(self, does: Any) -> None:
        before = self.kafka.committed
        if not self.owner.alive:
            self.owner = self.worker_class(self.kafka, self.rules)
        does(self.owner)
        self._checked(before)

    def _checked(self, before: Committed) -> None:
        if self.kafka.committed is not before:
            check_commit(self.kafka, before)

    def _append(self, topic: str, made: Any) -> None:
        place = Place(time_of(self.kafka.now), f"reports.{topic}", 0, len(self.kafka.logs[topic]))
        self.kafka.append(topic, made(place))

    def _town_of(self, report_id: str) -> str:
        for entry in self.kafka.logs["sent"]:
            if isinstance(entry.fact, Sent) and entry.fact.report_id == report_id and entry.fact.names.receiver:
                return entry.fact.names.receiver.municipality
        return "0301"

    def _settle(self) -> None:
        """No more faults: the owner catches up, and all deadlines pass."""
        self._close(0, 0)
        self.kafka.now += FOREVER_MS
        for _ in range(4):
            self._marks(0, 0)
            self._turn(sum(len(log) for log in self.kafka.logs.values()), 0)
            if self.kafka.committed.until >= self.kafka.now:
                return
        raise Anomaly("stalled", f"Complete only until {self.kafka.committed.until} at {self.kafka.now}.")

    def _read_again(self) -> None:
        """Another checker reads the same log from the beginning: the same events."""
        checker = Checker(self.rules, MemoryRows())
        entries = [entry for topic in TOPICS for entry in self.kafka.logs[topic]]
        events = judged(checker, [self.owner.read(entry.fact) for entry in entries if entry.fact is not None])
        for passed in checker.advance(time_of(self.kafka.committed.until)):
            events += passed.events
        by_id = attrgetter("event_id")
        if sorted(events, key=by_id) != sorted(self.kafka.committed.events, key=by_id):
            raise Anomaly("different_events", f"{events} is not {self.kafka.committed.events}.")


def _decision(
    decision_id: str, report_id: str, alarm: str, action: Action, outcome: Outcome | None, place: Place
) -> Decision:
    return Decision(decision_id, report_id, place, alarm, action, place.arrived, outcome)


def judged(checker: Checker, facts: Iterable[Fact | Decision]) -> list[Event]:
    """What a checker announces of facts and decisions, which it is given in the order of the log."""
    events: list[Event] = []
    for fact in sorted(facts, key=lambda fact: (fact.place.arrived, TURNS[type(fact)])):
        for passed in checker.advance(fact.place.arrived):
            events += passed.events
        events += taken(checker, fact).events
    return events


def run(steps: Sequence[Step], worker_class: type[Worker] = Worker, rules: Rules = RULES) -> Scheduler:
    """Play a schedule on a new Kafka. Raises Anomaly."""
    scheduler = Scheduler(worker_class, rules)
    scheduler.play(steps)
    return scheduler


def fails(steps: Sequence[Step], worker_class: type[Worker] = Worker, rules: Rules = RULES) -> Anomaly | None:
    """The anomaly of a schedule, None if there is none."""
    try:
        run(steps, worker_class, rules)
    except Anomaly as anomaly:
        return anomaly
    return None
