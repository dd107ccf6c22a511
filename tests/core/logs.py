"""Random logs and random ways through them: few reports, and times that crowd around the boundaries.

A log is drawn in rounds. Some reports are sent; then more arrives on the edges of their windows; then decisions, on the
edges of what that announces.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

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
from tests.core.oracle import Law, Log, events, moments_of
from tests.core.reading import END, START, TOPICS, Topics, around
from tests.core.world import FEEDS, LAW, MICROSECOND, OTHER, REPORT

REPORTS = (REPORT, OTHER)
OFFSETS_MINUTES = (0, 30, 31, 60, 120, 125, 180, 185, 240, 300, 360, 600, 1440, 1445, 1500, 1560, 2885)
EARLY_MINUTES = OFFSETS_MINUTES[:10]
RECEIPTS_MINUTES = (1680, 1740)  # where receipts are all that most are asked for: version 2026-03-receipts
MOMENTS = st.sampled_from([moment for minutes in OFFSETS_MINUTES for moment in around(timedelta(minutes=minutes))])
SENDING = st.sampled_from(
    [moment for minutes in (*EARLY_MINUTES, *RECEIPTS_MINUTES) for moment in around(timedelta(minutes=minutes))]
)

FAMILIES = (
    (Receiver("0301", "03", "unit 1"), Receiver("0301"), Receiver("0301", "00"), Receiver("0301", "04", "unit 1")),
    (Receiver("4601"), Receiver("1201"), Receiver("4601", "02")),
    (Receiver("1507"), Receiver("1508"), Receiver("1580")),
    (Receiver("0301", "03", "unit 2"), Receiver("4601"), Receiver("1507"), Receiver("9999")),
    *[(Receiver("3907"),)] * 2,  # proved by a list, its letters by nobody
    (Receiver("3907"), Receiver("1103")),
    *[(Receiver("1103"), Receiver("1103", "01"))] * 2,  # asked for receipts, its letters for proof
    *[(Receiver("4640"), Receiver("4651", "01"), Receiver("4651", "02"), Receiver("4651"))] * 2,  # a service
    (Receiver("5501", "02"), Receiver("5501", "01", "nightly"), Receiver("5501")),
)
SENT_TO = tuple(receiver for family in FAMILIES for receiver in family)
STORED_FOR = (None, None, *SENT_TO)
CHANNELS = ("FIKS_IO", "FIKS_IO", "FIKS_IO", "SVARINN", "LETTER", "LETTER", "CARRIER_PIGEON", "ALTINN")
CASE_SYSTEMS = ("VISMA_FAMILIA", "UKJENT", "NIGHT")
UNREADABLE = (
    *[()] * 6,
    ("sent_at",),
    ("message_id",),
    ("receiver",),
    ("receiver.district",),
    ("receiver.district", "receiver.unit_id", "form"),
    ("receiver", "channel", "sent_at"),
    ("channel",),
    ("case_system", "form"),
)
LOST = (*[()] * 6, ("case_system",), ("stored_at", "evidence"))  # of proofs
AGES = (
    *(timedelta(minutes=minutes) for minutes in (0, 0, 0, 0, 0, 30, 60, 60, 120, 120, -5, 1440)),
    timedelta(minutes=-5) - MICROSECOND,
    LAW.keep,
    LAW.keep + MICROSECOND,
    timedelta(days=400),
    timedelta(days=400) + MICROSECOND,
    timedelta(days=20_000),
)
RESENT_AGES = (*AGES[:12], *(timedelta(minutes=m) + MICROSECOND * k for m in (60, 120) for k in (-1, 1)))
MESSAGES = (None, "m1", "m2", "m3")
MANY_RECEIVED = (ReceiptCode.MOTTATT,) * 3
REFUSALS = tuple(code for code in ReceiptCode if code is not ReceiptCode.MOTTATT)
ABOUT = (None, None, "m1", "m2", "m3", "m4")  # which no sent has

FEED_IDS = (*(feed.id for feed in FEEDS), *(feed.id for feed in FEEDS), "nobody's")
PROVED_BY = (None, None, *FEED_IDS)
PROOFS_COUNTED = (None, None, None, 0, 1, 2)
AHEAD = (
    timedelta(0),
    timedelta(0),
    timedelta(0),
    timedelta(minutes=5),
    timedelta(minutes=5) + MICROSECOND,
    timedelta(hours=-1),
)

ACTIONS = (*[Action.CLOSE] * 4, *[Action.REOPEN] * 2, Action.ERASE, Action.ACKNOWLEDGE)
OUTCOMES = (Outcome.FOUND, Outcome.LOST, Outcome.LOST, Outcome.HANDLED, None)
DECISIONS = tuple(f"d{number}" for number in range(1, 8))
LATE = (timedelta(hours=1), timedelta(days=2), timedelta(days=30))  # after an alarm
NOBODYS_EVENT = "00000000-0000-5000-8000-000000000000"


@st.composite
def sents(
    draw: st.DrawFn,
    place: Callable[[str], Place],
    family: tuple[Receiver, ...],
    ages: tuple[timedelta, ...] = AGES,
) -> Sent:
    """A sent record, sometimes one of which not everything could be read."""
    unreadable = draw(st.sampled_from(UNREADABLE))
    told = Names(
        draw(st.sampled_from(family)), draw(st.sampled_from(CHANNELS)), draw(st.sampled_from(CASE_SYSTEMS)), "1", "A"
    )
    told = blanked(told, unreadable)
    message = draw(st.sampled_from(MESSAGES)) if "message_id" not in unreadable else None
    age = draw(st.sampled_from(ages))
    lies = place("sent")
    sent_at = None if "sent_at" in unreadable else lies.arrived - age
    return Sent(draw(st.sampled_from(REPORTS)), lies, sent_at, told, message, unreadable)


def blanked(told: Names, unreadable: tuple[str, ...]) -> Names:
    """Names without what could not be read: whole fields, or single levels of a receiver."""
    told = told._replace(**{name: None for name in unreadable if name in Names._fields})
    levels: dict[str, Any] = {
        name.removeprefix("receiver."): None for name in unreadable if name.startswith("receiver.")
    }
    if told.receiver is not None:
        told = told._replace(receiver=told.receiver._replace(**levels))
    return told


@st.composite
def receipts(
    draw: st.DrawFn, place: Callable[[str], Place], codes: tuple[ReceiptCode, ...] = (*MANY_RECEIVED, *ReceiptCode)
) -> Receipt:
    """A receipt, sometimes about a message that is known, comes later or never does."""
    report, code = draw(st.sampled_from((REPORT, *REPORTS))), draw(st.sampled_from(codes))
    return Receipt(report, place("receipt"), code, draw(st.sampled_from(ABOUT)))


@st.composite
def storeds(
    draw: st.DrawFn, place: Callable[[str], Place], family: tuple[Receiver, ...], moments: st.SearchStrategy[datetime]
) -> Stored:
    """A stored record, stored around some boundary, and sometimes after it arrived."""
    stored_at, receiver = draw(moments), draw(st.sampled_from((None, *family)))
    report, place_, unreadable = draw(st.sampled_from(REPORTS)), place("stored"), draw(st.sampled_from(LOST))
    evidence = None if "evidence" in unreadable else "READ_BACK"
    feed = draw(st.sampled_from(PROVED_BY))
    return Stored(report, place_, stored_at, evidence, receiver, unreadable, feed)


@st.composite
def marks(draw: st.DrawFn, place: Callable[[str], Place], moments: st.SearchStrategy[datetime]) -> FeedMark:
    """A feed's word: until it arrived, until some boundary, or beyond what a clock may be ahead."""
    lies = place("stored")
    vouched = draw(st.one_of(st.sampled_from([lies.arrived + ahead for ahead in AHEAD]), moments))
    return FeedMark(draw(st.sampled_from(FEED_IDS)), lies, vouched, draw(st.sampled_from(PROOFS_COUNTED)))


