"""One report's story: which records it causes, when they arrive after it was handed over, and what is true of it.

Every proof arrives well before its alarm or well after it, so the truth never hangs on a boundary.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from random import Random
from typing import Any, NamedTuple

from streams.core.events import written
from streams.simulation.script import Cause, Reason, Topic, Truth

IN_TIME = 0.4  # what comes in time comes within this part of the allowance
_TIME_FIELD: dict[Topic, str] = {"sent": "sent_at", "receipt": "received_at", "stored": "stored_at"}


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


IN_TIME_KINDS = frozenset({Kind.STORED, Kind.STORED_UNRECEIPTED})
LATE_KINDS: dict[Kind, Cause] = {Kind.STORED_LATE: "stored_late", Kind.CONFIRMED_LATE: "confirmed_late"}


class Habits(NamedTuple):
    """What else happens on the way; none of it changes the truth."""

    duplicated: bool = False
    resent: bool = False
    stored_first: bool = False  # the proof arrives before the sent
    sent_delayed: bool = False  # the sent arrives after it was due


class Pace(NamedTuple):
    """How fast the world turns, in seconds. `rebased`: a sent is handed over at the moment when it arrives."""

    allowance: Mapping[str, float]
    default: float
    grace: float
    latency: float
    late_from: float
    late_spread: float
    rebased: bool = False

    def allowed(self, channel: str) -> float:
        """The allowance of a channel."""
        return self.allowance.get(channel, self.default)


class Dispatch(NamedTuple):
    """A report on its way: who it is for and how it travels."""

    report_id: str
    receiver: dict[str, str]
    channel: str
    case_system: str
    case_system_version: str
    form: str
    stored_as: dict[str, str] | None = None  # how the proof names the receiver, if it does
    elsewhere: dict[str, str] | None = None  # where it is stored by mistake


class StoryStep(NamedTuple):
    """One record to produce. Its own time lies `back_seconds` before the moment when it is produced."""

    offset_seconds: float
    topic: Topic
    report_id: str
    body: dict[str, Any]
    back_seconds: float = 0.0

    def value_at(self, now: datetime) -> dict[str, Any]:
        """The record's value if it is produced at `now` (UTC)."""
        time = now - timedelta(seconds=self.back_seconds) if self.back_seconds else now
        return {**self.body, _TIME_FIELD[self.topic]: written(time)}


class Story(NamedTuple):
    """A report's records and fate; all times are seconds after it was handed over."""

    report_id: str
    municipality: str
    steps: tuple[StoryStep, ...]
    sent_at_seconds: float
    alarm_seconds: float
    proof_seconds: float | None
    reason: Reason | None
    cause: Cause | None

    def truth(self, until_seconds: float = inf) -> Truth | None:
        """What is true once all until then is known. None: not even its sent has arrived."""
        if self.steps[0].offset_seconds > until_seconds:
            return None
        proven = self.proof_seconds is not None and self.proof_seconds <= until_seconds
        if self.reason is None:
            return Truth(self.report_id, self.municipality, "stored" if proven else "pending")
        if self.alarm_seconds >= until_seconds:
            return Truth(self.report_id, self.municipality, "pending")
        if not proven:
            return Truth(self.report_id, self.municipality, "missing", self.reason)
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
    allowance = pace.allowed(dispatch.channel)
    times = _times(rng, kind, habits, pace, allowance)
    receipt = _receipt(rng, kind)
    proven = kind in IN_TIME_KINDS or kind in LATE_KINDS
    return Story(
        report_id=dispatch.report_id,
        municipality=dispatch.receiver["municipality"],
        steps=tuple(_steps(rng, dispatch, kind, habits, times, receipt, allowance)),
        sent_at_seconds=times.handed_over,
        alarm_seconds=times.alarm,
        proof_seconds=times.proof if proven else None,
        reason=_reason(kind, receipt),
        cause=LATE_KINDS.get(kind),
    )


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
    steps = [_sent(dispatch, times.sent, times.sent - times.handed_over, attempts[0])]
    if receipt:
        steps.append(_receipt_step(dispatch, receipt, allowance * rng.uniform(0.25, IN_TIME), attempts[-1]))
    if kind in IN_TIME_KINDS or kind in LATE_KINDS:
        back = times.proof - _stored_at(rng, kind, times, allowance)
        steps.append(_stored(rng, dispatch, times.proof, back, dispatch.stored_as))
    elif kind is Kind.ELSEWHERE:
        steps.append(_stored(rng, dispatch, times.proof, 0.0, dispatch.elsewhere))
    if habits.duplicated:
        steps.append(_again(rng, rng.choice(steps), allowance))
    if len(attempts) > 1:
        steps.append(_sent(dispatch, times.sent + allowance * rng.uniform(0.15, 0.2), 0.0, attempts[1]))
        if receipt:  # where there is a receipt at all, the first attempt got a bad one
            steps.append(_receipt_step(dispatch, "TIDSAVBRUDD", allowance * rng.uniform(0.05, 0.1), attempts[0]))
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


def _sent(dispatch: Dispatch, at: float, back: float, message_id: str) -> StoryStep:
    body = {
        "report_id": dispatch.report_id,
        "receiver": dispatch.receiver,
        "channel": dispatch.channel,
        "case_system": dispatch.case_system,
        "case_system_version": dispatch.case_system_version,
        "message_id": message_id,
        "form": dispatch.form,
    }
    return StoryStep(at, "sent", dispatch.report_id, body, back)


def _receipt_step(dispatch: Dispatch, receipt: str, at: float, message_id: str) -> StoryStep:
    body = {"report_id": dispatch.report_id, "receipt": receipt, "message_id": message_id}
    return StoryStep(at, "receipt", dispatch.report_id, body)


def _stored(rng: Random, dispatch: Dispatch, at: float, back: float, receiver: dict[str, str] | None) -> StoryStep:
    draw = rng.random()
    evidence = "READ_BACK" if draw < 0.8 else "RECONCILIATION" if draw < 0.97 else "MANUAL"
    body: dict[str, Any] = {"report_id": dispatch.report_id, "evidence": evidence}
    if receiver is not None:
        body |= {"receiver": receiver, "case_system": dispatch.case_system}
    return StoryStep(at, "stored", dispatch.report_id, body, back)


def _again(rng: Random, step: StoryStep, allowance: float) -> StoryStep:
    """The same record once more, a little later: its own time stays."""
    gap = allowance * rng.uniform(0.01, 0.1)
    return step._replace(offset_seconds=step.offset_seconds + gap, back_seconds=step.back_seconds + gap)


def random_uuid(rng: Random) -> str:
    """A version 4 UUID from the generator, so that the same seed gives the same id."""
    bits = rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (4 << 76) | (2 << 62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
