"""Judging on every core: processes that share nothing but the work folder."""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from streams.audit.arrow import NO_REPLACEMENTS
from streams.audit.judge.ranges import Range, judge_range
from streams.audit.judge.verdict import JudgeContext

MEMORY = "512MB"


class Task(NamedTuple):
    """What every process is told once."""

    database: Path
    folder: Path
    ground: Callable[[duckdb.DuckDBPyConnection], JudgeContext]


class _Mine(NamedTuple):
    connection: duckdb.DuckDBPyConnection
    ground: JudgeContext
    folder: Path


_mine: list[_Mine] = []


def judge_all(task: Task, ranges: Sequence[Range], done: Callable[[], None]) -> None:
    """Judge all ranges; `done` is called after each. An interrupt ends the processes and leaves whole files behind."""
    if len(ranges) == 1:  # not worth a process
        with _connected(task) as connection:
            judge_range(connection, ranges[0], task.ground(connection), task.folder)
        done()
        return
    cores = len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, context, _begin, (task,)) as pool:
        futures = [pool.submit(_judge, one) for one in ranges]
        try:
            for future in as_completed(futures):
                future.result()
                done()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _begin(task: Task) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all: the first process ends the others
    connection = _connected(task)
    _mine.append(_Mine(connection, task.ground(connection), task.folder))
    # A range makes a million objects, none of them in a circle; looking for circles among them cost a sixth.
    gc.disable()


def _judge(asked: Range) -> None:
    judge_range(_mine[0].connection, asked, _mine[0].ground, _mine[0].folder)


def _connected(task: Task) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"threads": 1, "memory_limit": MEMORY} | NO_REPLACEMENTS
    return duckdb.connect(str(task.database), read_only=True, config=config)