@st.composite
def decisions(
    draw: st.DrawFn, place: Callable[[str], Place], family: tuple[Receiver, ...], announced: Sequence[Missing]
) -> Decision:
    """A decision about an alarm of the report, of another one, of nobody's, or about the report alone."""
    known = [event.event_id for event in announced]
    alarm = draw(st.sampled_from((*known * 4, None, NOBODYS_EVENT)))
    of_alarm = [event.report_id for event in announced if event.event_id == alarm]
    report = draw(st.sampled_from((*of_alarm * 8, *REPORTS)))
    lies, action = place("decision"), draw(st.sampled_from(ACTIONS))
    outcome = draw(st.sampled_from(OUTCOMES)) if action is Action.CLOSE else None
    receiver = draw(st.sampled_from((*[None] * 8, *family)))
    return Decision(draw(st.sampled_from(DECISIONS)), report, lies, alarm, action, lies.arrived, outcome, receiver)


class Places:
    """Offsets in order, each with the next of the arrivals that were drawn for its topic."""

    def __init__(self, arrivals: list[datetime]) -> None:
        self.arrivals = sorted(arrivals)
        self.offset = 0

    def __call__(self, topic: str) -> Place:
        self.offset += 1
        return Place(self.arrivals[self.offset - 1], f"reports.{topic}", 0, self.offset - 1)


