"""Which reports: the filters of the list, the summary and the page, and how they become conditions."""

import base64
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, Field

from schemas.common import REPORT_ID, Code, District, Municipality, Time, Token, Word, ids_that_begin
from schemas.inputs import FeedId, Form, OutcomeWord, ReceiptKind
from schemas.outputs import Reason
from streams.problems import BadRequest
from streams.view.store.tables import ShownStatus

County = Annotated[str, Field(pattern=r"^[0-9]{2}$")]
Order = Literal[
    "alarm_at", "-alarm_at", "sent_at", "-sent_at", "touched_at", "-touched_at", "due_at", "-due_at"
]  # fmt: skip
Alarm = Literal["open", "closed"]
# Missing = open + closed by outcome.
ALARM = "CASE WHEN status = 'missing' THEN if(outcome IS NULL, 'open', 'closed') END"
MOST_PAGE_ROWS = 1000
MUNICIPALITY_DIGITS = 4
_WHOLE_SECONDS = len("2026-01-01 12:00:00")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?\+00\Z")
_ID = re.compile(REPORT_ID.replace("$", r"\Z"))
_OFFSET = re.compile(r"[0-9]{6}/[0-9]{19}\Z")


class Condition(NamedTuple):
    """A piece of SQL, and the values of its parameters in order."""

    sql: str
    values: tuple[Any, ...] = ()


class ReportFilter(BaseModel):
    """Which reports. A filter that is given more than once takes any of its values; different ones must all hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: list[ShownStatus] = Field([], description="Where it stands.")
    reason: list[Reason] = Field([], description="Why a report is missing.")
    receiver: list[Municipality] = Field(
        [], description="Municipality number, today's or a former one; reports under its other numbers are found, too."
    )
    q: str | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="A part of the municipality's name or number, a report id or its first eight digits or more, or a "
        "message id.",
    )
    county: list[County] = Field([], description="The county's two digits, of today's municipality.")
    district: list[District] = Field([], description="District number.")
    unit: list[Token] = Field([], description="The receiving unit's id.")
    channel: list[Code] = Field([], description="How the portal handed it over.")
    case_system: list[Code] = Field([], description="The receiver's case system.")
    case_system_version: list[Token] = Field([], description="Its version.")
    form: list[Form] = Field([], description="Which form was used.")
    receipt: list[ReceiptKind] = Field([], description="The last claim that arrived by the alarm.")
    evidence: list[Code] = Field([], description="How storage was proven.")
    feed: list[FeedId] = Field([], description="The source of proofs whose word its last window waits for.")
    alarm: list[Alarm] = Field([], description="Of missing ones: whether somebody closed the alarm.")
    outcome: list[OutcomeWord] = Field([], description="How somebody closed its last alarm.")
    flag: list[Word] = Field([], description="What was odd about it.")
    sent_from: Time | None = Field(None, description="Sent at this time or later.")
    sent_to: Time | None = Field(None, description="Sent before this time.")
    day_from: date | None = Field(None, description="Sent on this day in Norway or later.")
    day_to: date | None = Field(None, description="Sent on this day in Norway or earlier.")
    alarm_from: Time | None = Field(None, description="The window closes at this time or later.")
    alarm_to: Time | None = Field(None, description="The window closes before this time.")
    touched_from: Time | None = Field(None, description="Changed at this time or later.")

    def conditions(self) -> list[Condition]:
        """What must hold of a row of `reports`."""
        found = [condition(values) for name, condition in _CONDITIONS.items() if (values := getattr(self, name))]
        return found + [
            Condition(sql, (time,)) for name, sql in _TIMES.items() if (time := getattr(self, name)) is not None
        ]


def _any_of(column: str) -> Callable[[Sequence[str]], Condition]:
    return lambda values: Condition(f"{column} IN ({', '.join('?' * len(values))})", tuple(values))


def _receiver(values: Sequence[str]) -> Condition:
    numbers = ", ".join("?" * len(values))
    return Condition(
        f"(municipality IN ({numbers}) OR municipality_today IN "
        f"(SELECT today FROM municipalities WHERE code IN ({numbers})))",
        (*values, *values),
    )


def _named(text: str) -> Condition:
    return Condition(
        "municipality_today IN (SELECT today FROM municipalities WHERE contains(lower(name), lower(?)) "
        "OR starts_with(code, ?))",
        (text, text),
    )


def _searched(text: str) -> Condition:
    """By the receiver's name or number, by the report's id or the beginning of it, by a message's id."""
    found = [_named(text), *identified(text)]
    either = " OR ".join(condition.sql for condition in found)
    return Condition(f"({either})", tuple(value for condition in found for value in condition.values))


