"""A small world for the core: one policy, few municipalities, and a story that is told fact by fact."""

from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from streams.core.books import Book, Books
from streams.core.checker import Checker, Effect, MemoryRows, Passed
from streams.core.events import Event, Missing, Recovered
from streams.core.facts import (
    Action,
    Decision,
    Fact,
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
from streams.core.feeds import Feeds
from streams.core.policy import Asks, Feed, Override, Policy, Version
from streams.core.receivers import Municipalities, Service
from streams.core.row import Row
from streams.core.rules import Rules
from streams.core.working import Calendar, WorkingTime
from tests.core.oracle import Law

REPORT = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
OTHER = "10000000-0000-4000-8000-000000000001"
THIRD = "20000000-0000-4000-8000-000000000002"

DAY = "2026-03-02"
MICROSECOND = timedelta(microseconds=1)


def at(text: str) -> datetime:
    """A UTC time; without a date it is on the day that all examples play on."""
    return datetime.fromisoformat(text if "T" in text else f"{DAY}T{text}").replace(tzinfo=UTC)


HOUR = timedelta(hours=1)
CALENDAR = Calendar("NO", ZoneInfo("Europe/Oslo"), time(8), time(16), (date(2026, 4, 2), date(2026, 4, 3)))
FEEDS = (
    Feed("list", HOUR, announce_after=timedelta(days=1), successor="query"),
    Feed("query", timedelta(minutes=30), announce_after=timedelta(minutes=30)),
    Feed("nightly", timedelta(hours=30)),
)
SERVICE = Service("fjord", (Receiver("4640"), Receiver("4651", "01")))
SECOND_RELEASE = (
    Override("3907", channel="LETTER", allowance=HOUR, proof=Asks.NONE),
    Override("3907", channel="SVARINN", allowance=HOUR, proof=Asks.RECEIPT),
    Override("3907", case_system="NIGHT", proof=Asks.STORED, feed="nightly"),
    Override("3907", proof=Asks.STORED, feed="list"),
    Override("1103", channel="LETTER", allowance=HOUR, proof=Asks.STORED),
    Override("1103", proof=Asks.RECEIPT),
    Override(service="fjord", allowance=HOUR, proof=Asks.STORED, feed="query"),
    Override("5501", district="02", allowance=HOUR, grace=timedelta(0)),  # without a feed
    Override("5501", unit_id="nightly", proof=Asks.STORED, feed="nightly"),
)

VERSIONS = (
    Version(
        id="2026-01",
        grace=timedelta(minutes=5),
        default=timedelta(days=1),
        allowance={
            "FIKS_IO": timedelta(hours=2),
            "SVARINN": timedelta(days=1),
            "MANUELL_MOTTAK": timedelta(days=5),
            "PRINT": timedelta(days=12),
            "LETTER": timedelta(hours=3),
            "ALTINN": WorkingTime(1, timedelta(hours=2)),
        },
        overrides=(
            Override("4601", "VISMA_FAMILIA", None, timedelta(minutes=30), timedelta(minutes=1)),
            Override(municipality="1507", proof=Asks.NONE),
            Override(case_system="UKJENT", channel="SVARINN", grace=timedelta(0)),
            *SECOND_RELEASE,
        ),
        feeds=FEEDS,
        services=(SERVICE,),
        calendar=CALENDAR,
    ),
    Version(
        id="2026-03",
        grace=timedelta(0),
        default=timedelta(hours=6),
        valid_from=at("12:00"),
        allowance={"FIKS_IO": timedelta(hours=1), "LETTER": timedelta(hours=3)},
        overrides=SECOND_RELEASE,
        feeds=FEEDS,
        services=(SERVICE,),
    ),
    # For one day receipts are all that most are asked for, and a feed has another successor.
    Version(
        id="2026-03-receipts",
        grace=timedelta(minutes=5),
        default=timedelta(hours=6),
        valid_from=at("2026-03-03T12:00"),
        allowance={"FIKS_IO": timedelta(hours=1), "LETTER": timedelta(hours=3)},
        overrides=(*SECOND_RELEASE, Override(case_system="VISMA_FAMILIA", channel="LETTER", proof=Asks.STORED)),
        proof=Asks.RECEIPT,
        feeds=(Feed("list", HOUR, successor="nightly"), *FEEDS[1:]),
        services=(SERVICE,),
        last_call=timedelta(days=20),
    ),
    Version(
        id="2026-03-again",
        grace=timedelta(0),
        default=timedelta(hours=6),
        valid_from=at("2026-03-04T12:00"),
        allowance={"FIKS_IO": timedelta(hours=1), "LETTER": timedelta(hours=3)},
        overrides=SECOND_RELEASE,
        feeds=FEEDS,
        services=(SERVICE,),
    ),
)

SUCCESSORS = {
    "0301": (),
    "1201": ("4601",),
    "4601": (),
    "1507": ("1508", "1580"),
    "1508": (),
    "1580": (),
    "1613": ("5012",),
    "5012": ("5059",),
    "5059": (),
    "3907": (),
    "1103": (),
    "4640": (),
    "4651": (),
    "5501": (),
}

RULES = Rules(Policy(VERSIONS), Municipalities(SUCCESSORS))
LAW = Law(VERSIONS, SUCCESSORS)

OSLO = Receiver("0301")
BERGEN = Receiver("4601")
FIKS = Names(OSLO, "FIKS_IO", "VISMA_FLYT_BARNEVERN", "1.0", "PRIVAT")
NAMED_NOTHING = Names(None, None, None)


def names(
    receiver: Receiver | None = OSLO, channel: str | None = "FIKS_IO", case_system: str | None = "VISMA_FLYT_BARNEVERN"
) -> Names:
    """The names of a sent record."""
    return Names(receiver, channel, case_system, "1.0", "PRIVAT")


def copy_of(checker: Checker) -> Checker:
    """A checker that knows only what is kept: rows and books, the deadline index rebuilt from them."""
    books = Books(deepcopy(checker.books.by_receiver).items())
    copied = Checker(checker.rules, MemoryRows(deepcopy(list(checker.rows))), books)
    copied.sight = checker.sight._replace(feeds=Feeds(dict(checker.sight.feeds.words)))
    return copied


class Story:
    """Facts and passing time, told in the order in which they are read."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.checker = Checker(rules, MemoryRows())
        self.events: list[Event] = []
        self.offsets = {"sent": 0, "receipt": 0, "stored": 0, "decision": 0}

    def sent(
        self,
        arrived: str = "08:00",
        of: Names = FIKS,
        *,
        sent_at: str | None = None,
        message: str | None = "m1",
        unreadable: Iterable[str] = (),
        report: str = REPORT,
        origin: str | None = None,
    ) -> Effect:
        """A sent record; sent when it arrived unless told otherwise."""
        claimed = None if "sent_at" in unreadable else at(sent_at or arrived)
        lost = tuple(unreadable)
        return self.apply(Sent(report, self.place("sent", arrived), claimed, of.without(lost), message, lost), origin)

    def receipt(
        self,
        arrived: str,
        code: ReceiptCode = ReceiptCode.MOTTATT,
        *,
        message: str | None = None,
        report: str = REPORT,
        origin: str | None = None,
    ) -> Effect:
        """A receipt."""
        return self.apply(Receipt(report, self.place("receipt", arrived), code, message), origin)

    def stored(
        self,
        arrived: str,
        receiver: Receiver | None = None,
        *,
        stored_at: str | None = None,
        unreadable: Iterable[str] = (),
        feed: str | None = None,
        report: str = REPORT,
        origin: str | None = None,
    ) -> Effect:
        """A stored record; stored when it arrived unless told otherwise."""
        place, lost = self.place("stored", arrived), tuple(unreadable)
        evidence = None if "evidence" in lost else "READ_BACK"
        return self.apply(Stored(report, place, at(stored_at or arrived), evidence, receiver, lost, feed), origin)

    def mark(self, arrived: str, feed: str, until: str | None = None, proofs: int | None = None) -> Effect:
        """A feed's mark; it vouches until it arrives unless told otherwise."""
        self.tick_to(at(arrived))
        return self.checker.mark(FeedMark(feed, self.place("stored", arrived), at(until or arrived), proofs))

    def decide(
        self,
        arrived: str,
        action: Action,
        outcome: Outcome | None = None,
        *,
        decision: str = "d1",
        event: str | None = None,
        receiver: Receiver | None = None,
        report: str = REPORT,
    ) -> Effect:
        """A decision on the latest missing event unless told otherwise."""
        self.tick_to(at(arrived))
        named = event or next((e.event_id for e in reversed(self.events) if isinstance(e, Missing)), None)
        place = self.place("decision", arrived)
        effect = self.checker.decide(Decision(decision, report, place, named, action, place.arrived, outcome, receiver))
        self.events.extend(effect.events)
        self.checker.books.ensure_balanced()
        return effect

    def place(self, topic: str, arrived: str) -> Place:
        """The next offset of a topic."""
        self.offsets[topic] += 1
        return Place(at(arrived), f"reports.{topic}", 0, self.offsets[topic] - 1)

    def apply(self, fact: Fact, origin: str | None = None) -> Effect:
        """Apply a fact, after what time settles before it, and keep what both announced."""
        self.tick_to(fact.place.arrived)
        outcome = self.checker.apply(fact) if origin is None else self.checker.apply_copy(fact, origin)
        self.events.extend(outcome.events)
        self.checker.books.ensure_balanced()
        return outcome

    def tick(self, until: str) -> list[Passed]:
        """Complete until then."""
        return self.tick_to(at(until))

    def tick_to(self, until: datetime) -> list[Passed]:
        """Complete until a time."""
        passed = list(self.checker.advance(until))
        self.events.extend(event for one in passed for event in one.events)
        self.checker.books.ensure_balanced()
        return passed

    def restart(self) -> None:
        """Go on from rows and books alone."""
        self.checker = copy_of(self.checker)

    @property
    def row(self) -> Row:
        """The row of the one report that most examples are about."""
        row = self.checker.rows.get(REPORT)
        assert row is not None
        return row

    @property
    def missing(self) -> Missing:
        """The one missing event."""
        (event,) = [event for event in self.events if isinstance(event, Missing)]
        return event

    @property
    def recovered(self) -> Recovered:
        """The one recovered event."""
        (event,) = [event for event in self.events if isinstance(event, Recovered)]
        return event

    def book(self, municipality: str | None = "0301") -> Book:
        """The book of one receiver."""
        return self.checker.books.by_receiver.get(municipality, Book())
