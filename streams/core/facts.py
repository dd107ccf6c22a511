"""Facts: what the input topics say about a report, as plain values.

Only the edge parses and validates; a fact in here is well formed.
"""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Place(NamedTuple):
    """Where a record lies in the log, and when the broker appended it there (UTC)."""

    arrived: datetime
    topic: str
    partition: int
    offset: int


class Receiver(NamedTuple):
    """Who a report is for. Never a key: municipality numbers changed in 2020 and 2024."""

    municipality: str
    district: str | None = None
    unit_id: str | None = None
    org_number: str | None = None


class ReceiptCode(StrEnum):
    """What the receiving side claims. A claim, never proof."""

    MOTTATT = "MOTTATT"
    FEILET = "FEILET"
    TIDSAVBRUDD = "TIDSAVBRUDD"
    SERVERFEIL = "SERVERFEIL"


class Names(NamedTuple):
    """What a sent record says about the report, apart from its times."""

    receiver: Receiver | None
    channel: str | None
    case_system: str | None
    case_system_version: str | None = None
    form: str | None = None


class Sent(NamedTuple):
    """The portal handed the report over.

    `sent_at` is None where it could not be read. `unreadable` names every field that could not be read; a sent
    with any such field is judged by its arrival and the policy's default allowance.
    """

    report_id: str
    place: Place
    sent_at: datetime | None
    names: Names
    message_id: str | None = None
    unreadable: tuple[str, ...] = ()


class Receipt(NamedTuple):
    """The receiving side claims that it got the report."""

    report_id: str
    place: Place
    receipt: ReceiptCode


class Stored(NamedTuple):
    """Independent evidence that the report lies in a case system."""

    report_id: str
    place: Place
    stored_at: datetime
    evidence: str
    receiver: Receiver | None = None


Fact = Sent | Receipt | Stored
