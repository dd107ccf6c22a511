"""One Kafka process and its guard."""

import signal
import subprocess
import sys
from contextlib import suppress
from os import kill
from pathlib import Path

from streams.broker import guard
from streams.broker.errors import BrokerUnavailable

STOP_SECONDS = 20


class Node:
    """One broker. `pid` is that of the Java process, None while it does not run."""

    def __init__(self, node_id: int, folder: Path, command: list[str], *, remove_folder: Path | None) -> None:
        self.node_id = node_id
        self.folder = folder
        self.pid: int | None = None
        self._command = command
        self._remove_folder = remove_folder
        self._guard: subprocess.Popen[bytes] | None = None

    @property
    def log_file(self) -> Path:
        """Where this broker writes its log."""
        return self.folder / "server.log"

    def start(self) -> None:
        """Start the process; it is not ready yet when this returns. Raises BrokerUnavailable."""
        remove = str(self._remove_folder) if self._remove_folder else ""
        with (self.folder / "console.log").open("ab") as console:
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, remove, *self._command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=console,
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if not line:
            raise BrokerUnavailable(f"Kafka could not be started: see {self.folder / 'console.log'}.")
        self.pid = int(line)

    def running(self) -> bool:
        """True while the process lives."""
        return self._guard is not None and self._guard.poll() is None

    def stop(self) -> None:
        """End it in order (SIGTERM); what does not end in time is killed."""
        if self.running():
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
        self._wait(STOP_SECONDS)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._signal(signal.SIGKILL)
        self._wait(STOP_SECONDS)

    def pause(self) -> None:
        """Let it hang (SIGSTOP)."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def last_words(self) -> str:
        """The last line of its log that says what went wrong, for an error message."""
        lines: list[str] = []
        for path in (self.folder / "console.log", self.log_file):
            if path.exists():
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        telling = [line for line in lines if "ERROR" in line or "FATAL" in line or "Exception" in line]
        return (telling or lines or ["it said nothing"])[-1].strip()

    def _signal(self, number: signal.Signals) -> None:
        if self.pid is not None and self.running():
            kill(self.pid, number)

    def _wait(self, seconds: float) -> None:
        if self._guard is None:
            return
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        with suppress(subprocess.TimeoutExpired):
            self._guard.wait(seconds)
        self._guard.stdin.close()  # the guard kills what is left
        self._guard.wait()
        self._guard.stdout.close()
        self._guard, self.pid = None, None
