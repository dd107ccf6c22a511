"""What the oracle goes by: a partition's log, the rules as plain data, whose receivers agree, and which terms hold.

From the core it takes value types only, never a decision.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.core.facts import Decision, FeedMark, Names, Receipt, Receiver, Sent, Stored
from streams.core.policy import Allowance, Asks, Override, Terms, Version
from streams.core.working import WorkingTime

Successors = Mapping[str, tuple[str, ...]]


class Log(NamedTuple):
    """What has been read of one partition: each topic's records in the order of their offsets.

    Over the topics the order is that of the arrivals; of the same moment sent, receipt, stored and marks, decision.
    """

    sent: Sequence[Sent] = ()
    receipt: Sequence[Receipt] = ()
    stored: Sequence[Stored | FeedMark] = ()
    decision: Sequence[Decision] = ()

    def about(self, report_id: str) -> "Log":
        """Only the records of one report; marks of feeds are nobody's."""
        return Log(
            [s for s in self.sent if s.report_id == report_id],
            [r for r in self.receipt if r.report_id == report_id],
            [s for s in self.stored if isinstance(s, Stored) and s.report_id == report_id],
            [d for d in self.decision if d.report_id == report_id],
        )

    def by(self, time: datetime) -> "Log":
        """Only what arrived by then, that moment included."""
        return Log(
            [s for s in self.sent if s.place.arrived <= time],
            [r for r in self.receipt if r.place.arrived <= time],
            [s for s in self.stored if s.place.arrived <= time],
            [d for d in self.decision if d.place.arrived <= time],
        )

    def before(self, time: datetime) -> "Log":
        """Only what arrived before then: all that a partition has applied when it is complete until that time."""
        return self.by(time - timedelta(microseconds=1))

    @property
    def proofs(self) -> list[Stored]:
        """The stored records without the marks among them."""
        return [s for s in self.stored if isinstance(s, Stored)]

    @property
    def reports(self) -> set[str]:
        """Every report that a sent, a receipt or a proof names; of a decision alone nothing is known."""
        return {fact.report_id for facts in (self.sent, self.receipt, self.proofs) for fact in facts}


class Law(NamedTuple):
    """The rules as plain data. `lost`: on which topic ("stored", "receipt") records were lost unread, since, until."""

    versions: tuple[Version, ...]
    successors: Successors
    keep: timedelta = timedelta(days=120)
    unexpected_after: timedelta = timedelta(hours=24)
    lost: tuple[tuple[str, datetime, datetime | None], ...] = ()
    beginning: datetime | None = None
    first_complete: datetime | None = None

    @property
    def retention(self) -> timedelta:
        """The first version's, for tests whose versions all have the same."""
        return self.versions[0].portal_retention

    @property
    def last_call(self) -> timedelta:
        """The first version's, likewise."""
        return self.versions[0].last_call

    @property
    def loss_patience(self) -> timedelta:
        """The first version's, likewise."""
        return self.versions[0].loss_patience

    def in_force(self, arrived: datetime) -> Version:
        """The version in force at a time; before the first one begins, the first one."""
        begun = [v for v in self.versions if v.valid_from <= arrived]
        return max(begun, key=_begins) if begun else min(self.versions, key=_begins)

    def begun(self, arrived: datetime) -> list[Version]:
        """Every version that has been in force by a time; the first one always was."""
        first = min(self.versions, key=_begins)
        return [v for v in self.versions if v is first or v.valid_from <= arrived]


def _begins(version: Version) -> datetime:
    return version.valid_from


def too_old(sent: Sent, law: Law) -> bool:
    """True for a sent from beyond the keeping time, if not so far beyond that its clock must be wrong."""
    age = sent.place.arrived - (sent.sent_at or sent.place.arrived)
    return law.keep < age <= timedelta(days=400)


def trusted(sent: Sent) -> datetime:
    """When it was sent: never later than it arrived, and not over 400 days before."""
    arrived = sent.place.arrived
    believable = sent.sent_at is not None and arrived - timedelta(days=400) <= sent.sent_at <= arrived
    return sent.sent_at if believable and sent.sent_at is not None else arrived


def end_of(start: datetime, allowance: Allowance, version: Version) -> datetime:
    """When an allowance ends that began at a time."""
    if not isinstance(allowance, WorkingTime):
        return start + allowance
    assert version.calendar is not None, "working time needs a calendar"
    return version.calendar.end(start, allowance)


def terms_of(names: Names, version: Version, law: Law) -> Terms:
    """What a version asks for an attempt with these names."""
    allowance = version.default if names.channel is None else version.allowance.get(names.channel, version.default)
    for other in version.overrides:
        if _matches(other, names, version, law.successors):
            asks = version.proof if other.proof is None else other.proof
            feeds = [feed for feed in version.feeds if feed.id == other.feed and asks is Asks.STORED]
            return Terms(
                allowance if other.allowance is None else other.allowance,
                version.grace if other.grace is None else other.grace,
                asks,
                feeds[0] if feeds else None,
            )
    return Terms(allowance, version.grace, version.proof)


def asks_more(one: Terms, other: Terms) -> bool:
    """True if the one asks more than the other."""
    strength = [Asks.NONE, Asks.RECEIPT, Asks.STORED]
    return strength.index(one.asks) > strength.index(other.asks)


def _matches(override: Override, names: Names, version: Version, successors: Successors) -> bool:
    receiver = names.receiver
    pairs = (
        (override.municipality, receiver and receiver.municipality),
        (override.district, receiver and receiver.district),
        (override.unit_id, receiver and receiver.unit_id),
        (override.case_system, names.case_system),
        (override.channel, names.channel),
    )
    if any(wanted is not None and wanted != given for wanted, given in pairs):
        return False
    if override.service is None:
        return True
    members = [m for service in version.services if service.id == override.service for m in service.receivers]
    return receiver is not None and any(same_receiver(receiver, member, successors) for member in members)


def same_receiver(one: Receiver | None, other: Receiver | None, successors: Successors) -> bool:
    """True if no level that both give names another receiver."""
    if one is None or other is None:
        return True
    a, b = one.municipality, other.municipality
    if a not in _lineage(b, successors) and b not in _lineage(a, successors):
        return False
    districts = {d for d in (one.district, other.district) if d not in {None, "00"}}
    return len(districts) < 2


def agree(one: Receiver | None, other: Receiver | None, version: Version, successors: Successors) -> bool:
    """True if two receivers are the same, or work as one: different members of one service."""
    if one is None or other is None or same_receiver(one, other, successors):
        return True
    for service in version.services:
        mine = {m for m in service.receivers if same_receiver(one, m, successors)}
        theirs = {m for m in service.receivers if same_receiver(other, m, successors)}
        if mine and theirs and len(mine | theirs) > 1:
            return True
    return False


def _lineage(code: str, successors: Successors) -> set[str]:
    return {code}.union(*(_lineage(after, successors) for after in successors.get(code, ())))
