"""What the live checker says of a log: the reference of the audit."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from streams.core.checker import Checker, MemoryRows
from streams.core.events import Event, Missing, Recovered
from streams.core.row import Row
from streams.core.rules import Rules
from streams.records.decode import take_in
from streams.records.record import Record


class Said(NamedTuple):
    """All that the checker knows and has announced."""

    rows: dict[str, Row]
    missing: dict[str, Missing]
    recovered: dict[str, Recovered]
    sent: int


def live(records: Iterable[Record], until: datetime, rules: Rules) -> Said:
    """Apply records in order of arrival; before each, everything until then is complete."""
    rows = MemoryRows()
    checker = Checker(rules, rows)
    events: list[Event] = []
    for record in records:
        for passed in checker.advance(record.place.arrived):
            events += passed.events
        fact = take_in(record, 262_144).fact
        if fact is not None:
            events += checker.apply(fact).events
    for passed in checker.advance(until):
        events += passed.events
    return Said(
        {row.report_id: row for row in rows},
        {event.report_id: event for event in events if isinstance(event, Missing)},
        {event.report_id: event for event in events if isinstance(event, Recovered)},
        checker.books.total().sent,
    )
