"""What lies on the input topics, read without the product: raw records to facts, and the policy file to its versions.

What is true of the facts is asked of the independent oracle in `tests.core`, which takes the same plain values.
"""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from streams.core.facts import (
    Action,
    Decision,
    FeedMark,
    Names,
    Outcome,
    Place,
    Receipt,
    ReceiptCode,
    Receiver,
    Sent,
    Stored,
)
from streams.core.policy import Asks, Feed, Override, Version
from tests.core.law import Log

MARK, COPY, FEED = "mv-mark", "mv-copy", "mv-feed"
WORD = re.compile(r"[A-Z0-9_]{1,40}")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,63}")
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:[0-5]\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d(:?[0-5]\d)?)")
HEX = re.compile(r"(urn:uuid:)?\{?[0-9A-Fa-f]{8}(-?)[0-9A-Fa-f]{4}(\2[0-9A-Fa-f]{4}){2}\2[0-9A-Fa-f]{12}\}?")
ORIGIN = re.compile(r"(?P<topic>[^/]+)/(?P<partition>\d+)/(?P<offset>\d+)@[^/]+/(?P<report_id>[0-9a-f-]{36})")

Fact = Sent | Receipt | Stored


class Record(NamedTuple):
    """One record of the log, as any consumer delivers it. `timestamp_ms`: the broker's append time."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class Inputs(NamedTuple):
    """Facts, decisions and feed marks by partition, each topic's in the order of its offsets, and what is none of them.

    `unreadable` and `misplaced` are records that cannot be read, or not in full, or are not at home.
    """

    facts: dict[int, list[Fact | FeedMark | Decision]]
    unreadable: list[Record]
    misplaced: list[Record]
    arrivals: dict[tuple[str, int, int], datetime]


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


def log_of(facts: Iterable[Fact | FeedMark | Decision]) -> Log:
    """One partition's facts as the oracle takes them."""
    some = list(facts)
    return Log(
        [fact for fact in some if isinstance(fact, Sent)],
        [fact for fact in some if isinstance(fact, Receipt)],
        [fact for fact in some if isinstance(fact, Stored | FeedMark)],
        [fact for fact in some if isinstance(fact, Decision)],
    )


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
        if record.key == b"" and record.value is None and _header(record, MARK) is not None:
            continue
        place, kind = Place(arrived, *tp, record.offset), record.topic.removeprefix(prefix)
        if kind == "stored" and _header(record, FEED) is not None:
            _sort_in_mark(found, record, place)
            continue
        fact, clean = read_decision(record, place) if kind == "decision" else read_fact(kind, record, place)
        origin = _origin(record, fact)
        if fact is None or (not clean and origin is None):
            found.unreadable.append(record)
        if fact is not None and home(fact.report_id, partitions) != record.partition:
            found.misplaced.append(record)
        elif fact is not None and (origin is None or origin not in copied or kind == "decision"):  # which has an id
            found.facts[record.partition].append(fact)
            copied.add(origin)
    return found


def _sort_in_mark(found: Inputs, record: Record, place: Place) -> None:
    mark = _read_mark(record, place)
    if mark is None:
        found.unreadable.append(record)
    else:
        found.facts[record.partition].append(mark)


def _header(record: Record, wanted: str) -> str | None:
    return next((said.decode("utf-8", "replace") for name, said in record.headers if name == wanted), None)


def _origin(record: Record, fact: Fact | Decision | None) -> tuple[str, ...] | None:
    """Of which record this is a copy: only of one on the same topic, and only for the report that it names."""
    said = _header(record, COPY)
    match = ORIGIN.fullmatch(said) if said is not None else None
    if match is None or fact is None or (match["topic"], match["report_id"]) != (record.topic, fact.report_id):
        return None
    return match.groups()


def read_fact(kind: str, record: Record, place: Place) -> tuple[Fact | None, bool]:
    """A record's fact by what of it could be read, and whether that is all of it.

    A sent needs its id alone, a receipt what it claims, a proof some evidence and whom it is for where it says so.
    """
    value = _json(record.value)
    report_id = _report_id(value.get("report_id")) if value is not None else None
    if report_id is None:
        by_key = _report_id((record.key or b"").decode("utf-8", "replace")) if kind == "sent" else None
        if by_key is None:
            return None, False
        return _fact(kind, by_key, place, {}, tuple(_FIELDS["sent"])), False
    assert value is not None
    unread = tuple(name for name, fits in _FIELDS[kind].items() if not fits(value.get(name)))
    if _NEEDED[kind].intersection(unread) or (kind == "stored" and not _is_text(value.get("evidence"))):
        return None, False
    readable = {name: given for name, given in value.items() if name not in unread}
    return _fact(kind, report_id, place, readable, unread), not unread


