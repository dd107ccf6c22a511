"""What happens to the reports of one run: a seeded plan of records with a known truth, and its delivery to Kafka.

A report's record is planned relative to the beginning of the run. What was due when is recomputed from the log
afterwards, because a fault may delay a producer, too; the plan says what no delay can change: who is never proven.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.core.events import written

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
[[version.override]]
municipality = "1507"
proof = "none"
[[version.override]]
municipality = "4601"
case_system = "VISMA_FAMILIA"
allowance = "PT2S"
grace = "PT0.5S"
"""
ALLOWANCES = {"FIKS_IO": 3.0, "SVARINN": 7.0, "MANUELL_MOTTAK": 11.0}
GRACE = 1.0
LONGEST = max(ALLOWANCES.values()) + GRACE
MUNICIPALITIES = ("0301", "0301", "4601", "5001", "1103", "3907", "1507")
CASE_SYSTEMS = ("VISMA_FAMILIA", "VISMA_FLYT_BARNEVERN", "NETCOMPANY_MODULUS_BARN")
RETRY_SECONDS = 0.2


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


SHARES = {
    Kind.IN_TIME: 30, Kind.LATE: 10, Kind.CONFIRMED_LATE: 4, Kind.NEVER: 12, Kind.RECEIPT_ONLY: 10,
    Kind.RECEIPT_FAILED: 5, Kind.ELSEWHERE: 4, Kind.STORED_FIRST: 4, Kind.RECEIPT_FIRST: 3, Kind.DUPLICATED: 5,
    Kind.RESENT: 3, Kind.WRONG_PARTITION: 3, Kind.NO_KEY: 2, Kind.UNREADABLE: 2, Kind.HALF_READABLE: 2,
    Kind.NEVER_SENT: 1,
}  # fmt: skip
NEVER_PROVEN = frozenset({Kind.NEVER, Kind.RECEIPT_ONLY, Kind.RECEIPT_FAILED, Kind.ELSEWHERE, Kind.HALF_READABLE})


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

    @property
    def never_proven(self) -> set[str]:
        """The reports that must be announced missing, and never recovered."""
        return {id for id, kind in self.kinds.items() if kind in NEVER_PROVEN} - self.unproven


def plan(rng: Random, *, seconds: float, per_second: float) -> Plan:
    """A plan of reports spread over the time; every kind occurs when there are a few hundred."""
    made = Plan()
    kinds, weights = list(SHARES), list(SHARES.values())
    for number in range(round(seconds * per_second)):
        # Every kind once at first, so that a short run has each of them.
        kind = kinds[number] if number < len(kinds) else rng.choices(kinds, weights)[0]
        at = rng.uniform(0, seconds) if number >= len(kinds) else rng.uniform(0, seconds / 2)
        # The patient channels only early on, so that a run need not wait for them at its end.
        channel = rng.choices(tuple(ALLOWANCES), (70, 20, 10) if at < seconds / 2 else (100, 0, 0))[0]
        _Report(rng, made, kind, channel).tell(at)
    made.records.sort(key=lambda record: record.at)
    return made


def add_backlog(rng: Random, made: Plan, *, at: float, count: int, outage_seconds: float) -> None:
    """The portal was down for that long: everything that it held back comes at once."""
    for _ in range(count):
        kind = Kind.IN_TIME if rng.random() < 0.8 else Kind.NEVER
        _Report(rng, made, kind, "FIKS_IO").tell_backlog(at, rng.uniform(0, outage_seconds))
    made.records.sort(key=lambda record: record.at)


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
        self._message = f"m-{self._id[:8]}"
        made.kinds[self._id] = kind
        if self._municipality == "1507":
            made.unproven.add(self._id)

    @property
    def _allowance(self) -> float:
        return ALLOWANCES[self._channel]

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
        self._stored(at + self._allowance + GRACE + self._rng.uniform(0.3, 3))

    def _confirmed_late(self, at: float) -> None:
        self._sent(at)
        late = self._allowance + GRACE + self._rng.uniform(0.3, 3)
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
        self._message += "-again"
        self._sent(at + self._rng.uniform(0.3, 2))
        if self._rng.random() < 0.5:
            self._stored(at + 1)

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

    def _receipt(self, at: float, code: str = "MOTTATT") -> None:
        self._put(at, "receipt", {"report_id": self._id, "receipt": code, "received_at": None})

    def _stored(
        self, at: float, *, lead: float = 0.0, misplaced: bool = False, receiver: dict[str, str] | None = None
    ) -> None:
        value: dict[str, Any] = {"report_id": self._id, "stored_at": None, "evidence": "READ_BACK"}
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


_OWN_TIME = {"sent": "sent_at", "receipt": "received_at", "stored": "stored_at"}


def _encoded(record: Planned, now: datetime, *, padded: bool) -> bytes:
    if isinstance(record.value, bytes):
        return record.value
    name = _OWN_TIME[record.topic]
    own = {name: written(now - timedelta(seconds=record.lead))} if record.value.get(name, "") is None else {}
    # A batch is only compressed where that makes it smaller.
    more = {"padding": "x" * 500} if padded else {}
    return orjson.dumps(record.value | own | more)


class Delivery:
    """Sends a plan's records at their times, in order within a partition, and repeats what a broker refused."""

    longest_wait = ALLOWANCES["FIKS_IO"] + GRACE + 1.0  # after the last record: the patient channels are over by then

    def __init__(self, bootstrap: str, prefix: str, partitions: int) -> None:
        self._bootstrap, self._prefix, self._partitions = bootstrap, prefix, partitions
        self.compression: str | None = None
        self.delivered = 0
        self.last_sent_at = 0.0
        self.hold = asyncio.Event()  # cleared: an outage of the portal, everything waits
        self.hold.set()

    async def run(self, planned: Plan, wrong_home: Callable[[bytes], int]) -> None:
        """Deliver everything. `wrong_home` gives a partition that is not the key's."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            request_timeout_ms=60_000,
            compression_type=self.compression,
        )
        await producer.start()
        try:
            began, sends = time.monotonic(), []
            for record in planned.records:
                await asyncio.sleep(max(0.0, began + record.at - time.monotonic()))
                await self.hold.wait()
                sends.append(asyncio.create_task(self._send(producer, record, wrong_home)))
                await asyncio.sleep(0)  # tasks start in this order
            await asyncio.gather(*sends)
        finally:
            await producer.stop()

    async def _send(self, producer: Any, record: Planned, wrong_home: Callable[[bytes], int]) -> None:
        value = _encoded(record, datetime.now(UTC), padded=self.compression is not None)
        key = record.key
        partition = wrong_home(key) if record.misplaced and key is not None else None
        if key is None:
            partition = self.delivered % self._partitions
        while True:
            try:
                await producer.send_and_wait(f"{self._prefix}{record.topic}", value, key=key, partition=partition)
            except KafkaError:
                await asyncio.sleep(RETRY_SECONDS)  # a new record then: a duplicate is as good as a first one
                continue
            self.delivered += 1
            self.last_sent_at = time.time()
            return
