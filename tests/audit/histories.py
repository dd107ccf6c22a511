"""Random histories of reports as records on topics, whose times crowd around what decides."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from schemas.policy import parse_policy
from streams.core.events import Missing
from streams.core.facts import Place
from streams.core.policy import Policy
from streams.core.rules import Limits, Rules
from streams.data import succession
from streams.policies import policy_of
from streams.records.decode import FEED_HEADER
from streams.records.record import INPUT_KINDS, Record
from tests.audit.live import live

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
# The second version knows feeds: one for two towns, which a later one may succeed, and one that comes once a night.
FED_TOML = (
    POLICY_TOML
    + """
[[version.override]]
municipality = "1201"
feed = "nightly"
[[version.override]]
municipality = "4601"
feed = "hourly"
[[version.feed]]
id = "hourly"
patience = "PT2H"
announce_after = "P1D"
successor = "next"
[[version.feed]]
id = "next"
patience = "PT2H"
[[version.feed]]
id = "nightly"
patience = "PT30H"
[[version.override]]
municipality = "1507"
feed = "next"
"""
)
FED_RULES = Rules(policy_of(parse_policy(FED_TOML)), succession(), Limits())
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


_FEEDS = ("hourly", "hourly", "nightly", "next", "nobodys")
_ACTIONS = ("close", "close", "close", "reopen", "erase", "acknowledge")
_OUTCOMES = ("found", "false_alarm", "withdrawn", "handled", "lost")


class Written(NamedTuple):
    """One record before it has its offset; `feed` of a feed's mark."""

    at: datetime
    kind: str
    key: bytes | None
    value: bytes | None
    feed: str | None = None


def histories(seed: int, count: int, *, claims: bool = True) -> list[Record]:
    """The records of `count` reports, in order of the log, each topic one partition: facts, feeds' marks, decisions.

    `claims`: whether marks tell how many proofs came before them.
    """
    rng = Random(seed)
    told = [one for _ in range(count) for one in _history(rng)]
    told += [_mark(rng, claims=claims) for _ in range(2 + count // 20)]
    facts = records_of(told)
    return records_of([*told, *_decisions(rng, facts)])


def records_of(told: Iterable[Written]) -> list[Record]:
    """Records in the order of the log, with their offsets."""
    offsets = dict.fromkeys(INPUT_KINDS, 0)
    records = []
    for one in sorted(told, key=lambda one: (one.at, INPUT_KINDS.index(one.kind))):
        place = Place(one.at, f"reports.{one.kind}", 0, offsets[one.kind])
        offsets[one.kind] += 1
        headers = ((FEED_HEADER, one.feed.encode()),) if one.feed else ()
        records.append(Record(one.kind, place, one.key, one.value, headers))
    return records


def _mark(rng: Random, *, claims: bool) -> Written:
    """A feed's word, seldom of the future; a feed that claims more proofs than there are vouches for nothing."""
    at = BEGIN + rng.randrange(30 * 86_400_000) * _MILLISECOND
    feed, until = rng.choice(_FEEDS), at - timedelta(minutes=rng.choice((0, 0, 1, 60, 600, -5, -6)))
    value: dict[str, Any] = {"feed": feed, "vouched_until": _rfc3339(until)}
    if claims and rng.random() < 0.5:
        value["proofs"] = rng.choice((0, 0, 1, 2, 30))
    return Written(at, "stored", None, orjson.dumps(_spoilt(rng, value, "feed")), feed)


def _decisions(rng: Random, facts: Iterable[Record]) -> Iterator[Written]:
    """What people say of the alarms that these facts raise, some of other alarms, of nobody's, and too early."""
    missing = [event for event in live(facts, END, FED_RULES).events if isinstance(event, Missing)]
    for event in missing:
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            about = event if rng.random() < 0.95 else rng.choice(missing)
            late = rng.choice((-1, 0, 1, 1, 60_000, 3_600_000, 86_400_000, 10 * 86_400_000)) * _MILLISECOND
            value: dict[str, Any] = {
                "decision_id": str(UUID(int=rng.getrandbits(128) if rng.random() < 0.9 else 7)),
                "report_id": event.report_id, "action": rng.choice(_ACTIONS), "decided_at": _rfc3339(END),
                "missing_event_id": about.event_id, "actor": {"subject": "a clerk"},
            }  # fmt: skip
            if value["action"] == "close":
                value["outcome"] = rng.choice(_OUTCOMES)
            elif value["action"] == "erase" and rng.random() < 0.5:
                del value["missing_event_id"]
            if rng.random() < 0.2:
                value["receiver"] = _receiver(rng, rng.choice(_TOWNS))
            key = event.report_id.encode()
            yield Written(event.alarm_at + late, "decision", key, orjson.dumps(_spoilt(rng, value)))


def _history(rng: Random) -> Iterator[Written]:
    report_id = str(UUID(int=rng.getrandbits(128)))
    key = report_id.encode()
    opened = BEGIN + rng.randrange(20 * 86_400_000) * _MILLISECOND
    town, channel, system = rng.choice(_TOWNS), rng.choice(_CHANNELS), rng.choice(_SYSTEMS)

    def moment() -> datetime:
        near = rng.choice(_MARKS) + rng.choice((-1, 0, 0, 1)) * _MILLISECOND
        return opened + near + (rng.random() < 0.1) * timedelta(days=rng.randrange(10))

    feeds = rng.choice(_FEEDS) if rng.random() < 0.5 else None

    def record(kind: str, at: datetime, value: dict[str, Any]) -> Written:
        return Written(at, kind, key, orjson.dumps(_spoilt(rng, {"report_id": report_id, **value})))

    for number in range(rng.choice((0, 1, 1, 1, 1, 1, 2, 3))):
        at = opened if number == 0 else moment()
        value = {
            "sent_at": _time(rng, at), "receiver": _receiver(rng, town if rng.random() < 0.9 else rng.choice(_TOWNS)),
            "channel": channel if rng.random() < 0.8 else rng.choice(_CHANNELS), "case_system": system,
            "message_id": f"m-{rng.randrange(3)}",
        }  # fmt: skip
        if rng.random() < 0.5:
            value |= {"case_system_version": "1.2", "form": rng.choice(("PRIVAT", "OFFENTLIG"))}
        yield record("sent", at, value)
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        at = moment()
        value = {"receipt": rng.choice(_RECEIPTS), "received_at": _time(rng, at)}
        if rng.random() < 0.5:
            value["message_id"] = f"m-{rng.randrange(3)}"
        yield record("receipt", at, value)
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2))):
        at = moment()
        value = {"stored_at": _time(rng, at), "evidence": rng.choice(("READ_BACK", "RECONCILIATION", "MANUAL"))}
        if feeds is not None:
            value["feed"] = feeds
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


def _rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _spoilt(rng: Random, value: dict[str, Any], key: str = "report_id") -> dict[str, Any]:
    """Now and then something that cannot be read, or that nobody knows."""
    chance = rng.random()
    if chance < 0.04:
        spoilt = rng.choice(sorted(value.keys() - {key}))
        return value | {spoilt: rng.choice((None, 7, "", "2022-02-30T00:00:00Z", "x" * 70, {"municipality": "30"}))}
    if chance < 0.06:
        return value | {"note": "01010112345 Ola Nordmann"}
    if chance < 0.08 and "report_id" in value:
        return value | {"report_id": value["report_id"].upper()}
    return value
