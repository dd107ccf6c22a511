"""Coverage: what a partition has applied, how far it is complete, and where it cannot see."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from streams.core.events import written
from streams.core.feeds import Feeds, Word
from streams.core.sight import Lost, Sight
from streams.errors import StateUnreadable

MOST_LOSSES = 100  # of one input: they are written with every commit
UNREADABLE_BATCH = "unreadable_batch"  # the cause of a loss, beside those that a restore finds
SEVERAL = "several"  # the cause of losses that were joined


class LastRecord(NamedTuple):
    """The last record applied of one input: re-read at a start, it tells whether the topic is still the same.

    `arrived` is the append time as the broker gave it, even if its clock had stepped back.
    """

    offset: int
    arrived: datetime


@dataclass(slots=True)
class Applied:
    """How far one input has been applied: the next offset, the last record before it, the latest arrival so far.

    Within a partition nothing arrives before what lies before it: where a broker's clock steps back (its own, or its
    successor's that is behind it), a record counts as arrived with the latest one before it. Every reading of the
    log finds the same arrivals, and a mark bounds all that comes after it whatever the clocks do.
    """

    next_offset: int
    last: LastRecord | None = None
    latest: datetime | None = None


class Gap(NamedTuple):
    """Since when, by the brokers' clock, and why the checker cannot see."""

    since: datetime
    cause: str


class Loss(NamedTuple):
    """Offsets of an input that nobody will ever read: from (inclusive) to (exclusive; None where unknown).

    What stood there arrived between `since`, the arrival of the last record applied before it or until when it was
    complete, and `until`, the arrival of the first record after it; None while there is none.
    """

    topic: str
    from_offset: int
    to_offset: int | None
    cause: str
    since: datetime
    until: datetime | None = None

    def joined(self, later: "Loss") -> "Loss":
        """One loss that covers this one, a later one of the same topic, and what lies between them."""
        cause = self.cause if self.cause == later.cause else SEVERAL
        return Loss(self.topic, self.from_offset, later.to_offset, cause, self.since, later.until)


@dataclass(slots=True)
class Coverage:
    """What is published for one partition with every commit."""

    partition: int
    partitions: int
    applied: dict[str, Applied]
    complete_until: datetime | None = None
    checked_at: datetime | None = None
    gap: Gap | None = None
    losses: list[Loss] = field(default_factory=list)
    policy: dict[str, str] = field(default_factory=dict)  # the versions judged by so far, with their fingerprints
    # Of each input that no longer began at offset 0 when this checker began, when its first record arrived.
    beginnings: dict[str, datetime | None] = field(default_factory=dict)
    first_complete: datetime | None = None
    feeds: Feeds = field(default_factory=Feeds)
    municipalities: str | None = None  # the fingerprint of the table by which receivers are compared

    @property
    def judged_until(self) -> datetime | None:
        """Until when what arrived is judged by the policy already; None where nothing has been read."""
        known = [one.latest for one in self.applied.values()] + [self.complete_until]
        return max((time for time in known if time is not None), default=None)

    def sight(self, proofs: str, receipts: str) -> Sight:
        """What the witnesses can say of the proofs and receipts on these topics."""
        begun = max((time for time in self.beginnings.values() if time is not None), default=None)
        return Sight(self.feeds, self._lost(proofs), begun, self.first_complete, self._lost(receipts))

    def _lost(self, topic: str) -> tuple[Lost, ...]:
        return tuple(Lost(loss.since, loss.until) for loss in self.losses if loss.topic == topic)

    def lose(self, loss: Loss) -> None:
        """Note a loss, the latest of its topic. It is joined to the one before where nothing lies between them.

        Where there are too many, those two become one that lie closest together: more is then called lost than was.
        """
        others = [other for other in self.losses if other.topic != loss.topic]
        losses = [*(other for other in self.losses if other.topic == loss.topic), loss]
        if len(losses) > 1 and losses[-2].to_offset == loss.from_offset and losses[-2].cause == loss.cause:
            losses[-2:] = [losses[-2].joined(loss)]
        if len(losses) > MOST_LOSSES:
            at = min(range(len(losses) - 1), key=lambda at: losses[at + 1].since - (losses[at].until or loss.since))
            losses[at : at + 2] = [losses[at].joined(losses[at + 1])]
        self.losses = others + losses

    def telling_losses(self, portal_retention: timedelta) -> dict[str, int]:
        """How many losses of each cause still tell somebody to act: the portal has what was sent then."""
        until = self.complete_until
        telling = (loss for loss in self.losses if not (loss.until and until and loss.until + portal_retention < until))
        return Counter(loss.cause for loss in telling)

    def goes_on(self, topic: str, arrived: datetime) -> None:
        """The first record of a topic that is read at all, or after a loss: what was lost had arrived by then."""
        if topic in self.beginnings and self.beginnings[topic] is None:
            self.beginnings[topic] = arrived
        self.losses = [
            loss._replace(until=arrived) if loss.topic == topic and loss.until is None else loss for loss in self.losses
        ]

    def value(self) -> dict[str, Any]:
        """The record of the coverage topic."""
        return {
            "kind": "coverage",
            "partition": self.partition,
            "partitions": self.partitions,
            "complete_until": written(self.complete_until) if self.complete_until else None,
            "checked_at": written(self.checked_at) if self.checked_at else None,
            "applied": {topic: _applied_value(applied) for topic, applied in self.applied.items()},
            "gap": {"since": written(self.gap.since), "cause": self.gap.cause} if self.gap else None,
            "losses": [_loss_value(loss) for loss in self.losses],
            "policy": self.policy,
            "beginnings": {topic: written(time) if time else None for topic, time in self.beginnings.items()},
            "first_complete": written(self.first_complete) if self.first_complete else None,
            "feeds": {feed: _word_value(word) for feed, word in self.feeds.words.items()},
            "municipalities": self.municipalities,
        }


