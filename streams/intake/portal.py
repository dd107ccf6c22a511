"""What the portal says: reports that it sent, and receipts. Whatever can be read is passed on, so that no report is
unseen because of one field.
"""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from schemas.common import Token
from schemas.content import Unreadable
from schemas.reading import RECEIPT, SENT, Told
from streams.intake.items import ACCEPTED, UNKNOWN_ID, UnreadableItem, in_zone
from streams.intake.judged import Entry, Judged, nothing
from streams.records.copies import readable

_TOKEN: TypeAdapter[str] = TypeAdapter(Token)
Lookup = Callable[[Sequence[str]], dict[str, str]]


def judge_sent(items: Sequence[Any], zone: ZoneInfo | None) -> Judged:
    """An item needs a report's id; what else cannot be read of it is told, and judged as the contract says."""
    judged = nothing()
    for item in items:
        _take(judged, _in_zone(item, "sent_at", zone), SENT.read_content)
    return judged


def judge_receipts(items: Sequence[Any], zone: ZoneInfo | None, lookup: Lookup) -> Judged:
    """An item needs a receipt, and a report's id or the message's that it answers."""
    judged = nothing()
    reports = lookup([item["message_id"] for item in items if _by_message(item) and _is_token(item["message_id"])])
    for item in items:
        if _by_message(item) and not _is_token(item["message_id"]):
            judged.verdicts.append(UnreadableItem("message_id").verdict)
            continue
        report_id = reports.get(item["message_id"]) if _by_message(item) else None
        if _by_message(item) and report_id is None:
            judged.verdicts.append(UNKNOWN_ID)
            continue
        known = item if report_id is None else {**item, "report_id": report_id}
        _take(judged, _in_zone(known, "received_at", zone), RECEIPT.read_content)
    return judged


def _in_zone(item: Any, name: str, zone: ZoneInfo | None) -> Any:
    return item if zone is None or not isinstance(item, dict) else in_zone(item, name, zone)


def _by_message(item: Any) -> bool:
    return isinstance(item, dict) and item.get("report_id") is None and isinstance(item.get("message_id"), str)


def _is_token(name: str) -> bool:
    try:
        _TOKEN.validate_python(name)
    except ValidationError:
        return False
    return True


def _take(judged: Judged, item: Any, read: Callable[[dict[str, Any]], Told]) -> None:
    if isinstance(item, UnreadableItem) or not isinstance(item, dict):
        judged.verdicts.append((item if isinstance(item, UnreadableItem) else UnreadableItem("item")).verdict)
        return
    try:
        told = read(item)
    except Unreadable as error:
        judged.verdicts.append(UnreadableItem(error.reason.partition(":")[2] or "item").verdict)
        return
    if told.unreadable:
        judged.unread[len(judged.verdicts)] = list(told.unreadable)
    judged.verdicts.append(ACCEPTED)
    judged.entries.append(Entry(told.report_id, readable(told)))
