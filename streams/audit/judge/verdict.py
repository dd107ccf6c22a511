"""The verdict on one report: the core's fold decides, and the evidence's reach says whether that can be told."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import NamedTuple

from streams.audit.facts import FactKind, kind_of
from streams.audit.judge.coverage import EvidenceCoverage
from streams.audit.judge.hearing import HeardFeeds
from streams.audit.schema import Untold
from streams.core.events import Cause, Event, Recovered
from streams.core.facts import Action, Decision, Fact, Sent, Stored
from streams.core.history import judge
from streams.core.receivers import NO_DISTRICT
from streams.core.row import DOUBTS, Row, Status
from streams.core.rules import Rules
from streams.core.sight import Sight
from streams.core.window import SENDER_CLOCK_TOLERANCE
from streams.kafka.partitioner import partition_of

HOUR = timedelta(hours=1)


class TopicSights(NamedTuple):
    """What feeds say, and what of the topic of proofs nobody can read, by its partitions; `elsewhere` in all others.

    `feeds`: those that were heard, from lists; None where topics were read, and so all that they said.
    """

    partitions: int
    sights: Mapping[int, Sight]
    elsewhere: Sight = Sight(HeardFeeds({}))
    feeds: frozenset[str] | None = None

    def sight(self, report_id: str) -> Sight:
        """What is said and seen where one report is at home."""
        return self.sights.get(partition_of(report_id.encode(), self.partitions)) or self.elsewhere

    def hears(self, feed: str) -> bool:
        """True if what a feed said is known."""
        return self.feeds is None or feed in self.feeds


_NOTHING_SAID = Sight(HeardFeeds({}))


class JudgeContext(NamedTuple):
    """By what is judged: the rules, until when everything is known, what the evidence covers, and what topics say."""

    rules: Rules
    until: datetime
    stored: EvidenceCoverage
    receipts: EvidenceCoverage
    topics: TopicSights | None = None  # None where only files were read, and none that say something of feeds


class Contradiction(NamedTuple):
    """The first sent and another source's cannot both be right; `other`: its place in the list of facts."""

    field: str
    other: int


class Verdict(NamedTuple):
    """What became of one report. `row` is the core's; `status` differs from its own where it cannot be told.

    `untold`: why not; of a report that is stored, why nobody can tell whether it was missing before.
    `events`: what was to be announced of a report that is missing or recovered. `unfit`: decisions that changed nothing
    because they fit nothing that is known of it.
    """

    row: Row
    status: str
    untold: Untold | None
    reason_certain: bool
    cause: Cause | None
    contradictions: tuple[Contradiction, ...] = ()
    events: tuple[Event, ...] = ()
    unfit: tuple[Decision, ...] = ()


def verdict(
    facts: Sequence[Fact],
    ground: JudgeContext,
    *,
    decisions: Sequence[Decision] = (),
    within: Sequence[int] | None = None,
    unread: frozenset[FactKind] = frozenset(),
    early: bool = False,
) -> Verdict:
    """Judge one report.

    `facts`: sents, receipts and proofs, each in their order; the topic of a place is the source. `within`: the
    hours in which the time of each of them lies, 0 where it is known. `unread`: of which kinds there is one more, or
    may be, that cannot be read. `early`: there is a proof from long before the report was sent.
    """
    sight = _NOTHING_SAID if ground.topics is None else ground.topics.sight(facts[0].report_id)
    row, events = judge(facts, ground.until, ground.rules, sight)
    if not decisions:
        return _told(row, events, facts, ground, sight, within, unread, early=early)
    decisions = [_naming(one, row) for one in decisions]
    row, events = judge([*facts, *decisions], ground.until, ground.rules, sight)
    told = _told(row, events, facts, ground, sight, within, unread, early=early)
    return told._replace(unfit=tuple(one for one in decisions if not _fitted(one, row)))


def _naming(decision: Decision, row: Row) -> Decision:
    """A decision that names an alarm: where a file's line tells none it is about the last one that there was."""
    listed = decision.place.partition is None  # a record that names none fits nothing, as for the checker
    if not listed or decision.missing_event_id is not None or decision.action is Action.ERASE:
        return decision
    before = [alarm.event_id for alarm in row.alarms if alarm.at < decision.place.arrived]
    return decision._replace(missing_event_id=before[-1] if before else None)


def _fitted(decision: Decision, row: Row) -> bool:
    """True for what was applied, if only because an equal one had been; to acknowledge changes nothing."""
    return decision.action is Action.ACKNOWLEDGE or decision.decision_id in row.decisions


