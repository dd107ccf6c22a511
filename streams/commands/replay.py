"""The pure checker on a virtual clock over a script: what would it have said?"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from schemas.common import parse_time
from streams.core.checker import Checker, Effect, MemoryRows
from streams.core.events import Event
from streams.core.facts import Decision, Fact, Place
from streams.core.fold import REFUSED
from streams.core.rules import Rules
from streams.errors import ConfigurationError
from streams.records.decode import take_in, take_in_decision, take_in_mark
from streams.records.events import event_record
from streams.records.record import DECISION, INPUT_KINDS, Record, Refusal
from streams.records.state import state_value

_FIELDS = frozenset({"at", "topic", "value", "key", "tick", "feed", "vouched_until", "proofs"})
_TURNS = {None: 0, "sent": 0, "receipt": 1, "stored": 2, "feed": 2, "decision": 3}


class ScriptError(ConfigurationError):
    """A line of the script cannot be replayed: the message names the line."""


class PlayedLine(NamedTuple):
    """One line: what arrived when; `topic` is None for a tick, and `feed` for a feed's mark."""

    at: datetime
    topic: str | None
    value: bytes | None
    key: bytes | None


def read_script(lines: Iterable[bytes]) -> Iterator[PlayedLine]:
    """Parse a script. Raises ScriptError with the line's number."""
    last: datetime | None = None
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        line = _line(number, text)
        if last is not None and line.at < last:
            raise ScriptError(f"Line {number}: `at` goes back behind the line before it: sort the script by arrival.")
        last = line.at
        yield line


def _line(number: int, text: bytes) -> PlayedLine:
    try:
        given = orjson.loads(text)
        at = parse_time(given["at"])
    except (ValueError, KeyError, TypeError, ValidationError):
        raise ScriptError(
            f'Line {number} is no script line: write {{"at": TIME, "topic": "sent", "value": {{...}}}}, '
            '{"at": TIME, "feed": ID, "vouched_until": TIME} or {"at": TIME, "tick": true}, with a zone in every time, '
            "and none from the year 9000 on."
        ) from None
    if unknown := sorted(given.keys() - _FIELDS):
        raise ScriptError(f"Line {number} has the unknown field {unknown[0]!r}: remove it.")
    if given.get("tick") is True and "topic" not in given:
        return PlayedLine(at, None, None, None)
    if "feed" in given and "topic" not in given:
        mark = {name: given[name] for name in ("feed", "vouched_until", "proofs") if name in given}
        return PlayedLine(at, "feed", _bytes(mark), str(given["feed"]).encode())
    if given.get("topic") not in INPUT_KINDS or "value" not in given:
        raise ScriptError(
            f"Line {number}: `topic` must be sent, receipt, stored or decision, and `value` must be given."
        )
    return PlayedLine(at, given["topic"], _bytes(given["value"]), _key(given))


def _bytes(value: Any) -> bytes | None:
    return None if value is None else orjson.dumps(value)


def _key(given: dict[str, Any]) -> bytes | None:
    """The record's key: as given, else the value's report id, as a producer would set it."""
    value = given["value"]
    key = given.get("key", value.get("report_id") if isinstance(value, dict) else None)
    return key.encode() if isinstance(key, str) else None


class Replay:
    """Applies lines one after the other; before each, the virtual partition is complete until its `at`.

    `watch`: is told a report and its status whenever that may have changed.
    """

    def __init__(
        self, rules: Rules, *, max_value_bytes: int = 262_144, watch: Callable[[str, str], None] | None = None
    ) -> None:
        self._rows = MemoryRows()
        self.checker = Checker(rules, self._rows)
        self.rejected: Counter[str] = Counter()
        self.unjudged: Counter[str] = Counter()  # what could be read and was refused by the rules
        self._offsets: Counter[str] = Counter()
        self._max_value_bytes = max_value_bytes
        self._watch = watch

    def run(self, lines: Iterable[PlayedLine], until: datetime | None = None) -> Iterator[Event]:
        """All events, in order. The clock ends at `until`, else at the last line."""
        for at, together in groupby(lines, attrgetter("at")):
            if until is not None and at > until:
                break
            yield from self._advance(at)
            for line in sorted(together, key=_turn):
                if line.topic is not None:
                    yield from self._apply(line, line.topic)
        if until is not None:
            yield from self._advance(until)

    def states(self) -> Iterator[dict[str, Any]]:
        """Every row as on the state topic, ordered by report id."""
        for row in sorted(self._rows, key=lambda row: row.report_id):
            yield state_value(row)

    def _advance(self, until: datetime) -> Iterator[Event]:
        for passed in self.checker.advance(until):
            if self._watch and passed.status:
                self._watch(passed.report_id, passed.status)
            yield from passed.events

    def _apply(self, line: PlayedLine, topic: str) -> Iterator[Event]:
        on = "stored" if topic == "feed" else topic
        place = Place(line.at, f"reports.{on}", 0, self._offsets[on])
        self._offsets[on] += 1
        record = Record(on, place, line.key, line.value)
        effect = self._effect(topic, record)
        if effect is not None:
            if effect.step in REFUSED:
                self.unjudged[effect.step] += 1
            yield from effect.events

    def _effect(self, topic: str, record: Record) -> Effect | None:
        """What a record does; None where it cannot be read."""
        most = self._max_value_bytes
        if topic == "feed":
            mark = take_in_mark(record, record.key or b"", most)
            if not isinstance(mark, Refusal):
                return self.checker.mark(mark)
            self.rejected[mark.reason] += 1
            return None
        intake = take_in_decision(record, most) if topic == DECISION else take_in(record, most)
        if intake.refusal is not None:
            self.rejected[intake.refusal.reason] += 1
        if isinstance(intake.fact, Decision):
            return self.checker.decide(intake.fact)
        return None if intake.fact is None else self._checked(intake.fact)

    def _checked(self, fact: Fact) -> Effect:
        effect = self.checker.apply(fact)
        if self._watch and (row := self._rows.get(fact.report_id)):
            self._watch(row.report_id, row.status)
        return effect


def _turn(line: PlayedLine) -> int:
    """What arrived at one moment is applied in the order of the log; lines of one topic keep theirs."""
    return _TURNS[line.topic]


def event_line(event: Event) -> bytes:
    """An event as a line of output: the value of the missing topic; there is no log, so `sent_record` is null."""
    return event_record(event, positions=False)
