"""The policy file: how long each receiver has to prove storage, and who would prove it."""

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from schemas.common import ClosedModel
from schemas.durations import KINDS, Duration, DurationOrNone, Working, longest
from schemas.policy_version import PolicyFeed, PolicyOverride, PolicyVersion, refused, works_by_calendar


class PolicyInvalid(ValueError):
    """The policy file cannot be used: the message says where and what to change."""


def _a_calendar(given: object) -> object:
    if given not in (None, "NO"):
        raise refused('is no calendar that is known here: write "NO", or leave it out')
    return given


class PolicyFile(ClosedModel):
    """All versions of the policy."""

    portal_retention: Duration = Field(timedelta(days=30), description="How long the portal keeps its copy.")
    last_call: DurationOrNone = Field(
        timedelta(days=7), description="So long before the portal deletes its copy nothing stays undetermined."
    )
    loss_patience: Duration = Field(
        timedelta(days=1), description="How long after its alarm a report stays undetermined whose proof may be lost."
    )
    calendar: Annotated[Literal["NO"] | None, BeforeValidator(_a_calendar)] = Field(
        None, description="Of working time: Monday to Friday from 08 to 16 in Oslo, without public holidays."
    )
    version: tuple[PolicyVersion, ...] = Field(min_length=1, description="The versions, oldest first.")

    @model_validator(mode="after")
    def _versions_fit_together(self) -> Self:
        names = [version.id for version in self.version]
        if len(set(names)) < len(names):
            raise refused("two versions have the same id: give each its own")
        starts = [version.valid_from for version in self.version]
        if any(start is None for start in starts[1:]):
            raise refused("only the first version may leave out valid_from")
        known = [start for start in starts if start is not None]
        if any(later <= earlier for earlier, later in pairwise(known)):
            raise refused("versions must be in order of valid_from, each with a later one")
        for version in self.version:
            if self.calendar is None and works_by_calendar(version, *(step.after for step in version.escalation)):
                raise refused(
                    'version {id} has working time, but the policy no calendar: add calendar = "NO"', id=version.id
                )
            retention = version.portal_retention or self.portal_retention
            last_call = self.last_call if version.last_call is None else version.last_call
            _before_deletion(version, last_call, retention)
            _ends_in_time(version, last_call, retention)
        return self


class _Term(NamedTuple):
    """What a receiver may be given by one entry of a version."""

    name: str
    allowance: timedelta | Working
    grace: timedelta
    feed: PolicyFeed | None = None

    def ends_after(self) -> timedelta:
        """How long after a sent its alarm comes at the latest, if it arrives at once."""
        return longest(self.allowance) + self.grace


def _before_deletion(version: PolicyVersion, last_call: timedelta, retention: timedelta) -> None:
    """The last call must come after the portal has its copy, and before it deletes it."""
    if not last_call:
        raise refused(
            "version {id}: last_call must be longer than nothing, or something would stay unsaid until the portal has "
            "deleted its copy: lengthen it",
            id=version.id,
        )
    if last_call >= retention:
        raise refused(
            "version {id}: last_call reaches the portal's retention, so that it would come before its report: "
            "shorten it",
            id=version.id,
        )


def _ends_in_time(version: PolicyVersion, last_call: timedelta, retention: timedelta) -> None:
    """An alarm must come while the portal still has its copy, and a feed be missed before the last call."""
    for term in _terms(version):
        said = {"id": version.id, "name": term.name, "note": _note(term.allowance)}
        if term.ends_after() >= retention:
            raise refused(
                "version {id}, {name}: allowance and grace together reach the portal's retention, so that the alarm "
                "would come when the portal has deleted its copy: shorten them{note}",
                **said,
            )
        if term.ends_after() >= retention - last_call:
            raise refused(
                "version {id}, {name}: allowance and grace together do not end before the last call: shorten them, or "
                "last_call{note}",
                **said,
            )
        if term.feed is not None and term.ends_after() + term.feed.patience >= retention - last_call:
            raise refused(
                "version {id}, {name}: allowance, grace and the patience of the feed {feed} together do not end before "
                "the last call: shorten them, or last_call{note}",
                feed=term.feed.id,
                **said,
            )


def _terms(version: PolicyVersion) -> Iterator[_Term]:
    yield _Term("default", version.default, version.grace)
    for channel, allowance in version.allowance.items():
        yield _Term(f"allowance.{channel}", allowance, version.grace)
    feeds = {feed.id: feed for feed in version.feed}
    for number, override in enumerate(version.override, start=1):
        grace = version.grace if override.grace is None else override.grace
        feed = None if override.feed is None else feeds[override.feed]
        yield _Term(f"override {number}", _allowance(version, override), grace, feed)


def _allowance(version: PolicyVersion, override: PolicyOverride) -> timedelta | Working:
    """The longest that an override can leave to a receiver."""
    if override.allowance is not None:
        return override.allowance
    if override.channel is not None:
        return version.allowance.get(override.channel, version.default)
    return max((version.default, *version.allowance.values()), key=longest)


def _note(allowance: timedelta | Working) -> str:
    if isinstance(allowance, timedelta):
        return ""
    days = longest(allowance) / timedelta(days=1)
    return f" (with weekends and public holidays, this working time may take {days:.1f} days)"


def parse_policy(text: str) -> PolicyFile:
    """Read a policy file. Raises PolicyInvalid with one sentence."""
    try:
        return PolicyFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid(f"The policy is not TOML: {error}.") from None
    except ValidationError as error:
        raise PolicyInvalid(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    first: Any = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"] if part not in KINDS)
    if first["type"] == "extra_forbidden":
        return f"The policy has an unknown entry {where}: remove it or correct its name."
    if first["type"] == "missing":
        return f"The policy lacks {where}: add it."
    return f"The policy is wrong{f' at {where}' if where else ''}: {first['msg']}."


DEFAULT_POLICY = """\
portal_retention = "P30D"

[[version]]
id = "default"
grace = "PT5M"
default = "P1D"

[version.allowance]
FIKS_IO = "PT2H"
SVARINN = "P1D"
MANUELL_MOTTAK = "P5D"
PRINT = "P12D"
"""
"""What is in force where no policy file is given."""
