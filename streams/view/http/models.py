"""What the API answers, for its OpenAPI description. A test holds the real answers against it."""

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.common import (
    ClosedModel,
    Code,
    Count,
    District,
    EventId,
    Municipality,
    OrgNumber,
    Token,
    TopicName,
    Word,
    WrittenTime,
)
from schemas.inputs import FeedId, Form, OutcomeWord, ReceiptKind
from schemas.outputs import Reason
from streams.view.queries.filters import Alarm
from streams.view.queries.grounds import SaysOfList
from streams.view.store.freshness import Picture
from streams.view.store.tables import EventKind, ShownStatus


class Names(ClosedModel):
    """Whom and what a row is about."""

    report_id: EventId
    reason: Reason | None
    municipality: Municipality | None
    municipality_name: str | None
    municipality_today: Municipality | None = Field(description="Its number today; the same where it was split.")
    district: District | None
    unit_id: Token | None
    org_number: OrgNumber | None
    channel: Code | None
    case_system: Code | None
    case_system_version: Token | None


class ReportRow(Names):
    """One report, flat: the columns of the table `reports`, with the receiver's name and the portal's last moment."""

    status: ShownStatus
    form: Form | None
    sent_at: WrittenTime | None
    due_at: WrittenTime | None
    alarm_at: WrittenTime | None
    portal_deletes_at: WrittenTime | None = Field(description="The last moment to fetch or resend a missing one.")
    receipt: ReceiptKind | None
    stored_at: WrittenTime | None
    evidence: Code | None
    recovered_at: WrittenTime | None
    missing_event_id: EventId | None
    feed: FeedId | None = Field(description="The source of proofs whose word its last window waits for.")
    episode: Count = Field(description="How often it was announced missing.")
    outcome: OutcomeWord | None = Field(description="How somebody closed the last of these alarms; it stays missing.")
    closed_at: WrittenTime | None
    decision_id: EventId | None
    message_ids: list[Token]
    attempts: Count
    flags: list[Word]
    policy_version: str | None
    touched_at: WrittenTime
    confirmation_seconds: float | None = Field(description="From sent_at to the arrival of the proof.")
    sent_arrived: WrittenTime | None
    sent_topic: TopicName | None
    sent_partition: Count | None
    sent_offset: Count | None
    receipt_arrived: WrittenTime | None
    receipt_topic: TopicName | None
    receipt_partition: Count | None
    receipt_offset: Count | None
    stored_arrived: WrittenTime | None
    stored_topic: TopicName | None
    stored_partition: Count | None
    stored_offset: Count | None


class AnnouncementRow(Names):
    """One event of the missing topic, flat, and where it lies there."""

    event_id: EventId
    type: EventKind
    cause: Literal["stored_late", "confirmed_late"] | None
    outcome: OutcomeWord | None
    form: Form | None
    sent_at: WrittenTime | None
    due_at: WrittenTime | None
    alarm_at: WrittenTime | None
    portal_deletes_at: WrittenTime | None
    stored_at: WrittenTime | None
    arrived_at: WrittenTime | None
    evidence: Code | None
    missing_event_id: EventId | None
    message_ids: list[Token] | None
    receipt: ReceiptKind | None
    receipt_arrived: WrittenTime | None
    feed: FeedId | None
    feed_vouched_until: WrittenTime | None
    episode: Count | None
    previous_event_id: EventId | None
    decision_id: EventId | None
    decided_at: WrittenTime | None
    policy_version: str | None
    recorded_at: WrittenTime = Field(description="When the checker noticed; differs from run to run.")
    partition: Count
    offset: Count


class Moment(ClosedModel):
    """One point of a report's time line."""

    at: WrittenTime
    what: Literal["sent", "receipt", "stored", "due", "vouched", "alarm", "missing", "recovered", "closed", "reopened"]
    arrived: WrittenTime | None = Field(description="The broker's append time, where it is a record.")
    topic: TopicName | None
    partition: Count | None
    offset: Count | None
    says: str | None = Field(description="The receipt, the evidence, the reason, the cause or the outcome.")
    episode: Count | None = Field(description="Which window it is about, the first is 1; null where that is not known.")
    channel: Code | None = Field(description="Of a window: its last route.")
    feed: FeedId | None = Field(description="Of `vouched` and `missing`: the source of proofs that was asked.")
    vouched_until: WrittenTime | None = Field(description="Of `missing`: until when it had vouched at the verdict.")
    decision_id: EventId | None = Field(description="Of `closed` and `reopened`: the decision, whose record says who.")


class ReportList(ClosedModel):
    """One page of reports."""

    picture: Picture
    says: Literal["found", "nothing_found"] = Field(
        description="Of this selection: that nothing fits does not say that nothing is missing."
    )
    reports: list[ReportRow]
    next: str | None = Field(description="The cursor of the next page; null on the last.")


class AnnouncementList(ClosedModel):
    """One page of announcements, in the order in which they were made."""

    picture: Picture
    announcements: list[AnnouncementRow]
    next: str | None


class ReportAnswer(ClosedModel):
    """One report with its time line."""

    picture: Picture
    report: ReportRow
    timeline: list[Moment]


class Counts(BaseModel):
    """How many reports there are of each status; null where a count under 5 is not shown."""

    model_config = ConfigDict(extra="forbid")

    reports: Count | None
    pending: Count | None
    stored: Count | None
    missing: Count | None
    recovered: Count | None
    unproven: Count | None
    undetermined: Count | None
    unexpected: Count | None


class Groups(BaseModel):
    """What the counts are of: only those that were asked for are given."""

    model_config = ConfigDict(extra="forbid")

    status: ShownStatus | None = None
    reason: Reason | None = None
    municipality: Municipality | None = None
    municipality_name: str | None = None
    county: str | None = None
    county_name: str | None = None
    district: District | None = None
    channel: Code | None = None
    case_system: Code | None = None
    case_system_version: Token | None = None
    form: Form | None = None
    evidence: Code | None = None
    alarm: Alarm | None = Field(None, description="Of missing ones.")
    outcome: OutcomeWord | None = None
    hour: WrittenTime | None = None
    day: date | None = Field(None, description="A day in Norway.")
    month: date | None = Field(None, description="The first day of a month in Norway.")


class SummaryRow(Groups, Counts):
    """One group's counts."""


class Alarms(ClosedModel):
    """Missing = open + closed by outcome."""

    open: Count
    closed: dict[OutcomeWord, Count]


class Summary(ClosedModel):
    """Counts in groups, and in all."""

    picture: Picture
    says: SaysOfList | None = Field(description="What may be said of all reports; null where a part is asked of.")
    watched_since: WrittenTime | None = Field(description="From when on the checker knows all; null if not known.")
    total: Counts
    alarms: Alarms | None = Field(description="Of the missing ones in all; null where single reports may not be seen.")
    groups: list[SummaryRow]


class ConfirmationRow(Groups):
    """How long confirmation took in one group, in seconds from sent to the arrival of the proof."""

    confirmed: Count | None
    p50_seconds: float | None
    p95_seconds: float | None
    p99_seconds: float | None


class Confirmation(ClosedModel):
    """Confirmation times in groups."""

    picture: Picture
    groups: list[ConfirmationRow]


class Query(ClosedModel):
    """One SELECT."""

    query: str = Field(max_length=20_000, description="One SELECT over the tables and views of the view.")


class QueryAnswer(ClosedModel):
    """What a SELECT found."""

    picture: Picture
    columns: list[str]
    rows: list[list[Any]]
    truncated: bool = Field(description="True if there were more rows than are given out.")
    seconds: float
