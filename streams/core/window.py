"""Windows: what is asked of an attempt, and until when."""

from datetime import datetime, timedelta

from streams.core.facts import Sent
from streams.core.policy import STRENGTH, Terms, Version
from streams.core.row import Flag, Row, Status, Window
from streams.core.rules import Rules

SENDER_CLOCK_TOLERANCE = timedelta(minutes=5)
CLOCK_BEHIND_AFTER = timedelta(days=400)
MOST_EPISODES = 10


def trusted_sent_at(sent: Sent) -> datetime:
    """No report becomes due in 2099 or was due in 1970: the arrival bounds what a producer claims."""
    arrived = sent.place.arrived
    if sent.sent_at is None or sent.sent_at > arrived or arrived - sent.sent_at > CLOCK_BEHIND_AFTER:
        return arrived
    return sent.sent_at


def open_first(row: Row, sent: Sent, version: Version, rules: Rules) -> None:
    """Open the window of a report's first sent."""
    row.sent_at = trusted_sent_at(sent)
    _open(row, sent, row.sent_at, version, rules)


def may_open(row: Row) -> bool:
    """True if the next attempt opens a new window: after a missing event, or where no proof was asked."""
    if row.window is not Window.CLOSED:
        return False
    return row.status is Status.UNPROVEN or (row.status is Status.MISSING and len(row.alarms) < MOST_EPISODES)


def open_next(row: Row, sent: Sent, before: datetime, version: Version, rules: Rules) -> None:
    """Open a new window for an attempt; the last one before it arrived at `before`.

    It begins with the attempt's arrival where what the attempt claims lies before that: a resend may repeat it.
    """
    claimed = trusted_sent_at(sent)
    start = sent.place.arrived if claimed < before else claimed
    if row.first_due_at is None:
        row.first_due_at = row.due_at
    if row.status is Status.UNPROVEN:
        row.status = Status.PENDING
    row.opened_at = sent.place.arrived
    _open(row, sent, start, version, rules)


def reroute(row: Row, sent: Sent, version: Version, rules: Rules) -> bool:
    """Give an open window the terms of another channel; False where the attempt has none that is new to it.

    Due and alarm only ever move later: who repeats every hour must not push the alarm away.
    """
    channel, arrived = sent.names.channel, sent.place.arrived
    if row.due_at is None or row.alarm_at is None or channel is None:
        return False
    if channel in row.routes or channel not in version.allowance:
        return False
    terms = _terms(row, sent, version, rules)
    due, alarm = _times(row, terms, trusted_sent_at(sent), arrived, version)
    if arrived <= row.due_at or STRENGTH.index(terms.asks) >= STRENGTH.index(row.asks):
        _ask(row, terms)
    row.due_at, row.routes = max(row.due_at, due), (*row.routes, channel)
    if alarm > row.alarm_at:
        row.alarm_at, row.window = alarm, Window.OPEN
        if row.status is Status.UNDETERMINED:
            row.status = Status.PENDING
    row.flags.add(Flag.REROUTED)
    return True


def _open(row: Row, sent: Sent, start: datetime, version: Version, rules: Rules) -> None:
    channel, terms = sent.names.channel, _terms(row, sent, version, rules)
    row.window, row.limit_at = Window.OPEN, None
    row.routes = (channel,) if channel else row.routes[-1:]
    row.due_at, row.alarm_at = _times(row, terms, start, sent.place.arrived, version)
    _ask(row, terms)


def _ask(row: Row, terms: Terms) -> None:
    row.asks, row.feed = terms.asks, terms.feed.id if terms.feed else None


def _terms(row: Row, sent: Sent, version: Version, rules: Rules) -> Terms:
    """For what the first sent names, and the attempt's channel."""
    names = row.names.by(sent.names.channel or row.channel)
    return rules.policy.terms(version, names, rules.municipalities)


def _times(row: Row, terms: Terms, start: datetime, arrived: datetime, version: Version) -> tuple[datetime, datetime]:
    """Due and alarm. Until there was an alarm, the next comes by the last call, but never before what arrives then."""
    due = version.end(start, terms.allowance)
    alarm = max(due, arrived) + terms.grace
    if not row.alarms and row.sent_at is not None:
        alarm = min(alarm, max(version.last_call_of(row.sent_at), arrived + terms.grace))
    return due, alarm
