"""Answers are worked out once while nothing changes, and kept a little longer where they are dear."""

import asyncio
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import duckdb

from streams.access.scope import EVERYTHING, Reach
from streams.view.store.freshness import CoverageNow, coverage_of
from streams.view.store.kept import Kept, size_of
from streams.view.store.store import Store

T = TypeVar("T")
Question = tuple[Reach, Hashable]  # what is asked, and of how much of the tables
Work = Callable[[duckdb.DuckDBPyConnection], T]

KEPT_BYTES = 64 << 20
ANSWERS_AT_ONCE = 2
# While the tables change, answers are worked out again for at most a part of the time, one second in so many.
PATIENCE_SECONDS = 2.5
LATELY_SECONDS = 10.0
MOST_PATIENT_SECONDS = 5.0
OLDEST_SECONDS = 60.0
SOON_SECONDS = 0.25


class Answer(NamedTuple):
    """What was found, how complete the tables were at that very moment, and which state of them it was."""

    found: Any
    coverage: CoverageNow
    tag: str


@dataclass(slots=True)
class _KeptAnswer:
    answer: Answer
    worked_out_at: float
    took_seconds: float
    asked_at: float


class Answers:
    """Runs questions on the store in threads, and keeps the answers.

    An answer of before the last change may still be given, as long as it would take to work out everything that was
    asked lately, a few times over: a page that somebody looks at is current at once, and a crowd cannot keep the tables
    from being read. Each answer says by its own coverage how far it goes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(ANSWERS_AT_ONCE, "view")
        self._kept: Kept[Question, _KeptAnswer] = Kept(KEPT_BYTES)
        self._running: dict[Question, asyncio.Task[Answer]] = {}

    async def get(self, asked: Hashable, work: Work[Any], reach: Reach = EVERYTHING) -> Answer:
        """The answer to a question, by `work` where it is not known; several who ask at once wait for the same one."""
        question: Question = (reach, asked)
        now, kept = time.monotonic(), self._kept.get(question)
        if kept is None:
            return await asyncio.shield(self._asked(question, work))
        in_demand = now - kept.asked_at < LATELY_SECONDS
        kept.asked_at = now
        self._kept.move_to_end(question)
        if kept.answer.tag == self._store.tag:
            return kept.answer
        patience = min(MOST_PATIENT_SECONDS, PATIENCE_SECONDS * self._lately(now))
        if now - kept.worked_out_at < patience:
            return kept.answer
        running = self._asked(question, work)
        if patience < SOON_SECONDS or not in_demand or now - kept.worked_out_at > OLDEST_SECONDS:
            return await asyncio.shield(running)
        return kept.answer

    async def once(self, work: Work[T], reach: Reach = EVERYTHING) -> T:
        """Run something that nobody else will ask for."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work, reach)

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _lately(self, now: float) -> float:
        """How long it took to work out all that was asked in the last seconds."""
        took = 0.0
        for kept in reversed(self._kept.values()):  # in the order in which they were asked for
            if now - kept.asked_at > LATELY_SECONDS:
                break
            took += kept.took_seconds
        return took

    def _asked(self, question: Question, work: Work[Any]) -> "asyncio.Task[Answer]":
        running = self._running.get(question)
        if running is None:
            running = asyncio.create_task(self._keep(question, work))
            self._running[question] = running
            running.add_done_callback(lambda done: self._done(question, done))
        return running

    def _done(self, question: Question, done: "asyncio.Task[Answer]") -> None:
        self._running.pop(question, None)
        if not done.cancelled() and done.exception() is not None:
            self._kept.pop(question, None)  # whoever asks next is told

    async def _keep(self, question: Question, work: Work[Any]) -> Answer:
        def both(cursor: duckdb.DuckDBPyConnection) -> tuple[Any, CoverageNow, float, int]:
            begun = time.monotonic()
            found = work(cursor)
            return found, coverage_of(cursor), time.monotonic() - begun, size_of(found)

        tag = self._store.tag  # read first: what changes meanwhile makes the answer older, never newer
        found, coverage, took, size = await self.once(both, question[0])
        answer = Answer(found, coverage, tag)
        now = time.monotonic()
        self._kept.keep(question, _KeptAnswer(answer, now, took, now), size)
        return answer

    def _read(self, work: Work[T], reach: Reach) -> T:
        with self._store.reading(reach) as cursor:
            return work(cursor)
