"""A Java process under a guard: it never outlives us, not even when we are killed."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from streams.broker import guard
from streams.errors import BrokerUnavailable


class GuardedProcess:
    """One running program. `pid` is the program's own, not the guard's."""

    def __init__(self, command: list[str], *, folder: Path, console: Path, remove_folder: Path | None) -> None:
        """Start it in `folder`, its output into `console`. If we vanish, the guard removes `remove_folder`.

        Raises BrokerUnavailable.
        """
        # -I -S: the guard needs the standard library only, and should start at once.
        script = [sys.executable, "-I", "-S", guard.__file__, str(os.getpid()), str(remove_folder or "")]
        with console.open("ab") as output:
            self._guard = subprocess.Popen(
                [*script, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                cwd=folder,
                # Java reads non-ASCII paths only under a UTF-8 locale.
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                start_new_session=True,  # a Ctrl-C in the terminal is for us: we stop the broker in order
            )
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if not line:
            self.wait(None)
            raise BrokerUnavailable(f"{command[0]} could not be started: see {console}.")
        self.pid = int(line)

    def exit_code(self) -> int | None:
        """None while the program runs; 128 + N if signal N ended it."""
        return self._guard.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program, unless it has ended."""
        if self.exit_code() is None:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(self.pid, number)

    def wait(self, seconds: float | None) -> int:
        """Wait for the end, kill the program if that takes too long, and return the exit code."""
        try:
            self._guard.wait(seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._guard.wait()
        for pipe in (self._guard.stdin, self._guard.stdout):
            assert pipe is not None
            pipe.close()
        return self._guard.returncode
