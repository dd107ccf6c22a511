"""What is true of every report by the raw input logs alone: an independent, naive oracle.

Nothing of the product is imported. Each report's whole log is looked at anew, rule by rule as the design states them;
no fold, no index, no memory. Times are datetimes in UTC.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

MARK, COPY = "mv-mark", "mv-copy"
WORD = re.compile(r"[A-Z0-9_]{1,40}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:[0-5]\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d(:?[0-5]\d)?)")
HEX = re.compile(r"(urn:uuid:)?\{?[0-9A-Fa-f]{8}(-?)[0-9A-Fa-f]{4}(\2[0-9A-Fa-f]{4}){2}\2[0-9A-Fa-f]{12}\}?")
ORIGIN = re.compile(r"(?P<topic>[^/]+)/(?P<partition>\d+)/(?P<offset>\d+)@[^/]+/(?P<report_id>[0-9a-f-]{36})")
RECEIPTS = {
    "MOTTATT": "receipted_not_stored", "FEILET": "rejected", "TIDSAVBRUDD": "transport_failed",
    "SERVERFEIL": "transport_failed",
}  # fmt: skip
KEPT_BEHIND = timedelta(days=400)
PROOF_BEFORE_SENT = timedelta(hours=24)


class Record(NamedTuple):
    """One record of the log, as any consumer delivers it. `timestamp_ms`: the broker's append time."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Fact(NamedTuple):
    """One readable record where it counts. `unread`: the names of the fields that could not be read."""

    kind: str
    report_id: str
    record: Record
    arrived: datetime
    value: dict[str, Any]
    unread: frozenset[str] = frozenset()


class Inputs(NamedTuple):
    """All facts by report, in the order of their offsets, and the records that cannot be read or do not belong."""

    facts: dict[str, list[Fact]]
    unreadable: list[Record]
    misplaced: list[Record]
    arrivals: dict[tuple[str, int, int], datetime]


class Terms(NamedTuple):
    """What the policy gives a report."""

    version: str
    allowance: timedelta
    grace: timedelta
    portal_retention: timedelta
    last_call: timedelta
    loss_patience: timedelta
    proof_asked: bool = True


class Sight(NamedTuple):
    """What nobody can see of one partition's proofs: those lost between two times, and those before a beginning.

    A loss has no end while nothing has come after it. `first_complete`: until when the checker was complete at first.
    """

    lost: tuple[tuple[datetime, datetime | None], ...] = ()
    beginning: datetime | None = None
    first_complete: datetime | None = None


CLEAR = Sight()


class Truth(NamedTuple):
    """All that is to be known of one report whose sent was seen, once its partition is complete beyond alarm_at.

    `doubts`: why nobody can tell whether it was proven by then. `verdict_at`: when it is missing all the same if no
    proof has come until then, alarm_at where there is no doubt; None for never.
    """

    report_id: str
    first: Fact
    terms: Terms
    sent_at: datetime
    due_at: datetime
    alarm_at: datetime
    proof: Fact | None  # the first stored record that counts
    reason: str
    doubts: frozenset[str]
    verdict_at: datetime | None

    @property
    def in_time(self) -> bool:
        """True if something that counts arrived by alarm_at."""
        return self.proof is not None and self.proof.arrived <= self.alarm_at

    @property
    def settled(self) -> bool:
        """True if something that counts arrived before it was missing."""
        if self.proof is None or self.in_time:
            return self.in_time
        return bool(self.doubts) and (self.verdict_at is None or self.proof.arrived <= self.verdict_at)


