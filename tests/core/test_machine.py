"""A partition as it lives: producers append, the checker reads, ticks, commits, crashes and restarts, in any order."""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.core.events import Missing
from streams.core.facts import (
    Action,
    Decision,
    FeedMark,
    Names,
    Outcome,
    Place,
    Receipt,
    ReceiptCode,
    Receiver,
    Sent,
    Stored,
)
from tests.core.logs import (
    ABOUT,
    ACTIONS,
    AHEAD,
    CASE_SYSTEMS,
    CHANNELS,
    DECISIONS,
    FEED_IDS,
    OUTCOMES,
    PROOFS_COUNTED,
    PROVED_BY,
    REPORTS,
    SENT_TO,
    STORED_FOR,
    blanked,
)
from tests.core.oracle import Log, moments_of
from tests.core.reading import FOREVER, START, TOPICS, Commit, Reading, Topics
from tests.core.world import LAW, MICROSECOND

EDGES = {"just before": -MICROSECOND, "at": timedelta(0), "just after": MICROSECOND}
Pause = timedelta | str  # a time that passes, or the edge of the next alarm to wait for
PAUSES: st.SearchStrategy[Pause] = st.sampled_from(
    [timedelta(0), MICROSECOND, timedelta(minutes=30), timedelta(hours=2), timedelta(hours=24), *EDGES]
)
AGES = st.sampled_from([timedelta(minutes=minutes) for minutes in (-6, 0, 0, 60, 120)])
MESSAGES = st.sampled_from([None, "m1", "m2"])
UNREADABLE = st.sampled_from([(), (), (), ("receiver",), ("sent_at", "channel"), ("receiver.district",)])


