"""Clean records: the usual case of an input, read several times as fast as by the models.

A clean record has no headers, its key is its report id as the contract writes it, and every word in it has been read by
the models before. For such a record this gives exactly the fact that the models give; for any other it gives None, and
`streams.engine.intake` decides. A test holds both against each other, record by record.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from orjson import JSONDecodeError, loads

from schemas.common import NAME, NATIONAL_ID
from streams.core.facts import Fact, Names, Place, Receipt, ReceiptCode, Receiver, Sent, Stored
from streams.engine.intake import Intake, Record

MOST_WORDS = 20_000  # receivers, and ways of sending, that are remembered

_is_report_id = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_is_time = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]{1,6})?Z").fullmatch
_is_name = re.compile(NAME.removesuffix("$")).fullmatch
_holds_national_id = re.compile(NATIONAL_ID).search
_time = datetime.fromisoformat  # for what `_is_time`: it alone would read week dates, too
_RECEIPTS = {str(code): code for code in ReceiptCode}


def _is_token(text: str) -> bool:
    """True for a UUID, and for what else a message id may be."""
    return bool(_is_report_id(text) or (_is_name(text) and not _holds_national_id(text)))


Words = tuple[Any, ...]
Way = tuple[str | None, str | None, str | None, str | None]  # channel, case system and its version, form
Read = Callable[[bytes | None, bytes | None, Place], Fact | None]


def _words(given: dict[str, Any]) -> Words:
    """An object's names and values as one hashable value, which no other object gives."""
    return (*given, *given.values())


class CleanReader:
    """Reads the clean records of one worker's inputs; `learn` tells it what the models made of another one."""

    def __init__(self, max_value_bytes: int) -> None:
        self._most_bytes = max_value_bytes
        self._receivers: dict[Words, Receiver] = {}
        self._ways: dict[Words, Way] = {}
        self._names: dict[tuple[Receiver, Way], Names] = {}  # so that reports of the same names share them
        self._proofs: dict[Words, str] = {}
        self.by_kind: dict[str, Read] = {"sent": self.sent, "receipt": self.receipt, "stored": self.stored}

    def sent(self, key: bytes | None, value: bytes | None, place: Place) -> Sent | None:
        """The fact of a clean sent record."""
        try:
            given = self._loads(value)
            report_id, sent_at, message_id = given.pop("report_id"), given.pop("sent_at"), given.pop("message_id", None)
            receiver, way = self._receivers[_words(given.pop("receiver"))], self._ways[_words(given)]
            if (
                key != report_id.encode()
                or not _is_report_id(report_id)
                or not _is_time(sent_at)
                or (message_id is not None and not _is_token(message_id))
            ):
                return None
            names = self._names.get((receiver, way)) or self._new_names(receiver, way)
            return Sent(report_id, place, _time(sent_at), names, message_id)
        except _UNCLEAN:
            return None

    def receipt(self, key: bytes | None, value: bytes | None, place: Place) -> Receipt | None:
        """The fact of a clean receipt record."""
        try:
            given = self._loads(value)
            report_id, code, message_id = given["report_id"], _RECEIPTS[given["receipt"]], given.get("message_id")
            if (
                key != report_id.encode()
                or len(given) != (4 if "message_id" in given else 3)
                or not _is_report_id(report_id)
                or not _is_time(given["received_at"])
                or (message_id is not None and not _is_token(message_id))
            ):
                return None
            _time(given["received_at"])
            return Receipt(report_id, place, code)
        except _UNCLEAN:
            return None

    def stored(self, key: bytes | None, value: bytes | None, place: Place) -> Stored | None:
        """The fact of a clean stored record."""
        try:
            given = self._loads(value)
            report_id, stored_at = given.pop("report_id"), given.pop("stored_at")
            receiver = given.pop("receiver", None)
            if receiver is not None:
                receiver = self._receivers[_words(receiver)]
            evidence = self._proofs[_words(given)]
            if key != report_id.encode() or not _is_report_id(report_id) or not _is_time(stored_at):
                return None
            return Stored(report_id, place, _time(stored_at), evidence, receiver)
        except _UNCLEAN:
            return None

    def _loads(self, value: bytes | None) -> Any:
        return loads(value) if value is not None and len(value) <= self._most_bytes else None

    def learn(self, record: Record, intake: Intake) -> None:
        """Remember the words of a record if the models read it without fault and without dropping anything."""
        fact = intake.fact
        if intake.refusal is not None or intake.extras or record.value is None:
            return
        try:
            given = loads(record.value)
        except JSONDecodeError:
            return  # a schema registry's frame, or what only the models' parser reads
        for name in ("report_id", "sent_at", "stored_at", "message_id"):
            given.pop(name, None)
        receiver = given.pop("receiver", None)
        if isinstance(fact, Sent):
            names = fact.names
            self._learn_receiver(receiver, names.receiver)
            way = names.channel, names.case_system, names.case_system_version, names.form
            _remember(self._ways, _words(given), way)
        elif isinstance(fact, Stored):
            self._learn_receiver(receiver, fact.receiver)
            _remember(self._proofs, _words(given), fact.evidence)

    def _learn_receiver(self, given: dict[str, Any] | None, receiver: Receiver | None) -> None:
        if given is not None and receiver is not None:
            _remember(self._receivers, _words(given), receiver)

    def _new_names(self, receiver: Receiver, way: Way) -> Names:
        names = Names(receiver, *way)
        _remember(self._names, (receiver, way), names)
        return names


# Not JSON, not an object, a field missing or of another type, words that the models have not read yet, a day that no
# month has: whatever it is, the models say it better.
_UNCLEAN = (JSONDecodeError, KeyError, TypeError, AttributeError, ValueError)


def _remember(known: dict[Any, Any], words: Any, what: Any) -> None:
    if len(known) >= MOST_WORDS:
        known.clear()
    known[words] = what
