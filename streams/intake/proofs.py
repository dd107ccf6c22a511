"""Proofs: a verdict for each item, and the records that the accepted ones become."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from schemas.common import parse_time
from streams.access.scope import ReceiverScope
from streams.core.events import written
from streams.intake.items import ACCEPTED, NOT_YOURS, UNKNOWN_ID, ProofItem, UnreadableItem, in_zone, unreadable
from streams.intake.judged import EVER, Entry, Judged, Undelivered, nothing
from streams.intake.receivers import Whose, whose

EVIDENCE = "RECONCILIATION"
Lookup = Callable[[Sequence[str]], dict[str, str]]


class Sender(NamedTuple):
    """For whom, in whose name and in which zone items are delivered."""

    own: frozenset[ReceiverScope] | None
    feed: str | None
    zone: ZoneInfo | None = None


def judge(items: Sequence[Any], sender: Sender, lookup: Lookup) -> Judged:
    """Judge every item by itself. `lookup` gives the reports of those message ids that tell of one report only."""
    read = [_read(item, sender.zone) for item in items]
    by_message = [one.message_id for one in read if isinstance(one, ProofItem) and one.report_id is None]
    reports = lookup([name for name in by_message if name is not None])
    judged = nothing()
    for given, item in zip(items, read, strict=True):
        verdict = item.verdict if isinstance(item, UnreadableItem) else _judge(item, sender, reports, judged.entries)
        judged.verdicts.append(verdict)
        if verdict != ACCEPTED:
            held = _undelivered(given, item)
            judged.undelivered.append(held._replace(unknown=held.unknown and verdict != NOT_YOURS))
        elif isinstance(item, ProofItem) and item.message_id:
            judged.known.append(item.message_id.encode())
    return judged


def _read(given: Any, zone: ZoneInfo | None) -> ProofItem | UnreadableItem:
    if isinstance(given, UnreadableItem):
        return given
    if not isinstance(given, dict):
        return UnreadableItem("item")
    try:
        item = ProofItem.model_validate(given if zone is None else in_zone(given, "stored_at", zone))
    except ValidationError as error:
        return unreadable(error)
    return item if item.report_id or item.message_id else UnreadableItem("report_id")


def _judge(item: ProofItem, sender: Sender, reports: dict[str, str], entries: list[Entry]) -> str:
    receiver = whose(item.municipality, item.district, sender.own)
    if isinstance(receiver, str):
        return receiver
    report_id = item.report_id or reports.get(item.message_id or "")
    if report_id is None:
        return UNKNOWN_ID
    entries.append(Entry(report_id, _value(report_id, item, receiver, sender.feed)))
    return ACCEPTED


def _value(report_id: str, item: ProofItem, receiver: Whose, feed: str | None) -> bytes:
    given = {
        "report_id": report_id,
        "stored_at": written(item.stored_at) if item.stored_at else None,
        "evidence": item.evidence or EVIDENCE,
        "receiver": receiver.value(),
        "case_system": item.case_system,
        "feed": feed,
    }
    return orjson.dumps({name: value for name, value in given.items() if value is not None})


def _undelivered(given: Any, item: ProofItem | UnreadableItem) -> Undelivered:
    """What it is recognised by when it is said again; its time, if that can be read."""
    if isinstance(item, ProofItem):
        unknown = item.report_id is None and item.message_id is not None
        return Undelivered((item.message_id or item.report_id or "").encode(), item.stored_at or EVER, unknown)
    if not isinstance(given, dict):
        return Undelivered(repr(given).encode(), EVER)
    try:
        stored_at = parse_time(str(given.get("stored_at")))
    except ValueError:
        stored_at = EVER
    return Undelivered(orjson.dumps(given, option=orjson.OPT_SORT_KEYS, default=repr), stored_at)
