"""The row: what is known of one report."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from streams.core.facts import Names, Place, ReceiptCode, Receiver, Stored

NAMELESS = Names(None, None, None, None, None)


class Status(StrEnum):
    """Where a report stands."""

    PENDING = "pending"
    STORED = "stored"
    MISSING = "missing"
    RECOVERED = "recovered"
    UNPROVEN = "unproven"
    UNDETERMINED = "undetermined"
    UNEXPECTED = "unexpected"


class Reason(StrEnum):
    """Why a report counts as missing, as far as can be told."""

    NO_RECEIPT = "no_receipt"
    RECEIPTED_NOT_STORED = "receipted_not_stored"
    REJECTED = "rejected"
    TRANSPORT_FAILED = "transport_failed"
    STORED_ELSEWHERE = "stored_elsewhere"
    UNWATCHED = "unwatched"


class Flag:
    """What was odd about a report. `unreadable_<field>` comes on top, one for each field that could not be read, of its
    first sent or of the proof that settled it.
    """

    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    STORED_AFTER_DUE = "stored_after_due"
    UNKNOWN_MUNICIPALITY = "unknown_municipality"
    NAMED_LATER = "named_later"  # a readable sent filled in the names in time for the alarm
    NAMED_LATE = "named_late"  # it came after alarm_at, so that no event can tell of them
    EVIDENCE_LOST = "evidence_lost"  # records that may have been its proof were lost unread
    BEFORE_THE_BEGINNING = "before_the_beginning"  # its proof may lie before what the checker can read
    ROW_FULL = "row_full"  # a record was rejected because the row had no room for it
    UNREADABLE = "unreadable_"


DOUBTS = frozenset({Flag.EVIDENCE_LOST, Flag.BEFORE_THE_BEGINNING})


def unreadable_flags(names: Iterable[str]) -> set[str]:
    """The flags of fields that could not be read."""
    return {Flag.UNREADABLE + name.replace(".", "_") for name in names}


class Glance(Protocol):
    """The few fields of a row by which most looks end."""

    @property
    def status(self) -> Status:
        """Where the report stands."""

    @property
    def touched(self) -> datetime:
        """When the last fact arrived that changed it."""

    @property
    def alarm_at(self) -> datetime | None:
        """When it is decided; None while its sent is not known."""


@dataclass(slots=True)
class Row:
    """What is known of one report; `touched` is the arrival of the last fact that changed it.

    Before the first sent is known `held_stored` keeps the first proof for each receiver. Afterwards `proof` is the
    stored record that settled the report, and `elsewhere` the first that was for another receiver. Of a report
    in doubt `limit_at` says until when it may stay undetermined; None for as long as its row is kept.
    `unread` names what of the first sent could not be read, `named_late` what of that a later one told only after
    alarm_at. `copies` has the places of the originals of which copies were applied.
    """

    report_id: str
    touched: datetime
    status: Status = Status.PENDING
    names: Names = NAMELESS
    sent: Place | None = None
    sent_at: datetime | None = None
    due_at: datetime | None = None
    alarm_at: datetime | None = None
    policy_version: str | None = None
    proof_asked: bool = True
    receipt: ReceiptCode | None = None
    receipt_place: Place | None = None
    proof: Stored | None = None
    limit_at: datetime | None = None
    elsewhere: Stored | None = None
    reason: Reason | None = None
    missing_event_id: str | None = None
    recovered_at: datetime | None = None
    message_ids: list[str] = field(default_factory=list)
    flags: set[str] = field(default_factory=set)
    held_stored: list[Stored] = field(default_factory=list)
    unread: tuple[str, ...] = ()
    named_late: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()

    @property
    def attempts(self) -> int:
        """The number of different message ids seen."""
        return len(self.message_ids)

    @property
    def doubted(self) -> bool:
        """True once its alarm has passed without proof where proof may have been lost."""
        return not self.flags.isdisjoint(DOUBTS)

    @property
    def municipality(self) -> str | None:
        """The receiver's municipality number, None where no record gives one that could be read."""
        receiver = self.names.receiver
        if receiver is None and self.sent is None and self.held_stored:
            receiver = self.held_stored[0].receiver
        return receiver.municipality if receiver else None

    @property
    def first_receiver(self) -> Receiver | None:
        """The receiver that the first sent itself names: a name filled in later must not change what counts."""
        return self.first_names.receiver

    @property
    def first_names(self) -> Names:
        """The names that the first sent itself gives: without those that were filled in later."""
        return self.names.without(self.unread) if self.unread else self.names

    @property
    def names_by_alarm(self) -> Names:
        """The names as of alarm_at: whether later ones were read before the decision is chance."""
        return self.names.without(self.named_late) if self.named_late else self.names
