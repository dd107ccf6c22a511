"""The guard: whatever ends the parent ends the program, too. Tried with small programs instead of a broker."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.broker import BrokerUnavailable
from streams.broker.process import GuardedProcess
from tests.broker.conftest import gone, wait_until

# Whoever started the tests may ignore these signals (nohup does, in the background): that would be inherited.
PARENT = """
import os, signal, sys, time
from pathlib import Path
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
from streams.broker.process import GuardedProcess
folder = Path(sys.argv[1])
program = GuardedProcess(["sleep", "60"], folder=folder, console=folder / "console", remove_folder=folder)
if sys.argv[2:] == ["forks"] and not os.fork():
    time.sleep(60)  # holds the pipe to the guard open
print(program.pid, flush=True)
time.sleep(60)
"""


def start(folder: Path, *command: str) -> GuardedProcess:
    """A program under guard."""
    return GuardedProcess(list(command), folder=folder, console=folder / "console", remove_folder=None)


@contextmanager
def parent(folder: Path, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A Python process of our own that guards a program; yields it and the program's process id."""
    folder.mkdir()
    command = [sys.executable, "-c", PARENT, str(folder), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        try:
            yield process, int(process.stdout.readline())
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_program_and_its_folder_go_with_the_parent(tmp_path: Path, how: signal.Signals) -> None:
    with parent(tmp_path / "run") as (process, program):
        assert not gone(program)
        process.send_signal(how)
        assert wait_until(lambda: gone(program))
        assert wait_until(lambda: not (tmp_path / "run").exists())


def test_a_fork_of_the_parent_does_not_keep_the_program_alive(tmp_path: Path) -> None:
    with parent(tmp_path / "run", "forks") as (process, program):
        process.kill()
        assert wait_until(lambda: gone(program))


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help exists on Linux only")
def test_the_program_goes_with_a_killed_guard(tmp_path: Path) -> None:
    program = start(tmp_path, "sleep", "60")
    program._guard.kill()
    assert wait_until(lambda: gone(program.pid))
    program.wait(None)


def test_the_exit_code_is_the_programs_own(tmp_path: Path) -> None:
    assert start(tmp_path, "sh", "-c", "exit 7").wait(None) == 7
    assert start(tmp_path, "sh", "-c", "kill -9 $$").wait(None) == 137


def test_a_stop_signal_reaches_the_program(tmp_path: Path) -> None:
    program = start(tmp_path, "sleep", "60")
    program.signal(signal.SIGTERM)
    assert program.wait(10) == 128 + signal.SIGTERM


def test_a_deaf_program_is_killed_in_the_end(tmp_path: Path) -> None:
    program = start(tmp_path, "sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done")
    assert wait_until(lambda: (tmp_path / "console").read_text() == "deaf\n")
    program.signal(signal.SIGTERM)
    assert program.wait(0.2) == 137


def test_what_the_program_prints_is_kept(tmp_path: Path) -> None:
    assert start(tmp_path, "sh", "-c", "echo out; echo err >&2").wait(None) == 0
    assert (tmp_path / "console").read_text() == "out\nerr\n"


def test_a_program_that_prints_without_end_is_not_stopped_by_a_full_pipe(tmp_path: Path) -> None:
    assert start(tmp_path, "sh", "-c", "head -c 1000000 /dev/zero").wait(20) == 0


def test_a_program_that_cannot_be_started_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match="nowhere could not be started"):
        start(tmp_path, str(tmp_path / "nowhere"))
