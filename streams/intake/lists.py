"""Lists: files with columns of their own, read as the audit reads them, within bounds, and judged row by row."""

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from schemas.common import Time
from schemas.inputs import FeedId
from streams.errors import ConfigurationError
from streams.intake.bodies import NDJSON, OPENAPI, too_long
from streams.intake.items import UnreadableItem
from streams.intake.models import Delivery
from streams.problems import BadRequest, Problem, invalid_request
from streams.sources import OpenFile, open_source
from streams.sources.chunk import DAYS, Odd
from streams.sources.mapping import mistakes_in
from streams.sources.plan import Format, SourcePlan

MOST_LIST_BYTES = 16 << 20
SLOWEST_LIST_SECONDS = 60.0
MOST_LIST_ROWS = 500_000
FORMATS: Mapping[str, Format] = {
    "text/csv": "csv", "application/vnd.apache.parquet": "parquet", **dict.fromkeys(NDJSON, "ndjson"),
}  # fmt: skip
SUFFIXES: Mapping[Format, str] = {"csv": ".csv", "parquet": ".parquet", "ndjson": ".ndjson"}
NESTED = ("columns", "constants", "values")
FLAT = ("delimiter", "encoding", "zone", "times")
COLUMNS = ("report_id", "message_id", "stored_at", "evidence", "municipality", "district", "case_system")
_A_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class ListQuery(Delivery):
    """What stands in the query beside the mapping."""

    feed: FeedId | None = None
    vouched_until: Time | None = None
    rows: int | None = None
    insist: bool = False


class ListRow(NamedTuple):
    """A line of a list, as an item."""

    line: int
    item: Any


class ListRows(NamedTuple):
    """What a list holds. `whole`: it certainly was not cut off, as far as that can be seen in it."""

    rows: list[ListRow]
    warnings: list[str]
    whole: bool


def query_of(given: Mapping[str, str]) -> tuple[ListQuery, dict[str, Any]]:
    """The query's own part, and the mapping in it: `columns.report_id=Id`, `constants.municipality=0301`, `zone=…`.

    Raises Problem.
    """
    own: dict[str, str] = {}
    mapping: dict[str, Any] = {}
    for name, value in given.items():
        first, _, rest = name.partition(".")
        if first == "values" and "." in rest:
            ours, _, theirs = rest.partition(".")
            mapping.setdefault(first, {}).setdefault(ours, {})[theirs] = value
        elif first in NESTED and rest:
            mapping.setdefault(first, {})[rest] = value
        elif name in FLAT:
            mapping[name] = value
        else:
            own[name] = value
    try:
        return ListQuery.model_validate(own), mapping
    except ValidationError as error:
        raise invalid_request([{**one, "loc": ("query", *one["loc"])} for one in error.errors()], OPENAPI) from None


