"""What the checker reads: reports sent, receipts claimed, storage proven."""

from typing import Literal

from pydantic import Field

from schemas.common import Closed, Code, District, Municipality, OrgNumber, ReportId, Time, Token, Version

Form = Literal["PRIVAT", "OFFENTLIG", "UKJENT"]
ReceiptKind = Literal["MOTTATT", "FEILET", "TIDSAVBRUDD", "SERVERFEIL"]


class Receiver(Closed):
    """Who a report is for. Never a key: municipality numbers changed in 2020 and 2024."""

    municipality: Municipality = Field(description="Municipality number: four digits as text.")
    district: District | None = Field(None, description="District number: two digits as text, 00 for none.")
    unit_id: Token | None = Field(None, description="The receiving unit's stable id.")
    org_number: OrgNumber | None = Field(None, description="Organisation number: nine digits as text.")


class ReportSent(Closed):
    """The portal handed a report over to one receiver."""

    report_id: ReportId = Field(description="The portal's bekymringsmeldingId (a UUID), also the record's key.")
    sent_at: Time = Field(description="When the portal handed it over: RFC 3339 with a zone.")
    receiver: Receiver = Field(description="Who it was sent to.")
    channel: Code = Field(description="How: FIKS_IO, SVARINN, MANUELL_MOTTAK, PRINT, or a new one.")
    case_system: Code = Field(description="The receiver's case system, as the portal names it.")
    case_system_version: Version | None = Field(None, description="Its version.")
    message_id: Token | None = Field(None, description="The transport's message id: a new one at every resend.")
    form: Form | None = Field(None, description="Which form was used.")


class ReportReceipt(Closed):
    """The receiving side claims something about a report. A claim, never proof."""

    report_id: ReportId = Field(description="The report that it is about.")
    receipt: ReceiptKind = Field(description="What is claimed.")
    received_at: Time = Field(description="When the claim was made.")
    message_id: Token | None = Field(None, description="The transport's message id that it answers.")


class ReportStored(Closed):
    """Independent evidence that a report lies in a case system."""

    report_id: ReportId = Field(description="The report that was found stored.")
    stored_at: Time | None = Field(None, description="When it was stored; where it is not given, when this arrived.")
    evidence: Code = Field(description="How that is known: READ_BACK, RECONCILIATION, MANUAL, or a new one.")
    receiver: Receiver | None = Field(None, description="Whose case system it lies in.")
    case_system: Code | None = Field(None, description="Which case system it lies in.")


Input = ReportSent | ReportReceipt | ReportStored
