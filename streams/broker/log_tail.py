"""The one line of a broker's log that says what went wrong."""

import re
from pathlib import Path

# `org.apache.kafka.common.config.ConfigException: Invalid value ...`, as the first line of a stack trace
THROWN = re.compile(r"^[\w.$]*\w(Exception|Error): (?P<why>.+)")
# `Error occurred during initialization of VM` and the like: Java's own complaints follow or carry such words
COMPLAINT = re.compile(r"\b(ERROR|FATAL|Error|Invalid|Unrecognized|Could not|Too small)\b")


def last_words(console: Path, log: Path, log_start: int, exit_code: int | None) -> str:
    """Look for a fatal exception, else for any complaint; `log_start` (bytes) is where this start's log begins."""
    lines = [*new_lines(console), *new_lines(log, log_start)]
    thrown = [match["why"] for line in lines if (match := THROWN.match(line))]
    complaints = [line for line in lines if COMPLAINT.search(line)]
    if thrown or complaints:
        return (thrown[:1] or complaints[-1:])[0].strip().rstrip(".")
    if exit_code is not None and exit_code > 128:
        return f"signal {exit_code - 128} ended it"
    return f"the last thing it said: {lines[-1].strip()}" if lines else "it said nothing"


def new_lines(path: Path, start: int = 0) -> list[str]:
    """The lines of a log file from byte `start` on; none if there is no such file."""
    if not path.exists():
        return []
    return path.read_bytes()[start:].decode(errors="replace").splitlines()