def plan_of(mapping: Mapping[str, Any], format_: Format, path: Path) -> SourcePlan:
    """The mapping as the audit has it. Raises Problem that says what is wrong with it."""
    try:
        plan = SourcePlan.model_validate({**mapping, "kind": "stored", "format": format_, "files": [str(path)]})
    except ValidationError as error:
        raise invalid_request([{**one, "loc": ("query", *one["loc"])} for one in error.errors()], OPENAPI) from None
    for wrong in mistakes_in(plan):
        raise Problem("bad-mapping", f"The mapping is wrong at {wrong}.", status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return plan


def format_of(media_type: str) -> Format:
    """What kind of file it is said to be. Raises Problem."""
    if media_type not in FORMATS:
        raise Problem(
            "other-media-type",
            f"Say what the list is: Content-Type: {', '.join(FORMATS)}.",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    return FORMATS[media_type]


async def save(body: AsyncIterator[bytes], coding: str, path: Path) -> None:
    """Write a body into a file as it comes, unpacked, within bounds of size and time. Raises Problem.

    What there is of one that does not come to its end is nobody's.
    """
    if coding not in ("identity", "gzip"):
        raise Problem(
            "packed-otherwise",
            "The list is packed in a way that is not read here: send it as it is, or with gzip.",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    unpacking = zlib.decompressobj(wbits=31) if coding == "gzip" else None
    size = 0
    try:
        async with asyncio.timeout(SLOWEST_LIST_SECONDS):
            with path.open("wb") as file:
                async for part in body:
                    content = unpacking.decompress(part, MOST_LIST_BYTES + 1 - size) if unpacking else part
                    size += len(content)
                    if size > MOST_LIST_BYTES or (unpacking and unpacking.unconsumed_tail):
                        raise too_long(MOST_LIST_BYTES)
                    file.write(content)
    except TimeoutError:
        raise Problem(
            "body-too-slow",
            f"The list did not come within {SLOWEST_LIST_SECONDS:g} seconds: send it again.",
            status=HTTPStatus.REQUEST_TIMEOUT,
        ) from None
    except ClientDisconnect:
        raise BadRequest("body-cut-off", "The list did not come to its end: send it again.") from None
    except zlib.error:
        raise BadRequest("not-gzip", "The list is said to be gzip and is not: pack it again.") from None
    if unpacking and (not unpacking.eof or unpacking.unused_data):
        raise BadRequest("not-gzip", "The gzip list ends too early, or not where it should: send it again.")


def read_list(plan: SourcePlan) -> ListRows:
    """All rows of a list. Raises Problem where it cannot be read, or has too many."""
    try:
        [file] = open_source(plan)
        rows = sorted(_rows(file), key=lambda row: row.line)
    except ConfigurationError as error:
        raise Problem("list-unreadable", str(error), status=HTTPStatus.UNPROCESSABLE_ENTITY) from None
    whole = "cut_off" not in file.warnings and (plan.format == "parquet" or _ends_with_newline(file.path))
    return ListRows(rows, sorted(file.warnings), whole)


def ensure_zone(listed: ListRows, verdicts: Sequence[str], zone: str | None) -> None:
    """Refuse a list of which most times have no zone: whoever sends it has to say which."""
    without = verdicts.count(UnreadableItem("stored_at").verdict)
    if zone is None and without > len(listed.rows) // 2:
        raise Problem(
            "no-zone",
            "Most times in the list cannot be read without knowing their zone: say it, such as zone=Europe/Oslo, and "
            "how they are written (times=norwegian, excel) where that is not ISO.",
            "zone",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
        )


class ListSizes:
    """How many rows each feed's last list had, as far as this process has seen it: one that shrinks is looked at."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}

    def ensure_not_shrunk(self, feed: str, rows: int, *, insists: bool) -> None:
        """Raise Problem where a list has less than half the rows of the last one."""
        last = self._rows.get(feed, 0)
        if not insists and 2 * rows < last:
            raise Problem(
                "list-shrunk",
                f"The list has {rows} rows and the last one of this feed had {last}: if it is right, send it with "
                "insist=true.",
                status=HTTPStatus.CONFLICT,
            )

    def took(self, feed: str, rows: int) -> None:
        """A list was taken."""
        self._rows[feed] = rows


def _rows(file: OpenFile) -> Iterator[ListRow]:
    count = 0
    for chunk in file.chunks():
        count += len(chunk.table) + len(chunk.odd)
        if count > MOST_LIST_ROWS:
            raise Problem(
                "too-many-rows",
                f"The list has more than {MOST_LIST_ROWS} rows: send it in parts, and vouch with the last one.",
                status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
        for row in chunk.table.to_pylist():
            yield ListRow(row["line"], _item(row, is_day=bool(row.get(DAYS))))
        for odd in chunk.odd:
            yield ListRow(odd.line, _odd(odd))


def _item(row: Mapping[str, Any], *, is_day: bool) -> dict[str, Any]:
    """A row as an item. A day without a time of it is no time at which something was stored: it is left out."""
    item = {name: row[name] for name in COLUMNS if row.get(name) is not None}
    stored_at = item.get("stored_at")
    if is_day or (isinstance(stored_at, str) and _A_DAY.match(stored_at)):
        del item["stored_at"]
    elif isinstance(stored_at, datetime):
        item["stored_at"] = stored_at.isoformat()
    return item


def _odd(odd: Odd) -> Any:
    """A line that does not fit: what the reader made of it, for the verdict to say what is wrong."""
    value = odd.value
    if isinstance(value, bytes):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return UnreadableItem("line")
    if odd.refusal is not None or not isinstance(value, dict):
        return UnreadableItem("line")
    receiver = value.get("receiver")
    return _item(value | receiver if isinstance(receiver, dict) else value, is_day=False)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) in b"\r\n"
