"""`python -m tests.system.virtual [--schedules 80000] [--seed N]`: random schedules, and how many a minute."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import NamedTuple

from streams.core.events import Event, Missing, Recovered
from tests.system.virtual.schedule import RULES, Scheduler, draw
from tests.system.virtual.shrink import report
from tests.system.virtual.truth import Anomaly
from tests.system.virtual.worker import Worker


class Played(NamedTuple):
    """What so many schedules were made of, and how quickly they were played."""

    schedules: int
    seconds: float
    steps: Counter[str]
    statuses: Counter[str]
    events: Counter[str]

    def __str__(self) -> str:
        a_minute = self.schedules / self.seconds * 60
        parts = (dict(self.statuses), dict(self.events), dict(self.steps))
        return f"{self.schedules} schedules in {self.seconds:.1f} s of one core ({a_minute:.0f} a minute): {parts}"


def play(first_seed: int, schedules: int, folder: Path) -> Played:
    """So many random schedules. Raises AssertionError with the shortest failing schedule and its script."""
    used = time.process_time()
    steps, statuses, events = Counter[str](), Counter[str](), Counter[str]()
    for seed in range(first_seed, first_seed + schedules):
        drawn, scheduler = draw(Random(seed)), Scheduler()
        try:
            statuses.update(scheduler.play(drawn).values())
        except Anomaly as anomaly:
            raise AssertionError(f"seed {seed}: {report(drawn, Worker, RULES, anomaly, folder)}") from None
        steps += scheduler.seen
        events.update(map(told, scheduler.kafka.committed.events))
    return Played(schedules, time.process_time() - used, steps, statuses, events)


def told(event: Event) -> str:
    """The reason of a missing event, the cause of a recovered one; else what somebody did to an alarm."""
    if isinstance(event, Missing):
        return event.reason
    return event.cause if isinstance(event, Recovered) else type(event).__name__


def main() -> int:
    """0 when no schedule fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.system.virtual", description=__doc__)
    parser.add_argument("--schedules", type=int, default=80_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    given = parser.parse_args()
    print(f"first seed {given.seed}", flush=True)
    print(play(given.seed, given.schedules, Path(tempfile.mkdtemp(prefix="meldingsvakt-virtual-"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
