"""What the state and coverage topics of one partition say: rows, books and coverage as its last commit left them."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson
from aiokafka import ConsumerRecord

from streams.core.books import Book, account
from streams.core.checker import Rules
from streams.core.deadlines import Deadlines
from streams.core.decide import next_look
from streams.core.row import Row, Status
from streams.engine.codec import read_book
from streams.engine.coverage import Coverage, read_coverage
from streams.engine.rows import PackedRows
from streams.engine.state import STATE_BEGINS, read_outline
from streams.errors import StateUnreadable

YIELD_EVERY = 500  # rows: heartbeats go on meanwhile
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


class Restored:
    """Filled record by record. Of a report's many records only the last one counts, and only that is looked into."""

    def __init__(self) -> None:
        self.rows = PackedRows()
        self.books: dict[str | None, Book] = {}
        self.coverage: Coverage | None = None
        self._last: dict[bytes, ConsumerRecord] = {}

    @property
    def has_rows(self) -> bool:
        """True if the state topic keeps any row."""
        return bool(self._last or len(self.rows))

    def take(self, records: Iterable[ConsumerRecord], *, is_state: bool) -> None:
        """Take the next records of one of the two topics. Raises StateUnreadable, with the record's place."""
        for record in records:
            try:
                if is_state:
                    self._take_state(record)
                else:
                    self._take_coverage(orjson.loads(record.value))
            except UNREADABLE as error:
                raise _unreadable(record, error) from None

    async def deadlines(self, rules: Rules, partition: int) -> Deadlines:
        """All rows and their deadline index, once both topics are read to their ends. Raises StateUnreadable."""
        looks: list[tuple[datetime, str]] = []
        found = dict.fromkeys(Status, 0)
        for number, (key, record) in enumerate(self._last.items()):
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            row = _outline(record)
            self.rows.restore(key.decode(), record.value)
            if account(row) is not None:
                found[row.status] += 1
            at = next_look(row, rules.limits)
            if at is not None:
                looks.append((at, row.report_id))
        self._last = {}
        self._check_books(found, partition)
        return Deadlines(looks)

    def _take_state(self, record: ConsumerRecord) -> None:
        value = record.value
        if value is None:
            self._last.pop(record.key, None)
        elif value.startswith(STATE_BEGINS + record.key):
            self._last[record.key] = record
        else:
            raise ValueError("not a state record of version 1")

    def _take_coverage(self, value: dict[str, Any]) -> None:
        if value["kind"] == "coverage":
            self.coverage = read_coverage(value)
        else:
            municipality, book = read_book(value)
            self.books[municipality] = book

    def _check_books(self, found: dict[Status, int], partition: int) -> None:
        """The rows must be those that the books count: both were written in the same transactions."""
        for status in Status:
            counted = sum(getattr(book, status) for book in self.books.values())
            if found[status] != counted:
                raise StateUnreadable(
                    f"Partition {partition}: the state has {found[status]} {status} rows, but the books count "
                    f"{counted}: rows were lost or added; restore the topic, or check anew under another "
                    "MELDINGSVAKT_APP_ID."
                )


def _outline(record: ConsumerRecord) -> Row:
    try:
        return read_outline(record.value)
    except UNREADABLE as error:
        raise _unreadable(record, error) from None


def _unreadable(record: ConsumerRecord, error: Exception) -> StateUnreadable:
    return StateUnreadable(
        f"{record.topic}-{record.partition} offset {record.offset} is no record of this checker "
        f"({type(error).__name__}): do not go on; restore the topic, or check anew under another MELDINGSVAKT_APP_ID."
    )
