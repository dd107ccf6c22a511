"""The windows of one report by the definitions: which attempts open and re-route them, when they close, and how.

Nothing is carried along: every function asks the report's records again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.core.facts import Receipt, ReceiptCode
from streams.core.policy import Asks, Terms
from streams.core.row import Reason
from tests.core.law import asks_more, end_of, terms_of, trusted
from tests.core.report import (
    FAR,
    Report,
    about,
    attempts,
    counts,
    is_attempt,
    names_by,
    names_upto,
    once,
    proof,
    proved_by,
)
from tests.core.vouched import spoken

REASONS = {
    ReceiptCode.MOTTATT: Reason.RECEIPTED_NOT_STORED,
    ReceiptCode.FEILET: Reason.REJECTED,
    ReceiptCode.TIDSAVBRUDD: Reason.TRANSPORT_FAILED,
    ReceiptCode.SERVERFEIL: Reason.TRANSPORT_FAILED,
}
MOST_EPISODES = 10
BEFORE_A_LOSS = timedelta(hours=24)


class Window(NamedTuple):
    """What is asked of an attempt, and until when. `routes`: who opened it, and who re-routed it."""

    routes: tuple[int, ...]
    channels: tuple[str | None, ...]
    due_at: datetime
    alarm_at: datetime
    terms: Terms
    capped: bool


class Chapter(NamedTuple):
    """A window from its opening to its end.

    `stages`: as it was opened, and after each re-route. `closes`: its verdict time, None for never. Where it is
    announced missing: when, why and by which receipt.
    """

    stages: tuple[Window, ...]
    closes: datetime | None
    missing_at: datetime | None = None
    reason: Reason | None = None
    claim: Receipt | None = None

    @property
    def window(self) -> Window:
        """The window as it was last."""
        return self.stages[-1]


# --- the times of a window


def _opened(report: Report, number: int, before: Sequence[Chapter]) -> Window:
    """The window that an attempt opens after others."""
    attempt, version = report.sents[number], report.version
    arrived, start = attempt.place.arrived, trusted(attempt)
    if any(report.sents[n].place.arrived > start for n in attempts(report) if n < number):
        start = arrived
    channel = attempt.names.channel
    if channel is None and before:
        channel = before[-1].window.channels[-1] or names_upto(report, number).channel
    terms = _terms(report, number, channel) if before else terms_of(report.first.names, version, report.law)
    due = end_of(start, terms.allowance, version)
    alarm, capped = max(due, arrived) + terms.grace, not any(c.missing_at for c in before)
    if capped:
        alarm = min(alarm, max(report.last_call, arrived + terms.grace))
    return Window((number,), (channel,), due, alarm, terms, capped)


def _rerouted(report: Report, window: Window, number: int) -> Window:
    """The window after an attempt on another channel has given it other terms."""
    attempt = report.sents[number]
    arrived, terms = attempt.place.arrived, _terms(report, number, attempt.names.channel)
    due = end_of(trusted(attempt), terms.allowance, report.version)
    alarm = max(due, arrived) + terms.grace
    if window.capped:
        alarm = min(alarm, max(report.last_call, arrived + terms.grace))
    too_late = arrived > window.due_at and asks_more(window.terms, terms)
    asked = window.terms if too_late else terms
    return window._replace(
        routes=(*window.routes, number),
        channels=(*window.channels, attempt.names.channel),
        due_at=max(window.due_at, due),
        alarm_at=max(window.alarm_at, alarm),
        terms=asked,
    )


def _terms(report: Report, number: int, channel: str | None) -> Terms:
    """The terms for a later attempt on a channel."""
    return terms_of(names_upto(report, number)._replace(channel=channel), report.version, report.law)


def _reroutes(report: Report, window: Window, number: int) -> bool:
    """True for an attempt on a channel that is new to an open window and that the version names."""
    channel = report.sents[number].names.channel
    new = channel not in {*window.channels, _first_channel(report, window)}
    return is_attempt(report, number) and new and channel is not None and channel in report.version.allowance


def _first_channel(report: Report, window: Window) -> str | None:
    """The channel of the attempt that opened a window; where it has none, the first that was read after it."""
    if window.channels[0] is not None:
        return window.channels[0]
    later = [s.names.channel for s in report.sents[window.routes[0] + 1 :]]
    return next((channel for channel in later if channel is not None), None)


def channel_by(report: Report, window: Window, time: datetime = FAR) -> str | None:
    """A window's last route, as far as it was known by a time."""
    return window.channels[-1] or names_by(report, time).channel


