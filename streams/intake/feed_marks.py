"""What a feed may vouch for: no further than what is still to be delivered."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
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
        self._feeds: dict[str, _Feed] = {}

    def holding(self, feed: str, judged: Judged) -> list[datetime]:
        """Take note of what was judged: when that was stored which the feed must not vouch beyond now.

        What is known here holds this delivery no more, and others until it is committed: see `delivered`.
        """
        own, now = self._feeds.setdefault(feed, _Feed()), time.monotonic()
        own.expire(now)
        here = [one.stored_at for one in judged.undelivered if own.note(one, now)]
        lasting = own.earliest({_digest(one) for one in judged.known}, now)
        return here if lasting == NEVER else [*here, lasting]

    def delivered(self, feed: str, known: Iterable[bytes]) -> None:
        """Proofs of these messages are committed: they hold the feed back no more."""
        if feed in self._feeds:
            self._feeds[feed].release(_digest(one) for one in known)


class _Feed:
    """What one feed has still to deliver.

    Of what holds nothing that comes later only the time is remembered, and apart, so that however much of it there is,
    no hold is forgotten. Where there are more holds than can be remembered, the feed does not vouch for a day.
    """

    def __init__(self) -> None:
        self._holds: OrderedDict[bytes, _Held] = OrderedDict()  # in the order in which they were first heard of
        self._heard: OrderedDict[bytes, float] = OrderedDict()
        self._too_many_at: float | None = None
        self._earliest: datetime | None = NEVER  # of the holds; None where the one that it was of has left

    def expire(self, now: float) -> None:
        """What has held for a day holds no more."""
        while self._holds:
            digest, held = next(iter(self._holds.items()))
            if now - held.heard < HELD_SECONDS:
                return
            self.release([digest])
            self._remember(digest, held.heard)

    def note(self, one: Undelivered, now: float) -> bool:
        """Take note of it. Whether it holds back what it comes with."""
        digest = _digest(one.what)
        held = self._holds.get(digest)
        heard = held.heard if held else self._heard.get(digest, now)
        if now - heard >= HELD_SECONDS:
            return False
        if not one.unknown:
            if held is None:
                self._remember(digest, heard)
        elif held is None and len(self._holds) >= MOST_HELD:
            self._too_many_at = now
        else:
            self._hold(digest, _Held(held.heard if held else now, one.stored_at))
        return True

    def earliest(self, but: AbstractSet[bytes], now: float) -> datetime:
        """Before when the feed must not vouch by what was said before; NEVER where nothing holds it."""
        if self._too_many_at is not None and now - self._too_many_at < HELD_SECONDS:
            return EVER
        if self._earliest is None:
            self._earliest = min((one.stored_at for one in self._holds.values()), default=NEVER)
        if not any(self._holds[digest].stored_at == self._earliest for digest in but if digest in self._holds):
            return self._earliest
        return min((one.stored_at for digest, one in self._holds.items() if digest not in but), default=NEVER)

    def release(self, digests: Iterable[bytes]) -> None:
        """These hold no more."""
        for digest in digests:
            held = self._holds.pop(digest, None)
            if held is not None and held.stored_at == self._earliest:
                self._earliest = None

    def _hold(self, digest: bytes, held: _Held) -> None:
        former = self._holds.get(digest)
        self._holds[digest] = held
        if self._earliest is not None and held.stored_at <= self._earliest:
            self._earliest = held.stored_at
        elif former is not None and former.stored_at == self._earliest:
            self._earliest = None
        self._heard.pop(digest, None)

    def _remember(self, digest: bytes, heard: float) -> None:
        self._heard[digest] = heard
        if len(self._heard) > MOST_HELD:
            self._heard.popitem(last=False)


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