def read_coverage(value: dict[str, Any]) -> Coverage:
    """The coverage that `Coverage.value` wrote."""
    gap = value["gap"]
    return Coverage(
        value["partition"],
        value["partitions"],
        {topic: _read_applied(applied) for topic, applied in value["applied"].items()},
        _time(value["complete_until"]),
        _time(value["checked_at"]),
        Gap(datetime.fromisoformat(gap["since"]), gap["cause"]) if gap else None,
        [_read_loss(loss) for loss in value["losses"]],
        value["policy"],
        {topic: _time(time) for topic, time in value["beginnings"].items()},
        _time(value["first_complete"]),
        Feeds({feed: _read_word(word) for feed, word in value["feeds"].items()}),
        value.get("municipalities"),
    )


def _applied_value(applied: Applied) -> dict[str, Any]:
    last = applied.last
    record = {"offset": last.offset, "arrived": written(last.arrived)} if last else None
    latest = written(applied.latest) if applied.latest else None
    return {"next_offset": applied.next_offset, "last_record": record, "latest_arrival": latest}


def _read_applied(value: dict[str, Any]) -> Applied:
    last = value["last_record"]
    record = LastRecord(last["offset"], datetime.fromisoformat(last["arrived"])) if last else None
    return Applied(value["next_offset"], record, _time(value["latest_arrival"]))


def _loss_value(loss: Loss) -> dict[str, Any]:
    return loss._asdict() | {"since": written(loss.since), "until": written(loss.until) if loss.until else None}


def _read_loss(value: dict[str, Any]) -> Loss:
    return Loss(**value | {"since": datetime.fromisoformat(value["since"]), "until": _time(value["until"])})


def _word_value(word: Word) -> dict[str, Any]:
    return {
        "vouched_until": written(word.vouched_until) if word.vouched_until else None,
        "since": written(word.since) if word.since else None,
        "heard": written(word.heard) if word.heard else None,
        "proofs": word.proofs,
    }


def _read_word(value: dict[str, Any]) -> Word:
    return Word(_time(value["vouched_until"]), _time(value["since"]), _time(value["heard"]), value["proofs"])


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def ensure_same_partitions(known: Coverage, partitions: int) -> None:
    """Raise StateUnreadable when the inputs have another number of partitions than the state was made with."""
    if known.partitions != partitions:
        raise StateUnreadable(
            f"The inputs had {known.partitions} partitions and now have {partitions}: keys have moved, so that no row "
            "can be trusted; make new topics with that number and another MELDINGSVAKT_APP_ID."
        )
