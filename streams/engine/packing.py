"""Rows in memory: a few hundred bytes each, packed and unpacked in a microsecond or two.

Only this process reads them; what outlives it is the JSON of `streams.records.state`.
"""

from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, get_type_hints

import msgspec

from streams.core.row import Row, Status

_GLANCED = ("status", "touched", "alarm_at")
# What a glance needs comes first: reading it ends there.
_NAMES = [*_GLANCED, *(field.name for field in fields(Row) if field.name not in ("report_id", *_GLANCED))]
_TYPES = get_type_hints(Row)
_values = attrgetter(*_NAMES)
_encode = msgspec.msgpack.Encoder().encode
_Packed: Any = tuple[tuple(_TYPES[name] for name in _NAMES)]  # type: ignore[misc]  # known at run time only
_decode = msgspec.msgpack.Decoder(_Packed).decode


class Glanced(msgspec.Struct, array_like=True, gc=False):
    """The beginning of a packed row."""

    status: Status
    touched: datetime
    alarm_at: datetime | None


glance = msgspec.msgpack.Decoder(Glanced).decode


def pack(row: Row) -> bytes:
    """A row without its report id, which is its key."""
    return _encode(_values(row))


def unpack(report_id: str, packed: bytes) -> Row:
    """The row that was packed."""
    return Row(report_id, **dict(zip(_NAMES, _decode(packed), strict=True)))
