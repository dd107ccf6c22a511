"""`python -m tests.programs.bench`: run the contenders and write the table and the plot."""

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.programs.bench import report
from tests.programs.bench.contender import HERE, OTHER_PYTHON, ROOT, Contender, kafka_version
from tests.programs.bench.contenders import CONTENDERS
from tests.programs.bench.measure import choose_cores
from tests.programs.bench.rounds import BROKER, measure

RESULTS = HERE / "results"


def main() -> int:
    """Read the arguments, measure, report; 1 if the checker announced anything wrong."""
    asked = _arguments()
    wanted = [one for one in CONTENDERS if not asked.only or one.name in asked.only]
    lacking = {one.name: one.missing_requirement() for one in wanted}
    left_out = sorted({told for told in lacking.values() if told is not None})
    contenders = [one for one in wanted if lacking[one.name] is None]
    for told in left_out:
        print(told, file=sys.stderr)
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
    setup = report.Setup(
        date=report.today(),
        machine=report.machine(),
        cores=choose_cores().told(),
        broker=f"Apache Kafka {kafka_version()}, {BROKER}",
        rounds=asked.rounds,
        partitions=asked.partitions,
        events=max((outcome.log_events for outcome in outcomes), default=0),
        seed=asked.seed,
    )
    found = report.rows(contenders, outcomes)
    asked.out.mkdir(parents=True, exist_ok=True)
    results = asked.out / "results.json"
    results.write_text(json.dumps(report.as_json(setup, found, outcomes), indent=1) + "\n", encoding="utf-8")
    _write_page(asked.out, setup, contenders, found, left_out)
    print(report.table(found))
    ours = next((row.mistakes for row in found if row.name == report.OURS), None)
    return 0 if ours is None or ours.none else 1


def _write_page(
    out: Path, setup: report.Setup, contenders: Sequence[Contender], found: Sequence[report.Row], left_out: list[str]
) -> None:
    plot = out / "plot.svg"
    if OTHER_PYTHON.exists() and found:
        files = [str(out.resolve() / "results.json"), str(plot.resolve())]
        subprocess.run([str(OTHER_PYTHON), "-m", "tests.programs.bench.apps.plot", *files], check=True, cwd=ROOT)
    page = report.page(setup, contenders, found, left_out, plot.name)
    (out / "README.md").write_text(page, encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.programs.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000, help="about how many events the log has (300000)")
    parser.add_argument("--partitions", type=int, default=12, help="partitions of each topic (12)")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured (3)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another log of the same mix (1)")
    parser.add_argument("--only", nargs="+", choices=[one.name for one in CONTENDERS], help="these contenders only")
    parser.add_argument("--most-seconds", type=float, default=120.0, help="the longest that one may take (120)")
    parser.add_argument(
        "--out", type=Path, default=RESULTS, help="where table and plot go (tests/programs/bench/results)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
