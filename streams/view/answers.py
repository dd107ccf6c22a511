"""Answers are worked out once while nothing changes, and kept a little longer where they are dear."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import duckdb

from streams.view.picture import Coverage, coverage_of
from streams.view.store import Store

T = TypeVar("T")
Work = Callable[[duckdb.DuckDBPyConnection], T]

MOST_KEPT = 2000
AT_ONCE = 4
# While the tables change, an answer may be as old as the time that it took, so many times over.
PATIENCE = 10.0


class Answer(NamedTuple):
    """What was found, how complete the tables were at that very moment, and which state of them it was."""

    found: Any
    coverage: Coverage
    tag: str


class _Kept(NamedTuple):
    answer: Answer
    worked_out_at: float
    took_seconds: float


class Answers:
    """Runs questions on the store in threads, and keeps the answers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(AT_ONCE, "view")
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._running: dict[Hashable, asyncio.Task[Answer]] = {}

    async def get(self, question: Hashable, work: Work[Any]) -> Answer:
        """The answer to a question, by `work` where it is not known; several who ask at once wait for the same one."""
        kept = self._kept.get(question)
        if kept is not None and self._fresh(kept):
            self._kept.move_to_end(question)
            return kept.answer
        running = self._running.get(question)
        if running is None:
            running = asyncio.create_task(self._keep(question, work))
            self._running[question] = running
            running.add_done_callback(lambda _: self._running.pop(question, None))
        return await asyncio.shield(running)

    async def once(self, work: Work[T]) -> T:
        """Run something that nobody else will ask for."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _fresh(self, kept: _Kept) -> bool:
        if kept.answer.tag == self._store.tag:
            return True
        return time.monotonic() - kept.worked_out_at < PATIENCE * kept.took_seconds

    async def _keep(self, question: Hashable, work: Work[Any]) -> Answer:
        def both(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, Coverage, float]:
            begun = time.monotonic()
            found = work(cursor)
            return found, coverage_of(cursor), time.monotonic() - begun

        tag = self._store.tag  # read first: what changes meanwhile makes the answer older, never newer
        found, coverage, took = await self.once(both)
        answer = Answer(found, coverage, tag)
        self._kept[question] = _Kept(answer, time.monotonic(), took)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return answer

    def _read(self, work: Work[T]) -> T:
        with self._store.reading() as cursor:
            return work(cursor)