def _told(
    row: Row,
    events: tuple[Event, ...],
    facts: Sequence[Fact],
    ground: JudgeContext,
    sight: Sight,
    within: Sequence[int] | None,
    unread: frozenset[FactKind],
    *,
    early: bool,
) -> Verdict:
    """What can be told of what the core decides."""
    status = row.status
    if status is Status.ERASED:
        return Verdict(row, status, None, True, None)
    found = contradictions(facts) if len(facts) > 1 and isinstance(facts[1], Sent) else ()
    if row.sent is None:
        return Verdict(row, "unexpected", None, False, None, found)
    if within is not None and any(within) and _depends_on_the_hour(status, facts, within, ground, sight):
        return Verdict(row, "undetermined", "ambiguous_time", True, None, found)
    untold = _untold(row, ground, unread, found)
    if early and untold is None and status is not Status.STORED:
        untold = "proof_too_early"
    if untold is None:
        by_reason = status in _BY_REASON
        cause = next((event.cause for event in events if isinstance(event, Recovered)), None) if by_reason else None
        certain = not by_reason or (FactKind.RECEIPT not in unread and _reach(row, ground.receipts) is None)
        return Verdict(row, status, None, certain, cause, found, events)
    if status is Status.RECOVERED and untold != "sources_contradict":
        # It is stored for certain; only whether a proof came before this one cannot be told.
        return Verdict(row, "stored", untold, True, None, found)
    return Verdict(row, "undetermined", untold, True, None, found)


def contradictions(facts: Sequence[Fact]) -> tuple[Contradiction, ...]:
    """Where the first sent and another source's sent cannot both be right. `facts`: the first one is a sent."""
    first, found = facts[0], []
    assert isinstance(first, Sent)
    for at, fact in enumerate(facts):
        if isinstance(fact, Sent) and fact.place.topic != first.place.topic:
            found += [Contradiction(field, at) for field in _differing(first, fact)]
    return tuple(found)


_BY_REASON = frozenset({Status.MISSING, Status.RECOVERED})


def _differing(one: Sent, other: Sent) -> Iterator[str]:
    if one.names.receiver is not None and other.names.receiver is not None:
        mine, theirs = one.names.receiver, other.names.receiver
        districts = {mine.district, theirs.district} - {None, NO_DISTRICT}
        if mine.municipality != theirs.municipality or len(districts) > 1:
            yield "receiver"
    if len({one.names.case_system, other.names.case_system} - {None}) > 1:
        yield "case_system"
    same_message = one.message_id == other.message_id  # a resend is sent later
    known = one.sent_at is not None and other.sent_at is not None
    if same_message and known and abs(one.sent_at - other.sent_at) > SENDER_CLOCK_TOLERANCE:  # type: ignore[operator]
        yield "sent_at"


def _untold(
    row: Row, ground: JudgeContext, unread: frozenset[FactKind], found: Sequence[Contradiction]
) -> Untold | None:
    """Why the core's status is not to be relied on; what is proven stored is stored, whatever else cannot be read."""
    if row.status is Status.STORED:
        return None
    if FactKind.STORED in unread:
        return "proof_unreadable"
    if FactKind.SENT in unread and row.status is not Status.RECOVERED:  # which may have been the first
        return "sent_unreadable"
    heard = row.feed is None or (ground.topics is not None and ground.topics.hears(row.feed))
    silent = _silent(row, heard=heard)
    return silent or (_uncertain(row, ground, found) if row.status in _BY_REASON else None)


def _silent(row: Row, *, heard: bool) -> Untold | None:
    """What nobody says of a report: its proofs cannot be read, or its feed is silent or not heard at all."""
    if not row.flags.isdisjoint(DOUBTS):
        return "evidence_lost"
    if row.status is not Status.RECOVERED and not heard:
        return "feed_not_heard"
    return "feed_silent" if row.status is Status.UNDETERMINED else None


def _uncertain(row: Row, ground: JudgeContext, found: Sequence[Contradiction]) -> Untold | None:
    if any(one.field == "receiver" for one in found):
        return "sources_contradict"
    return _reach(row, ground.stored)


def _reach(row: Row, coverage: EvidenceCoverage) -> Untold | None:
    assert row.sent_at is not None
    assert row.alarm_at is not None
    return coverage.untold(row.municipality, row.names.case_system, row.sent_at, row.alarm_at)


def _depends_on_the_hour(
    status: Status, facts: Sequence[Fact], within: Sequence[int], ground: JudgeContext, sight: Sight
) -> bool:
    """True if another reading of times that come twice in autumn, or are but a day, gives another status."""
    kinds = sorted({type(fact).__name__ for fact, hours in zip(facts, within, strict=True) if hours})
    for choice in product((False, True), repeat=len(kinds)):
        later = {kind for kind, is_later in zip(kinds, choice, strict=True) if is_later}
        read = [
            _later(fact, hours * HOUR) if hours and type(fact).__name__ in later else fact
            for fact, hours in zip(facts, within, strict=True)
        ]
        read.sort(key=lambda fact: (kind_of(fact), fact.place.arrived))
        if judge(read, ground.until, ground.rules, sight)[0].status is not status:
            return True
    return False


def _later(fact: Fact, by: timedelta) -> Fact:
    place = fact.place._replace(arrived=fact.place.arrived + by)
    if isinstance(fact, Sent) and fact.sent_at is not None:
        return fact._replace(place=place, sent_at=fact.sent_at + by)
    if isinstance(fact, Stored):
        return fact._replace(place=place, stored_at=fact.stored_at + by)
    return fact._replace(place=place)
