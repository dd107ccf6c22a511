"""Facts: what the input topics say about a report, as plain values.

Only the edge parses and validates; a fact in here is well formed.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


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
    """The receiving side claims that it got the report."""

    report_id: str
    place: Place
    receipt: ReceiptCode


class Stored(NamedTuple):
    """Independent evidence that the report lies in a case system.

    `stored_at` is its arrival where it was not given or could not be read; `unreadable` as of a sent.
    """

    report_id: str
    place: Place
    stored_at: datetime
    evidence: str | None
    receiver: Receiver | None = None
    unreadable: tuple[str, ...] = ()


Fact = Sent | Receipt | Stored
_TURNS: dict[type[Fact], int] = {Sent: 0, Receipt: 1, Stored: 2}


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Facts of several topics in the order of the log: by arrival; of the same moment sent, receipt, stored.

    Those of one topic are given in the order of their offsets, and keep it within a moment.
    """
    return sorted(facts, key=lambda fact: (fact.place.arrived, _TURNS[type(fact)]))
