"""What feeds have vouched for, by the definition alone: all marks are read anew for every question."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from streams.core.facts import FeedMark, Stored
from streams.core.policy import Version
from tests.core.law import Law, Log

AHEAD = timedelta(minutes=5)


class Word(NamedTuple):
    """Until when a feed has vouched, when the mark arrived that said so, and when the feed was last heard."""

    vouched_until: datetime | None = None
    said: datetime | None = None
    heard: datetime | None = None


def word_of(feed: str, log: Log, until: datetime, law: Law) -> Word:
    """What a feed has said in marks that arrived by then."""
    heard = [mark for _, mark in _marks_for(feed, log, law) if mark.place.arrived <= until]
    said = _said(feed, log, until, law)
    if not said:
        return Word(heard=heard[-1].place.arrived if heard else None)
    furthest = max(vouched for vouched, _ in said)
    first = next(mark for vouched, mark in said if vouched == furthest)
    return Word(furthest, first.place.arrived, heard[-1].place.arrived)


def spoken(feed: str, due: datetime, log: Log, law: Law) -> datetime | None:
    """When the first mark arrived by which a feed has vouched beyond a due time; None as long as it has not."""
    arrivals = [mark.place.arrived for vouched, mark in _said(feed, log, None, law) if vouched >= due]
    return arrivals[0] if arrivals else None


def feeds_known(until: datetime, law: Law) -> set[str]:
    """Every feed that the policy has listed by a time."""
    return {feed.id for version in law.begun(until) for feed in version.feeds}


def _said(feed: str, log: Log, until: datetime | None, law: Law) -> list[tuple[datetime, FeedMark]]:
    """How far each mark vouches that counts for a feed."""
    return [
        (min(mark.vouched_until, mark.place.arrived), mark)
        for number, mark in _marks_for(feed, log, law)
        if (until is None or mark.place.arrived <= until) and _is_believed(number, mark, log, law)
    ]


def _marks_for(feed: str, log: Log, law: Law) -> Iterator[tuple[int, FeedMark]]:
    """The marks of a feed, and of those who succeed it by the version in force when they arrived."""
    for number, mark in _known_marks(log, law):
        if mark.feed == feed or mark.feed in _heirs(feed, law.in_force(mark.place.arrived)):
            yield number, mark


def _known_marks(log: Log, law: Law) -> Iterator[tuple[int, FeedMark]]:
    for number, mark in enumerate(log.stored):
        if isinstance(mark, FeedMark) and mark.feed in feeds_known(mark.place.arrived, law):
            yield number, mark


def _heirs(feed: str, version: Version) -> set[str]:
    """Who succeeds a feed by one step or more."""
    follows = {one.id: one.successor for one in version.feeds}
    heirs: set[str] = set()
    after = follows.get(feed)
    while after is not None and after not in heirs:
        heirs.add(after)
        after = follows.get(after)
    return heirs


def _is_believed(number: int, mark: FeedMark, log: Log, law: Law) -> bool:
    """False for a mark from the future, and for one that counts more proofs than came since the feed was known."""
    if mark.vouched_until > mark.place.arrived + AHEAD:
        return False
    came = 0
    for one in reversed(log.stored[:number]):
        if one.feed != mark.feed or mark.feed not in feeds_known(one.place.arrived, law):
            continue
        if not isinstance(one, Stored):
            break  # its mark before this one
        came += 1
    return mark.proofs is None or mark.proofs <= came
