"""The policy file: how long each receiver has to prove storage."""

import tomllib
from datetime import timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

import isodate
from pydantic import (
    AwareDatetime,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.common import Closed, Code, Municipality

DURATION = r"^P([0-9]+W|([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?)$"


LONGEST_DURATION = timedelta(
    days=3650
)  # more was a slip, and far beyond it the calendar ends: every sum with it would fail


class PolicyInvalid(ValueError):
    """The policy file cannot be used: the message says where and what to change."""


def _duration(given: object) -> timedelta:
    if isinstance(given, timedelta):
        return given
    try:
        duration = isodate.parse_duration(given) if isinstance(given, str) else None
    except (isodate.ISO8601Error, OverflowError):
        duration = None
    if not isinstance(duration, timedelta) or duration <= timedelta(0):
        # Months and years have no fixed length, and an allowance of none would alarm at once.
        raise PydanticCustomError("duration", 'must be a positive ISO 8601 duration of weeks, days or less, as "PT2H"')
    if duration > LONGEST_DURATION:
        raise PydanticCustomError("duration", "must be at most ten years")
    return duration


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(isodate.duration_isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "duration", "pattern": DURATION}),
]


class PolicyOverride(Closed):
    """Other terms for some receivers. The first override that matches a report wins."""

    municipality: Municipality | None = Field(None, description="Only this municipality.")
    case_system: Code | None = Field(None, description="Only this case system.")
    channel: Code | None = Field(None, description="Only this channel.")
    allowance: Duration | None = Field(None, description="Time to prove storage.")
    grace: Duration | None = Field(None, description="Grace on top of it.")
    proof: Literal["stored", "none"] = Field("stored", description='"none": this receiver cannot send proof yet.')

    @model_validator(mode="after")
    def _matches_something(self) -> Self:
        if not (self.municipality or self.case_system or self.channel):
            raise PydanticCustomError("override", "needs at least one of municipality, case_system and channel")
        return self


class PolicyVersion(Closed):
    """One version: in force for every report whose first sent arrived from `valid_from` on."""

    id: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$", description="A name for it, in events.")
    valid_from: AwareDatetime | None = Field(None, description="Since when; only the first version may leave it out.")
    grace: Duration = Field(timedelta(minutes=5), description="Grace on top of every allowance.")
    default: Duration = Field(timedelta(days=1), description="Allowance for channels unknown or unreadable.")
    allowance: dict[Code, Duration] = Field(default_factory=dict, description="Allowance by channel.")
    override: tuple[PolicyOverride, ...] = Field((), description="Exceptions, in the order in which they are tried.")
    portal_retention: Duration | None = Field(None, description="Where it is another than the file's.")
    last_call: Duration | None = Field(None, description="Where it is another than the file's.")
    loss_patience: Duration | None = Field(None, description="Where it is another than the file's.")


class PolicyFile(Closed):
    """All versions of the policy."""

    portal_retention: Duration = Field(timedelta(days=30), description="How long the portal keeps its copy.")
    last_call: Duration = Field(
        timedelta(days=7), description="So long before the portal deletes its copy nothing stays undetermined."
    )
    loss_patience: Duration = Field(
        timedelta(days=1), description="How long after its alarm a report stays undetermined whose proof may be lost."
    )
    version: tuple[PolicyVersion, ...] = Field(min_length=1, description="The versions, oldest first.")

    @model_validator(mode="after")
    def _versions_fit_together(self) -> Self:
        names = [version.id for version in self.version]
        if len(set(names)) < len(names):
            raise PydanticCustomError("versions", "two versions have the same id: give each its own")
        starts = [version.valid_from for version in self.version]
        if any(start is None for start in starts[1:]):
            raise PydanticCustomError("versions", "only the first version may leave out valid_from")
        known = [start for start in starts if start is not None]
        if any(later <= earlier for earlier, later in pairwise(known)):
            raise PydanticCustomError("versions", "versions must be in order of valid_from, each with a later one")
        for version in self.version:
            retention = version.portal_retention or self.portal_retention
            _before_deletion(version, version.last_call or self.last_call, retention)
            _within_retention(version, retention)
        return self


def _before_deletion(version: PolicyVersion, last_call: timedelta, retention: timedelta) -> None:
    """The last call must come after the portal has its copy, and before it deletes it."""
    if last_call >= retention:
        raise PydanticCustomError(
            "last_call",
            "version {id}: last_call reaches the portal's retention, so that it would come before its report: "
            "shorten it",
            {"id": version.id},
        )


def _within_retention(version: PolicyVersion, retention: timedelta) -> None:
    """An alarm must come while the portal still has its copy."""
    allowances: list[tuple[str, timedelta, timedelta]] = [("default", version.default, version.grace)]
    allowances += [(f"allowance.{channel}", time, version.grace) for channel, time in version.allowance.items()]
    longest = max(time for _, time, _ in allowances)
    for number, override in enumerate(version.override, start=1):
        allowances.append((f"override {number}", override.allowance or longest, override.grace or version.grace))
    for name, allowance, grace in allowances:
        if allowance + grace >= retention:
            raise PydanticCustomError(
                "retention",
                "version {id}, {name}: allowance and grace together reach the portal's retention, so that the alarm "
                "would come when the portal has deleted its copy: shorten them",
                {"id": version.id, "name": name},
            )


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
    where = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in first["loc"])
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
