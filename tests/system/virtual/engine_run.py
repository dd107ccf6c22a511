"""`python -m tests.system.virtual.engine_run [--schedules 2000] [--seed N]`: on the real processor."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.system.virtual.__main__ import Played, told
from tests.system.virtual.engine import EngineWorker
from tests.system.virtual.schedule import POLICY_TOML, Step
from tests.system.virtual.shrink import script, shrunk
from tests.system.virtual.trouble import Troubled, draw_troubled, view
from tests.system.virtual.truth import Anomaly


def play(first_seed: int, schedules: int, folder: Path) -> Played:
    """So many troubled schedules. Raises AssertionError with the shortest failing schedule and its script."""
    used = time.process_time()
    steps, statuses, events = Counter[str](), Counter[str](), Counter[str]()
    with asyncio.Runner() as runner:
        for seed in range(first_seed, first_seed + schedules):
            drawn, scheduler = draw_troubled(Random(seed)), Troubled(runner)
            try:
                statuses.update(scheduler.play(drawn).values())
            except Anomaly as anomaly:
                raise AssertionError(f"seed {seed}: {report(runner, drawn, EngineWorker, anomaly, folder)}") from None
            steps += scheduler.seen
            kept = scheduler.kafka.committed
            events.update(map(told, kept.events))
            events["records deleted unread"] += any(end > start for _, start, end in kept.losses)
    return Played(schedules, time.process_time() - used, steps, statuses, events)


def failure(runner: asyncio.Runner, steps: Sequence[Step], worker_class: type[EngineWorker]) -> Anomaly | None:
    """The anomaly of a schedule, None if there is none."""
    try:
        Troubled(runner, worker_class).play(steps)
    except Anomaly as anomaly:
        return anomaly
    return None


def report(
    runner: asyncio.Runner, steps: Sequence[Step], worker_class: type[EngineWorker], anomaly: Anomaly, folder: Path
) -> str:
    """Shrink a failing schedule, write its script and policy into a folder, and say how to look at it.

    The script holds what was not lost, by the arrivals that count; crashes and commits are in the steps only.
    """

    def same(some: Sequence[Step]) -> bool:
        found = failure(runner, some, worker_class)
        return found is not None and found.kind == anomaly.kind

    short = shrunk(steps, same)
    scheduler, why = Troubled(runner, worker_class), ""
    try:
        scheduler.play(short)
    except Anomaly as found:
        why = str(found)
    file, policy = folder / "failing.ndjson", folder / "policy.toml"
    file.write_bytes(b"\n".join(script(view(scheduler.kafka))) + b"\n")
    policy.write_text(POLICY_TOML)
    told = "\n".join(f"  {step.name} {step.a} {step.b}" for step in short)
    return f"{why}\nthe shortest schedule:\n{told}\nmeldingsvakt replay {file} --policy {policy} --states"


def main() -> int:
    """0 when no schedule fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.virtual.engine_run", description=__doc__)
    parser.add_argument("--schedules", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    given = parser.parse_args()
    print(f"first seed {given.seed}", flush=True)
    print(play(given.seed, given.schedules, Path(tempfile.mkdtemp(prefix="meldingsvakt-virtual-"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
