"""What the doctor says: one finding for each thing that is right, wrong or cannot be told, and what to do about it."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

PERMISSIONS = "see the findings about permissions"
TOPICS = "see the findings about topics"
BOOTSTRAP = '--bootstrap-server "$KAFKA_BROKERS"'


class FindingState(StrEnum):
    """How it stands. Only a fault breaks a guarantee or stops the checker."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """One line of the answer; `advice` is what to do, empty where nothing is; commands are in backticks."""

    check: str
    state: FindingState
    found: str
    advice: str = ""


def ok(check: str, found: str) -> Finding:
    """It is as it should be."""
    return Finding(check, FindingState.OK, found)


def warning(check: str, found: str, advice: str) -> Finding:
    """It works, but less well or less safely than it could."""
    return Finding(check, FindingState.WARNING, found, advice)


def fault(check: str, found: str, advice: str) -> Finding:
    """A guarantee does not hold, or the checker cannot work."""
    return Finding(check, FindingState.FAULT, found, advice)


def unknown(check: str, found: str, advice: str) -> Finding:
    """It could not be told, which is not the same as being right."""
    return Finding(check, FindingState.UNKNOWN, found, advice)


def unread(check: str, why: str, allow: str) -> Finding:
    """It could not be asked: either that is not allowed yet, or it may be answered another time."""
    return unknown(check, why, f"{allow}, and ask again" if is_forbidden(why) else "ask again in a moment")


def is_forbidden(why: str) -> bool:
    """True if it was the client's rights that were lacking."""
    return "authorization" in why.lower() or "may not" in why


def or_ok(check: str, findings: Iterable[Finding], found: str) -> Iterator[Finding]:
    """The findings, or one line that all is well."""
    several = list(findings)
    yield from several or [ok(check, found)]


def set_on_topic(topic: str, **values: str | int) -> str:
    """The command that sets a topic's settings; an underscore stands for a dot in their names."""
    pairs = ",".join(f"{name.replace('_', '.')}={_listed(str(value))}" for name, value in values.items())
    return f"`kafka-configs {BOOTSTRAP} --alter --topic {topic} --add-config {pairs}`"


def unset_on_topic(topic: str, name: str) -> str:
    """The command that takes a setting away from a topic."""
    return f"`kafka-configs {BOOTSTRAP} --alter --topic {topic} --delete-config {name}`"


def set_on_brokers(name: str, value: str | int) -> str:
    """The command that sets a setting for all brokers, where it can be changed while they run."""
    return f"`kafka-configs {BOOTSTRAP} --alter --entity-type brokers --entity-default --add-config {name}={value}`"


def in_server_properties(name: str, value: str | int) -> str:
    """What to do about a setting that a broker only reads when it starts."""
    return f"set `{name}={value}` in each broker's server.properties and restart the brokers one by one"


def in_words(numbers: Iterable[int]) -> str:
    """Partition numbers for a sentence; many are cut short."""
    several = sorted(set(numbers))
    shown = ", ".join(str(number) for number in several[:10])
    return shown + (f" and {len(several) - 10} more" if len(several) > 10 else "")


def _listed(value: str) -> str:
    return f"[{value}]" if "," in value else value
