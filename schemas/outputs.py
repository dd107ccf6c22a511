"""What the checker writes: the product, the state of every report, its coverage, and what it could not read."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.common import Closed, Code, District, EventId, Municipality, OrgNumber, Token, WrittenTime
from schemas.inputs import Form, ReceiptKind

MISSING_TYPE = "no.meldingsvakt.report.missing.v1"
RECOVERED_TYPE = "no.meldingsvakt.report.recovered.v1"

Reason = Literal["no_receipt", "receipted_not_stored", "rejected", "transport_failed", "stored_elsewhere", "unwatched"]
Status = Literal["pending", "stored", "missing", "recovered", "unproven", "undetermined", "unexpected"]
Word = Annotated[str, Field(pattern=r"^[a-z_]{1,60}$")]
FieldName = Annotated[str, Field(pattern=r"^[a-z_.]{1,60}$")]
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Count = Annotated[int, Field(ge=0)]


class KnownReceiver(Closed):
    """A receiver with every level written; null where it was not given."""

    municipality: Municipality
    district: District | None
    unit_id: Token | None
    org_number: OrgNumber | None


class RecordPlace(Closed):
    """Where a record lies in the log."""

    topic: TopicName
    partition: Count
    offset: Count


class ArrivedRecord(RecordPlace):
    """Where a record lies, and when the broker appended it there."""

    arrived: WrittenTime


class ReportMissing(Closed):
    """No proof of storage arrived in time. `ce_type` no.meldingsvakt.report.missing.v1."""

    type: Literal["no.meldingsvakt.report.missing.v1"]
    event_id: EventId = Field(description="UUIDv5 of report_id/type/alarm_at: the same history gives the same id.")
    report_id: EventId
    reason: Reason = Field(description="What is known of why, from what had arrived by alarm_at.")
    receiver: KnownReceiver | None = Field(description="Null where no readable record named it by alarm_at.")
    channel: Code | None
    case_system: Code | None
    case_system_version: Token | None
    sent_at: WrittenTime
    due_at: WrittenTime = Field(description="sent_at and the allowance of the policy in force.")
    alarm_at: WrittenTime = Field(description="The later of due_at and the arrival of the first sent, and the grace.")
    portal_deletes_at: WrittenTime = Field(description="The last moment to fetch or resend it.")
    policy_version: str
    sent_record: RecordPlace | None = Field(description="The deciding sent record; null where there is no log.")


class ReportRecovered(Closed):
    """A report that was announced missing is stored after all. `ce_type` no.meldingsvakt.report.recovered.v1."""

    type: Literal["no.meldingsvakt.report.recovered.v1"]
    event_id: EventId
    missing_event_id: EventId = Field(description="The event that announced it missing.")
    report_id: EventId
    stored_at: WrittenTime
    arrived_at: WrittenTime = Field(description="When the proof arrived.")
    evidence: Code | None = Field(description="How it is known; null where no readable word says it.")
    receiver: KnownReceiver | None
    cause: Literal["stored_late", "confirmed_late"] = Field(
        description="confirmed_late: it was stored by due_at, only the confirmation came late."
    )


class HeldStored(Closed):
    """A proof that is not the deciding one, or waits for its sent."""

    stored_at: WrittenTime
    evidence: Code | None = Field(description="How it is known; null where no readable word says it.")
    receiver: KnownReceiver | None
    record: ArrivedRecord
    unreadable: list[FieldName] | None = None


class Held(Closed):
    """What the checker itself needs to go on exactly; nothing in here for analysts to build on."""

    stored: list[HeldStored] | None = None
    elsewhere: HeldStored | None = None
    proof_receiver: KnownReceiver | None = None
    proof_asked: bool | None = None
    limit_at: WrittenTime | None = None
    unread: list[FieldName] | None = None
    named_late: list[FieldName] | None = None
    copies: list[Annotated[str, Field(pattern=r"^(sent|receipt|stored)/[0-9]+/[0-9]+$")]] | None = None


class ReportState(Closed):
    """One row: all that is known of a report. A tombstone erases it."""

    version: Literal[1]
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
    receipt: ReceiptKind | None = Field(description="The last claim that arrived by alarm_at.")
    stored_at: WrittenTime | None
    evidence: Code | None
    reason: Reason | None
    missing_event_id: EventId | None
    recovered_at: WrittenTime | None
    message_ids: list[Token]
    attempts: Count = Field(description="The number of different message ids.")
    flags: list[Word] = Field(description="What was odd, sorted; unreadable_<field> for each field not readable.")
    policy_version: str | None
    touched_at: WrittenTime = Field(description="Arrival of the last fact that changed the row.")
    sent_record: ArrivedRecord | None
    receipt_record: ArrivedRecord | None
    stored_record: ArrivedRecord | None
    held: Held | None


class LastRecord(Closed):
    """The last record applied of one input."""

    offset: Count
    arrived: WrittenTime


class AppliedInput(Closed):
    """How far one input has been applied."""

    next_offset: Count
    last_record: LastRecord | None
    latest_arrival: WrittenTime | None = Field(
        description="The latest arrival so far; a record whose append time lies before it counts as arrived then."
    )


class Gap(Closed):
    """The checker cannot see."""

    since: WrittenTime
    cause: Word = Field(description="open_transaction, no_marks, lag, broker_clock, deleted_by_retention, ...")


class Loss(Closed):
    """Offsets of an input that were deleted before anybody read them."""

    topic: TopicName
    from_offset: Count = Field(description="The first of them.")
    to_offset: Count | None = Field(description="The first one after them; null where nobody can know.")
    cause: Word
    since: WrittenTime = Field(description="What stood there arrived not before: the last record applied before it.")
    until: WrittenTime | None = Field(description="And not after: the first record read after it; null while none is.")


class Coverage(Closed):
    """How far one partition is complete. Key: the partition's number."""

    kind: Literal["coverage"]
    partition: Count
    partitions: Count
    complete_until: WrittenTime | None = Field(
        description="Everything that arrived before it has been applied, and what fell due before it is decided."
    )
    checked_at: WrittenTime | None = Field(
        description="The brokers' time when that was last found out; later than complete_until only while much that "
        "fell due at once is being worked off."
    )
    applied: dict[TopicName, AppliedInput]
    gap: Gap | None
    losses: list[Loss]
    policy: dict[str, str] = Field(description="The policy versions judged by so far, with their fingerprints.")
    beginnings: dict[TopicName, WrittenTime | None] = Field(
        description="Inputs that no longer began at offset 0 when this checker began: when their first record arrived."
    )
    first_complete: WrittenTime | None = Field(description="The first complete_until of this checker.")


class Books(Closed):
    """One receiver's books in one partition. Key: partition/municipality, or partition/unknown."""

    kind: Literal["books"]
    partition: Count
    municipality: Municipality | None
    sent: int = Field(description="sent_records - duplicates - resends = the sum of the statuses and erased.")
    sent_records: int
    duplicates: int
    resends: int
    erased: int
    pending: int
    stored: int
    missing: int
    recovered: int
    unproven: int
    undetermined: int
    unexpected: int


class Rejected(Closed):
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


class Access(Closed):
    """Who looked at which reports: one record for all that were shown at once, or for what a file or query tells."""

    at: WrittenTime
    subject: str = Field(min_length=1, max_length=200, description="Who: the token's subject.")
    organisation: OrgNumber | None
    action: Word
    report_ids: list[EventId] = Field(max_length=1000, description="Empty where the question is what tells.")
    question: str | None = Field(max_length=20_000, description="The filters of a list or file, or the SQL.")
