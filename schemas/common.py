"""The types that every event is made of. All times are UTC when written, with six digits and Z."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

LATEST = datetime(9000, 1, 1, tzinfo=UTC)  # from here on a due time could lie behind the end of the calendar
REPORT_ID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$"
TIME_WRITTEN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
NAME = r"^[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}$"
CODE = r"^[A-Z0-9_]{1,40}$"

# A national id has 11 digits. Nothing that could hold one may stand free in what we keep: not as eleven digits by
# themselves, nor as day, month, year and five more, with or without what people put in between, whatever is around.
# Days are 40 more for foreigners, months 40, 65 or 80 more for people who are made up.
_DAY, _MONTH = (
    "(0[1-9]|[12][0-9]|3[01]|4[1-9]|[56][0-9]|7[01])",
    "(0[1-9]|1[0-2]|4[1-9]|5[0-2]|6[6-9]|7[0-7]|8[1-9]|9[0-2])",
)
_BETWEEN = "[^0-9A-Za-z]{0,2}"
NATIONAL_ID = (
    r"(^|[^0-9A-Za-z])[0-9]{11}([^0-9A-Za-z]|$)|"
    rf"(^|[^0-9]){_DAY}{_BETWEEN}{_MONTH}{_BETWEEN}(18|19|20)?[0-9]{{2}}{_BETWEEN}[0-9]{{3}}{_BETWEEN}[0-9]{{2}}([^0-9]|$)"
)
# Two words with capitals, as people are called; an id has no need of them.
PERSON = r"(^|[^A-Za-z])[A-Z][a-z]+[^0-9A-Za-z]+[A-Z][a-z]+"
# What is drawn at random holds such digits by chance.
RANDOM = r"^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{24,64})$"
_NATIONAL_ID, _PERSON, _RANDOM = re.compile(NATIONAL_ID), re.compile(PERSON), re.compile(RANDOM.replace("$", r"\Z"))
# A version may have one word, beside what versions and their products are called.
_OF_VERSIONS = (
    "alpha", "barn", "barnevern", "beta", "build", "candidate", "familia", "final", "flyt", "hotfix", "modulus",
    "netcompany", "patch", "pre", "preview", "prod", "production", "rel", "release", "rev", "revision", "snapshot",
    "test", "update", "version", "visma",
)  # fmt: skip
_KNOWN = "|".join("".join(f"[{letter}{letter.upper()}]" for letter in word) for word in _OF_VERSIONS)
_WORD = rf"(?<![A-Za-z])(?!({_KNOWN})(?![A-Za-z]))[A-Za-z]{{3,}}(?![A-Za-z])"
WORDS = f"{_WORD}.*{_WORD}"
_WORDS = re.compile(WORDS)
_REPORT_ID = re.compile(REPORT_ID.replace("$", r"\Z"))
_ID_DIGITS = 32
_BEGINNING = re.compile(r"[0-9a-f]{8,32}", re.ASCII)
_UUID = re.compile(
    r"(?:urn:uuid:)?(\{)?([0-9a-f]{8})(?:-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})|([0-9a-f]{24}))"
    r"(?(1)\})",
    re.ASCII | re.IGNORECASE,
)
# As ISO 8601 writes times with a zone: with or without seconds, a blank for the T, a zone in hours alone.
_ISO_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-5][0-9](?:[.,][0-9]{1,9})?)?"
    r"(?:Z|[+-][0-9]{2}(?::?[0-5][0-9])?)",
    re.ASCII | re.IGNORECASE,
)


def holds_national_id(text: str) -> bool:
    """True for what could hold one; eleven digits are the shortest form."""
    return len(text) >= 11 and not _RANDOM.match(text) and _NATIONAL_ID.search(text) is not None


def _no_person(text: str) -> str:
    if holds_national_id(text):
        raise PydanticCustomError("national_id", "could be a national id")
    if _PERSON.search(text) and not _RANDOM.match(text):
        raise PydanticCustomError("person", "could be a name")
    return text


def _no_words(text: str) -> str:
    if _WORDS.search(text):
        raise PydanticCustomError("words", "could be words about somebody")
    return text


def canonical_report_id(text: str) -> str | None:
    """A report id as the key has it: lower case with hyphens. Capitals, braces, `urn:uuid:` and bare hex are read.

    None if it is no UUID.
    """
    found = _UUID.fullmatch(text.strip())
    if found is None:
        return None
    digits = "".join(part for part in found.groups()[1:] if part).lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def ids_that_begin(text: str) -> tuple[str, str] | None:
    """The first and the last report id that begin with these eight or more digits; None if it is no such beginning."""
    digits = text.strip().lower().replace("-", "")
    if _BEGINNING.fullmatch(digits) is None:
        return None
    first, last = (canonical_report_id(digits.ljust(_ID_DIGITS, filler)) for filler in "0f")
    return (first, last) if first is not None and last is not None else None


def _canonical(text: str) -> str:
    if _REPORT_ID.match(text):
        return text
    canonical = canonical_report_id(text)
    if canonical is None:
        raise PydanticCustomError("report_id", "is not a UUID")
    return canonical


def _written(time: datetime) -> str:
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:  # year 1 or 9999 with an offset
        raise PydanticCustomError("time_range", "is out of range") from None


def _read_time(given: object) -> datetime:
    """A time as ISO 8601 writes it with a zone. What lies below a microsecond is cut off."""
    if isinstance(given, datetime) and given.tzinfo is not None:
        return _utc(given)
    if not isinstance(given, str):
        raise PydanticKnownError("string_type")
    if _ISO_TIME.fullmatch(given) is None:
        raise PydanticCustomError("time", "is no time with a zone")
    try:
        return _utc(datetime.fromisoformat(given.upper()))
    except ValueError:
        raise PydanticCustomError("time", "is no time with a zone") from None


class _Iso8601:
    """A time with a zone as producers write it; what we ask them for is RFC 3339."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(_read_time)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": TIME}


