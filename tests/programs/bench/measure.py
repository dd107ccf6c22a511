"""What a process tree costs, and which core it may use."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import psutil

CALM_SHARE, CALM_SECONDS = 0.05, 20.0


class Sample(NamedTuple):
    """A look at a process tree: CPU seconds so far (its own and its children's) and resident bytes."""

    at: float
    cpu_seconds: float
    resident_bytes: int


class Cores(NamedTuple):
    """Which core the broker (and the bench itself) uses and which one the contender; None: not pinned."""

    broker: int | None
    contender: int | None

    def told(self) -> str:
        """For the report."""
        if self.broker is None:
            return "not pinned: this machine has one core, or cannot pin"
        return f"pinned: broker and bench on core {self.broker}, the contender on core {self.contender}"


def choose_cores() -> Cores:
    """The first two cores that this process may use."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return Cores(allowed[0], allowed[1]) if len(allowed) > 1 else Cores(None, None)


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """What is started inside inherits the core, with every thread that it ever has; afterwards all is as before."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def sample(pid: int) -> Sample:
    """Look now. What has ended meanwhile costs nothing any more."""
    cpu, resident = 0.0, 0
    for process in _tree(pid):
        try:
            with process.oneshot():
                times = process.cpu_times()
                cpu += times.user + times.system
                resident += process.memory_info().rss
        except psutil.Error:
            continue
    return Sample(time.time(), cpu, resident)


def wait_until_calm(pid: int | None, share: float = CALM_SHARE, most_seconds: float = CALM_SECONDS) -> None:
    """Wait until a process tree uses little of a core over a second: what it does is not the next one's cost."""
    if pid is None:
        return
    begin = before = sample(pid)
    while before.at < begin.at + most_seconds:
        time.sleep(1.0)
        now = sample(pid)
        if now.cpu_seconds - before.cpu_seconds < share * (now.at - before.at):
            return
        before = now


def spent(samples: Sequence[Sample], begin: float, end: float) -> float:
    """CPU seconds between two moments, by the samples nearest to them."""
    if not samples:
        return 0.0
    return _nearest(samples, end).cpu_seconds - _nearest(samples, begin).cpu_seconds


def _nearest(samples: Sequence[Sample], moment: float) -> Sample:
    return min(samples, key=lambda one: abs(one.at - moment))


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
