"""What the checker writes: the product, the state of every report, its coverage, and what it could not read."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.common import (
    ClosedModel,
    Code,
    Count,
    District,
    EventId,
    FieldName,
    Municipality,
    OrgNumber,
    Proof,
    Token,
    TopicName,
    Word,
    WrittenTime,
)
from schemas.inputs import FeedId, Form, OutcomeWord, ReceiptKind

MISSING_TYPE = "no.meldingsvakt.report.missing.v1"
RECOVERED_TYPE = "no.meldingsvakt.report.recovered.v1"
CLOSED_TYPE = "no.meldingsvakt.report.closed.v1"
REOPENED_TYPE = "no.meldingsvakt.report.reopened.v1"

Reason = Literal["no_receipt", "receipted_not_stored", "rejected", "transport_failed", "stored_elsewhere", "unwatched"]
Status = Literal["pending", "stored", "missing", "recovered", "unproven", "undetermined", "unexpected", "erased"]


class KnownReceiver(ClosedModel):
    """A receiver with every level written; null where it was not given."""

    municipality: Municipality
    district: District | None
    unit_id: Token | None
    org_number: OrgNumber | None


class RecordPlace(ClosedModel):
    """Where a record lies in the log."""

    topic: TopicName
    partition: Count
    offset: Count


class ArrivedRecord(RecordPlace):
    """Where a record lies, and when the broker appended it there."""

    arrived: WrittenTime


class Claim(ClosedModel):
    """A receipt, and when it arrived."""

    receipt: ReceiptKind
    arrived: WrittenTime


class Vouched(ClosedModel):
    """The feed that would have proved a report, and until when it had vouched at the verdict; null where never."""

    id: FeedId
    vouched_until: WrittenTime | None


class ReportMissing(ClosedModel):
    """No proof of storage arrived in time. `ce_type` no.meldingsvakt.report.missing.v1."""

    type: Literal["no.meldingsvakt.report.missing.v1"]
    event_id: EventId = Field(description="UUIDv5 of report_id/type/alarm_at: the same history gives the same id.")
    report_id: EventId
    reason: Reason = Field(description="What is known of why, from what had arrived by the verdict.")
    receiver: KnownReceiver | None = Field(description="Null where no readable record had named it by then.")
    channel: Code | None = Field(description="The last route of its window.")
    case_system: Code | None
    case_system_version: Token | None
    form: Form | None
    sent_at: WrittenTime
    due_at: WrittenTime = Field(description="sent_at and the allowance of the policy in force.")
    alarm_at: WrittenTime = Field(description="The later of due_at and the arrival of the attempt, and the grace.")
    portal_deletes_at: WrittenTime = Field(description="The last moment to fetch or resend it.")
    message_ids: list[Token] = Field(description="Of all its attempts by then.")
    receipt: Claim | None = Field(description="The last receipt about the attempts of its window.")
    feed: Vouched | None = Field(description="Null where no feed would prove it.")
    episode: Annotated[int, Field(ge=1, le=10)] = Field(description="Which missing event of this report it is.")
    previous_event_id: EventId | None = Field(description="The one before it.")
    policy_version: str
    sent_record: RecordPlace | None = Field(description="The deciding sent record; null where there is no log.")


class Said(ClosedModel):
    """What the events that follow a missing event repeat of it, so that nobody needs a join."""

    reason: Reason
    receiver: KnownReceiver | None
    channel: Code | None
    case_system: Code | None
    case_system_version: Token | None
    sent_at: WrittenTime
    due_at: WrittenTime
    episode: Annotated[int, Field(ge=1, le=10)]


class ReportRecovered(Said):
    """A report that was announced missing is stored after all. `ce_type` no.meldingsvakt.report.recovered.v1."""

    type: Literal["no.meldingsvakt.report.recovered.v1"]
    event_id: EventId
    missing_event_id: EventId = Field(description="The latest event that announced it missing.")
    report_id: EventId
    stored_at: WrittenTime
    arrived_at: WrittenTime = Field(description="When the proof arrived.")
    evidence: Code | None = Field(description="How it is known; null where no readable word says it.")
    cause: Literal["stored_late", "confirmed_late"] = Field(
        description="confirmed_late: it was stored by its first due_at, only the confirmation came late."
    )


class ReportClosed(Said):
    """Somebody said how an alarm ended. `ce_type` no.meldingsvakt.report.closed.v1."""

    type: Literal["no.meldingsvakt.report.closed.v1"]
    event_id: EventId = Field(description="UUIDv5 of report_id/type/decision_id.")
    missing_event_id: EventId = Field(description="The alarm.")
    report_id: EventId
    decision_id: EventId
    outcome: OutcomeWord = Field(description="found, false_alarm, withdrawn, handled, or lost: given up.")
    decided_at: WrittenTime
    arrived_at: WrittenTime = Field(description="When the decision arrived.")


class ReportReopened(Said):
    """Somebody took back that an alarm had ended. `ce_type` no.meldingsvakt.report.reopened.v1."""

    type: Literal["no.meldingsvakt.report.reopened.v1"]
    event_id: EventId = Field(description="UUIDv5 of report_id/type/decision_id.")
    missing_event_id: EventId = Field(description="The alarm.")
    report_id: EventId
    decision_id: EventId
    decided_at: WrittenTime
    arrived_at: WrittenTime = Field(description="When the decision arrived.")


class HeldStored(ClosedModel):
    """A proof that is not the deciding one, or waits for its sent."""

    stored_at: WrittenTime
    evidence: Code | None = Field(description="How it is known; null where no readable word says it.")
    receiver: KnownReceiver | None
    record: ArrivedRecord
    unreadable: list[FieldName] | None = None


class HeldAlarm(ClosedModel):
    """One missing event: when its window closed, what it said, and how somebody closed it."""

    event_id: EventId
    at: WrittenTime
    alarm_at: WrittenTime
    due_at: WrittenTime
    reason: Reason
    channel: Code | None
    outcome: OutcomeWord | None
    closed_at: WrittenTime | None


class Held(ClosedModel):
    """What the checker itself needs to go on exactly; nothing in here for analysts to build on."""

    stored: list[HeldStored] | None = None
    elsewhere: HeldStored | None = None
    proof_receiver: KnownReceiver | None = None
    window: Literal["open", "waiting", "silent", "blind", "refused", "closed"] | None = None
    asks: Proof | None = None
    opened_at: WrittenTime | None = None
    routes: list[Code] | None = None
    ids_before: Count | None = None
    limit_at: WrittenTime | None = None
    first_due_at: WrittenTime | None = None
    attempted_at: WrittenTime | None = None
    channels: list[Code] | None = None
    alarms: list[HeldAlarm] | None = None
    decisions: list[EventId] | None = None
    unread: list[FieldName] | None = None
    copies: list[Annotated[str, Field(pattern=r"^(sent|receipt|stored)/[0-9]+/[0-9]+$")]] | None = None


class ReportState(ClosedModel):
    """One row: all that is known of a report. A tombstone erases it."""

    version: Literal[2]
    report_id: EventId
    status: Status
    receiver: KnownReceiver | None
    channel: Code | None
    case_system: Code | None
    case_system_version: Token | None
    form: Form | None
    sent_at: WrittenTime | None
    due_at: WrittenTime | None
    alarm_at: WrittenTime | None
    receipt: ReceiptKind | None = Field(description="The last claim about the attempts of its last window.")
    stored_at: WrittenTime | None
    evidence: Code | None
    reason: Reason | None
    missing_event_id: EventId | None
    recovered_at: WrittenTime | None
    feed: FeedId | None = Field(description="The feed whose word its last window waits for.")
    episode: Annotated[int, Field(ge=0, le=10)] = Field(description="The number of its missing events.")
    outcome: OutcomeWord | None = Field(description="How the last of them was closed.")
    closed_at: WrittenTime | None
    decision_id: EventId | None = Field(description="The last decision that fitted.")
    message_ids: list[Token]
    attempts: Count = Field(description="The number of different message ids.")
    flags: list[Word] = Field(description="What was odd, sorted; unreadable_<field> for each field not readable.")
    policy_version: str | None
    touched_at: WrittenTime = Field(description="Arrival of the last fact that changed the row.")
    sent_record: ArrivedRecord | None
    receipt_record: ArrivedRecord | None
    stored_record: ArrivedRecord | None
    held: Held | None


class Message(ClosedModel):
    """A message of the transport was a report's. Key: message_id/report_id, in the report's partition.

    A null value takes it back: the report's row is gone. Where several reports claim one id each has a record of its
    own, and the id tells nothing.
    """

    message_id: Token = Field(description="The transport's message id, as a sent gave it.")
    report_id: EventId = Field(description="Whose it was.")


class Rejected(ClosedModel):
    """Where a record lies that could not be read; never its content."""

    topic: TopicName
    partition: Count
    offset: Count
    arrived: WrittenTime | None = Field(
        description="Null where the broker gave no append time, or where its batch is too damaged to trust it."
    )
    stage: Literal["batch", "encoding", "json", "schema", "size", "rule", "partition"]
    reason: str = Field(
        pattern=r"^[a-z0-9_]+(:[a-z_.]+)?$", description="A code, and the field where it is one's fault."
    )
    sha256: str | None = Field(
        pattern=r"^[0-9a-f]{64}$", description="Of the value, to recognise it; null where its batch cannot be read."
    )
    size_bytes: Count | None = Field(description="Of the value; null where its batch cannot be read.")
    report_id: EventId | None
    judged: bool = Field(description="True where what could be read of it counts all the same.")


class Access(ClosedModel):
    """Who looked at which reports: one record for all that were shown at once, or for what a file or query tells."""

    at: WrittenTime
    subject: str = Field(min_length=1, max_length=200, description="Who: the token's subject.")
    organisation: OrgNumber | None
    action: Word
    report_ids: list[EventId] = Field(max_length=1000, description="Empty where the question is what tells.")
    question: str | None = Field(
        max_length=20_000, description="The filters of a list or file, the SQL, or what was delivered, in counts."
    )
