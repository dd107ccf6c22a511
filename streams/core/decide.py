"""The decision: what time settles of a row once its partition is complete until it, and what is announced of it."""

from datetime import UTC, datetime
from typing import NamedTuple

from streams.core.events import Event, missing
from streams.core.facts import REFUSALS, ReceiptCode
from streams.core.policy import Asks, Version
from streams.core.row import Alarm, Glance, Reason, Row, Status, Window
from streams.core.rules import Limits, Rules
from streams.core.sight import Sight

NEVER = datetime.max.replace(tzinfo=UTC)
_REASON_BY_RECEIPT = {
    ReceiptCode.MOTTATT: Reason.RECEIPTED_NOT_STORED,
    ReceiptCode.FEILET: Reason.REJECTED,
    ReceiptCode.TIDSAVBRUDD: Reason.TRANSPORT_FAILED,
    ReceiptCode.SERVERFEIL: Reason.TRANSPORT_FAILED,
}


def next_turn(row: Row, rules: Rules, sight: Sight) -> datetime | None:
    """When time alone changes what is said of a row next, but for erasing it; None while only a record can."""
    if row.window is Window.OPEN:
        return row.alarm_at
    if row.window is Window.REFUSED and row.receipt_place is not None:
        return row.receipt_place.arrived
    if row.window is Window.CLOSED:
        return _unexpected_after(row, rules.limits)
    version = rules.policy.version(row.policy_version)
    if row.window is Window.BLIND:
        return _blind_until(row, version, sight)
    hearing = _hearing(row, version, sight)
    return hearing.over if row.window is Window.SILENT else min(hearing.over, hearing.silent)


def pass_turns(row: Row, until: datetime, rules: Rules, sight: Sight) -> tuple[Event, ...]:
    """Let pass all turns strictly before a time, one after the other: the events that they cause."""
    events: tuple[Event, ...] = ()
    while (turn := next_turn(row, rules, sight)) is not None and turn < until:
        events += _pass_turn(row, turn, rules, sight)
    return events


def _pass_turn(row: Row, at: datetime, rules: Rules, sight: Sight) -> tuple[Event, ...]:
    if row.window is Window.CLOSED:
        row.status = Status.UNEXPECTED
        return ()
    version = rules.policy.version(row.policy_version)
    if row.window is Window.BLIND:
        return _speak(row, at, Reason.UNWATCHED, version, sight)
    if row.window is Window.REFUSED:
        return _close(row, at, reason_of(row), version, sight)
    doubts = frozenset() if _answered(row) else sight.doubts(row, at)
    if doubts:
        row.flags |= doubts
        limit = sight.limit(row, doubts, version)
        row.limit_at = limit and max(limit, at)
        _wait(row, Window.BLIND)
        return ()
    if row.feed is None:
        return _speak(row, at, reason_of(row), version, sight)
    return _ask_feed(row, at, version, sight)


def reason_of(row: Row) -> Reason:
    """Why a row is missing, from what has arrived."""
    if row.elsewhere is not None:
        return Reason.STORED_ELSEWHERE
    return _REASON_BY_RECEIPT[row.receipt] if row.receipt else Reason.NO_RECEIPT


def next_look(row: Row, rules: Rules, sight: Sight) -> datetime | None:
    """When time alone may change this row next; None while only a record can (a missing row waits for its proof)."""
    turn = next_turn(row, rules, sight)
    if turn is None and row.window is Window.BLIND and sight.first_complete is None and row.limit_at is not None:
        return row.limit_at  # whether that is too late will be known by then
    return erased_after(row, rules.limits) if turn is None else turn


def first_look(row: Row, limits: Limits) -> datetime | None:
    """When to look at a row of which only the row is known: its next turn, or before it."""
    at = _unexpected_after(row, limits) if row.window is Window.CLOSED else row.alarm_at
    return erased_after(row, limits) if at is None else at


