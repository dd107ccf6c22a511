"""Records as they come out of a batch: aiokafka copies each into an object of eleven fields, which costs more than
reading it did.

What is handed out instead is what its parser made, which has all that we ask of a record; its topic and partition are
those that it is filed under. Where nobody can read a record, `Unreadable` stands in its place.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

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


class Unreadable(NamedTuple):
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
    return record.next_offset if isinstance(record, Unreadable) else record.offset + 1
