"""Records as they come out of a batch: aiokafka copies each into an object of eleven fields, which costs more than
reading it did.

What is handed out instead is what its parser made, which has all that we ask of a record; its topic and partition are
those that it is filed under.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from aiokafka.consumer import fetcher

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


class BareRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types for us
    """aiokafka's own reading of fetched batches, but for the copy of each record at its end."""

    def _consumer_record(self, tp: Any, record: Any) -> Any:
        return record


def hand_out_bare_records() -> None:
    """From now on, every consumer of this process hands out bare records."""
    fetcher.PartitionRecords = BareRecords
