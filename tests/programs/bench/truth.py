"""Which reports are missing by the append times in the log itself, and what an announcement list got wrong.

A direct computation, because `tests.system.faults.truth` reads every value rule by rule and would need minutes for a
million records; a test holds the two against each other.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple


class Seen(NamedTuple):
    """What counts of one record: its kind, its partition, when it was appended (ms since 1970), and its key."""

    kind: str
    partition: int
    appended_ms: int
    key: bytes


class Truth(NamedTuple):
    """Keys of the missing reports, and of those whose deadline lies after the last record of their partition."""

    missing: frozenset[bytes]
    due_after_the_end: frozenset[bytes]
    reports: int


class Mistakes(NamedTuple):
    """Announcements that are wrong. `lost_at_the_end`: of the lost ones, those that were due after the log's end."""

    announced: int
    lost: int
    lost_at_the_end: int
    phantom: int
    twice: int

    @property
    def none(self) -> bool:
        """True if every missing report was announced exactly once, and nothing else."""
        return not (self.lost or self.phantom or self.twice)


def truth_of(records: Iterable[Seen], deadline_ms: int) -> Truth:
    """A report is missing unless a stored record was appended at most so long after its first sent."""
    first_sent: dict[bytes, tuple[int, int]] = {}
    first_stored: dict[bytes, int] = {}
    last: Counter[int] = Counter()
    for kind, partition, appended_ms, key in records:
        last[partition] = max(last[partition], appended_ms)
        if kind == "sent":
            first_sent.setdefault(key, (appended_ms, partition))
        elif kind == "stored":
            first_stored.setdefault(key, appended_ms)
    missing = {
        key: (sent + deadline_ms, partition)
        for key, (sent, partition) in first_sent.items()
        if key not in first_stored or first_stored[key] > sent + deadline_ms
    }
    ended = frozenset(key for key, (due, partition) in missing.items() if due >= last[partition])
    return Truth(frozenset(missing), ended, len(first_sent))


def mistakes(truth: Truth, announced: Iterable[bytes]) -> Mistakes:
    """Hold what was announced against the truth."""
    counts = Counter(announced)
    lost = truth.missing - counts.keys()
    return Mistakes(
        announced=counts.total(),
        lost=len(lost),
        lost_at_the_end=len(lost & truth.due_after_the_end),
        phantom=len(counts.keys() - truth.missing),
        twice=sum(count - 1 for count in counts.values()),
    )