def read_decision(record: Record, place: Place) -> tuple[Decision | None, bool]:
    """What somebody decided: all of it can be read, or none of it counts. The suite's decisions are for nobody else."""
    value = _json(record.value) or {}
    ids = [_report_id(value.get(name)) for name in ("decision_id", "report_id", "missing_event_id")]
    outcome, action, at = value.get("outcome"), value.get("action"), value.get("decided_at")
    if None in ids or action not in set(Action) or outcome not in {None, *Outcome} or not _is_time(at):
        return None, False
    decision_id, report_id, event_id = (str(one) for one in ids)
    said = Outcome(outcome) if outcome else None
    return Decision(decision_id, report_id, place, event_id, Action(action), as_time(str(at)), said), True


def _fact(kind: str, report_id: str, place: Place, value: Mapping[str, Any], unread: tuple[str, ...]) -> Fact:
    get = value.get
    if kind == "receipt":
        return Receipt(report_id, place, ReceiptCode(value["receipt"]), get("message_id"))
    receiver = _receiver(get("receiver"))
    if kind == "stored":
        stored_at = as_time(value["stored_at"]) if get("stored_at") else place.arrived
        return Stored(report_id, place, stored_at, get("evidence"), receiver, unread, get("feed"))
    names = Names(receiver, get("channel"), get("case_system"), get("case_system_version"), get("form"))
    sent_at = as_time(value["sent_at"]) if get("sent_at") else None
    return Sent(report_id, place, sent_at, names, get("message_id"), unread)


def _receiver(value: Mapping[str, str] | None) -> Receiver | None:
    return Receiver(*(value.get(level) for level in Receiver._fields)) if value else None  # type: ignore[arg-type]


def _read_mark(record: Record, place: Place) -> FeedMark | None:
    """What a feed vouches for; None unless all of it can be read."""
    value, feed = _json(record.value) or {}, _header(record, FEED)
    proofs = value.get("proofs")
    counted = proofs is None or (type(proofs) is int and proofs >= 0)
    if feed is None or not _is_name(feed) or value.get("feed", feed) != feed or not counted:
        return None
    vouched = value.get("vouched_until")
    return FeedMark(feed, place, as_time(str(vouched)), proofs) if _is_time(vouched) else None


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


def _is_name(value: object) -> bool:
    return isinstance(value, str) and NAME.fullmatch(value) is not None


def _is_name_or_nothing(value: object) -> bool:
    return value is None or _is_name(value)


_FIELDS: dict[str, dict[str, Any]] = {
    "sent": {
        "sent_at": _is_time, "receiver": _is_receiver, "channel": _is_word, "case_system": _is_word,
        "case_system_version": _is_name_or_nothing, "message_id": _is_name_or_nothing,
        "form": lambda value: value in (None, "PRIVAT", "OFFENTLIG", "UKJENT"),
    },
    "receipt": {
        "receipt": lambda value: value in set(ReceiptCode), "received_at": _is_time,
        "message_id": _is_name_or_nothing,
    },
    "stored": {
        "stored_at": lambda value: value is None or _is_time(value), "evidence": _is_word,
        "receiver": lambda value: value is None or _is_receiver(value),
        "case_system": lambda value: value is None or _is_word(value), "feed": _is_name_or_nothing,
    },
}  # fmt: skip
_NEEDED = {"sent": frozenset[str](), "receipt": frozenset({"receipt"}), "stored": frozenset({"receiver"})}


def as_time(text: str) -> datetime:
    """A time with a zone in UTC."""
    return datetime.fromisoformat(text.upper()).astimezone(UTC)


# --- the policy file

_USUAL = {"portal_retention": "P30D", "last_call": "P7D", "loss_patience": "P1D"}
_LENGTHS = {"allowance", "grace", "patience", "announce_after"}
_SAID = {"id", "grace", "default", "allowance", "valid_from", "proof", "override", "feed", *_USUAL}


def read_policy(text: str) -> tuple[Version, ...]:
    """The versions of a policy file that has nothing but what the suite's have: no services, no working time."""
    document = tomllib.loads(text)
    usual = _USUAL | {name: document[name] for name in _USUAL if name in document}
    return tuple(_version(version, usual | version) for version in document["version"])


def _version(version: Mapping[str, Any], said: Mapping[str, Any]) -> Version:
    assert not version.keys() - _SAID, version.keys() - _SAID
    whole = Version(
        version["id"],
        duration(version["grace"]),
        duration(version["default"]),
        allowance={channel: duration(length) for channel, length in version.get("allowance", {}).items()},
        overrides=tuple(Override(**_told(override)) for override in version.get("override", ())),
        portal_retention=duration(said["portal_retention"]),
        last_call=duration(said["last_call"]),
        loss_patience=duration(said["loss_patience"]),
        proof=Asks(version.get("proof", "stored")),
        feeds=tuple(Feed(**_told(feed)) for feed in version.get("feed", ())),
    )
    return whole._replace(valid_from=version["valid_from"].astimezone(UTC)) if "valid_from" in version else whole


def _told(table: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of an override or a feed."""
    lengths = {name: duration(table[name]) for name in _LENGTHS & table.keys()}
    return {**table, **lengths} | ({"proof": Asks(table["proof"])} if "proof" in table else {})


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of days, hours, minutes and seconds."""
    match = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", text)
    assert match is not None, text
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
