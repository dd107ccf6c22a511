"""Rows in memory: a few hundred bytes each, packed and unpacked in a few microseconds.

Only this process reads them; what outlives it is the JSON of `streams.engine.state`. Times are the ten bytes with which
Python itself pickles a datetime: nothing else turns one into bytes, and back, as fast.
"""

from datetime import UTC, datetime
from marshal import dumps, loads
from typing import Any

import orjson

from streams.core.facts import Place, Stored
from streams.core.row import Row
from streams.engine.state import held_record, read_held


class Words:
    """Values that many rows share, kept once and numbered: names of receivers and channels, reasons, topics."""

    def __init__(self) -> None:
        self._all: list[Any] = [None]
        self._numbers: dict[Any, int] = {None: 0}

    def number(self, word: Any) -> int:
        """The number of a value, a new one where it has none yet."""
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._all)
            self._all.append(word)
        return number

    def __getitem__(self, number: int) -> Any:
        return self._all[number]


_WORDS = Words()  # one for the process: they outlive the partitions that come and go
_number, _word = _WORDS.number, _WORDS.__getitem__
_datetime: Any = datetime  # what its own pickles call with ten bytes and a zone, which its type does not tell


def _bytes(time: Any) -> bytes | None:
    return None if time is None else time.__reduce_ex__(4)[1][0]


def _time(packed: bytes | None) -> Any:
    return None if packed is None else _datetime(packed, UTC)


def _place(place: Place | None) -> tuple[bytes | None, int, int] | None:
    if place is None:
        return None
    return _bytes(place.arrived), _number((place.topic, place.partition)), place.offset


def _unplace(packed: tuple[bytes, int, int] | None) -> Any:
    if packed is None:
        return None
    arrived, home, offset = packed
    topic, partition = _word(home)
    return Place(_time(arrived), topic, partition, offset)


def _proof(proof: Stored | None) -> tuple[Any, ...] | None:
    if proof is None:
        return None
    return _bytes(proof.stored_at), _number(proof.evidence), _number(proof.receiver), _place(proof.place)


def _unproof(report_id: str, packed: tuple[Any, ...] | None) -> Stored | None:
    if packed is None:
        return None
    stored_at, evidence, receiver, place = packed
    return Stored(report_id, _unplace(place), _time(stored_at), _word(evidence), _word(receiver))


def pack(row: Row) -> bytes:
    """A row without its report id, which is its key."""
    # What only few rows have is packed as it is published.
    rare = row.held_receipts or row.held_stored or row.late_proof or row.elsewhere
    return dumps(
        (
            _number(row.status), _number(row.names), _number(row.policy_version), row.proof_asked,
            _bytes(row.touched), _bytes(row.sent_at), _bytes(row.due_at), _bytes(row.alarm_at),
            _number(row.receipt), _number(row.reason), row.missing_event_id, _bytes(row.recovered_at),
            tuple(row.message_ids), _number(frozenset(row.flags)) if row.flags else 0,
            _place(row.sent), _place(row.receipt_place), _proof(row.proof),
            held_record(row) if rare else None,
        )
    )  # fmt: skip


def unpack(report_id: str, packed: bytes) -> Row:
    """The row that was packed."""
    (
        status, names, version, proof_asked, touched, sent_at, due_at, alarm_at, receipt, reason, missing_event_id,
        recovered_at, message_ids, flags, sent, receipt_place, proof, held,
    ) = loads(packed)  # noqa: S302 - what this process packed itself  # fmt: skip
    row = Row(
        report_id, _time(touched), _word(status), _word(names), _unplace(sent), _time(sent_at), _time(due_at),
        _time(alarm_at), _word(version), proof_asked, _word(receipt), _unplace(receipt_place),
        _unproof(report_id, proof), None, None, _word(reason), missing_event_id, _time(recovered_at),
        list(message_ids), set(_word(flags) or ()),
    )  # fmt: skip
    if held is not None:
        read_held(row, orjson.loads(held))
    return row
