"""Clean records: the usual case of an input, read several times as fast as by the models.

A clean record has no headers, its key is its report id as the contract writes it, and every word in it has been read by
the models before. For such a record this gives exactly the fact that the models give; for any other it gives None, and
`streams.records.decode` decides. A test holds both against each other, record by record.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from schemas.common import NAME, NATIONAL_ID, PERSON
from streams.core.facts import Decision, Fact, Names, Place, Receipt, ReceiptCode, Receiver, Sent, Stored
from streams.records.decode import Intake
from streams.records.record import DECISION, Record

MOST_WORDS = 20_000  # receivers, and ways of sending, that are remembered

_is_report_id = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_is_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?Z").fullmatch
_is_name = re.compile(NAME.removesuffix("$")).fullmatch
_holds_person = re.compile(f"{NATIONAL_ID}|{PERSON}").search
_time = datetime.fromisoformat  # for what `_is_time`: it alone would read week dates, too


def _is_token(text: str) -> bool:
    """True for a UUID, and for what else a message id may be."""
    return bool(_is_report_id(text) or (_is_name(text) and not _holds_person(text)))


class _Receiver(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    municipality: str
    district: str | None = None
    unit_id: str | None = None
    org_number: str | None = None


class _Sent(Struct, forbid_unknown_fields=True, gc=False):
    report_id: str
    sent_at: str
    receiver: _Receiver
    channel: str
    case_system: str
    case_system_version: str | None = None
    message_id: str | None = None
    form: str | None = None


class _Receipt(Struct, forbid_unknown_fields=True, gc=False):
    report_id: str
    receipt: ReceiptCode
    received_at: str
    message_id: str | None = None


class _Stored(Struct, forbid_unknown_fields=True, gc=False):
    report_id: str
    stored_at: str
    evidence: str
    receiver: _Receiver | None = None
    case_system: str | None = None
    feed: str | None = None


_read_sent = msgspec.json.Decoder(_Sent).decode
_read_receipt = msgspec.json.Decoder(_Receipt).decode
_read_stored = msgspec.json.Decoder(_Stored).decode

Words = tuple[str | None, ...]
Way = tuple[str | None, str | None, str | None, str | None]  # channel, case system and its version, form
Read = Callable[[bytes | None, bytes | None, Place], Fact | None]


class CleanReader:
    """Reads the clean records of one worker's inputs; `learn` tells it what the models made of another one."""

    def __init__(self, max_value_bytes: int) -> None:
        self._most_bytes = max_value_bytes
        self._receivers: dict[_Receiver, Receiver] = {}
        self._ways: dict[Words, Way] = {}
        self._names: dict[tuple[_Receiver, Words], Names] = {}  # so that reports of the same names share them
        self._proofs: dict[Words, tuple[str | None, str | None]] = {}
        self.by_kind: dict[str, Read] = {"sent": self.sent, "receipt": self.receipt, "stored": self.stored}
        self.by_kind[DECISION] = _nothing

    def sent(self, key: bytes | None, value: bytes | None, place: Place) -> Sent | None:
        """The fact of a clean sent record."""
        try:
            given = _read_sent(self._bounded(value))
            report_id, sent_at, message_id = given.report_id, given.sent_at, given.message_id
            if (
                key != report_id.encode()
                or not _is_report_id(report_id)
                or not _is_time(sent_at)
                or (message_id is not None and not _is_token(message_id))
            ):
                return None
            way = given.channel, given.case_system, given.case_system_version, given.form
            names = self._names.get((given.receiver, way)) or self._new_names(given.receiver, way)
            return Sent(report_id, place, _time(sent_at), names, message_id)
        except _UNCLEAN:
            return None

    def receipt(self, key: bytes | None, value: bytes | None, place: Place) -> Receipt | None:
        """The fact of a clean receipt record."""
        try:
            given = _read_receipt(self._bounded(value))
            report_id, message_id = given.report_id, given.message_id
            if (
                key != report_id.encode()
                or not _is_report_id(report_id)
                or not _is_time(given.received_at)
                or (message_id is not None and not _is_token(message_id))
            ):
                return None
            _time(given.received_at)
            return Receipt(report_id, place, given.receipt, message_id)
        except _UNCLEAN:
            return None

    def stored(self, key: bytes | None, value: bytes | None, place: Place) -> Stored | None:
        """The fact of a clean stored record."""
        try:
            given = _read_stored(self._bounded(value))
            report_id, stored_at = given.report_id, given.stored_at
            receiver = None if given.receiver is None else self._receivers[given.receiver]
            evidence, feed = self._proofs[given.evidence, given.case_system, given.feed]
            if key != report_id.encode() or not _is_report_id(report_id) or not _is_time(stored_at):
                return None
            return Stored(report_id, place, _time(stored_at), evidence, receiver, (), feed)
        except _UNCLEAN:
            return None

    def _bounded(self, value: bytes | None) -> bytes:
        return value if value is not None and len(value) <= self._most_bytes else b""

    def learn(self, record: Record, intake: Intake[Fact] | Intake[Decision]) -> None:
        """Remember the words of a record if the models read it without fault and without dropping anything."""
        fact = intake.fact
        if intake.refusal is not None or intake.extras or record.value is None:
            return
        try:
            if isinstance(fact, Sent):
                self._learn_sent(_read_sent(record.value), fact.names)
            elif isinstance(fact, Stored):
                self._learn_stored(_read_stored(record.value), fact)
        except msgspec.DecodeError:
            return  # a schema registry's frame, or what only the models' parser reads

    def _learn_sent(self, given: _Sent, names: Names) -> None:
        self._learn_receiver(given.receiver, names.receiver)
        words = given.channel, given.case_system, given.case_system_version, given.form
        _remember(self._ways, words, names[1:])

    def _learn_stored(self, given: _Stored, stored: Stored) -> None:
        self._learn_receiver(given.receiver, stored.receiver)
        _remember(self._proofs, (given.evidence, given.case_system, given.feed), (stored.evidence, stored.feed))

    def _learn_receiver(self, given: _Receiver | None, receiver: Receiver | None) -> None:
        if given is not None and receiver is not None:
            _remember(self._receivers, given, receiver)

    def _new_names(self, receiver: _Receiver, way: Words) -> Names:
        """The names of words that the models have read, each on its own. Raises KeyError where they have not."""
        names = Names(self._receivers[receiver], *self._ways[way])
        _remember(self._names, (receiver, way), names)
        return names


# Not JSON, not an object, a field missing or of another type, words that the models have not read yet, a day that no
# month has: whatever it is, the models say it better.
_UNCLEAN = (msgspec.DecodeError, KeyError, ValueError)


def _nothing(_key: bytes | None, _value: bytes | None, _place: Place) -> None:
    """Decisions are few: the models read each of them."""


def _remember(known: dict[Any, Any], words: Any, what: Any) -> None:
    if len(known) >= MOST_WORDS:
        known.clear()
    known[words] = what
