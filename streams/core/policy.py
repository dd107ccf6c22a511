"""The policy: how long a receiver has, by version, channel and override."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

from streams.core.facts import Names

EVER = datetime.min.replace(tzinfo=UTC)


class Terms(NamedTuple):
    """What the policy asks for one report: time to prove storage, grace on top, and whether proof is asked."""

    allowance: timedelta
    grace: timedelta
    proof: bool = True


class Override(NamedTuple):
    """Other terms for some receivers; None matches everything, and so keeps the version's own terms."""

    municipality: str | None = None
    case_system: str | None = None
    channel: str | None = None
    allowance: timedelta | None = None
    grace: timedelta | None = None
    proof: bool = True

    def matches(self, names: Names) -> bool:
        """True if every level that the override gives is the report's own."""
        municipality = names.receiver.municipality if names.receiver else None
        return (
            (self.municipality is None or self.municipality == municipality)
            and (self.case_system is None or self.case_system == names.case_system)
            and (self.channel is None or self.channel == names.channel)
        )


class Version(NamedTuple):
    """One version of the policy, in force from `valid_from` until the next version's.

    The portal keeps its copy for `portal_retention`; `last_call` before it deletes it nothing stays unsaid.
    `loss_patience`: how long a report whose proof may have been lost waits for another one after its alarm.
    """

    id: str
    grace: timedelta
    default: timedelta
    valid_from: datetime = EVER
    allowance: Mapping[str, timedelta] = {}
    overrides: tuple[Override, ...] = ()
    portal_retention: timedelta = timedelta(days=30)
    last_call: timedelta = timedelta(days=7)
    loss_patience: timedelta = timedelta(days=1)

    def terms(self, names: Names) -> Terms:
        """The terms for a report; the first matching override wins. No override matches a name that is not known."""
        override = next((o for o in self.overrides if o.matches(names)), None) if self.overrides else None
        allowance = self.allowance.get(names.channel, self.default) if names.channel else self.default
        if override is None:
            return Terms(allowance, self.grace)
        if override.allowance is not None:
            allowance = override.allowance
        grace = self.grace if override.grace is None else override.grace
        return Terms(allowance, grace, override.proof)


def fingerprint(version: Version) -> str:
    """What a version says, in short: it must not change once reports have been judged by it."""
    said = version._replace(allowance=dict(sorted(version.allowance.items())))
    return sha256(repr(said).encode()).hexdigest()[:16]


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
        self._starts = [version.valid_from for version in self.versions]
        if len(set(self._starts)) < len(self._starts):
            raise ValueError("Two versions of the policy begin at the same time: give each its own valid_from.")

    def in_force(self, arrived: datetime) -> Version:
        """The version in force at a time; before the first one begins, the first one."""
        return self.versions[max(bisect_right(self._starts, arrived) - 1, 0)]

    def version(self, name: str | None) -> Version:
        """The version by which a report was judged. Raises KeyError for one that the policy does not have."""
        return self._by_id[name or ""]

    @property
    def portal_retention(self) -> timedelta:
        """The longest time for which the portal keeps its copy, by any version."""
        return max(version.portal_retention for version in self.versions)

    def judged_by(self, arrived: datetime) -> dict[str, str]:
        """The versions by which what arrived until then (included) is judged, by id, with their fingerprints."""
        return {
            version.id: self._fingerprints[version.id]
            for number, version in enumerate(self.versions)
            if number == 0 or version.valid_from <= arrived  # the first one judges what came before it, too
        }

    def rewritten(self, judged: Mapping[str, str], arrived: datetime) -> list[str]:
        """The versions that are not what reports were `judged` by until `arrived`: changed, moved, removed or new."""
        wrong = {name for name, was in judged.items() if self._fingerprints.get(name) != was}
        return sorted(wrong | (self.judged_by(arrived).keys() - judged.keys()))
