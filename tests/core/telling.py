"""Courses of one report in short words: what came, and what must be announced and known when.

A course knows nothing of who answers: the oracle is held to it, and so is the core.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from streams.core.events import Closed, Event, Missing, Recovered
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
from streams.core.policy import Asks, Feed, Override, Version
from streams.core.receivers import Service
from streams.core.row import Status
from streams.core.working import Calendar, WorkingTime
from tests.core.oracle import Law, Log
from tests.core.world import REPORT, SUCCESSORS, at

Record = Sent | Receipt | Stored | FeedMark | Decision
_TURNS: dict[type[Record], str] = {
    Sent: "sent",
    Receipt: "receipt",
    Stored: "stored",
    FeedMark: "stored",
    Decision: "decision",
}
TOPICS = ("sent", "receipt", "stored", "decision")

HOUR, DAYS = timedelta(hours=1), timedelta(days=1)
LISTED, RECEIPTED, TRUSTED, TOGETHER = Receiver("3907"), Receiver("1103"), Receiver("1507"), Receiver("4640")
VERSION = Version(
    id="v",
    grace=timedelta(minutes=5),
    default=DAYS,
    allowance={
        "FIKS_IO": 2 * HOUR,
        "SVARINN": DAYS,
        "MANUELL_MOTTAK": 5 * DAYS,
        "PRINT": 12 * DAYS,
        "ALTINN": WorkingTime(1, 2 * HOUR),
    },
    overrides=(
        Override("3907", channel="PRINT", allowance=DAYS, proof=Asks.NONE),
        Override("3907", proof=Asks.STORED, feed="list"),
        Override("1103", proof=Asks.RECEIPT),
        Override("1507", proof=Asks.NONE),
        Override(service="fjord", feed="query"),
        Override(case_system="UNHEARD", allowance=HOUR),
    ),
    feeds=(
        Feed("list", 6 * HOUR, successor="query"),
        Feed("query", HOUR, announce_after=3 * HOUR),
    ),
    services=(Service("fjord", (Receiver("4640"), Receiver("4651", "01"))),),
    calendar=Calendar("NO", ZoneInfo("Europe/Oslo"), time(8), time(16), ()),
)
LAST_CALL = "2026-03-25T08:00"  # of what was sent at 08:00


class Course(NamedTuple):
    """What came to one report, and what follows.

    `says`: when each event is announced, and the event as `told` puts it. `stands`: the status by which times.
    `repeats`: how many of its sents are counted as resends, and how many as duplicates.
    """

    name: str
    came: Sequence[Record]
    says: Sequence[tuple[str, str]]
    stands: Sequence[tuple[str, Status]]
    flags: frozenset[str] = frozenset()
    outcome: Outcome | None = None
    repeats: tuple[int, int] | None = None
    lost: tuple[tuple[str, datetime, datetime | None], ...] = ()
    beginning: datetime | None = None
    first_complete: datetime | None = None
    version: Version = VERSION

    @property
    def law(self) -> Law:
        """The rules as the oracle has them."""
        return Law(
            (self.version,),
            SUCCESSORS,
            lost=self.lost,
            beginning=self.beginning,
            first_complete=self.first_complete,
        )

    @property
    def records(self) -> list[Record]:
        """What came, in the order of the log, each with the next offset of its topic."""
        counts = dict.fromkeys(TOPICS, -1)
        placed: list[Record] = []
        for record in sorted(self.came, key=_turn):
            topic = _TURNS[type(record)]
            counts[topic] += 1
            placed.append(record._replace(place=record.place._replace(offset=counts[topic])))
        return placed

    @property
    def log(self) -> Log:
        """What came, topic by topic."""
        records = self.records
        return Log(
            [r for r in records if isinstance(r, Sent)],
            [r for r in records if isinstance(r, Receipt)],
            [r for r in records if isinstance(r, Stored | FeedMark)],
            [r for r in records if isinstance(r, Decision)],
        )


def _turn(record: Record) -> tuple[datetime, int]:
    return record.place.arrived, TOPICS.index(_TURNS[type(record)])


def _place(topic: str, arrived: str) -> Place:
    return Place(at(arrived), f"reports.{topic}", 0, 0)


def sent(
    arrived: str,
    channel: str | None = "FIKS_IO",
    message: str | None = None,
    to: Receiver = LISTED,
    *,
    sent_at: str | None = None,
    system: str = "VISMA",
) -> Sent:
    """A sent; without a channel that could not be read."""
    unreadable = () if channel else ("channel",)
    names = Names(to, channel, system)
    return Sent(REPORT, _place("sent", arrived), at(sent_at or arrived), names, message, unreadable)


def receipt(arrived: str, code: str = "MOTTATT", about: str | None = None) -> Receipt:
    """A receipt, perhaps about a message id."""
    return Receipt(REPORT, _place("receipt", arrived), ReceiptCode(code), about)


def stored(
    arrived: str, by: Receiver | None = None, *, at_: str | None = None, feed: str | None = None, report: str = REPORT
) -> Stored:
    """A proof; stored when it arrived unless told otherwise."""
    return Stored(report, _place("stored", arrived), at(at_ or arrived), "READ_BACK", by, (), feed)


def mark(arrived: str, vouched_until: str, feed: str = "list", proofs: int | None = None) -> FeedMark:
    """A feed's word."""
    return FeedMark(feed, _place("stored", arrived), at(vouched_until), proofs)


def decide(
    arrived: str,
    action: str,
    alarm: str | None = None,
    outcome: str | None = None,
    *,
    name: str = "d1",
    by: Receiver | None = None,
) -> Decision:
    """A decision; `alarm`: the alarm time of the missing event that it names."""
    place, said = _place("decision", arrived), Outcome(outcome) if outcome else None
    return Decision(name, REPORT, place, alarm_id(alarm) if alarm else None, Action(action), at(arrived), said, by)


def alarm_id(alarm: str) -> str:
    """The id of the missing event with this alarm time."""
    time_ = at(alarm).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(uuid5(NAMESPACE_URL, f"{REPORT}/no.meldingsvakt.report.missing.v1/{time_}"))


def told(event: Event) -> str:
    """An event in one line."""
    number = f"#{event.episode} due {short(event.due_at)}"
    if isinstance(event, Missing):
        receipted = f" {event.receipt.receipt} {short(event.receipt.arrived)}" if event.receipt else ""
        ids = "+".join(event.message_ids)
        return f"missing {number} alarm {short(event.alarm_at)} {event.reason} {event.names.channel} [{ids}]" + (
            receipted + _vouched(event)
        )
    if isinstance(event, Recovered):
        return f"recovered {number} {event.cause} {event.reason} {event.names.channel}"
    if isinstance(event, Closed):
        return f"closed {number} {event.outcome} {event.reason}"
    return f"reopened {number} {event.reason}"


def _vouched(event: Missing) -> str:
    if event.feed is None:
        return ""
    until = event.feed.vouched_until
    return f" {event.feed.id} until {short(until) if until else 'never'}"


def short(time_: datetime) -> str:
    """A time as courses write it."""
    text = time_.isoformat().removesuffix("+00:00").removesuffix(":00")
    return text.removeprefix("2026-03-02T")
