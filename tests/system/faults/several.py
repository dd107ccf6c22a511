"""Several runs, each on a cluster of its kind: at the same time where the faults allow it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from pathlib import Path

from tests.system.faults.cluster import Cluster, Unsupported, running_cluster
from tests.system.faults.run import Fault, Result, play

Run = tuple[Fault, int]


async def play_each(
    runs: Iterable[Run], at_once: int, done: Callable[[Result], None], keep_logs: Path | None = None
) -> dict[str, str]:
    """Play runs cluster by cluster and tell each result; by fault, what this machine lacks to play it."""
    lacking: dict[str, str] = {}
    ordered = sorted(runs, key=lambda run: (run[0].cluster, run[0].alone))
    for kind, group in groupby(ordered, key=lambda run: run[0].cluster):
        some = list(group)
        try:
            async with running_cluster(kind) as cluster:
                await play_shared([run for run in some if not run[0].alone], cluster, at_once, done, keep_logs)
                for fault, seed in (run for run in some if run[0].alone):
                    await cluster.ready()
                    done(await play(cluster, fault, seed, keep_logs))
        except Unsupported as error:
            lacking |= {fault.name: str(error) for fault, _ in some}
    return lacking


async def play_shared(
    runs: Sequence[Run], cluster: Cluster, at_once: int, done: Callable[[Result], None], keep_logs: Path | None = None
) -> None:
    """Play runs that leave their cluster unharmed, so many at once."""
    limit = asyncio.Semaphore(at_once)

    async def one(fault: Fault, seed: int) -> None:
        async with limit:
            done(await play(cluster, fault, seed, keep_logs))

    await asyncio.gather(*(one(fault, seed) for fault, seed in runs))
