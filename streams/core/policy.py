"""The policy: how long a receiver has, by version, channel and override."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from streams.core.facts import Names, Receiver
from streams.core.receivers import Municipalities, Service
from streams.core.working import Calendar, WorkingTime

EVER = datetime.min.replace(tzinfo=UTC)
_NOBODY = Receiver("")


class Asks(StrEnum):
    """What is asked of a window, from the least to the most."""

    NONE = "none"
    RECEIPT = "receipt"
    STORED = "stored"


STRENGTH = tuple(Asks)
Allowance = timedelta | WorkingTime


class Feed(NamedTuple):
    """A source of proofs. From `patience` after an alarm on, what it has not vouched for is undetermined.

    It is announced after `announce_after`, and where that is None at the last call. Marks of the `successor` count for
    it, too.
    """

    id: str
    patience: timedelta
    announce_after: timedelta | None = None
    successor: str | None = None


class Terms(NamedTuple):
    """What the policy asks for one attempt: time, grace on top, what is asked, and which feed would prove it."""

    allowance: Allowance
    grace: timedelta
    asks: Asks = Asks.STORED
    feed: Feed | None = None


class Override(NamedTuple):
    """Other terms for some receivers; None matches everything, and so keeps the version's own terms.

    `service` and `feed` are ids of the version's.
    """

    municipality: str | None = None
    case_system: str | None = None
    channel: str | None = None
    allowance: Allowance | None = None
    grace: timedelta | None = None
    proof: Asks | None = None
    district: str | None = None
    unit_id: str | None = None
    service: str | None = None
    feed: str | None = None

    def matches(self, names: Names) -> bool:
        """True if every level that the override gives is the report's own; who belongs to the service is not asked."""
        receiver = names.receiver or _NOBODY
        return (
            self.municipality in (None, receiver.municipality)
            and self.district in (None, receiver.district)
            and self.unit_id in (None, receiver.unit_id)
            and self.channel in (None, names.channel)
            and self.case_system in (None, names.case_system)
        )


class Version(NamedTuple):
    """One version of the policy, in force from `valid_from` until the next version's.

    The portal keeps its copy for `portal_retention`; `last_call` before it deletes it nothing stays unsaid.
    `loss_patience`: how long a report whose proof may have been lost waits for another one after its alarm. Without a
    `calendar` no allowance is in working time.
    """

    id: str
    grace: timedelta
    default: Allowance
    valid_from: datetime = EVER
    allowance: Mapping[str, Allowance] = {}
    overrides: tuple[Override, ...] = ()
    portal_retention: timedelta = timedelta(days=30)
    last_call: timedelta = timedelta(days=7)
    loss_patience: timedelta = timedelta(days=1)
    proof: Asks = Asks.STORED
    feeds: tuple[Feed, ...] = ()
    services: tuple[Service, ...] = ()
    calendar: Calendar | None = None

    def terms(self, names: Names, municipalities: Municipalities) -> Terms:
        """The terms for an attempt; the first matching override wins. No override matches a name that is not known."""
        allowance = self.allowance.get(names.channel, self.default) if names.channel else self.default
        for override in self.overrides:
            if override.matches(names) and self._serves(override.service, names.receiver, municipalities):
                return Terms(
                    allowance if override.allowance is None else override.allowance,
                    self.grace if override.grace is None else override.grace,
                    self.proof if override.proof is None else override.proof,
                    None if override.feed is None else self.feed(override.feed),
                )
        return Terms(allowance, self.grace, self.proof)

    def _serves(self, name: str | None, receiver: Receiver | None, municipalities: Municipalities) -> bool:
        """True where no service is named, or the receiver is a member of the one that is."""
        named = (service for service in self.services if service.id == name)
        return name is None or (receiver is not None and any(municipalities.belongs(receiver, one) for one in named))

    def feed(self, name: str | None) -> Feed | None:
        """A feed of this version; None where it has none of that id."""
        return next((feed for feed in self.feeds if feed.id == name), None)

    def end(self, start: datetime, allowance: Allowance) -> datetime:
        """When an allowance that begins at `start` ends. Raises ValueError for working time without a calendar."""
        if isinstance(allowance, timedelta):
            return start + allowance
        if self.calendar is None:
            raise ValueError(f"The policy's version {self.id} gives working time and has no calendar.")
        return self.calendar.end(start, allowance)

    def last_call_of(self, sent_at: datetime) -> datetime:
        """When nothing of a report may stay unsaid any longer."""
        return sent_at + self.portal_retention - self.last_call

    def spoken_for_by(self, feed: str) -> list[str]:
        """The feeds for which a feed's marks count: itself, and those that it succeeded by one or more steps."""
        found = {feed}
        while more := {one.id for one in self.feeds if one.successor in found} - found:
            found |= more
        return [feed, *(one.id for one in self.feeds if one.id in found and one.id != feed)]