def opened_at(report: Report, window: Window) -> datetime:
    """When the attempt arrived that opened a window."""
    return report.sents[window.routes[0]].place.arrived


# --- when a window closes


def claim(report: Report, window: Window, time: datetime) -> Receipt | None:
    """The last receipt by then about the attempts since the window began or was last re-routed.

    One that only says again what the last one said changes nothing.
    """
    told = [r for r in report.receipts if r.place.arrived <= time and about(report, r) >= window.routes[-1]]
    new = [r for n, r in enumerate(told) if n == 0 or told[n - 1].receipt is not r.receipt]
    return new[-1] if new else None


def _refusal(found: Receipt | None) -> Receipt | None:
    return found if found is not None and found.receipt is not ReceiptCode.MOTTATT else None


def _last_end(report: Report, window: Window) -> datetime:
    """The later of last call and alarm."""
    return max(report.last_call, window.alarm_at)


def limit(report: Report, window: Window) -> datetime:
    """The latest end of a window that a feed was to judge."""
    feed, latest = window.terms.feed, _last_end(report, window)
    if feed is None:
        return window.alarm_at
    return latest if feed.announce_after is None else min(window.alarm_at + feed.announce_after, latest)


def vouched_at(report: Report, window: Window) -> datetime | None:
    """When a window's feed has said that all has been delivered that it asks for; None as long as it has not."""
    feed = window.terms.feed
    word = spoken(feed.id, window.due_at, report.partition, report.law) if feed else None
    return max(window.alarm_at, word) if word else None


def patience(window: Window) -> datetime | None:
    """Until when a silent feed is waited for without a word of it."""
    return window.alarm_at + window.terms.feed.patience if window.terms.feed else None


def heard_end(report: Report, window: Window) -> datetime:
    """When a window's feed has spoken or is given up; the alarm where it has none."""
    word, latest = vouched_at(report, window), limit(report, window)
    return latest if word is None else min(latest, word)


def seen_end(report: Report, window: Window) -> datetime:
    """When a window closes if nothing was lost."""
    end, waited = heard_end(report, window), patience(window)
    if waited is not None and waited < end and _refusal(claim(report, window, waited)):
        return waited
    return end


def answered(report: Report, window: Window, time: datetime) -> bool:
    """True if a window has by then all that it asks, though no proof."""
    last = claim(report, window, time)
    asks = window.terms.asks
    receipted = last is not None and last.receipt is ReceiptCode.MOTTATT
    return asks is Asks.NONE or (asks is Asks.RECEIPT and receipted)


def doubts(report: Report, window: Window, time: datetime) -> set[str]:
    """Why a window cannot be judged, by what was lost until then."""
    if answered(report, window, time):
        return set()
    opened, first, law = opened_at(report, window), report.first, report.law
    found = set()
    for topic, since, until in law.lost:
        reaches = since <= time and (until is None or until >= opened - BEFORE_A_LOSS)
        if topic == window.terms.asks.value and reaches:
            found.add("evidence_lost")
    if law.beginning is not None and law.beginning > min(first.place.arrived - BEFORE_A_LOSS, trusted(first)):
        found.add("before_the_beginning")
    return found


def closes(report: Report, window: Window) -> datetime | None:
    """The verdict time of a window; None for never."""
    end, law = seen_end(report, window), report.law
    found = doubts(report, window, end)
    if not found:
        return end
    end = max(end, heard_end(report, window))  # a refusal is not told before the feed is given up
    if "before_the_beginning" in found:
        called = law.first_complete is not None and law.first_complete < report.last_call
        return max(end, _last_end(report, window)) if called else None
    return max(end, min(window.alarm_at + report.version.loss_patience, _last_end(report, window)))


def undetermined_from(report: Report, window: Window) -> datetime | None:
    """After when a window that is still open is undetermined; None for never."""
    end, waited = seen_end(report, window), patience(window)
    times = [time for time in (window.alarm_at, end) if doubts(report, window, time)]
    times += [waited] if waited is not None and waited < end else []
    return min(times, default=None)


