"""Records as the checker writes them: made by hand, each valid by its schema, or by the checker itself."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import orjson

from schemas.coverage import Books, Coverage
from schemas.outputs import ReportClosed, ReportMissing, ReportRecovered, ReportReopened, ReportState
from streams.commands.replay import PlayedLine, Replay
from streams.core.events import CLOSED_TYPE, MISSING_TYPE, RECOVERED_TYPE, REOPENED_TYPE
from streams.core.policy import Policy
from streams.core.rules import Rules
from streams.data import succession
from streams.policies import load_policy
from streams.records.events import event_value
from streams.view.store.changes import Changes, TopicPlace
from streams.view.store.store import Store

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STATE, MISSING, COVERAGE = "reports.state", "reports.missing", "reports.coverage"
STATUSES = ("pending", "stored", "missing", "recovered", "unproven", "undetermined", "unexpected")
NOTHING: Mapping[str, Any] = {}


class Record(NamedTuple):
    """A record as the consumer hands it out."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = 0
    timestamp_type: int = 1


def text(at: datetime) -> str:
    """A time as it is written."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def after(**time: float) -> str:
    """A time after the start of everything."""
    return text(START + timedelta(**time))


def report_id(number: int) -> str:
    """The id of a report; ids are in the order of their numbers."""
    return f"{number:08d}-0000-4000-8000-{number:012d}"


def event_id(number: int) -> str:
    """The id of an event."""
    return f"{number:08d}-0000-5000-8000-{number:012d}"


def receiver(municipality: str = "0301", **more: str | None) -> dict[str, Any]:
    """A receiver with all its levels."""
    return {"municipality": municipality, "district": None, "unit_id": None, "org_number": None} | more


def place(topic: str, offset: int, at: str) -> dict[str, Any]:
    """Where a record lies, and when it arrived."""
    return {"topic": f"reports.{topic}", "partition": 0, "offset": offset, "arrived": at}


_BARE: dict[str, Any] = dict.fromkeys(ReportState.model_fields) | {
    "version": 2, "report_id": report_id(0), "status": "unexpected", "episode": 0, "message_ids": [], "attempts": 0,
    "flags": [], "touched_at": after(),
}  # fmt: skip


def bare(number: int, **changes: Any) -> dict[str, Any]:
    """A report of which nothing is known: every field that may be null is."""
    return _valid(ReportState, _BARE | {"report_id": report_id(number)} | changes)


def state(number: int, status: str = "pending", **changes: Any) -> dict[str, Any]:
    """A report that was sent so many minutes after the start."""
    sent = after(minutes=number)
    known = {
        "status": status, "receiver": receiver(), "channel": "FIKS_IO", "case_system": "VISMA_FAMILIA",
        "case_system_version": "7.3.1", "form": "PRIVAT", "sent_at": sent, "due_at": after(minutes=number + 120),
        "alarm_at": after(minutes=number + 125), "message_ids": [f"m{number}"], "attempts": 1,
        "policy_version": "default", "touched_at": sent, "sent_record": place("sent", number, sent),
    }  # fmt: skip
    proof = {
        "stored_at": after(minutes=number + 1), "evidence": "READ_BACK",
        "stored_record": place("stored", number, after(minutes=number + 2)),
    }  # fmt: skip
    missing = {"reason": "no_receipt", "missing_event_id": event_id(number), "episode": 1}
    by_status: dict[str, dict[str, Any]] = {
        "stored": proof,
        "missing": missing,
        "recovered": missing | proof | {"recovered_at": after(minutes=number + 300)},
    }
    return bare(number, **(known | by_status.get(status, {}) | changes))


def missing(number: int, **changes: Any) -> dict[str, Any]:
    """The announcement that a report is missing."""
    row = state(number)
    same = ("report_id", "receiver", "channel", "case_system", "case_system_version", "sent_at", "due_at", "alarm_at")
    value = {name: row[name] for name in same} | {
        "type": MISSING_TYPE, "event_id": event_id(number), "reason": "no_receipt", "policy_version": "default",
        "portal_deletes_at": after(days=30, minutes=number), "sent_record": None, "form": "PRIVAT",
        "message_ids": [f"m{number}"], "receipt": None, "feed": None, "episode": 1, "previous_event_id": None,
    }  # fmt: skip
    return _valid(ReportMissing, value | changes)


def recovered(number: int, **changes: Any) -> dict[str, Any]:
    """The announcement that it was found after all."""
    value = {
        "type": RECOVERED_TYPE, "event_id": event_id(number + 50_000_000), "missing_event_id": event_id(number),
        "report_id": report_id(number), "stored_at": after(minutes=number + 299), "evidence": "MANUAL",
        "arrived_at": after(minutes=number + 300), "cause": "stored_late",
    }  # fmt: skip
    return _valid(ReportRecovered, _said(number) | value | changes)


def _said(number: int) -> dict[str, Any]:
    """What the events that follow a missing event repeat of it."""
    names = ("reason", "receiver", "channel", "case_system", "case_system_version", "sent_at", "due_at", "episode")
    return {name: missing(number)[name] for name in names}


def decided(number: int, outcome: str | None = "handled", at: float = 200, **changes: Any) -> dict[str, Any]:
    """The announcement that somebody closed the alarm; without an outcome, that it was opened again."""
    value = _said(number) | {
        "type": CLOSED_TYPE if outcome else REOPENED_TYPE, "event_id": event_id(int(at) * 100_000 + number),
        "missing_event_id": event_id(number), "report_id": report_id(number), "decision_id": report_id(70_000_000),
        "decided_at": after(minutes=number + at), "arrived_at": after(minutes=number + at),
    } | ({"outcome": outcome} if outcome else {})  # fmt: skip
    return _valid(ReportClosed if outcome else ReportReopened, value | changes)


def coverage(partition: int = 0, until: str | None = None, **changes: Any) -> dict[str, Any]:
    """How far a partition is complete; it is the only one unless told."""
    value = {
        "kind": "coverage", "partition": partition, "partitions": 1, "complete_until": until, "checked_at": until,
        "applied": {}, "gap": None, "losses": [], "policy": {}, "beginnings": {}, "first_complete": until,
        "feeds": {},
    }  # fmt: skip
    return _valid(Coverage, value | changes)


def word(vouched: float | None = None, heard: float | None = None, proofs: int = 0) -> dict[str, Any]:
    """What a feed has said in a partition: until when it vouched and when it was heard, in minutes after the start."""
    at = None if heard is None else after(minutes=heard)
    until = None if vouched is None else after(minutes=vouched)
    return {"vouched_until": until, "since": at if until else None, "heard": at, "proofs": proofs}


def books(municipality: str | None = "0301", partition: int = 0, **counts: int) -> dict[str, Any]:
    """A receiver's books, in balance unless `sent` is given."""
    filled = {name: counts.get(name, 0) for name in (*STATUSES, "erased", "duplicates", "resends", "sent_records")}
    sent = sum(number for name, number in filled.items() if name in (*STATUSES[:6], "erased"))
    value = {"kind": "books", "partition": partition, "municipality": municipality, "sent": sent}
    return _valid(Books, value | filled | counts)


