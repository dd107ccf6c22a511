"""One owned partition at work: its processor, its transactional producer, and which seek its batches belong to."""

import asyncio
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from streams.engine.batch import Batch
from streams.engine.processor import Processor
from streams.kafka.transaction import Transactions, Writes
from streams.records.coverage import Gap

MARKS_WHILE_WAITING = timedelta(seconds=1)


class BrokerClock:
    """The brokers' time, estimated from the last completeness: never ahead of theirs, and no clock of the worker."""

    def __init__(self) -> None:
        self._stamp: datetime | None = None
        self._seen_at = 0.0

    def saw(self, stamp: datetime, at: float) -> None:
        """A broker's clock showed `stamp` at our monotonic time `at`, or a little before."""
        self._stamp, self._seen_at = stamp, at

    def now(self) -> datetime | None:
        """What the brokers' clocks show at least; None before the first mark came back."""
        if self._stamp is None:
            return None
        return self._stamp + timedelta(seconds=time.monotonic() - self._seen_at)


class Partition:
    """The reports of one partition. Batches go in one after the other, each slice is committed before the next begins.

    `on_commit` is told after each commit how many seconds it took.
    """

    def __init__(
        self, processor: Processor, transactions: Transactions, on_commit: Callable[["Partition", float], None]
    ) -> None:
        self.processor = processor
        self.clock = BrokerClock()
        self.epoch = 0
        self._log_epoch = 0  # of what was fetched and is not applied
        self.queued = 0  # batches of this epoch that were handed over and are not done
        self._began_at = self.moved_at = time.monotonic()  # when completeness last moved
        self._age_when_moved = self._behind()
        self.marked_at = float("-inf")  # when the last set of marks was begun
        self.marks_acknowledged_at: float | None = None  # of the set that was begun last
        self._fruitless = False  # the last set came back and moved nothing: a broker's clock is behind
        self._transactions = transactions
        self._on_commit = on_commit
        self._turn = asyncio.Lock()  # of one batch after the other
        self._lock = asyncio.Lock()  # while a slice is made and committed

    @property
    def number(self) -> int:
        """The partition's number, the same in every input and output."""
        return self.processor.partition

    async def apply(self, batch: Batch) -> bool:
        """Apply and commit a batch; False if it does not begin where the last one ended. Raises InDoubt."""
        async with self._turn:
            if batch.epoch != self.epoch:
                return True  # of before a seek: what it holds is fetched again
            if batch.epoch != self._log_epoch:
                self.processor.begin_anew()
                self._log_epoch = batch.epoch
            if not self.processor.fits(batch):
                return False
            slices = self.processor.slices(batch)
            while await self._commit_next(slices, batch.epoch):
                pass
            if batch.epoch == self.epoch:
                self.queued -= 1
            return True

    async def _commit_next(self, slices: Iterator[Writes | None], epoch: int) -> bool:
        """Commit the next slice; False if there is none, or the partition was given up before it began."""
        async with self._lock:
            if epoch != self.epoch:
                return False
            coverage, marks = self.processor.coverage, self.processor.marks
            until, checked_at, awaited = coverage.complete_until, coverage.checked_at, marks.outstanding
            writes = await _next(slices)
            if writes is None:
                return False
            seconds = await self._commit(writes)
            if awaited and not marks.outstanding and self.processor.marked_until is not None:
                self._fruitless = coverage.checked_at == checked_at
                # The acknowledgement came right after the append; our reading of the mark took far longer.
                acknowledged = self.marks_acknowledged_at
                self.clock.saw(self.processor.marked_until, time.monotonic() if acknowledged is None else acknowledged)
            if coverage.complete_until != until:
                self.moved_at, self._age_when_moved = time.monotonic(), self._behind()
            self._on_commit(self, seconds)
            return True

    async def publish(self, told: Callable[[], Gap | None]) -> None:
        """Publish the gap that is told once no commit is running: one that ran may have closed it. Raises InDoubt."""
        async with self._lock:
            gap = told()
            if gap is not None:
                self._on_commit(self, await self._commit(self.processor.publish(gap)))

    def stood_still(self) -> float:
        """For how many seconds this worker has not come further than that."""
        return min(self.age(), time.monotonic() - self._began_at)

    def age(self) -> float:
        """How many seconds ago that was until which it is complete, in whichever worker.

        One that ends again and again is no younger, and neither is one that moves on among what is old.
        """
        return self._age_when_moved + time.monotonic() - self.moved_at

    def _behind(self) -> float:
        """By the brokers' clock, and before the first mark has come back by this machine's."""
        until, now = self.processor.coverage.complete_until, self.clock.now() or datetime.now(UTC)
        return 0.0 if until is None else max(0.0, (now - until).total_seconds())

    def expect_batch(self) -> None:
        """A batch of this epoch is handed over."""
        self.queued += 1

    def begin_marks(self) -> bytes:
        """A set of marks is on its way from now on: the header of each."""
        self.marked_at, self.marks_acknowledged_at = time.monotonic(), None
        return self.processor.marks.new_set()

    def acknowledge_marks(self) -> None:
        """All marks of the set have been appended."""
        self.marks_acknowledged_at = time.monotonic()

    def abandon_marks(self) -> None:
        """One of them was not appended for certain: the next set comes in its turn."""
        self.processor.marks.abandon()

    def give_up_marks(self) -> None:
        """The set that is on its way will not come: write a new one at once."""
        self.abandon_marks()
        self.marked_at = float("-inf")

    async def idle(self) -> None:
        """Wait until no commit is running."""
        async with self._lock:
            return

    async def close(self) -> None:
        """Give the partition up, after the running commit."""
        async with self._lock:
            await self._transactions.stop()

    def mark_due(self, mark_every: timedelta, mark_pause: timedelta) -> bool:
        """True when a new set of marks would tell something.

        A deadline is due, something that was fetched waits for the other inputs, or it has been quiet for long.
        """
        pressed = not self._fruitless and self.quiet_for(mark_pause) and self.seconds_to_deadline() < 0
        waits = self.processor.log.waits and self.quiet_for(MARKS_WHILE_WAITING)
        return pressed or waits or self.quiet_for(mark_every)

    def quiet_for(self, time_: timedelta) -> bool:
        """True if no set of marks is on its way, and none has been begun for so long."""
        return not self._marks_underway and time.monotonic() - self.marked_at >= time_.total_seconds()

    @property
    def _marks_underway(self) -> bool:
        """False where only inputs lack them that wait for the others: these may need another set to come further."""
        return any(not self.processor.log.too_far_ahead(topic) for topic in self.processor.marks.unseen)

    def seconds_to_deadline(self) -> float:
        """How long it is until the first deadline that is known, by the brokers' clock; infinite where none is."""
        first, now = self.processor.checker.deadlines.first(), self.clock.now()
        return math.inf if first is None or now is None else (first - now).total_seconds()

    def begin_anew(self) -> None:
        """What was handed over so far is worth nothing any more: a seek or a revocation."""
        self.epoch += 1
        self.queued = 0

    async def _commit(self, writes: Writes) -> float:
        began = time.monotonic()
        await self._transactions.commit(writes)
        self.processor.stand.committed()
        return time.monotonic() - began


async def _next(slices: Iterator[Writes | None]) -> Writes | None:
    """The next slice, with a turn for others whenever it is out of breath; None at the end."""
    for writes in slices:
        await asyncio.sleep(0)
        if writes is not None:
            return writes
    return None