def edges_of(log: Log) -> list[datetime]:
    """The moments at which something may turn in what a log tells so far, and those on either side of them."""
    return edged(time for report in REPORTS for time in moments_of(log, report, LAW))


def edged(times: Iterable[datetime]) -> list[datetime]:
    """Times and the microseconds on either side; before the first completeness nothing can arrive."""
    return sorted({time + MICROSECOND * k for time in times for k in (-1, 0, 1) if START <= time <= END - LAW.keep / 4})


def near(edges: list[datetime]) -> st.SearchStrategy[datetime]:
    """Moments of every kind, often on an edge."""
    return st.one_of(MOMENTS, st.sampled_from(edges)) if edges else MOMENTS


@st.composite
def topics(draw: st.DrawFn) -> Topics:
    """A log of one partition. Arrivals never go back within a topic."""
    family = draw(st.sampled_from(FAMILIES))
    first = draw(st.lists(SENDING, min_size=1, max_size=4))
    places = Places(first)
    sent = [draw(sents(places, family)) for _ in first]
    for _ in range(2):  # attempts on the edges of what was sent before
        more = draw(st.lists(near(edges_of(Log(sent))), max_size=2))
        before = len(places.arrivals)
        places.arrivals += sorted(at for at in more if at >= places.arrivals[-1])
        sent += [draw(sents(places, family, RESENT_AGES)) for _ in places.arrivals[before:]]
    moments = near(edges_of(Log(sent)))
    claims, proofs = draw(st.lists(moments, max_size=5)), draw(st.lists(moments, max_size=6))
    claimed, proven = Places(claims), Places(proofs)
    receipt = [draw(receipts(claimed)) for _ in claims]
    receipt += draw(refusals(Log(sent, receipt), claimed))
    # Marks come first in the choice: to shrink to them is to shrink to what proves nothing.
    stored = [draw(st.one_of(marks(proven, moments), storeds(proven, family, moments))) for _ in proofs]
    return Topics(sent, receipt, stored, draw(answers(Log(sent, receipt, stored), family)))


@st.composite
def refusals(draw: st.DrawFn, log: Log, places: Places) -> list[Receipt]:
    """What is refused in the end: at the end of a window, or hours later."""
    last = places.arrivals[-1] if places.arrivals else START
    edges = [time for time in edges_of(log) if time > last]
    late = [time + wait for time in edges for wait in (timedelta(0), timedelta(hours=1))]
    arrivals = draw(st.lists(st.sampled_from(late), max_size=2)) if late else []
    places.arrivals += sorted(arrivals)
    return [draw(receipts(places, REFUSALS)) for _ in arrivals]


@st.composite
def answers(draw: st.DrawFn, log: Log, family: tuple[Receiver, ...]) -> list[Decision]:
    """What people decide of what a log announces: soon, too soon or late."""
    announced = [event for event in events(log, END, LAW) if isinstance(event, Missing)]
    turns = edges_of(log) + edged(fact.place.arrived for facts in (log.sent, log.stored) for fact in facts)
    late = sorted({event.alarm_at + wait for event in announced for wait in LATE})
    arrivals = draw(st.lists(st.one_of(near(turns), near(late)) if late else near(turns), max_size=6))
    places = Places(arrivals)
    return [draw(decisions(places, family, announced)) for _ in arrivals]


Step = str | datetime
STEPS: st.SearchStrategy[Step] = st.one_of(st.sampled_from((*TOPICS, "restart", "crash", "commit")), MOMENTS)
WAYS: st.SearchStrategy[list[Step]] = st.lists(STEPS, max_size=20)


def _law(
    lost: list[tuple[str, datetime, datetime]], going_on: bool, beginning: datetime | None, first: datetime
) -> Law:
    """What was lost, the last of it perhaps still so, and where the checker began."""
    times = [(topic, min(pair), max(pair)) for topic, *pair in lost]
    open_end = [(topic, since, None if going_on else until) for topic, since, until in times[-1:]]
    return LAW._replace(lost=(*times[:-1], *open_end), beginning=beginning, first_complete=first)


FAR = st.one_of(
    MOMENTS, MOMENTS.map(lambda at: at + timedelta(days=22)), MOMENTS.map(lambda at: at - timedelta(days=1))
)
LOSSES = st.tuples(st.sampled_from(("stored", "receipt")), MOMENTS, MOMENTS)
LAWS_IN_DOUBT: st.SearchStrategy[Law] = st.builds(
    _law, st.lists(LOSSES, max_size=2), st.booleans(), st.one_of(st.none(), FAR), FAR
)