class Partition(RuleBasedStateMachine):
    """The checker of one partition against the oracle, after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.reading = Reading(Topics([], [], [], []))
        self.seen: Commit = self.reading.committed

    @initialize(
        receiver=st.sampled_from(SENT_TO), channel=st.sampled_from(CHANNELS), system=st.sampled_from(CASE_SYSTEMS)
    )
    def address(self, receiver: Receiver, channel: str, system: str) -> None:
        """Choose whom the reports are for: few receivers make many encounters."""
        self.names = Names(receiver, channel, system)

    @rule(
        report=st.sampled_from(REPORTS),
        pause=PAUSES,
        age=AGES,
        message=MESSAGES,
        unreadable=UNREADABLE,
        channel=st.sampled_from((None, None, *CHANNELS)),
    )
    def append_sent(
        self,
        report: str,
        pause: Pause,
        age: timedelta,
        message: str | None,
        unreadable: tuple[str, ...],
        channel: str | None,
    ) -> None:
        """The portal hands a report over, mostly on its usual channel."""
        place = self.place("sent", pause)
        told = blanked(self.names._replace(channel=channel or self.names.channel), unreadable)
        sent_at = None if "sent_at" in unreadable else place.arrived - age
        self.reading.topics.sent.append(Sent(report, place, sent_at, told, message, unreadable))

    @rule(
        report=st.sampled_from(REPORTS), pause=PAUSES, code=st.sampled_from(ReceiptCode), about=st.sampled_from(ABOUT)
    )
    def append_receipt(self, report: str, pause: Pause, code: ReceiptCode, about: str | None) -> None:
        """The receiving side claims something."""
        self.reading.topics.receipt.append(Receipt(report, self.place("receipt", pause), code, about))

    @rule(
        report=st.sampled_from(REPORTS),
        pause=PAUSES,
        age=AGES,
        receiver=st.sampled_from(STORED_FOR),
        feed=st.sampled_from(PROVED_BY),
    )
    def append_stored(
        self, report: str, pause: Pause, age: timedelta, receiver: Receiver | None, feed: str | None
    ) -> None:
        """A case system proves something."""
        place = self.place("stored", pause)
        proof = Stored(report, place, place.arrived - age, "READ_BACK", receiver, (), feed)
        self.reading.topics.stored.append(proof)

    @rule(
        feed=st.sampled_from(FEED_IDS),
        pause=PAUSES,
        ahead=st.sampled_from(AHEAD),
        proofs=st.sampled_from(PROOFS_COUNTED),
    )
    def append_mark(self, feed: str, pause: Pause, ahead: timedelta, proofs: int | None) -> None:
        """A feed gives its word."""
        place = self.place("stored", pause)
        self.reading.topics.stored.append(FeedMark(feed, place, place.arrived + ahead, proofs))

    @rule(
        chosen=st.integers(0, 1000),
        pause=PAUSES,
        action=st.sampled_from(ACTIONS),
        outcome=st.sampled_from(OUTCOMES),
        name=st.sampled_from(DECISIONS),
    )
    def append_decision(self, chosen: int, pause: Pause, action: Action, outcome: Outcome | None, name: str) -> None:
        """Somebody answers one of the alarms."""
        alarms = [event for event in self.reading.announced if isinstance(event, Missing)]
        if alarms:
            alarm = alarms[chosen % len(alarms)]
            place = self.place("decision", pause)
            said = Decision(name, alarm.report_id, place, alarm.event_id, action, place.arrived, outcome)
            self.reading.topics.decision.append(said)

    @rule(topic=st.sampled_from(TOPICS), chosen=st.integers(0, 1000), pause=PAUSES)
    def append_again(self, topic: str, chosen: int, pause: Pause) -> None:
        """A producer repeats an old record."""
        facts = getattr(self.reading.topics, topic)
        if facts:
            facts.append(facts[chosen % len(facts)]._replace(place=self.place(topic, pause)))

    @rule(pause=PAUSES)
    def wait(self, pause: Pause) -> None:
        """Let the broker's clock go on."""
        self.now = self.after(pause)

    @rule(count=st.integers(1, 4))
    def read(self, count: int) -> None:
        """Read on."""
        for _ in range(count):
            self.reading.read()

    @rule()
    def tick(self) -> None:
        """Marks came by: the partition is complete as far as it has been read."""
        self.reading.tick(self.now)

    @rule()
    def read_all_and_tick(self) -> None:
        """Catch up."""
        self.reading.finish(self.now)

    @rule()
    def commit(self) -> None:
        """Rows, books, events and positions become true together."""
        self.reading.commit()

    @precondition(lambda self: self.reading.announced != self.reading.committed.announced)
    @rule()
    def crash_after_an_announcement(self) -> None:
        """Lose what was announced and not committed."""
        self.reading.crash()

    @rule()
    def crash(self) -> None:
        """Lose everything since the last commit."""
        self.reading.crash()

    @rule()
    def restore(self) -> None:
        """Go on with rows and books as they were written."""
        self.reading.restart()

    @invariant()
    def agrees(self) -> None:
        """What is known is what the log says."""
        self.reading.agree_with_the_oracle()

    @invariant()
    def balances(self) -> None:
        """Nothing has vanished and nothing was invented."""
        self.reading.balance()

    @invariant()
    def takes_nothing_back(self) -> None:
        """What was committed as announced stays announced, in the same order."""
        visible = self.reading.committed.announced
        before = self.seen.announced
        assert visible[: len(before)] == before
        self.seen = self.reading.committed

    def teardown(self) -> None:
        """Read everything and let everything pass: only what is missing is still kept."""
        self.reading.finish(FOREVER)
        self.reading.agree_with_the_oracle()
        self.reading.balance()
        assert {row.status.value for row in self.reading.checker.rows} <= {"missing"}

    def place(self, topic: str, pause: Pause) -> Place:
        """The next offset of a topic, appended a little later than the last record of any that was read.

        What arrived at one moment is read in the order of the log, because none of it is before all of it is there.
        """
        reading = self.reading
        read = [fact for topic_ in TOPICS for fact in getattr(reading.topics, topic_)[: reading.positions[topic_]]]
        latest = max((fact.place.arrived for fact in read), default=START - MICROSECOND)
        self.now = max(self.after(pause), latest + MICROSECOND)
        return Place(self.now, f"reports.{topic}", 0, len(getattr(self.reading.topics, topic)))

    def after(self, pause: Pause) -> datetime:
        """The broker's time after a pause; it never goes back."""
        if isinstance(pause, timedelta):
            return self.now + pause
        log = Log(*self.reading.topics)
        edges = [time + EDGES[pause] for report in REPORTS for time in moments_of(log, report, LAW)]
        return min([edge for edge in edges if edge > self.now], default=self.now)


TestPartition = Partition.TestCase
TestPartition.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
