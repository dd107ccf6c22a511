"""The log of one partition: its inputs merged by arrival. Only what lies before T may be applied."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from streams.records.coverage import Applied
from streams.records.record import DECISION, LOG_APPEND_TIME, KafkaRecord, arrival, mark_of, next_offset

MOST_AHEAD = 20_000  # records of an input that wait for the others
MOST_AHEAD_BYTES = 32 << 20
BROKER_CLOCK_TOLERANCE = timedelta(seconds=1)  # between brokers that are kept in time; leaders change among them


class Run(NamedTuple):
    """Records of one input that lie behind one another and arrived at the same moment.

    `appended`: the append time as the broker gave it; None for records without one, which count as arrived with what
    lies before them. `waiting`, `size`: how many of them are no marks, and the bytes of their values.
    """

    arrived: datetime
    appended: datetime | None
    records: Sequence[KafkaRecord]
    waiting: int
    size: int


class Input:
    """What was fetched of one input and is not applied.

    `next_offset` is where fetching goes on, `latest` the arrival of the last record fetched, `appended` its append
    time as the broker gave it. Within a partition nothing arrives before what lies before it: where a broker's clock
    steps back (its own, or its successor's that is behind it), a record counts as arrived with the latest one before
    it. Every reading of the log finds the same arrivals, and what is read bounds all that comes after it, whatever the
    clocks do.
    """

    def __init__(self, topic: str, kind: str, applied: Applied) -> None:
        self.topic, self.kind = topic, kind
        self.next_offset, self.latest = applied.next_offset, applied.latest
        self.appended = applied.last.arrived if applied.last else None
        self.runs: deque[Run] = deque()
        self.waiting = self._bytes = 0

    def take_in(self, records: Sequence[KafkaRecord]) -> Iterator[Run]:
        """Keep what was fetched, run by run."""
        for (timestamp, type_), some in groupby(records, attrgetter("timestamp", "timestamp_type")):
            self.appended = arrival(timestamp) if type_ == LOG_APPEND_TIME else None
            if self.appended is not None:
                self.latest = self.appended if self.latest is None else max(self.appended, self.latest)
            run = _run(self.latest or arrival(0), self.appended, list(some))
            self.waiting += run.waiting
            self._bytes += run.size
            self.runs.append(run)
            yield run

    def applied(self, count: int) -> int:
        """So many records of the first run are applied: the offset behind them."""
        run = self.runs.popleft()
        left = run._replace(waiting=0, size=0)
        if count < len(run.records):
            left = _run(run.arrived, run.appended, run.records[count:])
            self.runs.appendleft(left)
        self.waiting -= run.waiting - left.waiting
        self._bytes -= run.size - left.size
        return next_offset(run.records[count - 1])

    def stepped_back(self, until: datetime | None) -> bool:
        """True if the last record fetched has an append time behind what was known before: T, or the latest arrival."""
        return self.appended is not None and (
            (until is not None and self.appended < until)
            or (self.latest is not None and self.latest - self.appended > BROKER_CLOCK_TOLERANCE)
        )

    @property
    def full(self) -> bool:
        """True if as much waits as may."""
        return self.waiting >= MOST_AHEAD or self._bytes >= MOST_AHEAD_BYTES


class Log:
    """The inputs of one partition, in the order in which records of the same moment are applied."""

    def __init__(self, kinds: Mapping[str, str], applied: Mapping[str, Applied]) -> None:
        self.inputs = {topic: Input(topic, kind, applied[topic]) for topic, kind in kinds.items()}
        self.awaited = [one for one in self.inputs.values() if one.kind != DECISION]

    @property
    def until(self) -> datetime | None:
        """T: what arrived before it has been fetched, of every input that verdicts wait for.

        None while nothing is known of one of them. A decision that hangs holds nothing back: it is applied once it has
        been fetched and T has passed its arrival, however long ago that was.
        """
        latest = [one.latest for one in self.awaited]
        return None if None in latest else min(time for time in latest if time is not None)

    @property
    def waits(self) -> bool:
        """True while a record that was fetched is not applied; marks wait for nothing."""
        return any(one.waiting for one in self.inputs.values())

    def first(self, until: datetime) -> Input | None:
        """The input whose turn it is: its first run arrived before `until`, and before those of the others."""
        first: Input | None = None
        for one in self.inputs.values():
            if one.runs and one.runs[0].arrived < until:
                first, until = one, one.runs[0].arrived
        return first

    def too_far_ahead(self, topic: str) -> bool:
        """True for an input that has to wait for the others; never for one that they wait for."""
        one, until = self.inputs[topic], self.until
        return one.full and (until is None or one.latest is None or one.latest > until)


def _run(arrived: datetime, appended: datetime | None, records: Sequence[KafkaRecord]) -> Run:
    sizes = [len(one.value or b"") for one in records if one.key != b"" or mark_of(one) is None]
    return Run(arrived, appended, records, len(sizes), sum(sizes))
