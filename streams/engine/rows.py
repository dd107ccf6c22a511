"""The rows of one partition: packed, but for the few that were touched last.

A packed row is a few hundred bytes, packed and unpacked in a microsecond or two. Only this process reads it; what
outlives it is the JSON of `streams.records.state`.
"""

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from itertools import islice
from operator import attrgetter, itemgetter
from typing import Any, get_type_hints

import msgspec

from streams.core.row import Alarm, Glance, Row, Status, Window
from streams.records.state import is_state, read_outline, read_state, state_record

_GLANCED = ("status", "touched", "alarm_at", "window", "alarms")
# What a glance needs comes first: reading it ends there.
_NAMES = [*_GLANCED, *(field.name for field in fields(Row) if field.name not in ("report_id", *_GLANCED))]
_TYPES = get_type_hints(Row)
_values = attrgetter(*_NAMES)
_as_declared = itemgetter(*(_NAMES.index(field.name) for field in fields(Row) if field.name != "report_id"))
_encode = msgspec.msgpack.Encoder().encode
_Packed: Any = tuple[tuple(_TYPES[name] for name in _NAMES)]  # type: ignore[misc]  # known at run time only
_decode = msgspec.msgpack.Decoder(_Packed).decode
# What is said of a report comes close together, so that most facts find their row unpacked; each takes about 2 kB.
LIVE_ROWS = 4_000
_NOT_YET = b""  # of a row that has only been live so far


class Glanced(msgspec.Struct, array_like=True, gc=False):
    """The beginning of a packed row."""

    status: Status
    touched: datetime
    alarm_at: datetime | None
    window: Window
    alarms: tuple[Alarm, ...]


glance = msgspec.msgpack.Decoder(Glanced).decode


def pack(row: Row) -> bytes:
    """A row without its report id, which is its key."""
    return _encode(_values(row))


def unpack(report_id: str, packed: bytes) -> Row:
    """The row that was packed."""
    return Row(report_id, *_as_declared(_decode(packed)))


def _unpacked(report_id: str, packed: bytes) -> Row:
    return read_state(packed) if is_state(packed) else unpack(report_id, packed)


class PackedRows:
    """The core's rows over packed bytes, with the changes since the last commit."""

    def __init__(self) -> None:
        self._packed: dict[str, bytes] = {}  # every row; what stands here of a live one is out of date
        self._live: dict[str, Row] = {}
        self._changed: dict[str, None] = {}
        self._erased: set[str] = set()
        self._lost_ids: list[tuple[str, str]] = []  # message ids of rows that are erased, each with its report
        self._restored: list[str] = []  # reports whose rows may stand in _packed as they were published

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[Row]:
        for report_id, packed in self._packed.items():
            yield self._live.get(report_id) or _unpacked(report_id, packed)

    def __contains__(self, report_id: str) -> bool:
        return report_id in self._packed

    def get(self, report_id: str) -> Row | None:
        """The row of a report, or None."""
        row = self._live.get(report_id)
        if row is None:
            packed = self._packed.get(report_id)
            row = _unpacked(report_id, packed) if packed is not None else None
        return row

    def glance(self, report_id: str) -> Glance | None:
        """As much of a row as tells whether it has to be read; None if there is none."""
        row = self._live.get(report_id)
        if row is None:
            packed = self._packed.get(report_id)
            if packed is not None:
                return read_outline(packed) if is_state(packed) else glance(packed)
        return row

    def put(self, row: Row) -> None:
        """Keep a new or changed row, or another one in its place: of an erased one only that is left."""
        report_id = row.report_id
        if row.status is Status.ERASED:
            self._lose_ids(report_id)
        if self._live.get(report_id) is not row:
            self._live[report_id] = row
            self._packed.setdefault(report_id, _NOT_YET)
            self._erased.discard(report_id)
        self._changed[report_id] = None

    def erase(self, report_id: str) -> None:
        """Forget a report for good."""
        self._lose_ids(report_id)
        self._live.pop(report_id, None)
        self._changed.pop(report_id, None)
        if self._packed.pop(report_id, None) is not None:
            self._erased.add(report_id)

    def restore(self, report_id: str, value: bytes) -> None:
        """Take over a row as the state topic has it. It is packed later, by `pack_some`: that takes far longer."""
        self._packed[report_id] = value
        self._restored.append(report_id)

    @property
    def unpacked(self) -> int:
        """How many restored rows are left to be packed."""
        return len(self._restored)

    def pack_some(self, most: int) -> int:
        """Pack some of the rows that were restored; how many there were left to pack."""
        for _ in range(min(most, len(self._restored))):
            report_id = self._restored.pop()
            packed = self._packed.get(report_id, _NOT_YET)
            if is_state(packed):
                self._packed[report_id] = pack(read_state(packed))
        return len(self._restored)

    def take_lost_ids(self) -> list[tuple[str, str]]:
        """The message ids of rows that were erased since the last call, each with its report."""
        taken, self._lost_ids = self._lost_ids, []
        return taken

    def _lose_ids(self, report_id: str) -> None:
        row = self.get(report_id)
        self._lost_ids += [(message_id, report_id) for message_id in row.message_ids] if row else []

    def take_changes(self) -> Iterator[tuple[str, bytes | None]]:
        """What changed since the last call: report ids and values for the state topic, None for an erased row.

        Run it to its end before a row changes again.
        """
        live = self._live
        yield from ((report_id, None) for report_id in sorted(self._erased))
        yield from ((report_id, state_record(live[report_id])) for report_id in self._changed)
        self._changed.clear()
        self._erased.clear()
        for report_id in list(islice(live, max(0, len(live) - LIVE_ROWS))):
            self._packed[report_id] = pack(live.pop(report_id))
