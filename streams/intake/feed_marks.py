"""What a feed may vouch for: no further than what is still to be delivered."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple

import orjson

from streams.core.events import written
from streams.core.feeds import FEED_CLOCK_TOLERANCE
from streams.intake.judged import EVER, Judged, Undelivered
from streams.problems import Problem
from streams.records.decode import FEED_HEADER
from streams.records.record import Write

HELD_SECONDS = 24 * 3600.0
MOST_HELD = 200_000
JUST_BEFORE = timedelta(microseconds=1)
NEVER = datetime.max.replace(tzinfo=UTC)  # of what holds nothing that comes later


class _Held(NamedTuple):
    """Since when it is known that something was not taken, and when that was stored."""

    heard: float
    stored_at: datetime


class NotDelivered:
    """What was sent and not taken: for a day after it was first heard of, no feed vouches beyond it.

    A message that is unknown holds its feed back in whatever comes later, too, until it is known: a list may come in
    parts, and the word behind them. It is remembered by digest, and not for ever; a process that starts anew, or has
    forgotten, holds back once more when it is said again.
    """

    def __init__(self) -> None:
        self._held: dict[str, OrderedDict[bytes, _Held]] = {}

    def holding(self, feed: str, judged: Judged) -> list[datetime]:
        """Take note of what was judged: when that was stored which the feed must not vouch beyond now.

        What is known here holds this delivery no more, and others until it is committed: see `delivered`.
        """
        held = self._held.setdefault(feed, OrderedDict())
        known = {_digest(one) for one in judged.known}
        now = time.monotonic()
        here = [one for one in judged.undelivered if self._is_held(held, one, now)]
        lasting = [
            one.stored_at
            for digest, one in held.items()
            if digest not in known and one.stored_at != NEVER and now - one.heard < HELD_SECONDS
        ]
        return [one.stored_at for one in here] + lasting

    def delivered(self, feed: str, known: Iterable[bytes]) -> None:
        """Proofs of these messages are committed: they hold the feed back no more."""
        held = self._held.get(feed, OrderedDict())
        for one in known:
            held.pop(_digest(one), None)

    def _is_held(self, held: "OrderedDict[bytes, _Held]", one: Undelivered, now: float) -> bool:
        digest = _digest(one.what)
        heard = held[digest].heard if digest in held else now
        # What could not be read has been said to be so: it holds back what it comes with, and no more.
        held[digest] = _Held(heard, one.stored_at if one.unknown else NEVER)
        if len(held) > MOST_HELD:
            held.popitem(last=False)
        return now - heard < HELD_SECONDS


def _digest(what: bytes) -> bytes:
    return hashlib.blake2b(what, digest_size=16).digest()


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