# --- how a window ends


@once
def chapters(report: Report) -> list[Chapter]:
    """All windows of a report, in their order."""
    told = [_chapter(report, 0, ())]
    while (following := _next_opening(report, told)) is not None:
        told.append(_chapter(report, following, told))
    return told


def _next_opening(report: Report, told: Sequence[Chapter]) -> int | None:
    """The attempt that opens a window after those there were."""
    if len([c for c in told if c.missing_at]) >= MOST_EPISODES:
        return None
    return _next_after(report, told[-1].closes)


def _next_after(report: Report, time: datetime | None) -> int | None:
    """The first attempt after a verdict, if the report was not settled before."""
    if time is None:
        return None
    after = [n for n in attempts(report) if report.sents[n].place.arrived > time and not _is_settled(report, n)]
    return after[0] if after else None


def _is_settled(report: Report, number: int) -> bool:
    """True if the proof came before a sent in the log."""
    found = proof(report)
    return found is not None and found.place.arrived < report.sents[number].place.arrived


def _chapter(report: Report, number: int, before: Sequence[Chapter]) -> Chapter:
    """The window that an attempt opens, with all that becomes of it."""
    stages = [_opened(report, number, before)]
    for later in range(number + 1, len(report.sents)):
        end = closes(report, stages[-1])
        if _is_settled(report, later) or (end is not None and report.sents[later].place.arrived > end):
            break
        if _reroutes(report, stages[-1], later):
            stages.append(_rerouted(report, stages[-1], later))
    return _ended(report, tuple(stages), before)


def _ended(report: Report, stages: tuple[Window, ...], before: Sequence[Chapter]) -> Chapter:
    """How a window ends."""
    window, end = stages[-1], closes(report, stages[-1])
    if end is None or proved_by(report, end):
        noted = max(_proved_at(report), window.alarm_at)  # also what comes after the proof, by the alarm
        return Chapter(stages, end, claim=claim(report, window, noted))
    found = claim(report, window, end)
    if not answered(report, window, end):
        return Chapter(stages, end, end, _reason(report, window, end), found)
    refused = None if any(c.missing_at for c in before) else _refused_late(report, window, end)
    if refused is None:
        return Chapter(stages, end, claim=found)
    if proved_by(report, at := refused.place.arrived):
        return Chapter(stages, end, claim=refused)
    return Chapter(stages, end, at, _ordinary_reason(report, refused, at), refused)


def _proved_at(report: Report) -> datetime:
    """Until when a receipt came before the proof; what had been proved before it was sent takes none after that."""
    found, sent = proof(report), report.first.place.arrived
    if found is None:
        return FAR
    return found.place.arrived if found.place.arrived >= sent else sent - timedelta(microseconds=1)


def _refused_late(report: Report, window: Window, end: datetime) -> Receipt | None:
    """The first refusal of what was receipted and is unproven."""
    if window.terms.asks is not Asks.RECEIPT:
        return None
    following = _next_after(report, end)
    for receipt in report.receipts:
        arrived = receipt.place.arrived
        superseded = following is not None and arrived >= report.sents[following].place.arrived
        if arrived <= end or superseded or arrived > _proved_at(report):
            continue
        if _refusal(receipt) and about(report, receipt) >= window.routes[-1]:
            return receipt
    return None


def _reason(report: Report, window: Window, end: datetime) -> Reason:
    """Why a window that closes without what it asks counts as missing."""
    if doubts(report, window, seen_end(report, window)):
        return Reason.UNWATCHED
    last = claim(report, window, end)
    if window.terms.feed is None or end == vouched_at(report, window):
        return _ordinary_reason(report, last, end)
    if last is None or not _refusal(last):
        return Reason.UNWATCHED
    return _ordinary_reason(report, last, end) if end == patience(window) else REASONS[last.receipt]


def _ordinary_reason(report: Report, last: Receipt | None, time: datetime) -> Reason:
    if any(s.place.arrived <= time and not counts(report, s) for s in report.stored):
        return Reason.STORED_ELSEWHERE
    return REASONS[last.receipt] if last is not None else Reason.NO_RECEIPT
