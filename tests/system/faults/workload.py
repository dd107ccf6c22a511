"""What happens to the reports of one run: a seeded plan of records with a known truth.

A report's record is planned relative to the beginning of the run. What was due when is recomputed from the log
afterwards, because a fault may delay a producer, too; the plan says what no delay can change: who is never proven.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

POLICY = """
portal_retention = "P30D"
[[version]]
id = "first"
grace = "PT1S"
default = "PT4S"
[version.allowance]
FIKS_IO = "PT3S"
SVARINN = "PT7S"
MANUELL_MOTTAK = "PT11S"
PRINT = "PT4S"
[[version.feed]]
id = "list"
patience = "PT4S"
[[version.override]]
municipality = "1507"
proof = "none"
[[version.override]]
municipality = "4204"
proof = "receipt"
[[version.override]]
municipality = "3301"
feed = "list"
[[version.override]]
municipality = "4601"
case_system = "VISMA_FAMILIA"
allowance = "PT2S"
grace = "PT0.5S"
"""
ALLOWANCES = {"FIKS_IO": 3.0, "SVARINN": 7.0, "MANUELL_MOTTAK": 11.0}
LETTER, LETTER_SECONDS = "PRINT", 4.0
GRACE = 1.0
NOTHING_ASKED, RECEIPT_ASKED, LISTED = "1507", "4204", "3301"
FEED, FEED_PATIENCE, FEED_SECONDS = "list", 4.0, 1.0
MUNICIPALITIES = ("0301", "0301", "4601", "5001", "1103", "3907", NOTHING_ASKED)
CASE_SYSTEMS = ("VISMA_FAMILIA", "VISMA_FLYT_BARNEVERN", "NETCOMPANY_MODULUS_BARN")


class Kind(StrEnum):
    """What happens to one report, with how often in a hundred."""

    IN_TIME = "in_time"
    LATE = "late"
    CONFIRMED_LATE = "confirmed_late"
    NEVER = "never"
    RECEIPT_ONLY = "receipt_only"
    RECEIPT_FAILED = "receipt_failed"
    ELSEWHERE = "elsewhere"
    STORED_FIRST = "stored_first"
    RECEIPT_FIRST = "receipt_first"
    DUPLICATED = "duplicated"
    RESENT = "resent"
    WRONG_PARTITION = "wrong_partition"
    NO_KEY = "no_key"
    UNREADABLE = "unreadable"
    HALF_READABLE = "half_readable"
    NEVER_SENT = "never_sent"
    RESENT_LOST = "resent_lost"
    RESENT_FOUND = "resent_found"
    LETTER_LOST = "letter_lost"
    LETTER_STORED = "letter_stored"
    RECEIPT_NAMED = "receipt_named"
    ASKED_RECEIVED = "asked_received"
    ASKED_REFUSED = "asked_refused"
    ASKED_SILENT = "asked_silent"
    ASKED_TAKEN_BACK = "asked_taken_back"
    LISTED_IN_TIME = "listed_in_time"
    LISTED_LATE = "listed_late"
    LISTED_NEVER = "listed_never"


SHARES = {
    Kind.IN_TIME: 24, Kind.LATE: 8, Kind.CONFIRMED_LATE: 4, Kind.NEVER: 12, Kind.RECEIPT_ONLY: 10,
    Kind.RECEIPT_FAILED: 5, Kind.ELSEWHERE: 4, Kind.STORED_FIRST: 4, Kind.RECEIPT_FIRST: 3, Kind.DUPLICATED: 5,
    Kind.RESENT: 3, Kind.WRONG_PARTITION: 3, Kind.NO_KEY: 2, Kind.UNREADABLE: 2, Kind.HALF_READABLE: 2,
    Kind.NEVER_SENT: 1, Kind.RESENT_LOST: 2, Kind.RESENT_FOUND: 2, Kind.LETTER_LOST: 2, Kind.LETTER_STORED: 2,
    Kind.RECEIPT_NAMED: 2, Kind.ASKED_RECEIVED: 2, Kind.ASKED_REFUSED: 2, Kind.ASKED_SILENT: 1,
    Kind.ASKED_TAKEN_BACK: 1, Kind.LISTED_IN_TIME: 5, Kind.LISTED_LATE: 2, Kind.LISTED_NEVER: 2,
}  # fmt: skip
ASKED_FOR_RECEIPTS = frozenset({Kind.ASKED_REFUSED, Kind.ASKED_SILENT, Kind.ASKED_TAKEN_BACK})
NEVER_PROVEN = ASKED_FOR_RECEIPTS | {
    Kind.NEVER, Kind.RECEIPT_ONLY, Kind.RECEIPT_FAILED, Kind.ELSEWHERE, Kind.HALF_READABLE, Kind.RESENT_LOST,
    Kind.LETTER_LOST, Kind.RECEIPT_NAMED, Kind.LISTED_NEVER,
}  # fmt: skip
# Their second attempt must be over when the run is.
_PROMPT = {Kind.RESENT_LOST, Kind.RESENT_FOUND, Kind.LETTER_LOST, Kind.LETTER_STORED, Kind.RECEIPT_NAMED}


class Planned(NamedTuple):
    """One record: when (seconds from the beginning), where, and what. `lead`: how long before that its time lies.

    `value` is completed with the record's own time when it is sent, unless it is bytes already.
    """

    at: float
    topic: str
    value: dict[str, Any] | bytes
    key: bytes | None
    lead: float = 0.0
    misplaced: bool = False


@dataclass(slots=True)
class Plan:
    """All records of a run in order of time, and what is true of each report whatever is delayed."""

    records: list[Planned] = field(default_factory=list)
    kinds: dict[str, Kind] = field(default_factory=dict)
    unproven: set[str] = field(default_factory=set)

    def of_kinds(self, kinds: Collection[Kind]) -> set[str]:
        """The reports of some kinds."""
        return {report_id for report_id, kind in self.kinds.items() if kind in kinds}

    @property
    def never_proven(self) -> set[str]:
        """The reports that must be announced missing, and never recovered."""
        return self.of_kinds(NEVER_PROVEN) - self.unproven


def plan(rng: Random, *, seconds: float, per_second: float) -> Plan:
    """A plan of reports spread over the time; every kind occurs when there are a few hundred."""
    made = Plan()
    kinds, weights = list(SHARES), list(SHARES.values())
    for number in range(round(seconds * per_second)):
        # Every kind once at first, so that a short run has each of them.
        kind = kinds[number] if number < len(kinds) else rng.choices(kinds, weights)[0]
        at = rng.uniform(0, seconds) if number >= len(kinds) else rng.uniform(0, seconds / 2)
        # The patient channels only early on, so that a run need not wait for them at its end.
        patient = at < seconds / 2 and kind not in _PROMPT
        channel = rng.choices(tuple(ALLOWANCES), (70, 20, 10) if patient else (100, 0, 0))[0]
        _Report(rng, made, kind, channel).tell(at)
    made.records.sort(key=lambda record: record.at)
    return made


def add_backlog(rng: Random, made: Plan, *, at: float, count: int, outage_seconds: float) -> None:
    """The portal was down for that long: everything that it held back comes at once."""
    for _ in range(count):
        kind = Kind.IN_TIME if rng.random() < 0.8 else Kind.NEVER
        _Report(rng, made, kind, "FIKS_IO").tell_backlog(at, rng.uniform(0, outage_seconds))
    made.records.sort(key=lambda record: record.at)


def add_listed(rng: Random, made: Plan, *, at: float, stored: int, lost: int) -> tuple[set[str], set[str]]:
    """Reports that all come at once for the receiver whose feed proves them: the ids of those that it has, and not."""
    known = set(made.kinds)
    for number in range(stored + lost):
        kind = Kind.LISTED_IN_TIME if number < stored else Kind.LISTED_NEVER
        _Report(rng, made, kind, "FIKS_IO").tell(at)
    made.records.sort(key=lambda record: record.at)
    return made.of_kinds({Kind.LISTED_IN_TIME}) - known, made.of_kinds({Kind.LISTED_NEVER}) - known


def add_rejected(rng: Random, made: Plan, *, at: float, count: int) -> None:
    """So many unreadable records in a row, all in one partition."""
    made.records += [Planned(at, "stored", b"\xff" + rng.randbytes(40), b"flood") for _ in range(count)]
    made.records.sort(key=lambda record: record.at)


class _Report:
    """The records of one report."""

    def __init__(self, rng: Random, made: Plan, kind: Kind, channel: str) -> None:
        self._rng, self._made, self._kind, self._channel = rng, made, kind, channel
        self._id = str(UUID(int=rng.getrandbits(128), version=4))
        self._municipality = rng.choice(MUNICIPALITIES)
        self._message: str | None = f"m-{self._id[:8]}"
        made.kinds[self._id] = kind
        if kind.value.startswith(("asked", "listed")):
            self._municipality = RECEIPT_ASKED if kind.value.startswith("asked") else LISTED
        if self._municipality == NOTHING_ASKED:
            made.unproven.add(self._id)

    @property
    def _allowance(self) -> float:
        return ALLOWANCES[self._channel]

    @property
    def _after_alarm(self) -> float:
        """So long after its sent, at a random moment, that its alarm is over."""
        return self._allowance + GRACE + self._rng.uniform(0.3, 3)

    def tell(self, at: float) -> None:
        """Add what happens to it."""
        getattr(self, f"_{self._kind.value}")(at)

    def tell_backlog(self, at: float, lead: float) -> None:
        """It was sent `lead` seconds ago and comes only now, with its proof right behind it."""
        self._sent(at, lead=lead)
        if self._kind is Kind.IN_TIME:
            self._stored(at + self._rng.uniform(0, 0.3), lead=lead / 2)

    def _in_time(self, at: float) -> None:
        self._sent(at)
        self._receipt(at + 0.1)
        self._stored(at + self._rng.uniform(0.1, 0.7) * self._allowance)

    def _late(self, at: float) -> None:
        self._sent(at)
        self._stored(at + self._after_alarm)

    def _confirmed_late(self, at: float) -> None:
        self._sent(at)
        late = self._after_alarm
        self._stored(at + late, lead=late - 0.5)

    def _never(self, at: float) -> None:
        self._sent(at)

    def _receipt_only(self, at: float) -> None:
        self._sent(at)
        self._receipt(at + 0.2)

    def _receipt_failed(self, at: float) -> None:
        self._sent(at)
        self._receipt(at + 0.2)
        self._receipt(at + 0.4, self._rng.choice(("FEILET", "TIDSAVBRUDD", "SERVERFEIL")))

    def _elsewhere(self, at: float) -> None:
        self._sent(at)
        self._stored(at + 0.3, receiver={"municipality": "1804"})

    def _stored_first(self, at: float) -> None:
        self._stored(at)
        self._sent(at + self._rng.uniform(0.1, 1))

    def _receipt_first(self, at: float) -> None:
        self._receipt(at)
        self._sent(at + 0.3)
        if self._rng.random() < 0.5:
            self._stored(at + 1)

    def _duplicated(self, at: float) -> None:
        self._sent(at)
        self._sent(at + 0.5)
        if self._rng.random() < 0.5:
            for delay in (0.6, 0.7, self._allowance + 2):
                self._stored(at + delay)
        else:
            late = self._allowance + GRACE + 1
            for delay in (late, late + 0.2):
                self._stored(at + delay)

    def _resent(self, at: float) -> None:
        self._sent(at)
        self._send_again(at + self._rng.uniform(0.3, 2))
        if self._rng.random() < 0.5:
            self._stored(at + 1)

    def _resent_lost(self, at: float) -> None:
        self._sent(at)
        self._send_again(at + self._after_alarm)

    def _resent_found(self, at: float) -> None:
        self._sent(at)
        again = at + self._after_alarm
        self._send_again(again)
        self._stored(again + self._rng.uniform(0.2, 5))

    def _send_again(self, at: float) -> None:
        self._message = f"{self._message}-again"
        self._sent(at)

    def _letter_lost(self, at: float) -> None:
        """Refused by the case system, the portal turns to a letter, which has no id."""
        self._sent(at)
        self._receipt(at + 0.2, "FEILET")
        self._channel, self._message = LETTER, None
        self._sent(at + self._rng.uniform(0.3, 2.5))

    def _letter_stored(self, at: float) -> None:
        self._letter_lost(at)
        self._stored(at + self._rng.uniform(3, 6))

    def _receipt_named(self, at: float) -> None:
        """A receipt for the first attempt comes after the second, and says nothing of that."""
        self._sent(at)
        first, again = self._message, at + self._after_alarm
        self._send_again(again)
        if self._rng.random() < 0.5:
            self._receipt(again + 0.3, about=self._message)
        self._receipt(again + 0.6, "FEILET", about=first)

    def _asked_received(self, at: float) -> None:
        self._sent(at)
        self._receipt(at + self._rng.uniform(0.2, 2))

    def _asked_refused(self, at: float) -> None:
        self._asked_received(at)
        self._receipt(at + 2.2, self._rng.choice(("FEILET", "SERVERFEIL")))

    def _asked_silent(self, at: float) -> None:
        self._sent(at)

    def _asked_taken_back(self, at: float) -> None:
        """What was received is refused when its alarm is over."""
        self._asked_received(at)
        self._receipt(at + self._after_alarm, "FEILET")

    def _listed_in_time(self, at: float) -> None:
        self._in_time(at)

    def _listed_late(self, at: float) -> None:
        self._sent(at)
        self._stored(at + self._after_alarm + 2 * FEED_SECONDS)

    def _listed_never(self, at: float) -> None:
        self._sent(at)

    def _wrong_partition(self, at: float) -> None:
        self._sent(at, misplaced=self._rng.random() < 0.7)
        if self._rng.random() < 0.6:
            self._stored(at + 0.5, misplaced=True)

    def _no_key(self, at: float) -> None:
        self._sent(at, key=None if self._rng.random() < 0.5 else b"somebody-else")
        if self._rng.random() < 0.5:
            self._stored(at + 0.5)

    def _unreadable(self, at: float) -> None:
        broken = self._rng.choice((b"{not json", b"", b'{"report_id": 7}', b"\xff\xfe\x00", b"[]"))
        topic = self._rng.choice(("receipt", "stored"))
        self._made.records.append(Planned(at, topic, broken, self._id.encode()))

    def _half_readable(self, at: float) -> None:
        """A sent whose id can be read is judged by what else can be."""
        broken = self._rng.choice(({"channel": 7}, {"sent_at": "2026-01-01T12:00:00"}, {"case_system": None}))
        self._made.unproven.discard(self._id)
        self._municipality = "0301"
        self._sent(at, **broken)

    def _never_sent(self, at: float) -> None:
        self._stored(at)

    def _sent(
        self, at: float, *, misplaced: bool = False, key: bytes | None = b"", lead: float = 0.0, **changes: Any
    ) -> None:
        value = {
            "report_id": self._id,
            "sent_at": None,
            "receiver": {"municipality": self._municipality},
            "channel": self._channel,
            "case_system": CASE_SYSTEMS[int(self._id[0], 16) % 3],
            "message_id": self._message,
        } | changes
        self._put(at, "sent", value, key=key, lead=lead, misplaced=misplaced)

    def _receipt(self, at: float, code: str = "MOTTATT", about: str | None = None) -> None:
        """Half of those that need not say which attempt they are about say it all the same."""
        value: dict[str, Any] = {"report_id": self._id, "receipt": code, "received_at": None}
        about = about or (self._message if self._rng.random() < 0.5 else None)
        self._put(at, "receipt", value | ({"message_id": about} if about else {}))

    def _stored(
        self, at: float, *, lead: float = 0.0, misplaced: bool = False, receiver: dict[str, str] | None = None
    ) -> None:
        value: dict[str, Any] = {"report_id": self._id, "stored_at": None, "evidence": "READ_BACK"}
        if self._municipality == LISTED:
            value["feed"] = FEED
        if receiver or self._rng.random() < 0.5:
            value["receiver"] = receiver or {"municipality": self._municipality}
        if self._rng.random() < 0.1:  # what no rule needs
            value |= self._rng.choice(({"evidence": "seen"}, {"case_system": "Visma Familia"}, {"stored_at": "today"}))
        self._put(at, "stored", value, lead=lead, misplaced=misplaced)

    def _put(
        self,
        at: float,
        topic: str,
        value: dict[str, Any],
        *,
        key: bytes | None = b"",
        lead: float = 0.0,
        misplaced: bool = False,
    ) -> None:
        key = self._id.encode() if key == b"" else key
        self._made.records.append(Planned(at, topic, value, key, lead, misplaced))
