"""What a feed may vouch for: no further than what is still to be delivered."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import orjson

from streams.core.events import written
from streams.core.feeds import FEED_CLOCK_TOLERANCE
from streams.problems import Problem
from streams.records.decode import FEED_HEADER
from streams.records.record import Write

HELD_SECONDS = 24 * 3600.0
MOST_HELD = 200_000
JUST_BEFORE = timedelta(microseconds=1)
EVER = datetime.min.replace(tzinfo=UTC)  # stored at a time that nobody has said


class NotDelivered:
    """What was sent and not taken: for a day after it was first heard of, no feed vouches beyond it.

    It is remembered by digest, and not for ever; a process that starts anew, or has forgotten, holds back once more.
    """

    def __init__(self) -> None:
        self._first_heard: OrderedDict[bytes, float] = OrderedDict()

    def holds(self, feed: str, what: bytes) -> bool:
        """True if the feed must not vouch beyond it."""
        digest = hashlib.blake2b(feed.encode() + b"\0" + what, digest_size=16).digest()
        now = time.monotonic()
        heard = self._first_heard.setdefault(digest, now)
        if len(self._first_heard) > MOST_HELD:
            self._first_heard.popitem(last=False)
        return now - heard < HELD_SECONDS


def ensure_not_ahead(vouched_until: datetime, now: datetime) -> None:
    """Raise Problem where a feed vouches for what is still to come: local time sent as UTC does."""
    if vouched_until > now + FEED_CLOCK_TOLERANCE:
        raise Problem(
            "vouches-ahead",
            "vouched_until lies ahead of the clock: nobody can vouch for what has not been stored yet. Is it local "
            "time with a Z behind it?",
            "vouched_until",
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
        )


def vouched(wanted: datetime, held: Iterable[datetime]) -> datetime | None:
    """Until when the feed vouches: before the earliest of what is still to be delivered; None if not at all."""
    earliest = min(held, default=None)
    if earliest is None:
        return wanted
    return None if earliest == EVER else min(wanted, earliest - JUST_BEFORE)


def marks(topic: str, partitions: int, feed: str, vouched_until: datetime) -> Iterator[Write]:
    """The feed's mark for each partition.

    It gives no number of proofs: nobody here knows how many another process has delivered since the last mark, and
    what goes through one transaction with it is there or is not.
    """
    value = orjson.dumps({"feed": feed, "vouched_until": written(vouched_until)})
    headers = [(FEED_HEADER, feed.encode())]
    return (Write(topic, number, b"", value, headers) for number in range(partitions))