def murmur2(key: bytes) -> int:
    """Kafka's default hash of a key (Java's, signed arithmetic made positive)."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(key)) & mask
    whole = len(key) - len(key) % 4
    for at in range(0, whole, 4):
        k = int.from_bytes(key[at : at + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    rest = key[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return (h ^ (h >> 15)) & 0x7FFFFFFF


def home(report_id: str, partitions: int) -> int:
    """The partition in which a report lives."""
    return murmur2(report_id.encode()) % partitions


def read_inputs(records: Iterable[Record], prefix: str, partitions: int) -> Inputs:
    """Sort the input records into facts, unreadable and misplaced ones."""
    found = Inputs(defaultdict(list), [], [], {})
    latest: dict[tuple[str, int], int] = {}
    copied: set[tuple[str, ...] | None] = set()
    for record in records:
        tp = record.topic, record.partition
        # Within a partition nothing arrives before what lies before it, whatever a broker's clock says.
        latest[tp] = max(latest.get(tp, 0), record.timestamp_ms)
        arrived = datetime.fromtimestamp(latest[tp] / 1000, UTC)
        found.arrivals[(*tp, record.offset)] = arrived
        if record.key == b"" and record.value is None and any(name == MARK for name, _ in record.headers):
            continue
        kind = record.topic.removeprefix(prefix)
        fact, clean = read_fact(kind, record, arrived)
        origin = _origin(record, fact)
        if fact is None or (not clean and origin is None):
            found.unreadable.append(record)
        if fact is not None and home(fact.report_id, partitions) != record.partition:
            found.misplaced.append(record)
        elif fact is not None and (origin is None or origin not in copied):
            found.facts[fact.report_id].append(fact)
            copied.add(origin)
    return found


def _origin(record: Record, fact: Fact | None) -> tuple[str, ...] | None:
    """Of which record this is a copy: only of one on the same topic, and only for the report that it names."""
    said = next((value for name, value in record.headers if name == COPY), None)
    match = ORIGIN.fullmatch(said.decode("utf-8", "replace")) if said is not None else None
    if match is None or fact is None or (match["topic"], match["report_id"]) != (record.topic, fact.report_id):
        return None
    return match.groups()


def read_fact(kind: str, record: Record, arrived: datetime) -> tuple[Fact | None, bool]:
    """A record's fact by what of it could be read, and whether that is all of it.

    A sent needs its id alone, a receipt what it claims, a proof some evidence and whom it is for where it says so.
    """
    value = _json(record.value)
    report_id = _report_id(value.get("report_id")) if value is not None else None
    if report_id is None:
        by_key = _report_id((record.key or b"").decode("utf-8", "replace")) if kind == "sent" else None
        if by_key is None:
            return None, False
        return Fact(kind, by_key, record, arrived, {}, frozenset(_SENT_FIELDS)), False
    assert value is not None
    unread = frozenset(name for name, fits in _FIELDS[kind].items() if not fits(value.get(name)))
    if unread & _NEEDED[kind] or (kind == "stored" and not _is_text(value.get("evidence"))):
        return None, False
    return Fact(kind, report_id, record, arrived, value, unread), not unread


def _json(data: bytes | None) -> dict[str, Any] | None:
    if not data:
        return None
    try:
        value = orjson.loads(data[5:] if data[0] == 0 else data)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _report_id(text: object) -> str | None:
    if not isinstance(text, str) or HEX.fullmatch(text.strip()) is None:
        return None
    digits = re.sub("urn:uuid:|[^0-9a-f]", "", text.lower())
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _is_time(text: object) -> bool:
    return isinstance(text, str) and TIME.fullmatch(text) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_word(text: object) -> bool:
    return isinstance(text, str) and WORD.fullmatch(text) is not None


def _is_receiver(value: object) -> bool:
    return isinstance(value, dict) and re.fullmatch(r"\d{4}", str(value.get("municipality"))) is not None


def _is_name_or_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and NAME.fullmatch(value) is not None)


_FIELDS: dict[str, dict[str, Any]] = {
    "sent": {
        "sent_at": _is_time, "receiver": _is_receiver, "channel": _is_word, "case_system": _is_word,
        "message_id": _is_name_or_nothing,
    },
    "receipt": {"receipt": lambda value: value in RECEIPTS, "received_at": _is_time},
    "stored": {
        "stored_at": lambda value: value is None or _is_time(value), "evidence": _is_word,
        "receiver": lambda value: value is None or _is_receiver(value),
        "case_system": lambda value: value is None or _is_word(value),
    },
}  # fmt: skip
_SENT_FIELDS = _FIELDS["sent"]
_NEEDED = {"sent": frozenset[str](), "receipt": frozenset({"receipt"}), "stored": frozenset({"receiver"})}


def same_receiver(one: dict[str, Any] | None, other: dict[str, Any] | None, after: Mapping[str, Sequence[str]]) -> bool:
    """True unless a level that both give names another receiver; numbers agree if one descends from the other."""
    if not one or not other:
        return True
    a, b = one["municipality"], other["municipality"]
    if a not in _descendants(b, after) and b not in _descendants(a, after):
        return False
    districts = {value.get("district") for value in (one, other)} - {None, "00"}
    return len(districts) < 2


def _descendants(code: str, after: Mapping[str, Sequence[str]]) -> set[str]:
    return {code}.union(*(_descendants(heir, after) for heir in after.get(code, ()) if heir != code))


def truth_of(
    facts: Sequence[Fact], policy: Mapping[str, Any], after: Mapping[str, Sequence[str]], sight: Sight = CLEAR
) -> Truth | None:
    """What is true of a report by all of its facts; None if it was not sent."""
    sents = [fact for fact in facts if fact.kind == "sent"]
    if not sents:
        return None
    first = sents[0]
    terms = _terms(first, policy)
    sent_at = first.arrived
    if "sent_at" not in first.unread:
        claimed = as_time(first.value["sent_at"])
        sent_at = claimed if first.arrived - KEPT_BEHIND <= claimed <= first.arrived else first.arrived
    due_at = sent_at + terms.allowance
    alarm_at = max(due_at, first.arrived) + terms.grace
    told = None if "receiver" in first.unread else first.value.get("receiver")
    stored = [fact for fact in facts if fact.kind == "stored"]
    counting = [fact for fact in stored if same_receiver(told, fact.value.get("receiver"), after)]
    proof = counting[0] if counting else None
    doubts = frozenset[str]()
    if terms.proof_asked and not (proof is not None and proof.arrived <= alarm_at):
        doubts = _doubts(first.arrived, sent_at, alarm_at, sight)
    verdict_at = _verdict_at(sent_at, alarm_at, terms, sight, doubts)
    elsewhere = [fact for fact in stored if fact not in counting and fact.arrived <= alarm_at]
    claims = [fact.value["receipt"] for fact in facts if fact.kind == "receipt" and fact.arrived <= alarm_at]
    reason = "stored_elsewhere" if elsewhere else RECEIPTS[claims[-1]] if claims else "no_receipt"
    reason = "unwatched" if doubts else reason
    return Truth(first.report_id, first, terms, sent_at, due_at, alarm_at, proof, reason, doubts, verdict_at)


def _doubts(arrived: datetime, sent_at: datetime, alarm_at: datetime, sight: Sight) -> frozenset[str]:
    """Its proof may have come from a day before its sent until its alarm: was all of that time seen?"""
    found = set()
    earliest = arrived - PROOF_BEFORE_SENT
    for since, until in sight.lost:
        if since <= alarm_at and (until is None or earliest <= until):
            found.add("evidence_lost")
    if sight.beginning is not None and (earliest < sight.beginning or sent_at < sight.beginning):
        found.add("before_the_beginning")
    return frozenset(found)


def _verdict_at(
    sent_at: datetime, alarm_at: datetime, terms: Terms, sight: Sight, doubts: frozenset[str]
) -> datetime | None:
    if not doubts:
        return alarm_at
    last_call = sent_at + terms.portal_retention - terms.last_call
    if "before_the_beginning" in doubts:
        begun = sight.first_complete
        return max(last_call, alarm_at) if begun is not None and last_call > begun else None
    return min(alarm_at + terms.loss_patience, max(last_call, alarm_at))


def _terms(first: Fact, policy: Mapping[str, Any]) -> Terms:
    versions = policy["version"]
    begun = [one for one in versions if "valid_from" not in one or one["valid_from"] <= first.arrived]
    version = begun[-1] if begun else versions[0]
    value = {name: given for name, given in first.value.items() if name not in first.unread}
    allowance = duration(version.get("allowance", {}).get(value.get("channel"), version["default"]))
    said = {**_USUAL, **policy, **version}
    retention, last_call, patience = (duration(said[name]) for name in _USUAL)
    terms = Terms(version["id"], allowance, duration(version["grace"]), retention, last_call, patience)
    asked = {"municipality": (value.get("receiver") or {}).get("municipality"), **value}
    for override in version.get("override", ()):
        names = [name for name in ("municipality", "case_system", "channel") if name in override]
        if all(override[name] == asked.get(name) for name in names):
            if "allowance" in override:
                terms = terms._replace(allowance=duration(override["allowance"]))
            if "grace" in override:
                terms = terms._replace(grace=duration(override["grace"]))
            return terms._replace(proof_asked=override.get("proof", "stored") != "none")
    return terms


_USUAL = {"portal_retention": "P30D", "last_call": "P7D", "loss_patience": "P1D"}


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of days, hours, minutes and seconds."""
    match = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", text)
    assert match is not None, text
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def as_time(text: str) -> datetime:
    """A time with a zone in UTC."""
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


def readable(fact: Fact, name: str) -> Any:
    """A field of a fact, None where it could not be read."""
    return None if name in fact.unread else fact.value.get(name)


def stored_at(proof: Fact) -> datetime:
    """When a proof says that it was stored, at the latest when it arrived."""
    said = readable(proof, "stored_at")
    return proof.arrived if said is None else min(as_time(said), proof.arrived)


def read_policy(text: str) -> dict[str, Any]:
    """The policy file as it stands."""
    return tomllib.loads(text)


def written(time: datetime) -> str:
    """A time as it stands in every value."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
