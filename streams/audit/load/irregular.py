"""Lines that are not plainly well formed: the contract's own reader says what they are worth."""

from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
from pydantic import TypeAdapter, ValidationError

from schemas.common import Time, Token
from schemas.content import Unreadable, content_of
from streams.audit.arrow import registered, table_of
from streams.audit.facts import CODES, FORMS, FactKind, FactRow, NamesTable, kind_of
from streams.audit.load.timestamps import EPOCH, microseconds, time_of
from streams.core.events import written
from streams.core.facts import Decision, Fact, FeedMark, Names, Place, Receipt, Receiver, Sent, Stored
from streams.core.row import NAMELESS
from streams.records.copies import UNREADABLE
from streams.records.decode import TOO_LARGE, refused, take_in_content
from streams.records.record import Record, Refusal
from streams.sources.chunk import TIMES, Kind, Odd
from streams.sources.ids import NO_UUIDS, is_nothing, is_rounded, scraps_of, uuids_in, visible
from streams.sources.shaping import as_content

_NIL = NO_UUIDS[0]
EVENT_TIME = {"sent": "sent_at", "receipt": "received_at", "stored": "stored_at"}
# What is written for "no date" in many an export (1970, 1900), long before there was a portal: it would stretch what a
# source seems to cover.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
NO_PARTITION = -1  # of a fact that lies in a file
_TIME: TypeAdapter[datetime] = TypeAdapter(Time)
_TOKEN: TypeAdapter[str] = TypeAdapter(Token)
_FACTS = pa.schema([
    ("report_id", pa.string()), ("kind", pa.uint8()), ("source", pa.uint16()),
    ("part", pa.int32()), ("line", pa.int64()), ("arrived", pa.int64()), ("event_at", pa.int64()),
    ("names", pa.int32()), ("code", pa.uint8()), ("message_id", pa.string()), ("unread", pa.string()),
    ("by_event", pa.bool_()), ("within", pa.uint8()),
])  # fmt: skip
_UNJUDGED = pa.schema([
    ("report_id", pa.string()), ("kind", pa.uint8()), ("source", pa.uint16()), ("part", pa.int32()),
    ("line", pa.int64()), ("names", pa.int32()),
])  # fmt: skip
_DOUBTFUL = pa.schema([("kind", pa.uint8()), ("source", pa.uint16()), ("line", pa.int64())])
_SCRAPS = pa.schema([
    ("scrap", pa.string()), ("of_message", pa.bool_()), ("kind", pa.uint8()), ("source", pa.uint16()),
    ("line", pa.int64()),
])  # fmt: skip
_STRAYS = pa.schema([
    ("kind", pa.uint8()), ("source", pa.uint16()), ("line", pa.int64()), ("names", pa.int32()),
    ("event_at", pa.int64()), ("number", pa.float64()), ("digits", pa.int32()),
])  # fmt: skip
_MARKS = pa.schema([
    ("source", pa.uint16()), ("part", pa.int32()), ("line", pa.int64()), ("feed", pa.string()), ("arrived", pa.int64()),
    ("vouched_until", pa.int64()), ("claimed", pa.int32()), ("proofs", pa.int32()), ("by_event", pa.bool_()),
])  # fmt: skip
_DECISIONS = pa.schema([
    ("report_id", pa.string()), ("source", pa.uint16()), ("part", pa.int32()), ("line", pa.int64()),
    ("arrived", pa.int64()), ("decided_at", pa.int64()), ("names", pa.int32()), ("decision_id", pa.string()),
    ("missing_event_id", pa.string()), ("action", pa.string()), ("outcome", pa.string()), ("by_event", pa.bool_()),
])  # fmt: skip
_REJECTS = pa.schema([
    ("source", pa.int16()), ("line", pa.int64()), ("partition", pa.int32()), ("reason", pa.string()),
])  # fmt: skip


_TABLES = {
    "facts": _FACTS, "loose": _FACTS, "nameless": _FACTS, "unjudged": _UNJUDGED, "doubtful": _DOUBTFUL,
    "scraps": _SCRAPS, "strays": _STRAYS, "rejects": _REJECTS, "marks": _MARKS, "decisions": _DECISIONS,
}  # fmt: skip


