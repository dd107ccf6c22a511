"""A small world for the core: one policy, few municipalities, and a story that is told fact by fact."""

from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime, timedelta

from streams.core.books import Book, Books
from streams.core.checker import Checker, MemoryRows, Outcome, Passed
from streams.core.events import Event, Missing, Recovered
from streams.core.facts import Fact, Names, Place, Receipt, ReceiptCode, Receiver, Sent, Stored
from streams.core.policy import Override, Policy, Version
from streams.core.receivers import Municipalities
from streams.core.row import Row
from streams.core.rules import Rules
from tests.core.oracle import Law

REPORT = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
OTHER = "10000000-0000-4000-8000-000000000001"
THIRD = "20000000-0000-4000-8000-000000000002"

DAY = "2026-03-02"
MICROSECOND = timedelta(microseconds=1)


def at(text: str) -> datetime:
    """A UTC time; without a date it is on the day that all examples play on."""
    return datetime.fromisoformat(text if "T" in text else f"{DAY}T{text}").replace(tzinfo=UTC)


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
        },
        overrides=(
            Override("4601", "VISMA_FAMILIA", None, timedelta(minutes=30), timedelta(minutes=1)),
            Override(municipality="1507", proof=False),
            Override(case_system="UKJENT", channel="SVARINN", grace=timedelta(0)),
        ),
    ),
    Version(
        id="2026-03",
        grace=timedelta(0),
        default=timedelta(hours=6),
        valid_from=at("12:00"),
        allowance={"FIKS_IO": timedelta(hours=1)},
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
    copied.sight = checker.sight
    return copied


class Story:
    """Facts and passing time, told in the order in which they are read."""

    def __init__(self, rules: Rules = RULES) -> None:
        self.checker = Checker(rules, MemoryRows())
        self.events: list[Event] = []
        self.offsets = {"sent": 0, "receipt": 0, "stored": 0}

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
    ) -> Outcome:
        """A sent record; sent when it arrived unless told otherwise."""
        claimed = None if "sent_at" in unreadable else at(sent_at or arrived)
        lost = tuple(unreadable)
        return self.apply(Sent(report, self.place("sent", arrived), claimed, of.without(lost), message, lost), origin)

    def receipt(
        self,
        arrived: str,
        code: ReceiptCode = ReceiptCode.MOTTATT,
        *,
        report: str = REPORT,
        origin: str | None = None,
    ) -> Outcome:
        """A receipt."""
        return self.apply(Receipt(report, self.place("receipt", arrived), code), origin)

    def stored(
        self,
        arrived: str,
        receiver: Receiver | None = None,
        *,
        stored_at: str | None = None,
        unreadable: Iterable[str] = (),
        report: str = REPORT,
        origin: str | None = None,
    ) -> Outcome:
        """A stored record; stored when it arrived unless told otherwise."""
        place, lost = self.place("stored", arrived), tuple(unreadable)
        evidence = None if "evidence" in lost else "READ_BACK"
        return self.apply(Stored(report, place, at(stored_at or arrived), evidence, receiver, lost), origin)

    def place(self, topic: str, arrived: str) -> Place:
        """The next offset of a topic."""
        self.offsets[topic] += 1
        return Place(at(arrived), f"reports.{topic}", 0, self.offsets[topic] - 1)

    def apply(self, fact: Fact, origin: str | None = None) -> Outcome:
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
