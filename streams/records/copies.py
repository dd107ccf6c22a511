"""Copies of records that lay in a wrong partition: what they carry, and which of them count as such."""

import re
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from schemas.common import REPORT_ID, TIME_WRITTEN
from schemas.reading import Told
from streams.core.events import written
from streams.core.facts import Place
from streams.records.record import Write

COPY_HEADER = "mv-copy"
UNREADABLE = "?"  # what no field can be read as
_ORIGIN = re.compile(
    rf"([A-Za-z0-9._-]{{1,249}})/([0-9]{{1,9}})/([0-9]{{1,19}})@({TIME_WRITTEN[1:-1]})/({REPORT_ID[1:-1]})"
).fullmatch


class Origin(NamedTuple):
    """Where a copy's original lies, and when it arrived there."""

    topic: str
    partition: int
    offset: int
    arrived: str

    def key(self, kind: str) -> str:
        """By what a row remembers that a copy was applied."""
        return f"{kind}/{self.partition}/{self.offset}"

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}@{self.arrived}"


def copy_of(place: Place, home: int, told: Told) -> Write:
    """The copy of a record, for the partition where its report is at home.

    The header says whose copy it is, and for which report alone.
    """
    origin = Origin(place.topic, place.partition, place.offset, written(place.arrived))
    headers = [(COPY_HEADER, f"{origin}/{told.report_id}".encode())]
    return Write(place.topic, home, told.report_id.encode(), readable(told), headers)


def readable(told: Told) -> bytes:
    """What a record says, as bytes: only what is known and readable. What could not be read is so there, too."""
    known: dict[str, Any] = {"report_id": told.report_id}
    known |= {name: _jsonable(value) for name, value in told.fields.items() if value is not None}
    for unreadable in told.unreadable:
        name, _, level = unreadable.partition(".")
        if level:
            known[name][level] = UNREADABLE
        else:
            known[name] = UNREADABLE
    return orjson.dumps(known)


def origin_of(header: bytes | None, place: Place, report_id: str) -> Origin | None:
    """What a record's header says, if it is the copy of another one of its topic about its report; else None."""
    found = _ORIGIN(header.decode("latin-1")) if header is not None else None
    if found is None:
        return None
    topic, partition, offset, arrived, about = found.groups()
    if (topic, about) != (place.topic, report_id):
        return None
    return Origin(topic, int(partition), int(offset), arrived)


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(exclude_none=True)
    return written(value) if isinstance(value, datetime) else value