class OddLines:
    """Takes lines one by one into the tables of one source. `now`: nothing can have happened later."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, names: NamesTable, source: int, now: datetime, max_value_bytes: int
    ) -> None:
        self._connection = connection
        self._names = names
        self._source = source
        self._now = now
        self._max_value_bytes = max_value_bytes
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
        self.rejected = 0

    def add_row(self, kind: Kind, row: dict[str, Any]) -> None:
        """A line that came in columns; times that could be read stand in `<name>_us`."""
        told = {name: value for name, value in row.items() if value is not None}
        for name in TIMES & told.keys():
            us = told.get(f"{name}_us")
            told[name] = str(told[name]) if us is None else written(time_of(us))
        self.add(kind, Odd(row["line"], as_content(kind, told)), within=row.get("within") or 0)

    def add(self, kind: Kind, odd: Odd, *, within: int = 0) -> None:
        """A line in the shape of the input topics, or why there is none."""
        given, unread = self._content(odd)
        given, no_id = without_no_ids(kind, given)
        arrived = time_in(odd.arrived or given.get("arrived"))
        at = arrived or time_in(given.get(EVENT_TIME[kind]))
        if at is not None and not EARLIEST <= at <= self._now:
            self.refuse(odd.line, Refusal("time", "out_of_range"))
            at = None
        by_message = "report_id" not in given and isinstance(given.get("message_id"), str)
        nameless = kind == "stored" and odd.value is not None and not given.keys() & {"report_id", "message_id"}
        record = Record(kind, Place(at or EPOCH, "", NO_PARTITION, odd.line), odd.key, None)
        content = given | {"report_id": _NIL} if by_message or nameless else given
        intake = take_in_content(record, content) if unread is None else refused(record, unread)
        fact, refusal = intake.fact, odd.refusal or no_id or intake.refusal
        lost = by_message and not _is_token(given["message_id"])  # nothing else names its report
        if lost:
            refusal = refusal or Refusal("schema", "bad_value:message_id")
        if refusal is not None:
            self.refuse(odd.line, refusal)
        if fact is None or at is None:
            self._leave(kind, odd, given, fact)
            return
        row = self.row(fact, by_event=arrived is None, within=within)
        if isinstance(fact, Stored):
            row = row._replace(names=self._names.id_of(stored_names(fact, given)))
        if not (by_message or nameless):
            self._rows["facts"].append(row)
            return
        row = row._replace(report_id=None, message_id=None if lost else given.get("message_id"))
        if lost:
            self._lose(row, given["message_id"])
        if not lost or kind == "stored":
            self._rows["loose" if by_message and not lost else "nameless"].append(row)

    def add_fact(self, fact: Fact) -> None:
        """A fact that lay in a topic: its place tells where, and when it arrived, which never goes back there."""
        self._rows["facts"].append(self.row(fact, by_event=False, within=0))

    def add_mark(self, mark: FeedMark, *, proofs: int | None = None, by_event: bool = False) -> None:
        """What a feed vouches for; `proofs`: how many of its own have come since its last mark."""
        part, line, arrived = _spot(mark.place)
        until = microseconds(mark.vouched_until)
        row = (self._source, part, line, mark.feed, arrived, until, mark.proofs, proofs, by_event)
        self._rows["marks"].append(row)

    def add_decision(self, decision: Decision, *, by_event: bool = False) -> None:
        """What a person said of an alarm."""
        part, line, arrived = _spot(decision.place)
        names = self._names.id_of(NAMELESS._replace(receiver=decision.receiver))
        self._rows["decisions"].append(
            (
                decision.report_id, self._source, part, line, arrived, microseconds(decision.decided_at), names,
                decision.decision_id or None, decision.missing_event_id, decision.action, decision.outcome, by_event,
            )
        )  # fmt: skip

    def refuse(self, line: int, refusal: Refusal, partition: int | None = None) -> None:
        """A line that could not be read, at least not in whole."""
        self.rejected += 1
        self._rows["rejects"].append((self._source, line, partition, f"{refusal.stage}:{refusal.reason}"))

    def row(self, fact: Fact, *, by_event: bool, within: int) -> FactRow:
        """A fact as a row of the table."""
        part, line, arrived = _spot(fact.place)
        names, event_at, code, message_id, unread = NAMELESS, None, None, None, None
        if isinstance(fact, Sent):
            names, message_id = fact.names, fact.message_id
            event_at = None if fact.sent_at is None else microseconds(fact.sent_at)
            unread = ",".join(fact.unreadable) or None
        elif isinstance(fact, Receipt):
            code, message_id = CODES.index(fact.receipt) + 1, fact.message_id
        else:
            names, code = stored_names(fact, {}), self._names.evidence(fact.evidence)
            event_at, unread = microseconds(fact.stored_at), ",".join(fact.unreadable) or None
        return FactRow(
            fact.report_id, kind_of(fact), self._source, part, line, arrived,
            event_at, self._names.id_of(names), code, message_id, unread, by_event, within,
        )  # fmt: skip

    def write(self) -> None:
        """Write what has come since into the tables."""
        for table, rows in self._rows.items():
            if rows:
                with registered(self._connection, batch=table_of(rows, _TABLES[table])):
                    self._connection.execute(f"INSERT INTO {table} FROM batch")
                rows.clear()

    def _content(self, odd: Odd) -> tuple[dict[str, Any], Refusal | None]:
        """What a line tells, or why that cannot be read."""
        if isinstance(odd.value, dict):
            return odd.value, None
        if odd.value is None:
            return {}, odd.refusal
        if len(odd.value) > self._max_value_bytes:
            return {}, TOO_LARGE
        try:
            return content_of(odd.value), None
        except Unreadable as error:
            return {}, Refusal(error.stage, error.reason)

    def _leave(self, kind: Kind, odd: Odd, given: dict[str, Any], fact: Fact | None) -> None:
        """What names a report but cannot be judged must not vanish; where it names none, one looks again."""
        told = given.get("report_id") if fact is None else fact.report_id
        number = FactKind[kind.upper()]
        reports = uuids_in(visible(told)) if isinstance(told, str) else ()
        names = self._names.id_of(fact.names if isinstance(fact, Sent) else NAMELESS)
        self._rows["unjudged"] += [(one, number, self._source, None, odd.line, names) for one in reports]
        if not reports:
            self._rows["doubtful"].append((number, self._source, odd.line))
            scraps = scraps_of(told) if isinstance(told, str) and told != _NIL else ()
            self._rows["scraps"] += [(scrap, False, number, self._source, odd.line) for scrap in scraps]

    def _lose(self, row: FactRow, message: str) -> None:
        """A fact of a message whose id cannot be read: what is left of it may tell whose it was."""
        number, digits = rounded_number(message)
        self._rows["strays"].append((row.kind, row.source, row.line, row.names, row.event_at, number, digits))
        if number is None:
            scrap = "".join(filter(str.isalnum, message.lower()))
            self._rows["scraps"].append((scrap, True, row.kind, row.source, row.line))


def without_no_ids(kind: Kind, given: dict[str, Any]) -> tuple[dict[str, Any], Refusal | None]:
    """What a line tells, without ids that are none; and how that is said, where somebody asks for them."""
    told, refusal = dict(given), None
    for name in ("report_id", "message_id"):
        text = told.get(name)
        if isinstance(text, str) and (seen := visible(text)) != text:
            text = told[name] = seen.strip()
        if isinstance(text, str) and is_nothing(text) and (text or kind != "sent"):
            del told[name]
            refusal = Refusal("ids", f"{name}_nothing")
    message = told.get("message_id")
    if isinstance(message, str) and is_rounded(message):
        told["message_id"] = UNREADABLE + message  # a number that is no id for any reader
        refusal = Refusal("ids", "message_id_rounded")
    return told, None if kind != "sent" and "report_id" in told else refusal


def rounded_number(message: str) -> tuple[float | None, int]:
    """The number that a message's id was before it lost digits, and how many digits are left; else None."""
    number = message.removeprefix(UNREADABLE)
    if number == message:
        return None, 0
    digits = number.lower().partition("e")[0].replace(".", "").rstrip("0")
    return float(number), max(len(digits), 1)


def stored_names(stored: Stored, given: dict[str, Any]) -> Names:
    """What a proof names: its receiver, and what only an audit looks at."""
    known = {name: value for name, value in given.items() if name not in stored.unreadable}
    return proof_names(stored.receiver, known)


def proof_names(receiver: Receiver | None, known: dict[str, Any]) -> Names:
    """The names of a proof: only an audit looks at its case system and form."""
    form = known.get("form")
    return NAMELESS._replace(
        receiver=receiver, case_system=known.get("case_system"), form=form if form in FORMS else None
    )


def _spot(place: Place) -> tuple[int | None, int, int]:
    """The partition (none of a file's), the line or offset, and when it arrived."""
    return None if place.partition == NO_PARTITION else place.partition, place.offset, microseconds(place.arrived)


def _is_token(given: str) -> bool:
    try:
        return bool(_TOKEN.validate_python(given))
    except ValidationError:
        return False


def time_in(given: Any) -> datetime | None:
    """A time as the contract reads it; None where there is none."""
    try:
        return _TIME.validate_python(given)
    except ValidationError:
        return None
