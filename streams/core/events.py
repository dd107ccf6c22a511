"""The product: a report is missing, a report was recovered. Same history, same bytes."""

from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha1
from typing import NamedTuple
from uuid import NAMESPACE_URL

from streams.core.facts import Names, Place, Receiver, Stored
from streams.core.row import Reason, Row

MISSING_TYPE = "no.meldingsvakt.report.missing.v1"
RECOVERED_TYPE = "no.meldingsvakt.report.recovered.v1"
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}  # RFC 9562: its first two bits are 10


class Cause(StrEnum):
    """Why a missing report was found again: stored late, or only confirmed late."""

    STORED_LATE = "stored_late"
    CONFIRMED_LATE = "confirmed_late"


class Missing(NamedTuple):
    """Nothing that counts arrived in time. `portal_deletes_at`: the last moment to fetch or resend it."""

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


class Recovered(NamedTuple):
    """The first proof that counts came after the report was announced missing."""

    event_id: str
    missing_event_id: str
    report_id: str
    stored_at: datetime
    arrived_at: datetime
    evidence: str | None
    receiver: Receiver | None
    cause: Cause


Event = Missing | Recovered


def written(time: datetime) -> str:
    """A UTC time as it stands in every value: RFC 3339, six digits, Z."""
    return time.isoformat(timespec="microseconds")[: -len("+00:00")] + "Z"


def event_id(report_id: str, event_type: str, alarm_at: datetime) -> str:
    """UUIDv5 of what makes the event unique: the same history gives the same id, whoever computes it.

    As the standard library makes it, which does more than is needed here: that was a fifth of an announcement.
    """
    named = f"{report_id}/{event_type}/{written(alarm_at)}".encode()
    text = sha1(NAMESPACE_URL.bytes + named, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def missing(row: Row, reason: Reason, portal_retention: timedelta) -> Missing:
    """The event for a row whose alarm time has passed without proof. Raises ValueError for a row without a sent."""
    if row.sent is None or row.sent_at is None or row.due_at is None or row.alarm_at is None:
        raise ValueError("Only a report that was sent can be missing.")
    return Missing(
        event_id=event_id(row.report_id, MISSING_TYPE, row.alarm_at),
        report_id=row.report_id,
        reason=reason,
        names=row.names_by_alarm,
        sent_at=row.sent_at,
        due_at=row.due_at,
        alarm_at=row.alarm_at,
        portal_deletes_at=row.sent_at + portal_retention,
        policy_version=row.policy_version or "",
        sent_record=row.sent,
    )


def recovered(row: Row, proof: Stored) -> Recovered:
    """The event for a missing row that `proof` settles at last.

    Raises ValueError for a row that was never announced.
    """
    if row.missing_event_id is None or row.due_at is None or row.alarm_at is None:
        raise ValueError("Only a report that was announced missing can be recovered.")
    return Recovered(
        event_id=event_id(row.report_id, RECOVERED_TYPE, row.alarm_at),
        missing_event_id=row.missing_event_id,
        report_id=row.report_id,
        stored_at=proof.stored_at,
        arrived_at=proof.place.arrived,
        evidence=proof.evidence,
        receiver=row.names_by_alarm.receiver,
        cause=Cause.CONFIRMED_LATE if proof.stored_at <= row.due_at else Cause.STORED_LATE,
    )
