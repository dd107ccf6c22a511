"""How much work goes into one transaction, and how long the worker works at a stretch.

However large a backlog is, it is committed slice by slice, and others have their turn between two breaths: the
group's heartbeats, the probes, the other partitions.
"""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from streams.kafka.transaction import Writes


class Bounds(NamedTuple):
    """The most of one slice: decisions, breaths, and looks at once; and how long a breath is.

    Measured on two busy cores: 4 000 announcements take 0.4 s of the processor, and their commit 0.2 s, a fiftieth of
    the time after which it is in doubt. Records are read for 0.5 s until a commit, which is more than a whole batch of
    ordinary ones takes: cut in two, it would write its rows twice.
    """

    decisions: int = 4_000
    breaths: int = 10
    breath_seconds: float = 0.05
    looks: int = 200  # without looking at the clock


class Slice:
    """What one transaction holds so far."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.begin()

    def begin(self) -> None:
        """The next slice begins."""
        self.decided = self._breaths = 0
        self.breathe()

    def breathe(self) -> None:
        """Others had their turn."""
        self._breaths += 1
        self.out_of_breath_at = time.monotonic() + self.bounds.breath_seconds

    @property
    def to_pause(self) -> bool:
        """True once it has worked for long enough at a stretch, or holds enough."""
        return self.decided >= self.bounds.decisions or time.monotonic() > self.out_of_breath_at

    @property
    def full(self) -> bool:
        """Of a slice that pauses: true if it has to be committed now."""
        return self.decided >= self.bounds.decisions or self._breaths >= self.bounds.breaths


def in_slices(
    work: Iterator[None], one: Slice, writes: Callable[[], Iterator[Writes | None]]
) -> Iterator[Writes | None]:
    """Do some work that pauses wherever it may be cut: what each slice writes, None where it only takes a breath."""
    one.begin()
    for _ in work:
        if one.full:
            yield from writes()
            one.begin()
        else:
            yield None
            one.breathe()
    yield from writes()


def whole(partition: int, slices: Iterator[Writes | None]) -> Writes:
    """All slices as one."""
    one = Writes(partition)
    for writes in slices:
        if writes is not None:
            one.records += writes.records
            one.offsets = writes.offsets
    return one
