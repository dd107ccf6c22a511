"""Random logs and random ways through them: few reports, and times that crowd around the boundaries."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from streams.core.facts import Names, Place, Receipt, ReceiptCode, Receiver, Sent, Stored
from tests.core.oracle import Law, Log, times_of
from tests.core.reading import START, TOPICS, Topics, around
from tests.core.world import LAW, MICROSECOND, OTHER, REPORT

REPORTS = (REPORT, OTHER)
OFFSETS_MINUTES = (0, 30, 31, 60, 120, 125, 180, 185, 240, 300, 360, 600, 1440, 1445, 1500, 1560, 2885)
EARLY_MINUTES = OFFSETS_MINUTES[:10]
MOMENTS = st.sampled_from([moment for minutes in OFFSETS_MINUTES for moment in around(timedelta(minutes=minutes))])
SENDING = st.sampled_from([moment for minutes in EARLY_MINUTES for moment in around(timedelta(minutes=minutes))])

FAMILIES = (
    (Receiver("0301", "03", "unit 1"), Receiver("0301"), Receiver("0301", "00"), Receiver("0301", "04", "unit 1")),
    (Receiver("4601"), Receiver("1201"), Receiver("4601", "02")),
    (Receiver("1507"), Receiver("1508"), Receiver("1580")),
    (Receiver("0301", "03", "unit 2"), Receiver("4601"), Receiver("1507"), Receiver("9999")),
)
SENT_TO = tuple(receiver for family in FAMILIES for receiver in family)
STORED_FOR = (None, None, *SENT_TO)
CHANNELS = ("FIKS_IO", "FIKS_IO", "FIKS_IO", "SVARINN", "CARRIER_PIGEON")
CASE_SYSTEMS = ("VISMA_FAMILIA", "UKJENT")
UNREADABLE = (
    *[()] * 6,
    ("sent_at",),
    ("message_id",),
    ("receiver",),
    ("receiver.district",),
    ("receiver.district", "receiver.unit_id", "form"),
    ("receiver", "channel", "sent_at"),
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
MESSAGES = (None, "m1", "m2", "m3")


@st.composite
def sents(draw: st.DrawFn, place: Callable[[str], Place], family: tuple[Receiver, ...]) -> Sent:
    """A sent record, sometimes one of which not everything could be read."""
    unreadable = draw(st.sampled_from(UNREADABLE))
    told = Names(
        draw(st.sampled_from(family)), draw(st.sampled_from(CHANNELS)), draw(st.sampled_from(CASE_SYSTEMS)), "1", "A"
    )
    told = blanked(told, unreadable)
    message = draw(st.sampled_from(MESSAGES)) if "message_id" not in unreadable else None
    age = draw(st.sampled_from(AGES))
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
def receipts(draw: st.DrawFn, place: Callable[[str], Place]) -> Receipt:
    """A receipt."""
    return Receipt(draw(st.sampled_from(REPORTS)), place("receipt"), draw(st.sampled_from(ReceiptCode)))


@st.composite
def storeds(
    draw: st.DrawFn, place: Callable[[str], Place], family: tuple[Receiver, ...], moments: st.SearchStrategy[datetime]
) -> Stored:
    """A stored record, stored around some boundary, and sometimes after it arrived."""
    stored_at, receiver = draw(moments), draw(st.sampled_from((None, *family)))
    report, place_, unreadable = draw(st.sampled_from(REPORTS)), place("stored"), draw(st.sampled_from(LOST))
    evidence = None if "evidence" in unreadable else "READ_BACK"
    return Stored(report, place_, stored_at, evidence, receiver, unreadable)


class Places:
    """Offsets in order, each with the next of the arrivals that were drawn for its topic."""

    def __init__(self, arrivals: list[datetime]) -> None:
        self.arrivals = sorted(arrivals)
        self.offset = 0

    def __call__(self, topic: str) -> Place:
        self.offset += 1
        return Place(self.arrivals[self.offset - 1], f"reports.{topic}", 0, self.offset - 1)


@st.composite
def topics(draw: st.DrawFn) -> Topics:
    """A log of one partition, in two rounds: some reports are sent, then more arrives on the edges of their times.

    Arrivals never go back within a topic.
    """
    family = draw(st.sampled_from(FAMILIES))
    first = draw(st.lists(SENDING, min_size=1, max_size=4))
    places = Places(first)
    sent = [draw(sents(places, family)) for _ in first]
    known = [times_of(Log(sent), report, LAW) for report in REPORTS]
    # A sent from long ago is due long ago: before the first completeness nothing can arrive.
    edges = [time + MICROSECOND * k for times in known if times for time in times for k in (-1, 0, 1) if time >= START]
    moments = st.one_of(MOMENTS, st.sampled_from(edges)) if edges else MOMENTS
    places.arrivals += sorted(at for at in draw(st.lists(moments, max_size=2)) if at >= places.arrivals[-1])
    sent += [draw(sents(places, family)) for _ in places.arrivals[len(first) :]]
    claims, proofs = draw(st.lists(moments, max_size=5)), draw(st.lists(moments, min_size=1, max_size=5))
    claimed, proven = Places(claims), Places(proofs)
    return Topics(
        sent,
        [draw(receipts(claimed)) for _ in claims],
        [draw(storeds(proven, family, moments)) for _ in proofs],
    )


Step = str | datetime
STEPS: st.SearchStrategy[Step] = st.one_of(st.sampled_from((*TOPICS, "restart", "crash", "commit")), MOMENTS)
WAYS: st.SearchStrategy[list[Step]] = st.lists(STEPS, max_size=20)


def _law(lost: list[tuple[datetime, datetime]], going_on: bool, beginning: datetime | None, first: datetime) -> Law:
    """What was lost, the last of it perhaps still so, and where the checker began."""
    times = [(min(pair), max(pair)) for pair in lost]
    open_end = [(since, None if going_on else until) for since, until in times[-1:]]
    return LAW._replace(lost=(*times[:-1], *open_end), beginning=beginning, first_complete=first)


FAR = st.one_of(
    MOMENTS, MOMENTS.map(lambda at: at + timedelta(days=22)), MOMENTS.map(lambda at: at - timedelta(days=1))
)
LAWS_IN_DOUBT: st.SearchStrategy[Law] = st.builds(
    _law, st.lists(st.tuples(MOMENTS, MOMENTS), max_size=2), st.booleans(), st.one_of(st.none(), FAR), FAR
)
