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
    """One version of the policy, in force from `valid_from` until the next version's."""

    id: str
    grace: timedelta
    default: timedelta
    valid_from: datetime = EVER
    allowance: Mapping[str, timedelta] = {}
    overrides: tuple[Override, ...] = ()

    def terms(self, names: Names, *, readable: bool) -> Terms:
        """The terms for a report; the first matching override wins, an unreadable sent has the default allowance."""
        override = next((o for o in self.overrides if o.matches(names)), None) if self.overrides else None
        allowance = self.allowance.get(names.channel, self.default) if names.channel else self.default
        if override is None:
            return Terms(allowance if readable else self.default, self.grace)
        if override.allowance is not None:
            allowance = override.allowance
        grace = self.grace if override.grace is None else override.grace
        return Terms(allowance if readable else self.default, grace, override.proof)


def fingerprint(version: Version) -> str:
    """What a version says, in short: it must not change once reports have been judged by it."""
    terms = (version.id, version.valid_from, version.grace, version.default, sorted(version.allowance.items()))
    return sha256(repr((terms, version.overrides)).encode()).hexdigest()[:16]


class Policy:
    """All versions; the one in force when a report's first sent arrived decides for ever.

    Raises ValueError when there is no version, or two begin at the same time.
    """

    def __init__(self, versions: tuple[Version, ...], portal_retention: timedelta = timedelta(days=30)) -> None:
        if not versions:
            raise ValueError("A policy needs at least one version.")
        self.versions = tuple(sorted(versions, key=lambda version: version.valid_from))
        self.portal_retention = portal_retention
        self._starts = [version.valid_from for version in self.versions]
        if len(set(self._starts)) < len(self._starts):
            raise ValueError("Two versions of the policy begin at the same time: give each its own valid_from.")

    def in_force(self, arrived: datetime) -> Version:
        """The version in force at a time; before the first one begins, the first one."""
        return self.versions[max(bisect_right(self._starts, arrived) - 1, 0)]

    def judged_by(self, complete_until: datetime) -> dict[str, str]:
        """The versions that began before a time, by id, with their fingerprints."""
        return {version.id: fingerprint(version) for version in self.versions if version.valid_from < complete_until}
