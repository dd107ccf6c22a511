"""What to do with a report that is missing: numbered steps, by its reason and by who reads.

Whoever leads the service that a report was sent to *is* the receiver, and is not told to ask it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from schemas.outputs import Reason

Copy = Literal["kept", "gone", "unknown"]

# Each is a text of `guide`. What is asked of the portal, and that somebody is told how it went, comes after them.
_RECEIVER: Mapping[Reason, tuple[str, ...]] = {
    "no_receipt": ("guide.search", "guide.inbox", "guide.vendor"),
    "receipted_not_stored": ("guide.claim", "guide.search", "guide.inbox", "guide.vendor"),
    "rejected": ("guide.rejected_why", "guide.vendor", "guide.rejected_mend"),
    "transport_failed": ("guide.transport_why", "guide.search", "guide.vendor"),
    "stored_elsewhere": ("guide.elsewhere_whose", "guide.vendor", "guide.elsewhere_move"),
    "unwatched": ("guide.unwatched_why", "guide.search", "guide.unwatched_found"),
}
_OTHERS: Mapping[Reason, tuple[str, ...]] = {
    "no_receipt": ("guide.call", "guide.ask_search", "guide.alike"),
    "receipted_not_stored": ("guide.call", "guide.ask_claim", "guide.alike"),
    "rejected": ("guide.call", "guide.ask_rejected", "guide.alike"),
    "transport_failed": ("guide.call", "guide.ask_transport", "guide.alike"),
    "stored_elsewhere": ("guide.call", "guide.ask_elsewhere"),
    "unwatched": ("guide.unwatched_feed", "guide.call", "guide.ask_search"),
}
_SEND_AGAIN: dict[Copy, str] = {
    "kept": "guide.again", "gone": "guide.again_gone", "unknown": "guide.again_unknown",
}  # fmt: skip
# The portal counts these as delivered, and refuses to send them again.
_DELIVERED: tuple[Reason, ...] = ("receipted_not_stored",)
_FETCH_RECEIVER: dict[Copy, str] = {**_SEND_AGAIN, "kept": "guide.fetch", "unknown": "guide.fetch_unknown"}
_FETCH_OTHERS: dict[Copy, str] = {
    **_SEND_AGAIN, "kept": "guide.ask_fetch", "unknown": "guide.ask_fetch_unknown",
}  # fmt: skip
# Where what is missing lies with somebody, nothing has to be sent again.
_FOUND: tuple[Reason, ...] = ("stored_elsewhere",)


def steps(report: Mapping[str, Any], now: datetime, *, is_receiver: bool) -> list[str]:
    """The texts of the steps, in order; none unless a report is missing and its alarm is open."""
    if report["status"] != "missing" or report["outcome"] is not None:
        return []
    reason: Reason = report["reason"]
    first = (_RECEIVER if is_receiver else _OTHERS)[reason]
    again = () if reason in _FOUND else (_again(reason, is_receiver=is_receiver)[copy_of(report, now)],)
    return [*first, *again, "guide.tell" if is_receiver else "guide.close"]


def _again(reason: Reason, *, is_receiver: bool) -> Mapping[Copy, str]:
    """How it comes from the portal once more, by whether that still has its copy."""
    if reason not in _DELIVERED:
        return _SEND_AGAIN
    return _FETCH_RECEIVER if is_receiver else _FETCH_OTHERS


def copy_of(report: Mapping[str, Any], now: datetime) -> Copy:
    """Whether the portal still has its copy."""
    deletes = report["portal_deletes_at"]
    if deletes is None:
        return "unknown"
    return "kept" if datetime.fromisoformat(deletes) > now else "gone"
