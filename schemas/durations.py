"""How long something may take: a duration, or working time of a calendar."""

from datetime import timedelta
from typing import Annotated, Any, Self

import isodate
from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from schemas.common import ClosedModel

DURATION = r"^P([0-9]+W|([0-9]+D)?(T([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?)$"
# More was a slip, and far beyond it the calendar ends: every sum with it would fail.
LONGEST_DURATION = timedelta(days=3650)
MOST_WORKING_DAYS, MOST_WORKING_HOURS = 1000, 8000
KINDS = ("duration", "working time")  # of a length, in the places of errors


def _duration(given: object) -> timedelta:
    if isinstance(given, timedelta):
        return given
    try:
        duration = isodate.parse_duration(given) if isinstance(given, str) else None
    except (isodate.ISO8601Error, OverflowError):
        duration = None
    if not isinstance(duration, timedelta) or duration < timedelta(0):
        # Months and years have no fixed length.
        raise PydanticCustomError("duration", 'must be an ISO 8601 duration of weeks, days or less, as "PT2H"')
    if duration > LONGEST_DURATION:
        raise PydanticCustomError("duration", "must be at most ten years")
    return duration


def _some(given: object) -> timedelta:
    duration = _duration(given)
    if not duration:
        raise PydanticCustomError("duration", 'must be longer than nothing, as "PT2H"')
    return duration


_Written = PlainSerializer(isodate.duration_isoformat, return_type=str)
_Pattern = WithJsonSchema({"type": "string", "format": "duration", "pattern": DURATION})
Duration = Annotated[timedelta, BeforeValidator(_some), _Written, _Pattern]
DurationOrNone = Annotated[timedelta, BeforeValidator(_duration), _Written, _Pattern]


class Working(ClosedModel):
    """Working time: so many working days, then so many working hours, of the policy's calendar."""

    working_days: int = Field(0, strict=True, ge=1, le=MOST_WORKING_DAYS, description="To the same time of the day.")
    working_hours: int = Field(0, strict=True, ge=1, le=MOST_WORKING_HOURS, description="They count only while open.")

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if not (self.working_days or self.working_hours):
            raise PydanticCustomError("working", "needs working_days, working_hours or both, as { working_days = 2 }")
        return self


def _kind(given: Any) -> str:
    return KINDS[isinstance(given, dict | Working)]


_AsWorking = Annotated[Working, Tag(KINDS[1])]
Length = Annotated[Annotated[Duration, Tag(KINDS[0])] | _AsWorking, Discriminator(_kind)]
LengthOrNone = Annotated[Annotated[DurationOrNone, Tag(KINDS[0])] | _AsWorking, Discriminator(_kind)]

# By the calendar of working days from 2015 to 2050, feasts included: five of them never take more than eight days, but
# for what feasts and weekends add around them once.
_WORKING_DAY = timedelta(days=1) * 8 / 5
_AROUND = timedelta(days=6, hours=12)
_HOURS_A_DAY = timedelta(hours=8)


def at_most(days: int, hours: timedelta) -> timedelta:
    """No working time takes longer, whenever it begins: for sums that must hold at all times. Often it is shorter."""
    return _WORKING_DAY * (days + hours / _HOURS_A_DAY) + _AROUND


def longest(length: timedelta | Working) -> timedelta:
    """How long it can take, working time with all weekends and public holidays that may lie in it."""
    if isinstance(length, timedelta):
        return length
    return at_most(length.working_days, timedelta(hours=length.working_hours))