def identified(text: str) -> list[Condition]:
    """Whose report's id begins with this, and to which a message of this id belongs; what cannot be is left out."""
    found = []
    if (ids := ids_that_begin(text)) is not None:
        found.append(Condition("report_id BETWEEN CAST(? AS UUID) AND CAST(? AS UUID)", ids))
    if len(text) > MUNICIPALITY_DIGITS and any(letter.isdigit() for letter in text):
        found.append(Condition("list_contains(message_ids, ?)", (text,)))
    return found


def _flag(values: Sequence[str]) -> Condition:
    return Condition("list_has_any(flags, ?)", (list(values),))


_CONDITIONS: dict[str, Callable[[Any], Condition]] = {
    "receiver": _receiver,
    "county": _any_of("municipality_today[:2]"),
    "unit": _any_of("unit_id"),
    "alarm": _any_of(ALARM),
    "flag": _flag,
    "q": _searched,
} | {
    name: _any_of(name)
    for name in (
        "status", "reason", "district", "channel", "case_system", "case_system_version", "form", "receipt", "evidence",
        "feed", "outcome",
    )
}  # fmt: skip
_TIMES = {
    "sent_from": "sent_at >= ?",
    "sent_to": "sent_at < ?",
    "day_from": "sent_day >= ?",
    "day_to": "sent_day <= ?",
    "alarm_from": "alarm_at >= ?",
    "alarm_to": "alarm_at < ?",
    "touched_from": "touched_at >= ?",
}


def where(conditions: Sequence[Condition]) -> Condition:
    """All of them together, as a WHERE clause (empty where there is none)."""
    if not conditions:
        return Condition("")
    sql = " AND ".join(condition.sql for condition in conditions)
    return Condition(f"WHERE {sql}", tuple(value for condition in conditions for value in condition.values))


def carried(place: Any) -> str:
    """A place in a list as a client carries it; it is not secret."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def taken_back(text: str) -> Any:
    """What `carried` wrote. Raises ValueError for anything else."""
    return orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


class Cursor(NamedTuple):
    """Where a page ended: the order it was in, the last row's value in it (as text; None for none) and its id."""

    order: str
    value: str | None
    last: str

    def written(self) -> str:
        """The cursor as the client carries it; it is not secret, and nothing but a place."""
        return carried(tuple(self))

    @classmethod
    def read(cls, text: str, order: str) -> "Cursor":
        """Raises BadRequest when it is none of ours, or of a list in another order."""
        try:
            cursor = cls(*taken_back(text))
        except (ValueError, TypeError):
            raise _no_cursor("This cursor is none that this list has given") from None
        if cursor.order != order:
            raise _no_cursor("This cursor is of a list in another order")
        last = _OFFSET if order.endswith("recorded_at") else _ID
        if not (_is_text(cursor.last, last) and (cursor.value is None or _is_time(cursor.value))):
            raise _no_cursor("This cursor is none that this list has given")
        return cursor

    def condition(self, column: str, identity: str, descending: bool) -> Condition:
        """What comes after it: rows without a value come last."""
        if self.value is None:
            return Condition(f"({column} IS NULL AND {identity} > ?)", (self.last,))
        sign = "<" if descending else ">"
        return Condition(
            f"({column} {sign} CAST(? AS TIMESTAMPTZ) OR ({column} = CAST(? AS TIMESTAMPTZ) AND {identity} > ?) "
            f"OR {column} IS NULL)",
            (self.value, self.value, self.last),
        )


def _is_text(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _is_time(value: str) -> bool:
    """True if the tables can compare with it; they have no words for a 30th of February."""
    try:
        return _is_text(value, _TIME) and bool(datetime.fromisoformat(value[:_WHOLE_SECONDS]))
    except ValueError:
        return False


def _no_cursor(what: str) -> BadRequest:
    return BadRequest("bad-cursor", f"{what}: leave the cursor out to begin at the first page.", "cursor")