def erased_after(row: Glance, limits: Limits) -> datetime | None:
    """The end of the keeping time, from the last fact and the last alarm on; None while the row has to be kept."""
    if row.status is Status.MISSING and row.alarms[-1].outcome is None:
        return None
    last = row.touched if row.alarm_at is None else max(row.touched, row.alarm_at)
    return last + limits.keep


def _unexpected_after(row: Row, limits: Limits) -> datetime | None:
    """When a proof without a sent is unexpected."""
    waits = row.status is Status.PENDING and row.held_stored
    return row.held_stored[0].place.arrived + limits.unexpected_after if waits else None


def _ask_feed(row: Row, at: datetime, version: Version, sight: Sight) -> tuple[Event, ...]:
    """The turn of a window whose proof a feed brings: it has spoken, is waited for, or is waited for no longer."""
    hearing = _hearing(row, version, sight)
    refusal = row.receipt if row.receipt in REFUSALS else None
    if hearing.spoken <= at or (refusal and at == hearing.silent):
        return _close(row, at, reason_of(row), version, sight)
    if at >= hearing.over:
        return _close(row, at, _REASON_BY_RECEIPT[refusal] if refusal else Reason.UNWATCHED, version, sight)
    if row.window is Window.OPEN:
        row.window = Window.WAITING
    else:
        _wait(row, Window.SILENT)
    return ()


def _speak(row: Row, at: datetime, reason: Reason, version: Version, sight: Sight) -> tuple[Event, ...]:
    """Close a window: it has all that it asks, or it is missing."""
    if not _answered(row):
        return _close(row, at, reason, version, sight)
    row.window = Window.CLOSED
    if not row.alarms:
        row.status = Status.UNPROVEN
    return ()


def _answered(row: Row) -> bool:
    """True if a window has all that it asks, though no proof."""
    return row.asks is Asks.NONE or (row.asks is Asks.RECEIPT and row.receipt is ReceiptCode.MOTTATT)


def _close(row: Row, at: datetime, reason: Reason, version: Version, sight: Sight) -> tuple[Event, ...]:
    """Close a row's window as missing at a time."""
    until = sight.feeds.vouched_until(row.feed, at) if row.feed else None
    announced = missing(row, reason, version.portal_retention, until)
    alarm = Alarm(announced.event_id, at, announced.alarm_at, announced.due_at, reason, row.channel)
    row.alarms = (*row.alarms, alarm)
    row.window, row.status = Window.CLOSED, Status.MISSING
    return (announced,)


def _wait(row: Row, window: Window) -> None:
    """A witness that should have spoken has not: neither stored nor missing can be said."""
    row.window = window
    if not row.alarms:
        row.status = Status.UNDETERMINED


def _blind_until(row: Row, version: Version, sight: Sight) -> datetime | None:
    """When a blind window is given up, after its feed is; None for as long as its row is kept."""
    if row.limit_at is None or sight.began_too_late(row):
        return None
    return row.limit_at if row.feed is None else max(row.limit_at, _hearing(row, version, sight).over)


class Hearing(NamedTuple):
    """How long a window waits for its feed."""

    spoken: datetime  # NEVER where it has not
    silent: datetime  # its patience is over
    over: datetime  # it has spoken, or is waited for no longer


def _hearing(row: Row, version: Version, sight: Sight) -> Hearing:
    feed, alarm = version.feed(row.feed), row.alarm_at
    if feed is None or row.sent_at is None or row.due_at is None or alarm is None:
        raise ValueError(f"The policy's version {version.id} has no feed {row.feed}, or nothing was sent.")
    since = sight.feeds.spoken(feed.id, row.due_at)
    spoken = NEVER if since is None else max(alarm, since)
    limit = max(version.last_call_of(row.sent_at), alarm)
    if feed.announce_after is not None:
        limit = min(limit, alarm + feed.announce_after)
    return Hearing(spoken, alarm + feed.patience, min(spoken, limit))
