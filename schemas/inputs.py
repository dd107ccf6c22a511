"""What the checker reads: reports sent, receipts claimed, storage proven and vouched for, alarms decided."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.common import ClosedModel, Code, District, EventId, Municipality, OrgNumber, ReportId, Time, Token, Version

Form = Literal["PRIVAT", "OFFENTLIG", "UKJENT"]
ReceiptKind = Literal["MOTTATT", "FEILET", "TIDSAVBRUDD", "SERVERFEIL"]
OutcomeWord = Literal["found", "false_alarm", "withdrawn", "handled", "lost"]
FeedId = Token


class Receiver(ClosedModel):
    """Who a report is for. Never a key: municipality numbers changed in 2020 and 2024."""

    municipality: Municipality = Field(description="Municipality number: four digits as text.")
    district: District | None = Field(None, description="District number: two digits as text, 00 for none.")
    unit_id: Token | None = Field(None, description="The receiving unit's stable id.")
    org_number: OrgNumber | None = Field(None, description="Organisation number: nine digits as text.")


class ReportSent(ClosedModel):
    """The portal handed a report over to one receiver."""

    report_id: ReportId = Field(description="The portal's bekymringsmeldingId (a UUID), also the record's key.")
    sent_at: Time = Field(description="When the portal handed it over: RFC 3339 with a zone.")
    receiver: Receiver = Field(description="Who it was sent to.")
    channel: Code = Field(description="How: FIKS_IO, SVARINN, MANUELL_MOTTAK, PRINT, or a new one.")
    case_system: Code = Field(description="The receiver's case system, as the portal names it.")
    case_system_version: Version | None = Field(None, description="Its version.")
    message_id: Token | None = Field(None, description="The transport's message id: a new one at every resend.")
    form: Form | None = Field(None, description="Which form was used.")


class ReportReceipt(ClosedModel):
    """The receiving side claims something about a report. A claim, never proof."""

    report_id: ReportId = Field(description="The report that it is about.")
    receipt: ReceiptKind = Field(description="What is claimed.")
    received_at: Time = Field(description="When the claim was made.")
    message_id: Token | None = Field(None, description="The transport's message id that it answers.")


class ReportStored(ClosedModel):
    """Independent evidence that a report lies in a case system."""

    report_id: ReportId = Field(description="The report that was found stored.")
    stored_at: Time | None = Field(None, description="When it was stored; where it is not given, when this arrived.")
    evidence: Code = Field(description="How that is known: READ_BACK, RECONCILIATION, MANUAL, or a new one.")
    receiver: Receiver | None = Field(None, description="Whose case system it lies in.")
    case_system: Code | None = Field(None, description="Which case system it lies in.")
    feed: FeedId | None = Field(None, description="The feed that brings it, as the policy names it.")


class FeedMark(ClosedModel):
    """A feed's word that all that was stored until `vouched_until` in what it covers has been delivered.

    On the topic of proofs, behind them and in every partition, with the header `mv-feed`: the feed's id.
    """

    feed: FeedId = Field(description="The feed, as the policy names it.")
    vouched_until: Time = Field(description="Until when it vouches: RFC 3339 with a zone; not in the future.")
    proofs: Annotated[int, Field(ge=0, strict=True)] | None = Field(
        None, description="How many of its proofs it has put into this partition since its last mark here."
    )


class Actor(ClosedModel):
    """Who decided."""

    subject: Annotated[str, StringConstraints(min_length=1, max_length=200, strict=True)] = Field(
        description="The token's subject."
    )
    organisation: OrgNumber | None = Field(None, description="Organisation number: nine digits as text.")


class ReportDecision(ClosedModel):
    """What a person said of an alarm."""

    decision_id: EventId = Field(description="A UUID of its own: the same decision twice changes nothing.")
    report_id: ReportId = Field(description="The report, also the record's key.")
    missing_event_id: EventId | None = Field(None, description="The alarm; only `erase` may leave it out.")
    action: Literal["acknowledge", "close", "reopen", "erase"] = Field(description="What is to happen.")
    outcome: OutcomeWord | None = Field(None, description="How the alarm ended: with `close` alone.")
    actor: Actor = Field(description="Who decided.")
    receiver: Receiver | None = Field(None, description="For whom; null for whoever may decide for all.")
    decided_at: Time = Field(description="When: RFC 3339 with a zone.")
    until: Time | None = Field(None, description="Until when it is acknowledged.")
    reference: Token | None = Field(None, description="The case's number elsewhere; never a person's.")


Input = ReportSent | ReportReceipt | ReportStored | FeedMark | ReportDecision
