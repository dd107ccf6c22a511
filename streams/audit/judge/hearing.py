"""What feeds had vouched for at any time, looked at from the end of the log."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from streams.core.facts import FeedMark, Stored
from streams.core.feeds import Feeds, Word
from streams.core.policy import Policy


class HeardMark(NamedTuple):
    """A feed's mark, and how many of its proofs have come into its partition since the one before it."""

    mark: FeedMark
    proofs: int


class HeardFeeds(Feeds):
    """The feeds of one partition, of which every mark is known: whoever asks is told when a feed first said enough."""

    def __init__(self, steps: Mapping[str, Sequence[tuple[datetime, datetime]]]) -> None:
        """`steps`: by feed, until when it has vouched and since when, each later than the one before it."""
        super().__init__()
        self._until = {feed: [until for until, _ in said] for feed, said in steps.items()}
        self._since = {feed: [since for _, since in said] for feed, said in steps.items()}

    @property
    def vouching(self) -> frozenset[str]:
        """The feeds that vouch for anything."""
        return frozenset(self._until)

    def spoken(self, feed: str, due: datetime) -> datetime | None:
        """Since when a feed has vouched for all that was due by a time, be it later than anybody asks; or None."""
        at = bisect_left(self._until.get(feed, ()), due)
        return self._since[feed][at] if at < len(self._until.get(feed, ())) else None

    def vouched_until(self, feed: str, at: datetime) -> datetime | None:
        """Until when a feed had vouched at a time."""
        before = bisect_right(self._since.get(feed, ()), at)
        return self._until[feed][before - 1] if before else None

    def count(self, proof: Stored, policy: Policy) -> None:
        """Nothing is learnt any more."""


def heard(marks: Iterable[HeardMark], policy: Policy) -> HeardFeeds:
    """What the marks of one partition, in their order, say by the checker's own rules."""
    feeds = Feeds()
    steps: dict[str, list[tuple[datetime, datetime]]] = {}
    for mark, proofs in marks:
        if not policy.knows_feed(mark.feed, mark.place.arrived):
            continue
        feeds.words[mark.feed] = feeds.words.get(mark.feed, Word())._replace(proofs=proofs)
        for feed in feeds.take(mark, policy):
            until = feeds.word(feed).vouched_until
            assert until is not None
            steps.setdefault(feed, []).append((until, mark.place.arrived))
    return HeardFeeds(steps)