class _Rfc3339:
    """A time of ours: checked and parsed by pydantic's core, so that reading stays fast."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        text = core_schema.str_schema(pattern=TIME, strict=True)
        parsed = core_schema.datetime_schema(tz_constraint="aware", microseconds_precision="truncate")
        chained = core_schema.chain_schema([text, parsed])
        given = core_schema.datetime_schema(tz_constraint="aware", strict=True)
        either = core_schema.json_or_python_schema(
            json_schema=chained, python_schema=core_schema.union_schema([given, chained])
        )
        return core_schema.no_info_after_validator_function(_utc, either)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": TIME}


Time = Annotated[datetime, _Iso8601, PlainSerializer(_written, return_type=str)]
WrittenTime = Annotated[
    datetime,
    _Rfc3339,
    PlainSerializer(_written, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": TIME_WRITTEN}),
]
ReportId = Annotated[
    str, Field(strict=True), AfterValidator(_canonical), WithJsonSchema({"type": "string", "pattern": REPORT_ID})
]
EventId = Annotated[str, StringConstraints(pattern=REPORT_ID, strict=True)]
Municipality = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$", strict=True)]
District = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$", strict=True)]
OrgNumber = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$", strict=True)]
_Kept = Field(json_schema_extra={"anyOf": [{"pattern": RANDOM}, {"not": {"pattern": f"{NATIONAL_ID}|{PERSON}"}}]})
Code = Annotated[str, StringConstraints(pattern=CODE, strict=True), AfterValidator(_no_person), _Kept]
Token = Annotated[str, StringConstraints(pattern=NAME, strict=True), AfterValidator(_no_person), _Kept]
Version = Annotated[Token, AfterValidator(_no_words), Field(json_schema_extra={"not": {"pattern": WORDS}})]


# What is asked of a receiver. In one place: of two literals with the same words Python may show either for both.
Word = Annotated[str, Field(pattern=r"^[a-z_]{1,60}$")]
FieldName = Annotated[str, Field(pattern=r"^[a-z_.]{1,60}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Count = Annotated[int, Field(ge=0)]
Proof = Literal["stored", "receipt", "none"]


class ClosedModel(BaseModel):
    """A published model: nothing unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_TIME: TypeAdapter[datetime] = TypeAdapter(Time)


def parse_time(text: str) -> datetime:
    """A time with a zone before the year 9000, in UTC. Raises ValueError."""
    time = _TIME.validate_python(text)
    if time >= LATEST:
        raise ValueError("too far ahead")
    return time
