"""`python -m tests.bench`: run the contenders and write the table and the plot."""

import argparse
import asyncio
from pathlib import Path

from tests.bench.contenders import CONTENDERS
from tests.bench.rounds import measure


def main() -> None:
    """Read the arguments, measure, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="*", choices=[one.name for one in CONTENDERS])
    parser.add_argument("--most-seconds", type=float, default=240.0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    contenders = [one for one in CONTENDERS if not asked.only or one.name in asked.only]
    outcomes = asyncio.run(
        measure(
            contenders,
            events=asked.events,
            partitions=asked.partitions,
            rounds=asked.rounds,
            seed=asked.seed,
            most_seconds=asked.most_seconds,
        )
    )
    for o in outcomes:
        print(o)


if __name__ == "__main__":
    main()
