"""The policy file as the core's policy."""

from collections.abc import Iterator
from datetime import UTC, time, timedelta
from itertools import combinations
from pathlib import Path
from zoneinfo import ZoneInfo

from schemas.durations import Working
from schemas.policy import DEFAULT_POLICY, PolicyFile, PolicyInvalid, parse_policy
from schemas.policy_version import PolicyOverride, PolicyService, PolicyVersion, works_by_calendar
from streams.core.facts import Receiver
from streams.core.policy import EVER, Allowance, Asks, Feed, Override, Policy, Version
from streams.core.receivers import Service
from streams.core.working import Calendar, WorkingTime
from streams.data import public_holidays, succession
from streams.errors import ConfigurationError, why_unreadable


def load_policy(path: Path | None) -> Policy:
    """The policy in a file, or the built-in one. Raises ConfigurationError in one sentence."""
    try:
        return policy_of(parse_policy(DEFAULT_POLICY if path is None else path.read_text(encoding="utf-8")))
    except PolicyInvalid as error:
        raise ConfigurationError(f"{path or 'The built-in policy'}: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The policy {path} cannot be read ({why_unreadable(error)}): set MELDINGSVAKT_POLICY to a TOML file."
        ) from None


def policy_of(document: PolicyFile) -> Policy:
    """A valid policy file as the core judges by it.

    Raises PolicyInvalid for what only the municipalities' succession tells: one receiver by two numbers in services.
    """
    return Policy(tuple(_version(version, document) for version in document.version))


def norway() -> Calendar:
    """When Norwegian receivers work: Monday to Friday from 08 to 16 in Oslo, but not on public holidays."""
    return Calendar("NO", ZoneInfo("Europe/Oslo"), time(8), time(16), public_holidays())


def _version(version: PolicyVersion, document: PolicyFile) -> Version:
    """Whatever says the same must give the same fingerprint, however it was written and whoever parsed it."""
    return Version(
        version.id,
        version.grace,
        _allowance(version.default),
        version.valid_from.astimezone(UTC) if version.valid_from else EVER,
        {channel: _allowance(length) for channel, length in version.allowance.items()},
        tuple(_override(override) for override in version.override),
        version.portal_retention or document.portal_retention,
        document.last_call if version.last_call is None else version.last_call,
        version.loss_patience or document.loss_patience,
        Asks(version.proof),
        tuple(Feed(feed.id, feed.patience, feed.announce_after, feed.successor) for feed in version.feed),
        _services(version),
        norway() if works_by_calendar(version) else None,
    )


def _override(override: PolicyOverride) -> Override:
    return Override(
        override.municipality,
        override.case_system,
        override.channel,
        None if override.allowance is None else _allowance(override.allowance),
        override.grace,
        None if override.proof is None else Asks(override.proof),
        override.district,
        override.unit_id,
        override.service,
        override.feed,
    )


def _allowance(length: timedelta | Working) -> Allowance:
    if isinstance(length, timedelta):
        return length
    return WorkingTime(length.working_days, timedelta(hours=length.working_hours))


def _services(version: PolicyVersion) -> tuple[Service, ...]:
    members = [(service.id, member) for service in version.service for member in _receivers(service)]
    for (one, member), (other, again) in combinations(members, 2):
        if succession().same_receiver(member, again):
            raise PolicyInvalid(
                f"The policy is wrong at version {version.id}: {member.municipality} in the service {one} and "
                f"{again.municipality} in the service {other} are one receiver: leave it in one place."
            )
    return tuple(Service(service.id, tuple(_receivers(service))) for service in version.service)


def _receivers(service: PolicyService) -> Iterator[Receiver]:
    return (Receiver(member.municipality, member.district) for member in service.receivers)
