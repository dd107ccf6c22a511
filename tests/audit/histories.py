"""Random histories of reports as records on topics, whose times crowd around what decides."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from schemas.policy import parse_policy
from streams.core.facts import Place
from streams.core.policy import Policy
from streams.policies import policy_of
from streams.records.record import Record

POLICY_TOML = """portal_retention = "P30D"
[[version]]
id = "old"
grace = "PT5M"
default = "P1D"
[version.allowance]
FIKS_IO = "PT2H"
SVARINN = "P1D"
[[version]]
id = "new"
valid_from = 2022-03-01T00:00:00Z
grace = "PT1M"
default = "PT12H"
[version.allowance]
FIKS_IO = "PT1H"
[[version.override]]
municipality = "5001"
proof = "none"
[[version.override]]
case_system = "VISMA_FAMILIA"
allowance = "PT30M"
"""
POLICY: Policy = policy_of(parse_policy(POLICY_TOML))
BEGIN = datetime(2022, 2, 20, 12, tzinfo=UTC)
END = BEGIN + timedelta(days=40)
_MILLISECOND = timedelta(milliseconds=1)
_MARKS = [
    timedelta(minutes=minutes) for minutes in (0, 1, 5, 30, 31, 35, 60, 61, 65, 120, 121, 125, 720, 721, 1440, 1445)
]
_TOWNS = ("0301", "0301", "4601", "1201", "1507", "1508", "5001", "9999")
_CHANNELS = ("FIKS_IO", "FIKS_IO", "FIKS_IO", "SVARINN", "PRINT")
_SYSTEMS = ("VISMA_FLYT_BARNEVERN", "VISMA_FAMILIA", "UKJENT")
_RECEIPTS = ("MOTTATT", "MOTTATT", "MOTTATT", "FEILET", "TIDSAVBRUDD", "SERVERFEIL")


class Written(NamedTuple):
    """One record before it has its offset."""

    at: datetime
    kind: str
    key: bytes | None
    value: bytes | None


def histories(seed: int, count: int) -> list[Record]:
    """The records of `count` reports, in order of arrival, each topic one partition."""
    rng = Random(seed)
    written = [one for _ in range(count) for one in _history(rng)]
    written.sort(key=lambda one: one.at)
    offsets = dict.fromkeys(("sent", "receipt", "stored"), 0)
    records = []
    for one in written:
        place = Place(one.at, f"reports.{one.kind}", 0, offsets[one.kind])
        offsets[one.kind] += 1
        records.append(Record(one.kind, place, one.key, one.value))
    return records


def _history(rng: Random) -> Iterator[Written]:
    report_id = str(UUID(int=rng.getrandbits(128)))
    key = report_id.encode()
    opened = BEGIN + rng.randrange(20 * 86_400_000) * _MILLISECOND
    town, channel, system = rng.choice(_TOWNS), rng.choice(_CHANNELS), rng.choice(_SYSTEMS)

    def moment() -> datetime:
        near = rng.choice(_MARKS) + rng.choice((-1, 0, 0, 1)) * _MILLISECOND
        return opened + near + (rng.random() < 0.1) * timedelta(days=rng.randrange(10))

    def record(kind: str, at: datetime, value: dict[str, Any]) -> Written:
        return Written(at, kind, key, orjson.dumps(_spoilt(rng, {"report_id": report_id, **value})))

    for number in range(rng.choice((0, 1, 1, 1, 1, 1, 2, 3))):
        at = opened if number == 0 else moment()
        value = {
            "sent_at": _time(rng, at), "receiver": _receiver(rng, town if rng.random() < 0.9 else rng.choice(_TOWNS)),
            "channel": channel, "case_system": system, "message_id": f"m-{rng.randrange(3)}",
        }  # fmt: skip
        if rng.random() < 0.5:
            value |= {"case_system_version": "1.2", "form": rng.choice(("PRIVAT", "OFFENTLIG"))}
        yield record("sent", at, value)
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        at = moment()
        yield record("receipt", at, {"receipt": rng.choice(_RECEIPTS), "received_at": _time(rng, at)})
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2))):
        at = moment()
        value = {"stored_at": _time(rng, at), "evidence": rng.choice(("READ_BACK", "RECONCILIATION", "MANUAL"))}
        if rng.random() < 0.6:
            value["receiver"] = _receiver(rng, town if rng.random() < 0.8 else rng.choice(_TOWNS))
        yield record("stored", at, value)


def _receiver(rng: Random, town: str) -> dict[str, str]:
    receiver = {"municipality": town}
    if rng.random() < 0.4:
        receiver["district"] = rng.choice(("00", "03", "04"))
    return receiver


def _time(rng: Random, at: datetime) -> str:
    """The event's own time: mostly a little before it arrived, sometimes far off, in any zone."""
    lag = rng.choice((0, 0, 0, 1, 60, 1800, 3600, 7200, -60, -300, -301, 86_400, 30 * 86_400, 401 * 86_400))
    time = at - timedelta(seconds=lag, microseconds=rng.randrange(3))
    if rng.random() < 0.2:
        return (time + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    return time.isoformat(timespec=rng.choice(("microseconds", "milliseconds"))).replace("+00:00", "Z")


def _spoilt(rng: Random, value: dict[str, Any]) -> dict[str, Any]:
    """Now and then something that cannot be read, or that nobody knows."""
    chance = rng.random()
    if chance < 0.04:
        spoilt = rng.choice(sorted(value.keys() - {"report_id"}))
        return value | {spoilt: rng.choice((None, 7, "", "2022-02-30T00:00:00Z", "x" * 70, {"municipality": "30"}))}
    if chance < 0.06:
        return value | {"note": "01010112345 Ola Nordmann"}
    if chance < 0.08:
        return value | {"report_id": value["report_id"].upper()}
    return value