def _valid(model: Any, value: dict[str, Any]) -> dict[str, Any]:
    model.model_validate_json(orjson.dumps(value))
    return value


def state_record(value: dict[str, Any], offset: int = 0) -> Record:
    """A row on the state topic."""
    return Record(offset, value["report_id"].encode(), orjson.dumps(value))


def tombstone(number: int, offset: int = 0) -> Record:
    """The end of a row."""
    return Record(offset, report_id(number).encode(), None)


def event_record(value: dict[str, Any], offset: int = 0, recorded: str | None = None) -> Record:
    """An event on the missing topic."""
    at = recorded or value.get("alarm_at") or value["arrived_at"]
    headers = (("ce_type", value["type"].encode()), ("ce_recordedtime", at.encode()))
    return Record(offset, value["report_id"].encode(), orjson.dumps(value), headers)


def changes(
    states: Iterable[dict[str, Any]] = (),
    events: Iterable[dict[str, Any]] = (),
    spoken: Iterable[dict[str, Any]] = (),
    gone: Iterable[int] = (),
    at: int = 0,
    partition: int = 0,
) -> Changes:
    """A batch as the feed makes it, with positions behind its last records; `at` is the first offset of each topic."""
    made = Changes()
    rows = [state_record(value, at + number) for number, value in enumerate(states)]
    rows += [tombstone(number, at + len(rows) + i) for i, number in enumerate(gone)]
    found = {
        TopicPlace(STATE, partition): rows,
        TopicPlace(MISSING, partition): [event_record(value, at + number) for number, value in enumerate(events)],
        TopicPlace(COVERAGE, partition): [Record(at + n, b"0", orjson.dumps(value)) for n, value in enumerate(spoken)],
    }
    for where, records in found.items():
        take = {STATE: made.take_states, MISSING: made.take_events, COVERAGE: made.take_coverage}[where.topic]
        take(where, records)
        if records:
            made.positions[where] = at + len(records)
    return made


