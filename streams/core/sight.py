"""What the witnesses of one partition can say: what feeds vouch for, and what the log cannot show.

Where evidence was lost unread, or the log begins too late, a report is neither stored nor missing: it is undetermined,
and announced only when waiting longer would help nobody.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from streams.core.feeds import Feeds
from streams.core.policy import Asks, Version
from streams.core.row import Flag, Row

# A proof may come before its sent (rule 3): what was lost so long before an attempt can still have been its proof.
PROOF_BEFORE_SENT = timedelta(hours=24)


class Lost(NamedTuple):
    """A time, both ends included, of whose records some were lost unread; `until` is None while it goes on."""

    since: datetime
    until: datetime | None


class Sight(NamedTuple):
    """What one checker sees in its partition.

    `lost` are losses of proofs, `lost_receipts` of receipts. `beginning`: before it the inputs are not complete, None
    where they are; `first_complete`: the checker's first T by marks of its own, None until it has come so far.
    """

    feeds: Feeds
    lost: tuple[Lost, ...] = ()
    beginning: datetime | None = None
    first_complete: datetime | None = None
    lost_receipts: tuple[Lost, ...] = ()

    def doubts(self, row: Row, at: datetime) -> frozenset[str]:
        """Why it cannot be told of a report whose window would close now; empty where it can."""
        lost = self.lost_receipts if row.asks is Asks.RECEIPT else self.lost
        if row.sent is None or not (lost or self.beginning):
            return frozenset()
        arrived, doubts = row.sent.arrived, set()
        first = (row.opened_at or arrived) - PROOF_BEFORE_SENT
        if any(one.since <= at and (one.until is None or first <= one.until) for one in lost):
            doubts.add(Flag.EVIDENCE_LOST)
        if self.beginning and min(arrived - PROOF_BEFORE_SENT, row.sent_at or arrived) < self.beginning:
            doubts.add(Flag.BEFORE_THE_BEGINNING)
        return frozenset(doubts)

    def limit(self, row: Row, doubts: frozenset[str], version: Version) -> datetime | None:
        """Until when a blind window stays open, its alarm or later; None for as long as its row is kept.

        Raises ValueError for a row without a sent.
        """
        if row.sent_at is None or row.alarm_at is None:
            raise ValueError("Only a report that was sent can be undetermined.")
        last_call = version.last_call_of(row.sent_at)
        latest = max(last_call, row.alarm_at)
        if Flag.BEFORE_THE_BEGINNING in doubts:
            return latest if last_call > (self.first_complete or row.alarm_at) else None
        return min(row.alarm_at + version.loss_patience, latest)

    def began_too_late(self, row: Row) -> bool:
        """True for a report from before the beginning whose limit has passed before the checker's first T.

        Who begins after a report's last call cannot know what others have said of it.
        """
        if row.limit_at is None or Flag.BEFORE_THE_BEGINNING not in row.flags:
            return False
        return self.first_complete is None or row.limit_at <= self.first_complete
