"""How far a reading of the input topics reaches: until when it is complete, and from when on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from streams.core.sight import Lost
from streams.records.record import DECISION, arrival

Spot = tuple[str, int]  # a topic and one of its partitions


@dataclass(slots=True)
class PartitionReading:
    """One partition of one input: the offsets to read, and what the append times tell of it.

    `log_start`: the first offset that is still there. `gone`: how many offsets that were asked for are not.
    `since`: no record from then on lies before `start`, or None. `closes`: no record before then lies from `end` on
    (there is one of that time or later), or None. `cut`: more lies from `end` on, which is not read.
    """

    kind: str
    log_start: int
    start: int
    end: int
    gone: int = 0
    since: datetime | None = None
    closes: datetime | None = None
    first: datetime | None = None
    latest: datetime | None = None
    cut: bool = False
    losses: list[Lost] = field(default_factory=list, init=False)

    def arrived(self, timestamp_ms: int) -> datetime:
        """When a record arrived that the broker appended then: never before what lies before it."""
        appended = arrival(timestamp_ms)
        if self.losses and self.losses[-1].until is None:
            self.losses[-1] = self.losses[-1]._replace(until=appended)
        if self.latest is None or appended > self.latest:
            self.latest = appended
        if self.first is None:
            self.first = appended
        return self.latest

    def lose(self) -> None:
        """What comes next cannot be read: it arrived after the last record, and by when the next one did."""
        self.losses.append(Lost(self.latest or arrival(0), None))

    @property
    def complete_until(self) -> datetime | None:
        """Everything that arrived before has been read; None where nothing tells."""
        return self.closes or self.latest

    def begins(self, now: datetime) -> datetime | None:
        """Nothing that arrived from then on is missing; None where nothing is missing at all."""
        if self.start == 0:
            return None
        if self.since is not None and not self.gone:
            return self.since
        return self.first or now

    def ends(self) -> datetime | None:
        """Nothing that arrived before then is missing; None where nothing is missing at all."""
        if self.losses:
            return self.losses[0].since
        return self.complete_until or arrival(0) if self.cut else None


class ReadingReach(NamedTuple):
    """What a reading covers. See `reach_of` for what the times mean.

    `begins`: by kind. `deleted`: offsets that were asked for and are not there any more. `held_back_by`: the topic and
    partition that `complete_until` rests on; where that is None, one of which no time is known. `losses`: when proofs
    arrived that nobody can read, by partition. `decisions_until`: every decision that arrived before has been read;
    None where all were.
    """

    complete_until: datetime | None
    begins: dict[str, datetime | None]
    deleted: dict[Spot, int]
    partitions: int
    held_back_by: Spot | None
    losses: Mapping[int, Sequence[Lost]] = {}
    decisions_until: datetime | None = None


def reach_of(parts: Mapping[Spot, PartitionReading], partitions: int, now: datetime) -> ReadingReach:
    """What was covered once all parts are read to their ends. `now`: when the reading began, by this machine's clock.

    Complete until T means here what it means to the checker: every record that arrived in an input before T has been
    read. Within one partition the broker's append times never go back (`arrived` sees to it), so the last record or
    mark that was read proves that everything before its own time was read, too; what comes later arrives then or
    later. Nothing else proves it: the moment at which the ends were asked is one of this machine's clock, and another
    partition's record is one of another broker's. So T is

        the earliest, over the partitions that hold anything, of the earliest of the partition's three inputs of facts.

    Decisions are not asked: they change no verdict, and nobody waits for them. So no marks lie between them, and they
    end only where something that is there was not read: behind the end that was asked for or an open transaction, or
    from an unreadable batch on. While a checker runs, its marks lie
    in every input of every partition, and T is at most as old as the interval at which it writes them. An open
    transaction holds T back by itself: nothing behind it is read, marks included. On topics without marks T stands
    at the last record of the most silent input, and there is none (None) where an input is empty while others of
    its partition are not: then whoever knows that nothing was on its way any more has to declare a time. A
    partition whose three inputs are all empty holds no report and holds nobody back (of one whose records all lie
    in other partitions, and were not copied, T speaks as well as it can).

    Where reading ended at a time and a record of then or later exists, T is that time: what lies before is all read.

    What an input begins with is the latest of its partitions: where the log starts at offset 0 and is read from there,
    nothing is missing (None); where its beginning was deleted (or not asked for by its offset), the first record that
    is left tells from when on nothing is; where nothing at all is left, not even `now` is covered.
    """
    until, spot = _complete_until(parts, partitions)
    begins: dict[str, datetime | None] = {}
    for part in parts.values():
        begins[part.kind] = _latest([begins.get(part.kind), part.begins(now)])
    deleted = {spot: part.gone for spot, part in parts.items() if part.gone}
    losses = {spot[1]: part.losses for spot, part in parts.items() if part.kind == "stored" and part.losses}
    ends = [end for part in parts.values() if part.kind == DECISION and (end := part.ends()) is not None]
    return ReadingReach(until, begins, deleted, partitions, spot, losses, min(ends, default=None))


def _complete_until(parts: Mapping[Spot, PartitionReading], partitions: int) -> tuple[datetime | None, Spot | None]:
    earliest: tuple[datetime, Spot] | None = None
    for partition in range(partitions):
        here = {spot: part for spot, part in parts.items() if spot[1] == partition and part.kind != DECISION}
        inputs = {spot: part.complete_until for spot, part in here.items()}
        if not any(inputs.values()):
            continue
        for spot, until in inputs.items():
            if until is None:
                return None, spot
            if earliest is None or until < earliest[0]:
                earliest = until, spot
    return earliest or (None, None)


def _latest(times: Iterable[datetime | None]) -> datetime | None:
    return max((time for time in times if time is not None), default=None)