def filled(store: Store, *batches: Changes) -> Store:
    """A store with these batches applied."""
    for batch in batches:
        store.apply(batch)
    return store


@cache
def policy() -> Policy:
    """The built-in policy."""
    return load_policy(None)


class Played(NamedTuple):
    """What the checker itself made of some traffic."""

    states: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]


_PLACES = ("0301", "4601", "1201", "1507", "5021", "3907")
_SYSTEMS = (("VISMA_FAMILIA", "7.3.1"), ("VISMA_FLYT_BARNEVERN", None), ("UKJENT", "2"))


@cache
def played(count: int = 120) -> Played:
    """So many reports through the real checker: stored, late, receipt only, nothing, elsewhere, unexpected, pending."""
    replay = Replay(Rules(policy(), succession()))
    lines = sorted((line for number in range(count) for line in _told(number)), key=lambda line: line.at)
    events = [event_value(event) for event in replay.run(lines, START + timedelta(days=3))]
    states = tuple(replay.states())
    for value in states:
        _valid(ReportState, value)
    return Played(states, tuple(events))


def _told(number: int) -> list[PlayedLine]:
    identity, begin = report_id(number), START + timedelta(minutes=number * 7)
    system, version = _SYSTEMS[number % 3]
    where = {"municipality": _PLACES[number % len(_PLACES)]}
    where |= {"district": f"{number % 4:02d}"} if where["municipality"] == "0301" else {}
    sent = {
        "report_id": identity, "sent_at": text(begin), "receiver": where, "case_system": system,
        "channel": "SVARINN" if number % 11 == 0 else "FIKS_IO", "message_id": f"m-{number}", "form": "PRIVAT",
    }  # fmt: skip
    if version:
        sent["case_system_version"] = version
    facts: dict[int, list[tuple[str, float, dict[str, Any]]]] = {
        0: [("stored", 30, {})],
        1: [("receipt", 1, {"receipt": "MOTTATT"}), ("stored", 40, {"evidence": "RECONCILIATION"})],
        2: [("receipt", 1, {"receipt": "MOTTATT"})],
        3: [],
        4: [("receipt", 2, {"receipt": "FEILET"}), ("stored", 60 * 30, {"evidence": "MANUAL"})],
        5: [("stored", 3, {"receiver": {"municipality": "1103"}})],
        6: [("stored", 3, {})],  # and never sent
    }
    kind = number % 7
    more = [_line(identity, topic, begin + timedelta(minutes=at), value) for topic, at, value in facts[kind]]
    return more if kind == 6 else [_line(identity, "sent", begin, sent), *more]


def _line(identity: str, topic: str, at: datetime, value: dict[str, Any]) -> PlayedLine:
    times = {"receipt": {"received_at": text(at)}, "stored": {"stored_at": text(at), "evidence": "READ_BACK"}}
    full = {"report_id": identity} | times.get(topic, {}) | value
    return PlayedLine(at, topic, orjson.dumps(full), identity.encode())
