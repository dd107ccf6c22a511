"""What the log cannot show: where evidence was lost unread, and where it begins.

A report of which proof may have been lost is neither stored nor missing: it is undetermined, and announced only when
waiting longer would help nobody.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from streams.core.policy import Version
from streams.core.row import Flag, Row

# A proof may come before its sent (rule 3): what was lost so long before a report's first sent can still have been it.
PROOF_BEFORE_SENT = timedelta(hours=24)


class Lost(NamedTuple):
    """A time, both ends included, of whose proofs some were lost unread; `until` is None while it goes on."""

    since: datetime
    until: datetime | None


class Sight(NamedTuple):
    """What one checker cannot see of the proofs in its partition.

    `beginning`: before it the inputs are not complete, None where they are; `first_complete`: the checker's first T
    by marks of its own, None until it has come so far.
    """

    lost: tuple[Lost, ...] = ()
    beginning: datetime | None = None
    first_complete: datetime | None = None

    def doubts(self, row: Row) -> frozenset[str]:
        """Why it cannot be told of a report whose alarm has passed without proof; empty where it can."""
        if row.sent is None or row.alarm_at is None or not (self.lost or self.beginning):
            return frozenset()
        first, doubts = row.sent.arrived - PROOF_BEFORE_SENT, set()
        if any(one.since <= row.alarm_at and (one.until is None or first <= one.until) for one in self.lost):
            doubts.add(Flag.EVIDENCE_LOST)
        if self.beginning is not None and (first < self.beginning or _sent_before(row, self.beginning)):
            doubts.add(Flag.BEFORE_THE_BEGINNING)
        return frozenset(doubts)

    def limit(self, row: Row, doubts: frozenset[str], version: Version) -> datetime | None:
        """Until when a report may stay undetermined, its alarm or later; None for as long as its row is kept.

        Raises ValueError for a row without a sent.
        """
        if row.sent_at is None or row.alarm_at is None:
            raise ValueError("Only a report that was sent can be undetermined.")
        last_call = row.sent_at + version.portal_retention - version.last_call
        latest = max(last_call, row.alarm_at)
        if Flag.BEFORE_THE_BEGINNING in doubts:
            begun = self.first_complete
            return latest if last_call > (row.alarm_at if begun is None else begun) else None
        return min(row.alarm_at + version.loss_patience, latest)

    def began_too_late(self, row: Row) -> bool:
        """True for a report from before the beginning whose limit has passed before the checker's first T.

        Who begins after a report's last call cannot know what others have said of it.
        """
        if row.limit_at is None or Flag.BEFORE_THE_BEGINNING not in row.flags:
            return False
        return self.first_complete is None or row.limit_at <= self.first_complete


CLEAR = Sight()


def _sent_before(row: Row, beginning: datetime) -> bool:
    return row.sent_at is not None and row.sent_at < beginning