def fingerprint(version: Version) -> str:
    """What a version says, in short: it must not change once reports have been judged by it.

    The order of overrides matters, and no other.
    """
    said = version._replace(
        allowance=dict(sorted(version.allowance.items())),
        feeds=tuple(sorted(version.feeds, key=lambda feed: feed.id)),
        services=tuple(sorted(map(_in_order, version.services), key=lambda service: service.id)),
    )
    return sha256(repr(said).encode()).hexdigest()[:16]


def _in_order(service: Service) -> Service:
    return service._replace(receivers=tuple(sorted(service.receivers, key=repr)))


class Policy:
    """All versions; the one in force when a report's first sent arrived decides for ever.

    Raises ValueError when there is no version, or two begin at the same time.
    """

    def __init__(self, versions: tuple[Version, ...]) -> None:
        if not versions:
            raise ValueError("A policy needs at least one version.")
        self.versions = tuple(sorted(versions, key=lambda version: version.valid_from))
        self._by_id = {version.id: version for version in self.versions}
        self._fingerprints = {version.id: fingerprint(version) for version in self.versions}
        self._by_municipality = {version.id: _by_municipality(version) for version in self.versions}
        starts = [version.valid_from for version in self.versions]
        self._starts = [EVER, *starts[1:]]  # the first one judges what came before it, too
        began = reversed(list(zip(self._starts, self.versions, strict=True)))
        self._feeds_since = {feed.id: start for start, version in began for feed in version.feeds}
        if len(set(starts)) < len(starts):
            raise ValueError("Two versions of the policy begin at the same time: give each its own valid_from.")

    def in_force(self, arrived: datetime) -> Version:
        """The version in force at a time; before the first one begins, the first one."""
        return self.versions[bisect_right(self._starts, arrived) - 1]

    def version(self, name: str | None) -> Version:
        """The version by which a report was judged. Raises KeyError for one that the policy does not have."""
        return self._by_id[name or ""]

    def knows_feed(self, feed: str, arrived: datetime) -> bool:
        """True if a version that had begun by then has the feed."""
        return feed in self._feeds_since and self._feeds_since[feed] <= arrived

    def terms(self, version: Version, names: Names, municipalities: Municipalities) -> Terms:
        """What `version.terms` says, without a look at other municipalities' overrides: there may be hundreds."""
        parts = self._by_municipality[version.id]
        municipality = None if names.receiver is None else names.receiver.municipality
        return parts.get(municipality, parts[None]).terms(names, municipalities)

    @property
    def portal_retention(self) -> timedelta:
        """The longest time for which the portal keeps its copy, by any version."""
        return max(version.portal_retention for version in self.versions)

    def judged_by(self, arrived: datetime) -> dict[str, str]:
        """The versions by which what arrived until then (included) is judged, by id, with their fingerprints."""
        begun = self.versions[: bisect_right(self._starts, arrived)]
        return {version.id: self._fingerprints[version.id] for version in begun}

    def rewritten(self, judged: Mapping[str, str], arrived: datetime) -> list[str]:
        """The versions that are not what reports were `judged` by until `arrived`: changed, moved, removed or new."""
        wrong = {name for name, was in judged.items() if self._fingerprints.get(name) != was}
        return sorted(wrong | (self.judged_by(arrived).keys() - judged.keys()))


def _by_municipality(version: Version) -> dict[str | None, Version]:
    """A version as far as each municipality that it names is concerned; under None as far as all others are."""
    parts: dict[str | None, Version] = {}
    for municipality in {None, *(override.municipality for override in version.overrides)}:
        overrides = tuple(one for one in version.overrides if one.municipality in (None, municipality))
        named = {one.feed for one in overrides}
        feeds = tuple(feed for feed in version.feeds if feed.id in named)
        parts[municipality] = version._replace(overrides=overrides, feeds=feeds)
    return parts
