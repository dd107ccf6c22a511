"""Programs in a terminal of some width, as a person sees them."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from typing import NamedTuple

_ORDERS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_LINE_BREAK = re.compile(r"\r\n|\n|\r|\x1b\[2K")  # what erases a line or begins it anew shows another one


class Screen(NamedTuple):
    """Every line that was ever shown, without its colours; and what came, with them."""

    lines: list[str]
    raw: str
    exit_code: int

    def too_wide(self, columns: int) -> list[str]:
        """Lines of several words that the terminal had to break."""
        return [line for line in self.lines if len(line) > columns and " " in line.strip()]

    def cut(self) -> list[str]:
        """Lines of which a part is not shown; more arguments than one are written with dots, too."""
        dots = ("\N{HORIZONTAL ELLIPSIS}", "...")
        return [line for line in self.lines if line.endswith(dots) and not line.endswith("[ARGS]...")]


def in_terminal(command: Sequence[str], columns: int, environment: Mapping[str, str]) -> Screen:
    """Run a program to its end in a terminal that is so wide."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    left_out = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    with subprocess.Popen(
        command, stdin=its, stdout=its, stderr=its, env=inherited | {"TERM": "xterm-256color"} | dict(environment)
    ) as process:
        os.close(its)
        came = b""
        while more := _read(ours):
            came += more
    os.close(ours)
    raw = came.decode()
    return Screen([_ORDERS.sub("", line).rstrip() for line in _LINE_BREAK.split(raw)], raw, process.returncode)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # its last user has closed it
        return b""
