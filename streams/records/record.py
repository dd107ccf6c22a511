"""Records as they come, and as they are written.

aiokafka copies each that it reads into an object of eleven fields, which costs more than reading it did. What is
handed out instead is what its parser made, which has all that we ask of a record; its topic and partition are those
that it is filed under. Where nobody can read a record, `UnreadableOffsets` stands in its place.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from streams.core.facts import Place

KINDS = ("sent", "receipt", "stored")  # of facts
DECISION = "decision"
INPUT_KINDS = (*KINDS, DECISION)  # in the order in which what arrived at the same moment is applied
HEADER = "mv-mark"
MOST_LISTED = 1_000  # offsets of an unreadable range that are listed one by one
NO_TIME = -1  # the type of a timestamp that is not to be trusted
LOG_APPEND_TIME = 1  # the type of a timestamp that the broker gave; any other is a producer's word


class KafkaRecord(Protocol):
    """What we use of a record. `timestamp` in ms since 1970."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def timestamp_type(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


class BareRecord(NamedTuple):
    """A record that was read with care."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class UnreadableOffsets(NamedTuple):
    """Offsets of a batch, from `offset` to before `next_offset`, of which nobody can say what they hold, and why.

    It has no key and no value; `timestamp` is the batch's, whose type is `NO_TIME` where even that cannot be trusted.
    """

    offset: int
    next_offset: int
    timestamp: int
    timestamp_type: int
    cause: str
    key: None = None
    value: None = None
    headers: tuple[()] = ()


def next_offset(record: KafkaRecord) -> int:
    """The first offset behind a record, or behind what nobody can read."""
    return record.next_offset if isinstance(record, UnreadableOffsets) else record.offset + 1


class Write(NamedTuple):
    """One record to append; a value of None is a tombstone."""

    topic: str
    partition: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]] | None = None


def mark_of(record: KafkaRecord) -> bytes | None:
    """What a mark says, a checker's own or another's; None for a record: one with a key or a value is never a mark."""
    if record.key != b"" or record.value is not None:
        return None
    return next((said or b"" for name, said in record.headers if name == HEADER), None)


class Record(NamedTuple):
    """What the engine needs of a record on an input topic. `kind` is sent, receipt or stored."""

    kind: str
    place: Place
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    def header(self, name: str) -> bytes | None:
        """The first header of that name."""
        return next((value for key, value in self.headers if key == name), None)


class Refusal(NamedTuple):
    """Why a record could not be read: never its content."""

    stage: str
    reason: str


def digest(value: bytes | None) -> str:
    """SHA-256 of a value, to recognise it without keeping it."""
    return hashlib.sha256(value or b"").hexdigest()


def arrival(timestamp_ms: int) -> datetime:
    """A broker's append time (ms since 1970) as a datetime."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC)


class PlacedRecord(NamedTuple):
    """A record, and where it lies."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def placed(topic: str, partition: int, record: KafkaRecord) -> PlacedRecord:
    """A record that is taken out of where it is filed."""
    said = record.key, record.value, record.headers
    return PlacedRecord(topic, partition, record.offset, record.timestamp, record.timestamp_type, *said)
