"""What has become of what was delivered: verdicts, and what is to be written."""

from collections import Counter
from datetime import datetime
from typing import NamedTuple


class Entry(NamedTuple):
    """A record as it will be: the report, which is its key, and the value in bytes."""

    report_id: str
    value: bytes


class Undelivered(NamedTuple):
    """What was not taken, and when it was stored."""

    what: bytes
    stored_at: datetime


class Judged(NamedTuple):
    """`verdicts` in the order of the items. `unread`: of those that were taken all the same, the fields left out."""

    verdicts: list[str]
    entries: list[Entry]
    undelivered: list[Undelivered]
    unread: dict[int, list[str]]

    @property
    def counts(self) -> Counter[str]:
        """How many of each verdict; what was unreadable together."""
        return Counter(verdict.partition(":")[0] for verdict in self.verdicts)


def nothing() -> Judged:
    """Before the first item."""
    return Judged([], [], [], {})
