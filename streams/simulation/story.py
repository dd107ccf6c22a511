"""One report's story: which records it causes, when they arrive after it was handed over, and what is true of it.

Every proof arrives well before its last alarm or well after it, so the truth never hangs on a boundary.
"""

from collections.abc import Mapping
from enum import StrEnum
from math import inf
from random import Random
from typing import NamedTuple

from streams.simulation.script import Cause, Course, Reason, Truth
from streams.simulation.steps import (
    Dispatch,
    StoryStep,
    again_step,
    random_uuid,
    receipt_step,
    sent_step,
    stored_step,
)

IN_TIME = 0.4  # what comes in time comes within this part of the allowance
LETTER_CHANNEL = "PRINT"


class Kind(StrEnum):
    """How a report fares."""

    STORED = "stored"
    STORED_UNRECEIPTED = "stored_unreceipted"
    STORED_LATE = "stored_late"
    CONFIRMED_LATE = "confirmed_late"
    RECEIPT_ONLY = "receipt_only"
    NOTHING = "nothing"
    REJECTED = "rejected"
    TRANSPORT_FAILED = "transport_failed"
    ELSEWHERE = "elsewhere"
    LETTER = "letter"  # the case system refuses it, the portal sends a letter by itself, and that is stored in time
    LOST_AGAIN = "lost_again"  # receipted only, sent again after its alarm, and receipted only once more


IN_TIME_KINDS = frozenset({Kind.STORED, Kind.STORED_UNRECEIPTED, Kind.LETTER})
LATE_KINDS: dict[Kind, Cause] = {Kind.STORED_LATE: "stored_late", Kind.CONFIRMED_LATE: "confirmed_late"}


class Habits(NamedTuple):
    """What else happens on the way; none of it changes the truth."""

    duplicated: bool = False
    resent: bool = False
    stored_first: bool = False  # the proof arrives before the sent
    sent_delayed: bool = False  # the sent arrives after it was due


class FeedPace(NamedTuple):
    """How a feed brings proofs, in seconds: when it speaks, how far behind it is, and how long it is silent once.

    `patience` is the policy's. What would be undetermined for less than `margin` before it speaks again is none of its.
    """

    every: float
    lag: float
    patience: float
    silence: float
    margin: float


class Pace(NamedTuple):
    """How fast the world turns, in seconds. `rebased`: a sent is handed over at the moment when it arrives."""

    allowance: Mapping[str, float]
    default: float
    grace: float
    latency: float
    late_from: float
    late_spread: float
    feed: FeedPace
    rebased: bool = False

    def allowed(self, channel: str) -> float:
        """The allowance of a channel."""
        return self.allowance.get(channel, self.default)


class Story(NamedTuple):
    """A report's records and fate; all times are seconds after it was handed over.

    `alarm_seconds`: its first alarm; `last_alarm_seconds`: that of its last window, later if it is lost again.
    """

    report_id: str
    municipality: str
    steps: tuple[StoryStep, ...]
    alarm_seconds: float
    last_alarm_seconds: float
    proof_seconds: float | None
    reason: Reason | None
    cause: Cause | None
    course: Course | None = None

    def truth(self, until_seconds: float = inf) -> Truth | None:
        """What is true once all until then is known. None: not even its sent has arrived."""
        if self.steps[0].offset_seconds > until_seconds:
            return None
        proven = self.proof_seconds is not None and self.proof_seconds <= until_seconds
        if self.reason is None:
            pending = Truth(self.report_id, self.municipality, "pending")
            return pending._replace(outcome="stored", course=self.course) if proven else pending
        if self.alarm_seconds >= until_seconds:
            return Truth(self.report_id, self.municipality, "pending")
        if not proven:
            again = int(self.alarm_seconds < self.last_alarm_seconds < until_seconds)
            return Truth(self.report_id, self.municipality, "missing", self.reason, lost_again=again)
        return Truth(self.report_id, self.municipality, "recovered", self.reason, self.cause)


class _Times(NamedTuple):
    """When what happens, in seconds after the handover; `proof` also stands for storage elsewhere."""

    sent: float
    handed_over: float
    due: float
    alarm: float
    proof: float


def tell(rng: Random, dispatch: Dispatch, kind: Kind, habits: Habits, pace: Pace) -> Story:
    """Draw one report's story. Its first sent is the first step; the others follow in no order."""
    if kind is Kind.LETTER and dispatch.channel != LETTER_CHANNEL:
        return _by_letter(rng, dispatch, tell(rng, dispatch, Kind.REJECTED, Habits(habits.duplicated), pace), pace)
    if kind is Kind.LOST_AGAIN:
        return _lost_again(rng, dispatch, tell(rng, dispatch, Kind.RECEIPT_ONLY, habits, pace), pace)
    allowance = pace.allowed(dispatch.channel)
    times = _times(rng, kind, habits, pace, allowance)
    receipt = _receipt(rng, kind)
    proven = kind in IN_TIME_KINDS or kind in LATE_KINDS
    return Story(
        report_id=dispatch.report_id,
        municipality=dispatch.receiver["municipality"],
        steps=tuple(_steps(rng, dispatch, kind, habits, times, receipt, allowance)),
        alarm_seconds=times.alarm,
        last_alarm_seconds=times.alarm,
        proof_seconds=times.proof if proven else None,
        reason=_reason(kind, receipt),
        cause=LATE_KINDS.get(kind),
        course="service" if dispatch.served and kind in IN_TIME_KINDS else None,
    )


