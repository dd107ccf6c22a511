"""What has become of what was delivered: verdicts, and what is to be written."""

from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple

EVER = datetime.min.replace(tzinfo=UTC)  # stored at a time that nobody has said


class Entry(NamedTuple):
    """A record as it will be: the report, which is its key, and the value in bytes."""

    report_id: str
    value: bytes


class Undelivered(NamedTuple):
    """What was not taken, and when it was stored. `unknown`: of a message that nobody knows; else it is
    unreadable, or not the sender's."""

    what: bytes
    stored_at: datetime
    unknown: bool = False


class Judged(NamedTuple):
    """`verdicts` in the order of the items.

    `unread`: of those that were taken all the same, the fields left out. `known`: the messages of the taken ones.
    """

    verdicts: list[str]
    entries: list[Entry]
    undelivered: list[Undelivered]
    unread: dict[int, list[str]]
    known: list[bytes]

    @property
    def counts(self) -> Counter[str]:
        """How many of each verdict; what was unreadable together."""
        return Counter(verdict.partition(":")[0] for verdict in self.verdicts)


def nothing() -> Judged:
    """Before the first item."""
    return Judged([], [], [], {}, [])
