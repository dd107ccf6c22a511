"""What can go wrong, in sentences that say what to do."""

import errno
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import isodate

_WHY_UNREADABLE = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "there is no such file",
    errno.EISDIR: "it is a folder",
    errno.EACCES: "this user may not read it",
    errno.ENAMETOOLONG: "no file has so long a name",
}
_WHY_UNWRITABLE = {
    errno.EEXIST: "it is a file",
    errno.ENOTDIR: "a part of its path is a file",
    errno.EACCES: "this user may not write there",
    errno.ENOSPC: "the disk is full",
}
_LIMITS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
_KINDS = {"int": "a whole number", "float": "a number", "finite": "a number", "bool": "true or false",
          "time": "a duration like PT10S or P90D"}  # fmt: skip


class ConfigurationError(Exception):
    """Something must be set right before the checker can start: exit code 2, nothing was read."""


class InDoubt(Exception):
    """The outcome of a write is unknown, or another worker took over: end, and let the next owner read what is true."""


class StateUnreadable(Exception):
    """A record of the checker's own state cannot be trusted: refuse to go on, with its exact place."""


class BrokerUnavailable(Exception):
    """The embedded Kafka cannot be started here: the message says why and what helps."""


def sentence_of(error: BaseException) -> str:
    """What an error says, with its kind where it says little."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def why_unreadable(error: OSError | UnicodeDecodeError) -> str:
    """Why a file cannot be read, in words."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return _WHY_UNREADABLE.get(error.errno or 0) or error.strerror or "it cannot be opened"


def why_unwritable(error: OSError) -> str:
    """Why a folder cannot be written to, in words."""
    return _WHY_UNWRITABLE.get(error.errno or 0) or error.strerror or "it cannot be written to"


def what_it_must_be(kind: str, context: Mapping[str, Any]) -> str | None:
    """What a value must be to be taken, by the kind of pydantic's error; None where the error says it better."""
    if limit := next((name for name in _LIMITS if name in context), None):
        return f"it must be {_LIMITS[limit]} {_written(context[limit])}"
    if kind == "literal_error":
        return f"it must be {str(context['expected']).replace(chr(39), '')}"
    if kind == "string_too_long":
        return f"it must have at most {context['max_length']} characters"
    asked = _KINDS.get(kind.split("_", maxsplit=1)[0])
    return f"it must be {asked}" if asked else None


def _written(limit: Any) -> str:
    return isodate.duration_isoformat(limit) if isinstance(limit, timedelta) else str(limit)
