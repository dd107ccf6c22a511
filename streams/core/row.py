"""The row: what is known of one report."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from streams.core.facts import Names, Outcome, Place, ReceiptCode, Receiver, Stored
from streams.core.policy import Asks

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
    ERASED = "erased"  # by decision: nothing is left of it but its id and when


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
    NAMED_LATER = "named_later"  # a later sent filled in names that could not be read
    REROUTED = "rerouted"  # an attempt on another channel gave its window other terms
    CONTRADICTS_OUTCOME = "contradicts_outcome"  # it was given up as lost, and proof came
    EVIDENCE_LOST = "evidence_lost"  # records that may have been its proof were lost unread
    BEFORE_THE_BEGINNING = "before_the_beginning"  # its proof may lie before what the checker can read
    ROW_FULL = "row_full"  # a record was rejected because the row had no room for it
    UNREADABLE = "unreadable_"


DOUBTS = frozenset({Flag.EVIDENCE_LOST, Flag.BEFORE_THE_BEGINNING})


def unreadable_flags(names: Iterable[str]) -> set[str]:
    """The flags of fields that could not be read."""
    return {Flag.UNREADABLE + name.replace(".", "_") for name in names}


class Window(StrEnum):
    """Where the last window of a report stands."""

    OPEN = "open"  # its alarm has not come
    WAITING = "waiting"  # its feed has not spoken yet
    SILENT = "silent"  # nor for longer than its patience
    BLIND = "blind"  # what its witness said may have been lost
    REFUSED = "refused"  # a refusal came for what was unproven
    CLOSED = "closed"


class Alarm(NamedTuple):
    """A missing event: its id, when its window closed, what it said, and how somebody closed it."""

    event_id: str
    at: datetime
    alarm_at: datetime
    due_at: datetime
    reason: Reason
    channel: str | None
    outcome: Outcome | None = None
    closed_at: datetime | None = None


class Glance(Protocol):
    """The few fields of a row by which most looks end."""

    status: Status
    touched: datetime
    alarm_at: datetime | None
    window: Window
    alarms: tuple[Alarm, ...]


@dataclass(slots=True)
class Row:
    """What is known of one report; `touched` is the arrival of the last fact that changed it.

    Before the first sent is known `held_stored` keeps the first proof for each receiver. Afterwards `proof` is the
    stored record that settled the report, and `elsewhere` the first that was for another receiver.

    The last `window` asks something, of a `feed` where one is named; `opened_at` is when the attempt arrived that
    opened it, None for the first sent; `routes` are its channels, the last one its own, and
    `message_ids[:ids_before]` are of attempts that are none of its own, or from before it was re-routed. A blind one
    waits until `limit_at`, or for as long as the row is kept. `first_due_at` is the first window's due once there is
    another one.

    `channels` are those of all attempts, `attempted_at` is when the last of them arrived, None while the first sent is
    the only one. `unread` names what of the first sent could not be read. `copies` has the places of the originals of
    which copies were applied, `decisions` the ids of those that fitted.
    """

    report_id: str
    touched: datetime
    status: Status = Status.PENDING
    names: Names = NAMELESS
    sent: Place | None = None
    sent_at: datetime | None = None
    policy_version: str | None = None
    window: Window = Window.CLOSED
    due_at: datetime | None = None
    alarm_at: datetime | None = None
    asks: Asks = Asks.STORED
    feed: str | None = None
    opened_at: datetime | None = None
    routes: tuple[str, ...] = ()
    ids_before: int = 0
    limit_at: datetime | None = None
    first_due_at: datetime | None = None
    attempted_at: datetime | None = None
    channels: tuple[str, ...] = ()
    message_ids: list[str] = field(default_factory=list)
    receipt: ReceiptCode | None = None
    receipt_place: Place | None = None
    proof: Stored | None = None
    elsewhere: Stored | None = None
    alarms: tuple[Alarm, ...] = ()
    recovered_at: datetime | None = None
    decisions: tuple[str, ...] = ()
    flags: set[str] = field(default_factory=set)
    held_stored: list[Stored] = field(default_factory=list)
    unread: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()

    @property
    def attempts(self) -> int:
        """The number of different message ids seen."""
        return len(self.message_ids)

    @property
    def missing_event_id(self) -> str | None:
        """The id of the latest missing event."""
        return self.alarms[-1].event_id if self.alarms else None

    @property
    def reason(self) -> Reason | None:
        """What the latest missing event gave as the reason."""
        return self.alarms[-1].reason if self.alarms else None

    @property
    def channel(self) -> str | None:
        """The last route of its last window."""
        return self.routes[-1] if self.routes else self.names.channel

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
        return self.names.without(self.unread).receiver if self.unread else self.names.receiver
