"""The windowed table: rows, deadline index, windows that close. A `faust.Table` whose durability is ours."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import faust

from streams.core.row import Row
from streams.engine.batch import Batch
from streams.engine.partition import Partition
from streams.exits import ending_on_error

BATCHES_AT_ONCE = 8


class WindowedTable(faust.Table):  # type: ignore[misc]  # faust has no types for us
    """Report id to row, over the partitions that this worker owns.

    A report's window opens at its first fact and closes at `alarm_at`. Read it like a dict; it is written by `apply`,
    which commits what a batch changed together with the offsets and the events, so that Faust's own changelog,
    windows and commits are never used.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.partitions: dict[int, Partition] = {}
        self._slots = asyncio.Semaphore(BATCHES_AT_ONCE)
        self._working: set[asyncio.Task[None]] = set()

    async def apply(self, batch: Batch, fetch_again: Callable[[int], None]) -> None:
        """Begin to apply and commit a batch; waits only while too many are at work.

        The batches of one partition go one after the other, partitions do not wait for one another. `fetch_again` is
        called with the partition if the batch does not begin where the last one ended.
        """
        await self._slots.acquire()
        task = asyncio.create_task(self._work(batch, fetch_again))
        self._working.add(task)
        task.add_done_callback(self._done)

    async def _work(self, batch: Batch, fetch_again: Callable[[int], None]) -> None:
        with ending_on_error("Applying a batch"):  # nobody awaits this task
            partition = self.partitions.get(batch.partition)
            if partition is not None and not await partition.apply(batch):
                fetch_again(batch.partition)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._slots.release()

    def __getitem__(self, report_id: str) -> Row:
        row = self._find(report_id)
        if row is None:
            raise KeyError(report_id)
        return row

    def __contains__(self, report_id: object) -> bool:
        return isinstance(report_id, str) and self._find(report_id) is not None

    def __iter__(self) -> Iterator[str]:
        for partition in list(self.partitions.values()):
            yield from (row.report_id for row in partition.processor.rows)

    def __len__(self) -> int:
        return sum(len(partition.processor.rows) for partition in self.partitions.values())

    def __setitem__(self, report_id: str, row: Row) -> None:
        raise TypeError("Rows change by facts only: hand a batch to apply().")

    def __delitem__(self, report_id: str) -> None:
        raise TypeError("Rows are erased by time only.")

    def get(self, report_id: str, default: Row | None = None) -> Row | None:
        """The row of a report that this worker owns, else the default."""
        return self._find(report_id) or default

    def on_key_set(self, key: Any, value: Any) -> None:
        """Faust's changelog: not used."""

    def on_key_del(self, key: Any) -> None:
        """Faust's changelog: not used."""

    def _find(self, report_id: str) -> Row | None:
        for partition in self.partitions.values():
            row = partition.processor.rows.get(report_id)
            if row is not None:
                return row
        return None
