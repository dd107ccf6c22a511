"""What each folder of tests took, beside what it may take: tests/budgets.toml says that."""

import os
import tomllib
from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

FILE = Path(__file__).parent / "budgets.toml"
# A machine that is busy with something else is no fault of the tests: where no test may be skipped, so much fails.
TIMES_TOO_MUCH = 3

FLOORS = ("system", "programs")  # whose folders count each for itself

Folder = tuple[str, str]  # which run it belongs to (test, long), and its name


class Spent(NamedTuple):
    """What a folder took in one of the runs."""

    run: str
    name: str
    seconds: float
    allowed: int | None

    @property
    def over(self) -> bool:
        """True if it took more than it may."""
        return self.allowed is None or self.seconds > self.allowed

    @property
    def far_over(self) -> bool:
        """True if no busy machine explains it."""
        return self.allowed is None or self.seconds > TIMES_TOO_MUCH * self.allowed

    def __str__(self) -> str:
        allowed = "no budget: give it one in tests/budgets.toml" if self.allowed is None else f"of {self.allowed:4} s"
        word = "  OVER" if self.over else ""
        return f"{self.name:12} {self.run:5} {self.seconds:7.1f} s {allowed}{word}"


def budgets() -> Mapping[Folder, int]:
    """Seconds by run and folder."""
    tables = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return {(run, name): seconds for run, table in tables.items() for name, seconds in table.items()}


def folder_of(nodeid: str) -> str:
    """The folder that a test counts for; those beside the folders count together."""
    folders = nodeid.partition("::")[0].split("/")[1:-1]
    while folders and folders[0] in FLOORS:
        del folders[0]
    return folders[0] if folders else "."


class Runs:
    """Notes on each report which run its test belongs to, in the process that ran it.

    A report's keywords are no mark: the names of folders are among them, and the project may lie in one called `long`.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Setup, call and teardown of a test."""
        report = yield
        report.__dict__["run"] = "long" if item.get_closest_marker("long") else "test"
        return report


class Budgets:
    """Adds up what the processes of a run report."""

    def __init__(self, allowed: Mapping[Folder, int]) -> None:
        self._allowed = allowed
        self._seconds: defaultdict[Folder, float] = defaultdict(float)

    def spent(self) -> Iterator[Spent]:
        """Each folder, in the order of their names."""
        for (run, name), seconds in sorted(self._seconds.items()):
            yield Spent(run, name, seconds, self._allowed.get((run, name)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Setup, call and teardown of a test."""
        run = getattr(report, "run", "test")  # whoever ran it may have died before it could be said
        self._seconds[run, folder_of(report.nodeid)] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail where a folder has outgrown its budget by far, and no test may be skipped."""
        if os.environ.get("TEST_NO_SKIPS") and any(one.far_over for one in self.spent()):
            session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Seconds by folder, where more than one was run or one is over."""
        spent = list(self.spent())
        if len(spent) < 2 and not any(one.over for one in spent):
            return
        terminalreporter.section("seconds by folder, of its budget")
        for one in spent:
            terminalreporter.line(str(one), yellow=one.over)
        total = sum(one.seconds for one in spent)
        terminalreporter.line(f"{'all':18} {total:7.1f} s in all processes together")
