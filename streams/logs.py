"""Log lines: text for people, or one JSON object a line. Neither holds anything that a record said."""

import logging
import logging.config
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from streams.settings import Settings

TEXT = "[%(asctime)s] [%(process)s] [%(levelname)s] %(message)s"
# What a log call of ours may add by `extra`; a library's own extras are left out, because they may hold anything.
FIELDS = ("partition", "cause")
# At DEBUG it prints requests and answers with the records in them, at INFO every metadata update.
QUIET = {"aiokafka": "WARNING"}

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class TextFormatter(logging.Formatter):
    """As ever, but a traceback shows where and what kind of error: what it says could quote a record."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - the name is logging's
        """The kinds of an error and of its causes, and the frames that led to it."""
        _, error, _ = ei
        lines: list[str] = []
        while error is not None:
            frames = traceback.extract_tb(error.__traceback__)
            lines += [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
            lines.append(type(error).__name__)
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n".join(lines)


class JsonFormatter(TextFormatter):
    """One JSON object a line: time (UTC), level, logger, message, and what else is known."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        more = {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            more["error"] = self.formatException(record.exc_info)
        time = datetime.fromtimestamp(record.created, UTC)
        return json_line(record.levelname, record.getMessage(), record.name, time, process=record.process, **more)


def json_line(level: str, message: str, logger: str = "meldingsvakt", time: datetime | None = None, **more: Any) -> str:
    """A log line as JSON."""
    stamp = (time or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"time": stamp, "level": level, "logger": logger, "message": message} | more
    return orjson.dumps(line, default=str).decode()


def in_json() -> bool:
    """True if what is said goes to a machine: also what is said before the settings could be read."""
    return os.environ.get("MELDINGSVAKT_LOG_FORMAT") == "json"


def logging_config(settings: Settings) -> dict[str, Any]:
    """For `logging.config.dictConfig`: everything, the libraries' lines too, to standard error."""
    formatter = {"text": {"()": TextFormatter, "format": TEXT}, "json": {"()": JsonFormatter}}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"default": formatter[settings.log_format]},
        "handlers": {"default": {"class": "logging.StreamHandler", "formatter": "default"}},
        "loggers": {name: {"level": level} for name, level in QUIET.items()},
        "root": {"level": settings.log_level, "handlers": ["default"]},
    }


def set_up_logging(settings: Settings, *, library: bool = True) -> None:
    """For a command; the worker hands `logging_config` to Faust. Warnings become log lines, too.

    Without `library` the client library says nothing: what it would say is in a command's own sentence.
    """
    logging.captureWarnings(True)
    logging.config.dictConfig(logging_config(settings))
    if not library:
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
