"""A script: what arrives when, and what is true of every report in it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, NamedTuple

import orjson

from streams.core.events import written

Topic = Literal["sent", "receipt", "stored", "feed"]
Expected = Literal["stored", "missing", "recovered", "pending"]
Reason = Literal["no_receipt", "receipted_not_stored", "rejected", "transport_failed", "stored_elsewhere"]
Cause = Literal["stored_late", "confirmed_late"]
Course = Literal["silent_feed", "letter", "service"]


class ScriptLine(NamedTuple):
    """One record: when it arrives (UTC), on which topic, with which value (JSON types only).

    A mark of a feed, which belongs to every partition of the proofs, has the topic `feed`.
    """

    at: datetime
    topic: Topic
    value: dict[str, Any]

    def encoded(self) -> bytes:
        """The line as NDJSON, newline included."""
        mark = self.topic == "feed"
        line = {"at": written(self.at), **(self.value if mark else {"topic": self.topic, "value": self.value})}
        return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


class Truth(NamedTuple):
    """What is true of one report. `reason`: of a missing or recovered one; `cause`: of a recovered one.

    `lost_again`: how often it was sent again after an alarm, and lost again. `course`: what was peculiar to its way: it
    was undetermined while its feed was silent, a letter followed a refusal, or another member of a service stored it.
    """

    report_id: str
    municipality: str
    outcome: Expected
    reason: Reason | None = None
    cause: Cause | None = None
    lost_again: int = 0
    course: Course | None = None

    def encoded(self) -> bytes:
        """The truth as NDJSON, newline included."""
        return orjson.dumps(self._asdict(), option=orjson.OPT_APPEND_NEWLINE)


def encoded_tick(at: datetime) -> bytes:
    """A line on which only time passes, newline included."""
    return orjson.dumps({"at": written(at), "tick": True}, option=orjson.OPT_APPEND_NEWLINE)


def read_lines(encoded: Iterable[bytes]) -> Iterator[ScriptLine]:
    """Script lines from NDJSON; ticks and empty lines are passed over."""
    for text in encoded:
        if text.strip() and "tick" not in (line := orjson.loads(text)):
            at = datetime.fromisoformat(line.pop("at"))
            yield ScriptLine(at, "feed", line) if "feed" in line else ScriptLine(at, line["topic"], line["value"])


def read_truth(encoded: Iterable[bytes]) -> Iterator[Truth]:
    """Truths from NDJSON."""
    return (Truth(**orjson.loads(text)) for text in encoded if text.strip())
