"""The fields of the state topic's value, in their order: `schemas.outputs` describes them to everybody else."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from streams.core.facts import Outcome, ReceiptCode
from streams.core.policy import Asks
from streams.core.row import Reason, Status, Window
from streams.records.events import ReceiverJson

Time = Annotated[datetime, Meta(tz=True)]


class PlaceJson(Struct, forbid_unknown_fields=True, gc=False):
    """Where a record lies in the log."""

    arrived: Time
    topic: str
    partition: int
    offset: int


class HeldStored(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """A stored record that has not settled its report."""

    stored_at: Time
    evidence: str | None
    receiver: ReceiverJson | None
    record: PlaceJson
    unreadable: tuple[str, ...] = ()


class AlarmJson(Struct, forbid_unknown_fields=True, gc=False):
    """One missing event."""

    event_id: str
    at: Time
    alarm_at: Time
    due_at: Time
    reason: Reason
    channel: str | None
    outcome: Outcome | None
    closed_at: Time | None


class Held(Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What the published fields do not say, but the rules need after a restart.

    What is left out is as most rows have it: one attempt, one channel, a window that is open while the report is
    pending.
    """

    stored: list[HeldStored] = []
    elsewhere: HeldStored | None = None
    proof_receiver: ReceiverJson | None = None
    window: Window | None = None
    asks: Asks = Asks.STORED
    opened_at: Time | None = None
    routes: tuple[str, ...] | None = None
    ids_before: int = 0
    limit_at: Time | None = None
    first_due_at: Time | None = None
    attempted_at: Time | None = None
    channels: tuple[str, ...] | None = None
    alarms: tuple[AlarmJson, ...] = ()
    decisions: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


class State(Struct, forbid_unknown_fields=True, gc=False):
    """The value of a record of the state topic; a field that is not known is null."""

    version: Literal[2]
    report_id: str
    status: Status
    receiver: ReceiverJson | None
    channel: str | None
    case_system: str | None
    case_system_version: str | None
    form: str | None
    sent_at: Time | None
    due_at: Time | None
    alarm_at: Time | None
    receipt: ReceiptCode | None
    stored_at: Time | None
    evidence: str | None
    reason: Reason | None
    missing_event_id: str | None
    recovered_at: Time | None
    feed: str | None
    episode: int
    outcome: Outcome | None
    closed_at: Time | None
    decision_id: str | None
    message_ids: list[str]
    attempts: int
    flags: list[str]
    policy_version: str | None
    touched_at: Time
    sent_record: PlaceJson | None
    receipt_record: PlaceJson | None
    stored_record: PlaceJson | None
    held: Held | None