def _by_letter(rng: Random, dispatch: Dispatch, refused: Story, pace: Pace) -> Story:
    """The portal sends what was refused as a letter: its terms count, and by those it is stored in time."""
    letter_at = pace.allowed(dispatch.channel) * rng.uniform(0.45, 0.55)
    alarm = max(refused.alarm_seconds, letter_at + pace.allowed(LETTER_CHANNEL) + pace.grace)
    proof = refused.alarm_seconds + (alarm - refused.alarm_seconds) * rng.uniform(0.3, 0.5)
    back = (proof - letter_at) * rng.uniform(0.0, 0.3)
    letter = sent_step(dispatch._replace(channel=LETTER_CHANNEL), letter_at, 0.0, random_uuid(rng))
    stored = stored_step(rng, dispatch, proof, back, dispatch.stored_as)
    steps = (*refused.steps, letter, stored)
    return refused._replace(
        steps=steps, alarm_seconds=alarm, last_alarm_seconds=alarm, proof_seconds=proof, reason=None, course="letter"
    )


def _lost_again(rng: Random, dispatch: Dispatch, lost: Story, pace: Pace) -> Story:
    """Somebody sends again what was announced, and it is receipted and lost once more."""
    allowance, message_id = pace.allowed(dispatch.channel), random_uuid(rng)
    sent_at = lost.alarm_seconds + pace.late_from + 0.1 * pace.late_spread * rng.random()
    sent = sent_step(dispatch, sent_at, 0.0, message_id)
    receipt = receipt_step(dispatch, "MOTTATT", sent_at + allowance * rng.uniform(0.25, IN_TIME), message_id)
    return lost._replace(steps=(*lost.steps, sent, receipt), last_alarm_seconds=sent_at + allowance + pace.grace)


def _times(rng: Random, kind: Kind, habits: Habits, pace: Pace, allowance: float) -> _Times:
    proof = IN_TIME * allowance * rng.random() ** 2
    sent = _sent_arrival(rng, proof, kind, habits, pace, allowance)
    handed_over = sent if pace.rebased else 0.0
    due = handed_over + allowance
    alarm = max(due, sent) + pace.grace
    if kind in LATE_KINDS:
        proof = alarm + pace.late_from + pace.late_spread * rng.random()
    return _Times(sent, handed_over, due, alarm, proof)


def _steps(
    rng: Random, dispatch: Dispatch, kind: Kind, habits: Habits, times: _Times, receipt: str | None, allowance: float
) -> list[StoryStep]:
    attempts = [random_uuid(rng)]
    if habits.resent and not (habits.stored_first or habits.sent_delayed):
        attempts.append(random_uuid(rng))
    steps = [sent_step(dispatch, times.sent, times.sent - times.handed_over, attempts[0])]
    if receipt:
        steps.append(receipt_step(dispatch, receipt, allowance * rng.uniform(0.25, IN_TIME), attempts[-1]))
    if kind in IN_TIME_KINDS or kind in LATE_KINDS:
        back = times.proof - _stored_at(rng, kind, times, allowance)
        steps.append(stored_step(rng, dispatch, times.proof, back, dispatch.stored_as))
    elif kind is Kind.ELSEWHERE:
        steps.append(stored_step(rng, dispatch, times.proof, 0.0, dispatch.elsewhere))
    if habits.duplicated:
        steps.append(again_step(rng, rng.choice(steps), allowance))
    if len(attempts) > 1:
        steps.append(sent_step(dispatch, times.sent + allowance * rng.uniform(0.15, 0.2), 0.0, attempts[1]))
        if receipt:  # where there is a receipt at all, the first attempt got a bad one
            steps.append(receipt_step(dispatch, "TIDSAVBRUDD", allowance * rng.uniform(0.05, 0.1), attempts[0]))
    return steps


def _sent_arrival(rng: Random, proof: float, kind: Kind, habits: Habits, pace: Pace, allowance: float) -> float:
    if habits.stored_first and kind in IN_TIME_KINDS:
        return proof + allowance * rng.uniform(0.03, 0.1)
    if habits.sent_delayed and not pace.rebased:
        return allowance * rng.uniform(1.2, 1.6)
    return pace.latency * rng.random()


def _receipt(rng: Random, kind: Kind) -> str | None:
    if kind in (Kind.NOTHING, Kind.STORED_UNRECEIPTED):
        return None
    if kind is Kind.REJECTED:
        return "FEILET"
    if kind is Kind.TRANSPORT_FAILED:
        return rng.choice(("TIDSAVBRUDD", "SERVERFEIL"))
    if kind in LATE_KINDS and rng.random() < 0.4:
        return None
    return "MOTTATT"


def _reason(kind: Kind, receipt: str | None) -> Reason | None:
    if kind in IN_TIME_KINDS:
        return None
    if kind is Kind.ELSEWHERE:
        return "stored_elsewhere"
    if receipt is None:
        return "no_receipt"
    by_receipt: dict[str, Reason] = {"MOTTATT": "receipted_not_stored", "FEILET": "rejected"}
    return by_receipt.get(receipt, "transport_failed")


def _stored_at(rng: Random, kind: Kind, times: _Times, allowance: float) -> float:
    """Seconds after the handover at which it was stored: well before due, or well after it."""
    if kind is Kind.CONFIRMED_LATE:
        return times.due - allowance * rng.uniform(1 - IN_TIME, 0.95)
    if kind is Kind.STORED_LATE:
        return times.proof - (times.proof - times.due) * rng.uniform(0.0, 0.2)
    return times.proof * rng.uniform(0.7, 1.0)
