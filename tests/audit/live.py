"""What the live checker says of a log: the reference of the audit."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from streams.commands.replay import PlayedLine, Replay
from streams.core.events import Event
from streams.core.row import Row
from streams.core.rules import Rules
from streams.records.decode import FEED_HEADER
from streams.records.record import Record


class Said(NamedTuple):
    """All that the checker knows and has announced, how many reports it has counted as sent, and which feeds vouch."""

    rows: dict[str, Row]
    events: list[Event]
    sent: int
    vouching: frozenset[str]

    def about(self) -> dict[str, list[Event]]:
        """The events by report id."""
        found: dict[str, list[Event]] = {}
        for event in self.events:
            found.setdefault(event.report_id, []).append(event)
        return found


def live(records: Iterable[Record], until: datetime, rules: Rules) -> Said:
    """Replay records in the order of the log; before each, everything until then is complete."""
    replay = Replay(rules)
    events = list(replay.run(map(_line, records), until))
    checker = replay.checker
    vouching = frozenset(feed for feed, word in checker.sight.feeds.words.items() if word.vouched_until is not None)
    return Said({row.report_id: row for row in checker.rows}, events, checker.books.total().sent, vouching)


def _line(record: Record) -> PlayedLine:
    feed = record.header(FEED_HEADER)
    if feed is not None:
        return PlayedLine(record.place.arrived, "feed", record.value, feed)
    return PlayedLine(record.place.arrived, record.kind, record.value, record.key)
