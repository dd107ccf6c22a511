"""`python -m tests.system.faults`: run the fault suite, or a part of it; resumes where an earlier run ended.

Results go to a file, one JSON object a line; what stands there for the same fault and seed is not run again.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import orjson

from tests.system.faults.run import Result
from tests.system.faults.several import Run, play_each
from tests.system.faults.suite import FAULTS

FOLDER = Path(".faults")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.system.faults", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], metavar="FAULT", help="these faults; a prefix is enough")
    parser.add_argument("--seed", type=int, help="replay one seed instead of each fault's number of them")
    parser.add_argument("--seeds", type=int, help="how many seeds of each fault, from the first one")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="the I-th of N parts")
    parser.add_argument("--at-once", type=int, default=3, help="runs that share a cluster, where the fault allows it")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where results and logs are kept")
    parser.add_argument("--first-seed", type=int, help="the first seed; a random one is taken and printed otherwise")
    parser.add_argument("--list", action="store_true", help="list the faults and end")
    parser.add_argument("--table", action="store_true", help="show the results so far and end")
    return parser.parse_args()


def _planned(given: argparse.Namespace, first: int) -> list[Run]:
    chosen = [fault for fault in FAULTS if not given.only or any(fault.name.startswith(name) for name in given.only)]
    if given.only and not chosen:
        sys.exit(f"No fault begins with {' or '.join(given.only)}: --list shows them all.")
    if given.seed is not None:
        runs = [(fault, given.seed) for fault in chosen]
    else:
        runs = [(fault, first + n) for fault in chosen for n in range(given.seeds or fault.seeds)]
    part, parts = (int(number) for number in given.shard.split("/"))
    return runs[part - 1 :: parts]


async def _run(runs: Iterable[Run], given: argparse.Namespace) -> None:
    """Play them all. SIGTERM ends it in order."""
    whole = asyncio.current_task()
    assert whole is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, whole.cancel)
    lacking = await play_each(runs, given.at_once, partial(_report, given.folder), given.folder / "logs")
    for fault, error in lacking.items():
        print(f"NOT RUN: {fault}: {error}", flush=True)


def _report(folder: Path, result: Result) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "results.ndjson").open("ab") as out:
        out.write(orjson.dumps(result._asdict(), option=orjson.OPT_APPEND_NEWLINE))
    word = "ok" if result.good else "VOID" if not result.anomalies else "ANOMALIES"
    print(
        f"{word:9} {result.fault} seed {result.seed}: {result.compared} announcements compared, delay "
        f"p50 {result.median_seconds:.2f} s max {result.slowest_seconds:.2f} s, {result.took_seconds:.0f} s; "
        f"{'; '.join(result.evidence)}",
        flush=True,
    )
    for kind, detail in result.anomalies[:20]:
        print(f"          {kind}: {detail}", flush=True)
    if result.void:
        print(f"          {result.void}", flush=True)


def read_results(folder: Path) -> list[Result]:
    """The results so far; of several runs of the same fault and seed, the last one."""
    try:
        lines = (folder / "results.ndjson").read_bytes().splitlines()
    except FileNotFoundError:
        return []
    results = [Result(**orjson.loads(line)) for line in lines]
    return list({(result.fault, result.seed): result for result in results}.values())


def table(results: Iterable[Result]) -> str:
    """One line a fault: runs, announcements compared, anomalies, and the slowest announcement."""
    by_fault: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_fault[result.fault].append(result)
    lines = ["| fault | runs | void | announcements compared | anomalies | slowest after healing |", "|---" * 6 + "|"]
    for fault in FAULTS:
        some = by_fault.get(fault.name, [])
        if not some:
            continue
        anomalies = sum(len(result.anomalies) for result in some)
        slowest = max((result.slowest_seconds for result in some), default=0.0)
        lines.append(
            f"| {fault.name} | {len(some)} | {sum(result.void is not None for result in some)} | "
            f"{sum(result.compared for result in some)} | {anomalies} | {slowest:.1f} s |"
        )
    return "\n".join(lines)


def main() -> int:
    """0 when every run is good."""
    given = _arguments()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it cannot reach was taken away on purpose
    if given.list:
        for fault in FAULTS:
            print(f"{fault.name:26} {fault.seeds} seeds; {(fault.inject.__doc__ or '').splitlines()[0]}")
        return 0
    if not given.table:
        first = given.first_seed if given.first_seed is not None else _first_seed(given.folder)
        done = {(result.fault, result.seed) for result in read_results(given.folder) if result.good}
        planned = _planned(given, first)
        runs = [(fault, seed) for fault, seed in planned if given.seed is not None or (fault.name, seed) not in done]
        print(f"first seed {first}; {len(runs)} runs, {len(planned) - len(runs)} done before", flush=True)
        asyncio.run(_run(runs, given))
    results = read_results(given.folder)
    print(table(results))
    return 0 if all(result.good for result in results) else 1


def _first_seed(folder: Path) -> int:
    """The seed that an unfinished suite began with, else a new one."""
    known = folder / "first-seed"
    if not known.exists():
        folder.mkdir(parents=True, exist_ok=True)
        known.write_text(str(random.randrange(1_000_000)))
    return int(known.read_text())


if __name__ == "__main__":
    sys.exit(main())
