"""`python -m tests.parts PART…`: make parts of the Makefile one after the other, whatever each of them ends with.

With --beside, one more is made at the same time, with less of the processor; what it says is shown when it has ended.
The last line tells what passed and what failed, in how many seconds, as pytest does for one run. Exits with 1 if any
part failed.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from threading import Thread
from typing import Any, NamedTuple

import psutil

MAKE = (os.environ.get("MAKE", "make"), "--no-print-directory")
# The last line of pytest: === 1 failed, 3 passed in 4.56s ===
SUMMARY = re.compile(r"^=+ (\d+ .+) in [\d.]+s.* =+$")
FIRST = ("failed", "error", "passed")  # in pytest's order
STEP_BACK = ("nice", "-n", "10")


class Ended(NamedTuple):
    """How a part ended: its exit code, and the tests in it by outcome."""

    part: str
    code: int
    seconds: float
    tests: Counter[str]

    def __str__(self) -> str:
        return f"{self.part} {'FAILED' if self.code else 'passed'} ({self.seconds:.0f} s)"


class Making:
    """A part while it is made."""

    def __init__(self, part: str, *, aside: bool = False) -> None:
        self._part, self._aside = part, aside
        self._lines: list[str] = []
        self._began = self._ended = time.monotonic()
        command = [*(STEP_BACK if aside else ()), *MAKE, part]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def ended(self) -> Ended:
        """Wait for its end, and show what has not been shown."""
        code = self._process.wait()
        self._reader.join()
        if self._aside:
            sys.stdout.writelines(self._lines)
        return Ended(self._part, code, self._ended - self._began, counted(self._lines))

    def _read(self) -> None:
        for line in self._process.stdout or ():
            self._lines.append(line)
            if not self._aside:
                print(line, end="", flush=True)
        self._ended = time.monotonic()


def counted(lines: Iterable[str]) -> Counter[str]:
    """How many tests passed, failed and so on, by pytest's last line."""
    told = [found[1] for line in lines if (found := SUMMARY.match(line.rstrip()))]
    tests: Counter[str] = Counter()
    for number, word in re.findall(r"(\d+) ([a-z]+)", told[-1] if told else ""):
        tests[word.removesuffix("s") if word == "errors" else word] += int(number)
    return tests


def summary(ended: Sequence[Ended], seconds: float) -> str:
    """The last line: === 1 failed, 3 passed in 4.56s (0:00:04): check passed (3 s), tests FAILED (1 s) ==="""
    tests = sum((one.tests for one in ended), Counter())
    words = [word for word in FIRST if tests[word]] + sorted(tests.keys() - set(FIRST))
    counts = ", ".join(f"{tests[word]} {word}" for word in words) or "no tests"
    clock = f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"
    return f"=== {counts} in {seconds:.2f}s ({clock}): {', '.join(str(one) for one in ended)} ==="


def make(parts: Sequence[str], beside: str | None) -> int:
    """Make them all; 1 if any failed."""
    began = time.monotonic()
    aside = Making(beside, aside=True) if beside else None
    ended = [Making(part).ended() for part in parts]
    if aside:
        ended.insert(0, aside.ended())
    print(summary(ended, time.monotonic() - began), flush=True)
    return int(any(one.code for one in ended))


def _end(*_: Any) -> None:
    sys.exit(128 + signal.SIGTERM)


def main() -> int:
    """0 when every part passed."""
    parser = argparse.ArgumentParser(prog="python -m tests.parts", description=__doc__)
    parser.add_argument("parts", nargs="+", metavar="PART", help="a target of the Makefile")
    parser.add_argument("--beside", metavar="PART", help="made at the same time")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, _end)
    try:
        return make(given.parts, given.beside)
    finally:
        for left in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                left.terminate()


if __name__ == "__main__":
    sys.exit(main())
