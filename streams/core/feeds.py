"""Feeds: sources of proofs, and what they vouch for in one partition."""

from datetime import datetime, timedelta
from typing import NamedTuple

from streams.core.facts import FeedMark, Stored
from streams.core.policy import Policy

FEED_CLOCK_TOLERANCE = timedelta(minutes=5)


class Word(NamedTuple):
    """What one feed has said: it has vouched until a time, since when (arrivals of marks), and was last heard.

    `proofs`: how many of its proofs were applied since then.
    """

    vouched_until: datetime | None = None
    since: datetime | None = None
    heard: datetime | None = None
    proofs: int = 0


class Feeds:
    """The words of all feeds that the policy knows, by id."""

    def __init__(self, words: dict[str, Word] | None = None) -> None:
        self.words = words or {}

    def word(self, feed: str) -> Word:
        """What a feed has said; an empty word of one that was never heard."""
        return self.words.get(feed, _SILENCE)

    def spoken(self, feed: str, due: datetime) -> datetime | None:
        """Since when a feed has vouched for all that was due by a time; None while it has not."""
        word = self.word(feed)
        return None if word.vouched_until is None or word.vouched_until < due else word.since

    def vouched_until(self, feed: str, at: datetime) -> datetime | None:
        """Until when a feed had vouched at a time; what has been taken in is what had arrived by then."""
        return self.word(feed).vouched_until

    def count(self, proof: Stored, policy: Policy) -> None:
        """A proof was applied."""
        if proof.feed is not None and policy.knows_feed(proof.feed, proof.place.arrived):
            word = self.word(proof.feed)
            self.words[proof.feed] = word._replace(proofs=word.proofs + 1)

    def take(self, mark: FeedMark, policy: Policy) -> list[str]:
        """Take a mark in: the feeds that vouch for more than before, itself and those that it succeeded.

        A mark from the future (local time sent as UTC) vouches for nothing, and neither does one that counts proofs
        which are not here: they were unreadable, or not at home.
        """
        arrived, word = mark.place.arrived, self.word(mark.feed)
        complete = mark.proofs is None or mark.proofs <= word.proofs
        self.words[mark.feed] = word._replace(heard=arrived, proofs=0)
        if not complete or mark.vouched_until > arrived + FEED_CLOCK_TOLERANCE:
            return []
        until = min(mark.vouched_until, arrived)
        vouching = policy.in_force(arrived).spoken_for_by(mark.feed)
        return [feed for feed in vouching if self._vouch(feed, until, arrived)]

    def _vouch(self, feed: str, until: datetime, arrived: datetime) -> bool:
        word = self.word(feed)
        if word.vouched_until is not None and until <= word.vouched_until:
            return False
        self.words[feed] = word._replace(vouched_until=until, since=arrived)
        return True


_SILENCE = Word()
