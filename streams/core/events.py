"""The product: a report is missing, a report was recovered. Same history, same bytes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha1
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL

from streams.core.facts import Action, Decision, Names, Outcome, Place, ReceiptCode
from streams.core.row import Reason, Row

MISSING_TYPE = "no.meldingsvakt.report.missing.v1"
RECOVERED_TYPE = "no.meldingsvakt.report.recovered.v1"
CLOSED_TYPE = "no.meldingsvakt.report.closed.v1"
REOPENED_TYPE = "no.meldingsvakt.report.reopened.v1"
_NAMESPACE = NAMESPACE_URL.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}  # RFC 9562: its first two bits are 10


class Cause(StrEnum):
    """Why a missing report was found again: stored late, or only confirmed late."""

    STORED_LATE = "stored_late"
    CONFIRMED_LATE = "confirmed_late"


class Claim(NamedTuple):
    """The last receipt about a window's attempts, and when it arrived."""

    receipt: ReceiptCode
    arrived: datetime


class Vouched(NamedTuple):
    """The feed that would have proved a report, and until when it had vouched at the verdict; None where never."""

    id: str
    vouched_until: datetime | None


class Missing(NamedTuple):
    """Nothing that counts arrived in time. `portal_deletes_at`: the last moment to fetch or resend it.

    `names` has the window's last channel; `message_ids` and `receipt` are as of the verdict.
    """

    event_id: str
    report_id: str
    reason: Reason
    names: Names
    sent_at: datetime
    due_at: datetime
    alarm_at: datetime
    portal_deletes_at: datetime
    policy_version: str
    sent_record: Place
    message_ids: tuple[str, ...] = ()
    receipt: Claim | None = None
    feed: Vouched | None = None
    episode: int = 1
    previous_event_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Sequel:
    """What became of an alarm, with what its missing event said, so that nobody needs a join."""

    event_id: str
    arrived_at: datetime
    missing_event_id: str
    report_id: str
    reason: Reason
    names: Names
    sent_at: datetime
    due_at: datetime
    episode: int


@dataclass(slots=True, kw_only=True)
class Recovered(Sequel):
    """The first proof that counts came after the report was announced missing."""

    stored_at: datetime
    evidence: str | None
    cause: Cause


@dataclass(slots=True, kw_only=True)
class Reopened(Sequel):
    """Somebody took back that an alarm had ended."""

    decision_id: str
    decided_at: datetime


@dataclass(slots=True, kw_only=True)
class Closed(Sequel):
    """Somebody said how an alarm ended."""

    decision_id: str
    decided_at: datetime
    outcome: Outcome


Event = Missing | Recovered | Closed | Reopened


def written(time: datetime) -> str:
    """A UTC time as it stands in every value: RFC 3339, six digits, Z."""
    return time.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def event_id(report_id: str, event_type: str, unique: datetime | str) -> str:
    """UUIDv5 of what makes the event unique: the same history gives the same id, whoever computes it.

    As the standard library makes it, which does more than is needed here: that was a fifth of an announcement.
    """
    named = f"{report_id}/{event_type}/{written(unique) if isinstance(unique, datetime) else unique}".encode()
    text = sha1(_NAMESPACE + named, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def missing(row: Row, reason: Reason, portal_retention: timedelta, vouched_until: datetime | None) -> Missing:
    """The event for a row whose window closes without proof. Raises ValueError for a row without a sent."""
    if row.sent is None or row.sent_at is None or row.due_at is None or row.alarm_at is None:
        raise ValueError("Only a report that was sent can be missing.")
    return Missing(
        event_id=event_id(row.report_id, MISSING_TYPE, row.alarm_at),
        report_id=row.report_id,
        reason=reason,
        names=row.names.by(row.channel),
        sent_at=row.sent_at,
        due_at=row.due_at,
        alarm_at=row.alarm_at,
        portal_deletes_at=row.sent_at + portal_retention,
        policy_version=row.policy_version or "",
        sent_record=row.sent,
        message_ids=tuple(row.message_ids),
        receipt=Claim(row.receipt, row.receipt_place.arrived) if row.receipt and row.receipt_place else None,
        feed=Vouched(row.feed, vouched_until) if row.feed else None,
        episode=len(row.alarms) + 1,
        previous_event_id=row.alarms[-1].event_id if row.alarms else None,
    )


def recovered(row: Row) -> Recovered:
    """The event for a missing row that its proof settles at last. Raises ValueError for one that has no alarm."""
    proof, first_due = row.proof, row.first_due_at or row.due_at
    if proof is None or first_due is None or not row.alarms:
        raise ValueError("Only a report that was announced missing can be recovered.")
    return Recovered(
        event_id=event_id(row.report_id, RECOVERED_TYPE, row.alarms[-1].alarm_at),
        arrived_at=proof.place.arrived,
        stored_at=proof.stored_at,
        evidence=proof.evidence,
        cause=Cause.CONFIRMED_LATE if proof.stored_at <= first_due else Cause.STORED_LATE,
        **_said(row, len(row.alarms)),
    )


def answered(row: Row, episode: int, decision: Decision) -> Closed | Reopened:
    """The event for a decision that closes the alarm of an episode, or opens it anew."""
    said: dict[str, Any] = {
        "arrived_at": decision.place.arrived,
        "decision_id": decision.decision_id,
        "decided_at": decision.decided_at,
        **_said(row, episode),
    }
    if decision.action is Action.REOPEN:
        return Reopened(event_id=event_id(row.report_id, REOPENED_TYPE, decision.decision_id), **said)
    said["outcome"] = decision.outcome
    return Closed(event_id=event_id(row.report_id, CLOSED_TYPE, decision.decision_id), **said)


def _said(row: Row, episode: int) -> dict[str, Any]:
    alarm = row.alarms[episode - 1]
    return {
        "report_id": row.report_id,
        "missing_event_id": alarm.event_id,
        "reason": alarm.reason,
        "names": row.names.by(alarm.channel or row.names.channel),
        "sent_at": row.sent_at,
        "due_at": alarm.due_at,
        "episode": episode,
    }
