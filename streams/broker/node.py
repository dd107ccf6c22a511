"""One Kafka broker, which can be stopped, killed, paused and started again."""

import signal
from pathlib import Path

from streams.broker.log_tail import last_words, new_lines
from streams.broker.ports import Ports
from streams.broker.process import GuardedProcess
from streams.errors import BrokerUnavailable

BROKER_STOP_SECONDS = 20


class Node:
    """One broker. `pid` is that of the Java process, None while it does not run."""

    def __init__(
        self, node_id: int, ports: Ports, folder: Path, command: list[str], *, remove_folder: Path | None
    ) -> None:
        self.node_id = node_id
        self.ports = ports
        self.folder = folder
        self.paused = False
        self._command = command
        self._remove_folder = remove_folder
        self._process: GuardedProcess | None = None
        self._log_start = 0

    @property
    def log_file(self) -> Path:
        """Where this broker writes its log."""
        return self.folder / "server.log"

    @property
    def console_file(self) -> Path:
        """Where Java itself complains."""
        return self.folder / "console.log"

    @property
    def pid(self) -> int | None:
        """The process id of the Java process, None while it does not run."""
        return self._process.pid if self._process is not None and self.running() else None

    def start(self) -> None:
        """Start the process; it is not ready yet when this returns. Raises BrokerUnavailable."""
        if self.running():
            raise BrokerUnavailable(f"Broker {self.node_id} runs already: stop or kill it first.")
        self._release()
        self.console_file.unlink(missing_ok=True)
        self._log_start = self.log_file.stat().st_size if self.log_file.exists() else 0
        self.paused = False
        self._process = GuardedProcess(
            self._command, folder=self.folder, console=self.console_file, remove_folder=self._remove_folder
        )

    @property
    def started(self) -> bool:
        """True from start to stop or kill, even if the process has ended by itself."""
        return self._process is not None

    def running(self) -> bool:
        """True while the process lives, paused or not."""
        return self._process is not None and self._process.exit_code() is None

    def stop(self) -> None:
        """End it in order (SIGTERM); what does not end in time is killed."""
        self.resume()
        self._signal(signal.SIGTERM)
        self._release(BROKER_STOP_SECONDS)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._signal(signal.SIGKILL)
        self._release()

    def pause(self) -> None:
        """Let it hang (SIGSTOP)."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)
        self.paused = False

    def last_words(self) -> str:
        """Why it did not start or live on: the telling line of its log since the last start."""
        code = self._process.exit_code() if self._process is not None else None
        return last_words(self.console_file, self.log_file, self._log_start, code)

    def save_log(self, target: Path) -> None:
        """Copy what Java and the broker wrote since the last start."""
        target.write_text("\n".join([*new_lines(self.console_file), *new_lines(self.log_file, self._log_start), ""]))

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.signal(number)

    def _release(self, seconds: float | None = None) -> None:
        if self._process is not None:
            self._process.wait(seconds)
            self._process = None
