"""The verdict on one report: the core's fold decides, and the evidence's reach says whether that can be told."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple

from streams.audit.coverage import Coverage
from streams.audit.tables import Untold
from streams.core.events import Cause, Event, Recovered
from streams.core.facts import Fact, Sent, Stored
from streams.core.fold import CLOCK_TOLERANCE
from streams.core.history import Rules, judge
from streams.core.row import Row, Status

HOUR = timedelta(hours=1)


class Given(NamedTuple):
    """A fact and where it comes from; its place's topic is the source's number, its offset the line."""

    fact: Fact
    source: int
    by_event: bool
    folded: bool


class Ground(NamedTuple):
    """By what is judged: the rules, until when everything is known, and what the evidence covers."""

    rules: Rules
    until: datetime
    stored: Coverage
    receipts: Coverage


class Contradiction(NamedTuple):
    """Two sources that cannot both be right, by the places in the list of facts that they come from."""

    field: str
    one: int
    other: int


class Verdict(NamedTuple):
    """What became of one report. `row` is the core's; `status` differs from its own where it cannot be told."""

    row: Row
    status: str
    untold: Untold | None
    reason_certain: bool
    cause: Cause | None
    contradictions: tuple[Contradiction, ...] = ()


def verdict(facts: Sequence[Given], ground: Ground, *, proof_unread: bool = False) -> Verdict:
    """Judge one report. `facts`: sents, receipts and proofs, each in their order; `proof_unread`: one more is unreadable."""
    row, events = judge([given.fact for given in facts], ground.until, ground.rules)
    found = contradictions(facts) if len(facts) > 1 else ()
    if row.sent is None:
        return Verdict(row, "unexpected", None, False, None, found)
    untold = _untold(row, facts, ground, proof_unread=proof_unread, found=found)
    cause = next((event.cause for event in events if isinstance(event, Recovered)), None)
    if untold is None or row.status is Status.STORED:
        certain = row.status not in _BY_REASON or _reach(row, ground.receipts) is None
        return Verdict(row, row.status, None, certain, cause, found)
    if row.status is Status.RECOVERED and untold in _EARLIER_PROOF:
        # It is stored for certain; only whether a proof came before this one cannot be told.
        return Verdict(row, "stored", None, True, None, found)
    return Verdict(row, "undetermined", untold, True, None, found)


def contradictions(facts: Sequence[Given]) -> tuple[Contradiction, ...]:
    """Where the first sent and another source's sent cannot both be right."""
    first = facts[0]
    if not isinstance(first.fact, Sent):
        return ()
    found = []
    for at, given in enumerate(facts):
        if isinstance(given.fact, Sent) and given.source != first.source:
            found += [Contradiction(field, 0, at) for field in _differing(first.fact, given.fact)]
    return tuple(found)


_BY_REASON = frozenset({Status.MISSING, Status.RECOVERED})
_EARLIER_PROOF = frozenset({
    "not_covered", "case_system_not_covered", "begins_later", "ends_earlier", "has_gap", "receiver_unknown",
    "proof_unreadable",
})  # fmt: skip


def _differing(one: Sent, other: Sent) -> Iterator[str]:
    if one.names.receiver is not None and other.names.receiver is not None:
        mine, theirs = one.names.receiver, other.names.receiver
        if mine.municipality != theirs.municipality or None not in (mine.district, theirs.district) and (
            mine.district != theirs.district
        ):
            yield "receiver"
    if None not in (one.names.case_system, other.names.case_system) and one.names.case_system != other.names.case_system:
        yield "case_system"
    if (
        one.sent_at is not None and other.sent_at is not None and one.message_id == other.message_id
        and abs(one.sent_at - other.sent_at) > CLOCK_TOLERANCE
    ):  # fmt: skip
        yield "sent_at"


def _untold(
    row: Row, facts: Sequence[Given], ground: Ground, *, proof_unread: bool, found: Sequence[Contradiction]
) -> Untold | None:
    if any(given.folded for given in facts) and _depends_on_the_fold(row.status, facts, ground):
        return "ambiguous_time"
    if row.status not in _BY_REASON:
        return None
    if proof_unread:
        return "proof_unreadable"
    if any(one.field == "receiver" for one in found):
        return "sources_contradict"
    return _reach(row, ground.stored)


def _reach(row: Row, coverage: Coverage) -> Untold | None:
    assert row.sent_at is not None
    assert row.alarm_at is not None
    return coverage.untold(row.municipality, row.names.case_system, row.sent_at, row.alarm_at)


def _depends_on_the_fold(status: Status, facts: Sequence[Given], ground: Ground) -> bool:
    """True if another reading of the local times that come twice in autumn gives another status."""
    kinds = sorted({type(given.fact).__name__ for given in facts if given.folded})
    for later in product((False, True), repeat=len(kinds)):
        shifted = {kind for kind, is_later in zip(kinds, later, strict=True) if is_later}
        read = [_an_hour_later(given.fact) if given.folded and type(given.fact).__name__ in shifted else given.fact
                for given in facts]  # fmt: skip
        if judge(read, ground.until, ground.rules)[0].status is not status:
            return True
    return False


def _an_hour_later(fact: Fact) -> Fact:
    place = fact.place._replace(arrived=fact.place.arrived + HOUR)
    if isinstance(fact, Sent) and fact.sent_at is not None:
        return fact._replace(place=place, sent_at=fact.sent_at + HOUR)
    if isinstance(fact, Stored):
        return fact._replace(place=place, stored_at=fact.stored_at + HOUR)
    return fact._replace(place=place)
