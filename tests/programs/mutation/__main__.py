"""`make mutants`: try all mutants, print what survived, and fail where the tests notice too little."""

import argparse
import shutil
import sys
import time
import tomllib
from collections.abc import Sequence
from pathlib import Path

from tests.programs.mutation import declarations, functions, tree
from tests.programs.mutation.mutant import KILLED, SURVIVED, TIMEOUT, Mutant

BAR = 0.95
WORK = tree.ROOT / ".mutation"
Identity = tuple[str, str, str, str]


def main() -> int:
    """Prepare the copy, try the mutants, print the table; 1 under the bar or with stale entries."""
    parser = argparse.ArgumentParser(prog="python -m tests.programs.mutation", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="files of streams/core; all without any")
    parser.add_argument("--survivors", action="store_true", help="keep what is killed, try the survivors again")
    parser.add_argument("--work", type=Path, default=WORK, help="where the copies lie (default: .mutation)")
    asked = parser.parse_args()
    modules = chosen(asked.paths)
    started = time.monotonic()
    copies = asked.work / "functions", asked.work / "declarations"
    prepare(asked.work, copies, survivors=asked.survivors)
    declarations.check(copies[1])
    functions.run(copies[0], modules, survivors=asked.survivors)
    declarations.run(copies[1], modules, survivors=asked.survivors)
    mutants = [*functions.read(copies[0], modules), *declarations.read(copies[1], modules)]
    passed = report(modules, mutants, equivalents(modules))
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if passed else 1


def chosen(paths: Sequence[Path]) -> list[str]:
    """The modules of the core that were asked for."""
    core = tree.ROOT / "streams/core"
    wanted = [path.resolve() for path in paths] or sorted(core.glob("[!_]*.py"))
    for path in wanted:
        if path.parent != core or not path.is_file():
            sys.exit(f"{path} is not a file of streams/core.")
    return [f"streams.core.{path.stem}" for path in wanted]


def prepare(work: Path, copies: tuple[Path, Path], *, survivors: bool) -> None:
    """Go on with the copies that are there, or make them anew when anything has changed."""
    stamp, digest = work / "digest", tree.digest(sys.version)
    if not (stamp.exists() and stamp.read_text(encoding="utf-8") == digest):
        if not survivors:
            for copy in copies:
                shutil.rmtree(copy, ignore_errors=True)
        tree.copy_to(copies[0], properties=True)
        stamp.write_text(digest, encoding="utf-8")
    tree.copy_to(copies[1], properties=False)  # always: a run that was killed leaves a mutant behind


def equivalents(modules: Sequence[str]) -> set[Identity]:
    """The mutants that are listed as telling no difference."""
    with (tree.HERE / "equivalent.toml").open("rb") as file:
        listed = tomllib.load(file).get("equivalent", [])
    assert all(entry["why"] for entry in listed)
    return {
        (entry["module"], entry["function"], entry["line"], entry["mutant"])
        for entry in listed
        if entry["module"] in modules
    }


def report(modules: Sequence[str], mutants: Sequence[Mutant], listed: set[Identity]) -> bool:
    """Print the survivors, what is stale and the table; True if the bar is reached and nothing is stale."""
    alive = {mutant.identity for mutant in mutants if mutant.outcome == SURVIVED}
    for mutant in mutants:
        if mutant.outcome not in {KILLED, TIMEOUT} and mutant.identity not in listed:
            print(f"\n{mutant.outcome or 'not tried'}: {mutant.module} {mutant.function}  [{mutant.name}]")
            print(f"  - {mutant.line}\n  + {mutant.mutant}")
    stale = sorted(listed - alive)
    for entry in stale:
        print("\nstale in equivalent.toml (gone, or killed):", *entry, sep="\n  ")
    print(f"\n{'module':<26} mutants  killed timeout survived equivalent   score")
    for module in modules:
        print(row(module, [mutant for mutant in mutants if mutant.module == module], listed))
    print(row("all", mutants, listed))
    score = caught(mutants) / len(mutants) if mutants else 1.0
    told = [mutant for mutant in mutants if mutant.identity not in listed or mutant.outcome != SURVIVED]
    print(f"\nkilled / all: {score:.2%}; without the equivalent ones: {caught(told) / (len(told) or 1):.2%}")
    return score >= BAR and not stale and all(mutant.outcome for mutant in mutants)


def row(name: str, mutants: Sequence[Mutant], listed: set[Identity]) -> str:
    """One line of the table; of the survivors those that are listed as equivalent are counted apart."""
    killed, timeout = (sum(mutant.outcome == outcome for mutant in mutants) for outcome in (KILLED, TIMEOUT))
    survivors = [mutant for mutant in mutants if mutant.outcome == SURVIVED]
    equivalent = sum(mutant.identity in listed for mutant in survivors)
    score = f"{caught(mutants) / len(mutants):.1%}" if mutants else "-"
    return f"{name:<26} {len(mutants):>7} {killed:>7} {timeout:>7} {len(survivors):>8} {equivalent:>10} {score:>7}"


def caught(mutants: Sequence[Mutant]) -> int:
    """How many were noticed."""
    return sum(mutant.outcome in {KILLED, TIMEOUT} for mutant in mutants)


if __name__ == "__main__":
    sys.exit(main())
