"""The log that every contender reads: which records, in which order and rhythm. Pure and seeded, no Kafka in here.

Every sent claims a time a little ahead of its append, so that the checker takes the append time for it: then the
deadline of a report is the same for every contender, the append time of its first sent plus `DEADLINE_SECONDS`.
"""

from collections.abc import Iterator
from enum import StrEnum
from operator import attrgetter
from random import Random
from typing import NamedTuple

from streams.data import municipalities

KINDS = ("sent", "receipt", "stored")
DEADLINE_SECONDS = 4.0
# In time and late are far enough from the deadline for a loader that is somewhat behind.
IN_TIME_SECONDS, LATE_SECONDS = (0.05, 1.0), (DEADLINE_SECONDS + 1.0, DEADLINE_SECONDS + 3.0)
LEAST_SPAN_SECONDS, LOADED_A_SECOND = 16.0, 120_000
DUPLICATED = 0.03
CHANNELS = ("FIKS_IO", "FIKS_IO", "FIKS_IO", "SVARINN")
CASE_SYSTEMS = ("VISMA_FLYT_BARNEVERN", "VISMA_FLYT_BARNEVERN", "NETCOMPANY_MODULUS_BARN", "VISMA_FAMILIA")


class Fate(StrEnum):
    """What happens to a report."""

    CONFIRMED = "confirmed"
    UNRECEIPTED = "stored, no receipt"
    STORED_FIRST = "stored before sent"
    LATE = "stored late"
    RECEIPT_ONLY = "receipt only"
    REJECTED = "rejected"
    NOTHING = "nothing"


SHARES = {
    Fate.CONFIRMED: 80,
    Fate.UNRECEIPTED: 5,
    Fate.STORED_FIRST: 3,
    Fate.LATE: 4,
    Fate.RECEIPT_ONLY: 4,
    Fate.REJECTED: 1,
    Fate.NOTHING: 3,
}
# Records of a report by its fate, duplicates left out: sent, receipt and stored.
_RECORDS = {
    Fate.CONFIRMED: 3, Fate.UNRECEIPTED: 2, Fate.STORED_FIRST: 3, Fate.LATE: 3, Fate.RECEIPT_ONLY: 2,
    Fate.REJECTED: 2, Fate.NOTHING: 1,
}  # fmt: skip
RECORDS_A_REPORT = sum(_RECORDS[fate] * share for fate, share in SHARES.items()) / 100 * (1 + DUPLICATED)


class Planned(NamedTuple):
    """One record. `at`: seconds from the beginning of the log; `report`: the report's number, from 0."""

    at: float
    kind: str
    report: int
    key: bytes
    value: bytes


def span_seconds(events: int) -> float:
    """How long it takes to append a log of so many events: the time between the first sent and the last."""
    return max(LEAST_SPAN_SECONDS, events / LOADED_A_SECOND)


def plan(events: int, seed: int, claimed: str) -> list[Planned]:
    """A log of about so many events in order of time. `claimed`: the time that every record claims (RFC 3339).

    Traffic ends all at once, as on a topic that falls silent: a proof that would come after that is not in the log.
    """
    rng = Random(seed)
    end = span_seconds(events)
    last_sent = end - IN_TIME_SECONDS[1]
    codes = [one.code for one in municipalities() if one.valid_to is None]
    fates, weights = list(SHARES), list(SHARES.values())
    records: list[Planned] = []
    for number in range(max(1, round(events / RECORDS_A_REPORT))):
        fate = rng.choices(fates, weights)[0]
        report = _Report(rng, number, claimed, rng.choice(codes))
        at = 0.0 if number == 0 else rng.uniform(0.0, last_sent)
        records.extend(_with_duplicates(rng, report.tell(fate, at)))
    records = [record for record in records if record.at <= end]
    records.sort(key=attrgetter("at"))
    return records


def thinned(records: list[Planned], every: int) -> list[Planned]:
    """Every so manieth report of the log, all its records at their times: the same log, sparser."""
    return [record for record in records if record.report % every == 0]


def _with_duplicates(rng: Random, records: Iterator[Planned]) -> Iterator[Planned]:
    for record in records:
        yield record
        if rng.random() < DUPLICATED:
            yield record._replace(at=record.at + rng.uniform(*IN_TIME_SECONDS) / 2)


class _Report:
    def __init__(self, rng: Random, number: int, claimed: str, municipality: str) -> None:
        hexed = f"{rng.getrandbits(128):032x}"
        self._rng, self._number, self._claimed, self._municipality = rng, number, claimed, municipality
        self.report_id = f"{hexed[:8]}-{hexed[8:12]}-4{hexed[13:16]}-a{hexed[17:20]}-{hexed[20:]}"
        self._key = self.report_id.encode()

    def tell(self, fate: Fate, at: float) -> Iterator[Planned]:
        """The report's records; the sent is appended at `at`, except where the proof comes first."""
        soon = at + self._rng.uniform(*IN_TIME_SECONDS)
        yield self._sent(soon if fate is Fate.STORED_FIRST else at)
        if fate in {Fate.CONFIRMED, Fate.STORED_FIRST, Fate.LATE, Fate.RECEIPT_ONLY, Fate.REJECTED}:
            yield self._receipt(at + self._rng.uniform(*IN_TIME_SECONDS), failed=fate is Fate.REJECTED)
        if fate in {Fate.CONFIRMED, Fate.UNRECEIPTED}:
            yield self._stored(soon)
        elif fate is Fate.STORED_FIRST:
            yield self._stored(at)
        elif fate is Fate.LATE:
            yield self._stored(at + self._rng.uniform(*LATE_SECONDS))

    def _sent(self, at: float) -> Planned:
        message = f"{self._rng.getrandbits(64):016x}"
        value = (
            f'{{"report_id":"{self.report_id}","sent_at":"{self._claimed}",'
            f'"receiver":{{"municipality":"{self._municipality}"}},"channel":"{self._rng.choice(CHANNELS)}",'
            f'"case_system":"{self._rng.choice(CASE_SYSTEMS)}","message_id":"{message}","form":"PRIVAT"}}'
        )
        return Planned(at, "sent", self._number, self._key, value.encode())

    def _receipt(self, at: float, *, failed: bool) -> Planned:
        said = "FEILET" if failed else "MOTTATT"
        value = f'{{"report_id":"{self.report_id}","receipt":"{said}","received_at":"{self._claimed}"}}'
        return Planned(at, "receipt", self._number, self._key, value.encode())

    def _stored(self, at: float) -> Planned:
        value = f'{{"report_id":"{self.report_id}","stored_at":"{self._claimed}","evidence":"READ_BACK"}}'
        return Planned(at, "stored", self._number, self._key, value.encode())
