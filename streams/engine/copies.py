"""Copies of records that lay in a wrong partition: what they carry, and which of them count as such."""

import re
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel

from schemas.common import REPORT_ID, TIME_WRITTEN
from schemas.reading import Reader, Told
from streams.core.events import written
from streams.core.facts import Place, Receiver
from streams.engine.transaction import Write

COPY_HEADER = "mv-copy"
UNREADABLE_HEADER = "mv-unreadable"
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
    """The copy of a record, for the partition where its report is at home: it has only what is known and readable.

    One header says whose copy it is, and for which report alone; another what of the original could not be read.
    """
    origin = Origin(place.topic, place.partition, place.offset, written(place.arrived))
    headers = [(COPY_HEADER, f"{origin}/{told.report_id}".encode())]
    if told.unreadable:
        headers.append((UNREADABLE_HEADER, ",".join(told.unreadable).encode()))
    known = {"report_id": told.report_id} | told.fields
    value = orjson.dumps({name: _jsonable(given) for name, given in known.items() if given is not None})
    return Write(place.topic, home, told.report_id.encode(), value, headers)


def origin_of(header: bytes | None, place: Place, report_id: str) -> Origin | None:
    """What a record's header says, if it is the copy of another one of its topic about its report; else None."""
    found = _ORIGIN(header.decode("latin-1")) if header is not None else None
    if found is None:
        return None
    topic, partition, offset, arrived, about = found.groups()
    if (topic, about) != (place.topic, report_id):
        return None
    return Origin(topic, int(partition), int(offset), arrived)


def unreadable_in(header: bytes | None, reader: Reader, told: Told) -> tuple[str, ...]:
    """What of a copy could not be read: what its original's header names and it has nothing of, and what it lacks."""
    named = (header or b"").decode("latin-1").split(",")
    lost = {name for name in named if _value(told.fields, name) is None} | set(told.unreadable)
    return tuple(name for name in reader.names if name in lost)


def _value(fields: dict[str, Any], name: str) -> Any:
    name, _, level = name.partition(".")
    value = fields.get(name)
    return getattr(value, level, None) if level else value


def _jsonable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        levels = ((name, getattr(value, name)) for name in Receiver._fields)
        return {name: level for name, level in levels if level is not None}
    return written(value) if isinstance(value, datetime) else value
