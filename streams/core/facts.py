"""Facts: what the input topics say about a report, as plain values.

Only the edge parses and validates; a fact in here is well formed.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar


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


REFUSALS = frozenset({ReceiptCode.FEILET, ReceiptCode.TIDSAVBRUDD, ReceiptCode.SERVERFEIL})


class Names(NamedTuple):
    """What a sent record says about the report, apart from its times."""

    receiver: Receiver | None
    channel: str | None
    case_system: str | None
    case_system_version: str | None = None
    form: str | None = None

    def told(self, name: str) -> Any:
        """One of them, or a level of the receiver (`receiver.district`); None where it is not known."""
        name, _, level = name.partition(".")
        value = getattr(self, name, None)
        return getattr(value, level, None) if level else value

    def telling(self, name: str, value: Any) -> "Names":
        """The same but for one of them, or for a level of the receiver. What is no name changes nothing."""
        name, _, level = name.partition(".")
        if level:
            return self if self.receiver is None else self._replace(receiver=self.receiver._replace(**{level: value}))
        return self._replace(**{name: value}) if name in self._fields else self

    def by(self, channel: str | None) -> "Names":
        """The same by another channel."""
        return self if channel == self.channel else self._replace(channel=channel)

    def without(self, lost: Iterable[str]) -> "Names":
        """The same without some of them."""
        names = self
        for name in lost:
            names = names.telling(name, None)
        return names


class Sent(NamedTuple):
    """The portal handed the report over.

    `unreadable` names every field that could not be read, levels of the receiver as `receiver.district`; they are
    None. Without `sent_at` its arrival counts, without a channel the policy's default allowance.
    """

    report_id: str
    place: Place
    sent_at: datetime | None
    names: Names
    message_id: str | None = None
    unreadable: tuple[str, ...] = ()


class Receipt(NamedTuple):
    """The receiving side claims that it got the report; `message_id` tells which attempt it is about."""

    report_id: str
    place: Place
    receipt: ReceiptCode
    message_id: str | None = None


class Stored(NamedTuple):
    """Independent evidence that the report lies in a case system.

    `stored_at` is its arrival where it was not given or could not be read; `unreadable` as of a sent. `feed` is the
    source of proofs that brought it, where it says so.
    """

    report_id: str
    place: Place
    stored_at: datetime
    evidence: str | None
    receiver: Receiver | None = None
    unreadable: tuple[str, ...] = ()
    feed: str | None = None


class FeedMark(NamedTuple):
    """A feed's word that all that was stored until `vouched_until` in what it covers has been delivered.

    `proofs`: how many proofs it has put into this partition since its last mark; None where it does not say.
    """

    feed: str
    place: Place
    vouched_until: datetime
    proofs: int | None = None


class Action(StrEnum):
    """What a decision asks for. To acknowledge an alarm changes no verdict and no row."""

    ACKNOWLEDGE = "acknowledge"
    CLOSE = "close"
    REOPEN = "reopen"
    ERASE = "erase"


class Outcome(StrEnum):
    """How an alarm ended, as a person says."""

    FOUND = "found"
    FALSE_ALARM = "false_alarm"
    WITHDRAWN = "withdrawn"
    HANDLED = "handled"
    LOST = "lost"


class Decision(NamedTuple):
    """What a person said of an alarm: of the missing event that it names, for the receiver that it names.

    `receiver` is None for whoever may decide for all. Only a decision to close has an outcome; one to erase may name
    the report alone.
    """

    decision_id: str
    report_id: str
    place: Place
    missing_event_id: str | None
    action: Action
    decided_at: datetime
    outcome: Outcome | None = None
    receiver: Receiver | None = None


Fact = Sent | Receipt | Stored
FactOrMark = Fact | FeedMark
Input = FactOrMark | Decision
_One = TypeVar("_One", Fact, FactOrMark, Input)
_TURNS: dict[type, int] = {Sent: 0, Receipt: 1, Stored: 2, FeedMark: 2, Decision: 3}


def in_order(inputs: Iterable[_One]) -> list[_One]:
    """Records of several topics in the order of the log: by arrival; of one moment sent, receipt, stored, decision.

    Marks of feeds lie among the stored.

    Those of one topic are given in the order of their offsets, and keep it within a moment.
    """
    return sorted(inputs, key=lambda one: (one.place.arrived, _TURNS[type(one)]))
