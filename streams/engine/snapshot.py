"""What the state and coverage topics of one partition say: rows, books and coverage as its last commit left them."""

import asyncio
from bisect import bisect
from collections.abc import AsyncIterator, Iterable
from typing import Any

import orjson
from aiokafka import TopicPartition

from streams.core.books import Book, account
from streams.core.deadlines import Deadlines
from streams.core.decide import first_look
from streams.core.row import Status
from streams.core.rules import Rules
from streams.engine.rows import PackedRows
from streams.errors import StateUnreadable
from streams.records.coverage import Coverage, read_coverage
from streams.records.events import read_book
from streams.records.record import KafkaRecord, UnreadableOffsets
from streams.records.state import STATE_BEGINS, read_outline

YIELD_EVERY, SORT_AT_ONCE = 500, 20_000  # rows: heartbeats go on meanwhile
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)


class Restored:
    """Filled record by record. Of a report's many records only the last one counts, and only that is looked into.

    `state` and `coverage`: the partitions that the records come from.
    """

    def __init__(self, state: TopicPartition, coverage: TopicPartition) -> None:
        self._state, self._coverage = state, coverage
        self.rows = PackedRows()
        self.books: dict[str | None, Book] = {}
        self.coverage: Coverage | None = None
        self.pending: list[str] = []  # known after `deadlines`: the reports that wait, in the order of their arrival
        self._last: dict[bytes, KafkaRecord] = {}

    @property
    def has_rows(self) -> bool:
        """True if the state topic keeps any row."""
        return bool(self._last or len(self.rows))

    def take(self, tp: TopicPartition, records: Iterable[KafkaRecord]) -> None:
        """Take the next records of one of the two topics. Raises StateUnreadable, with the record's place."""
        take = self._take_state if tp == self._state else self._take_coverage
        for record in records:
            try:
                take(record)
            except UNREADABLE as error:
                raise _unreadable(tp, record, error) from None

    async def deadlines(self, rules: Rules) -> Deadlines:
        """All rows and their deadline index, once both topics are read to their ends. Raises StateUnreadable."""
        deadlines = Deadlines()
        waiting: list[tuple[float, str]] = []
        found = dict.fromkeys(set(Status) - {Status.ERASED}, 0)  # most of those have no row any more
        for number, key in enumerate(list(self._last)):
            record = self._last.pop(key)
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            try:
                row = read_outline(record.value or b"")
            except UNREADABLE as error:
                raise _unreadable(self._state, record, error) from None
            self.rows.restore(row.report_id, record.value or b"")
            if account(row) is not None:
                found[row.status] += 1
            if row.status is Status.PENDING and row.sent is not None:
                waiting.append((row.sent.arrived.timestamp(), row.report_id))
            at = first_look(row, rules.limits)
            if at is not None:
                deadlines.add(at, row.report_id)
        self._ensure_books_agree(found)
        self.pending = [report_id async for _, report_id in _in_order(waiting)]
        return deadlines

    def _take_state(self, record: KafkaRecord) -> None:
        key, value = record.key or b"", record.value
        if isinstance(record, UnreadableOffsets):
            raise ValueError("a batch that cannot be read")
        if value is None:
            self._last.pop(key, None)
        elif value.startswith(STATE_BEGINS + key):
            self._last[key] = record
        else:
            raise ValueError("not a state record of this version")

    def _take_coverage(self, record: KafkaRecord) -> None:
        value: dict[str, Any] = orjson.loads(record.value or b"")
        if value["kind"] == "coverage":
            self.coverage = read_coverage(value)
        else:
            municipality, book = read_book(value)
            self.books[municipality] = book

    def _ensure_books_agree(self, found: dict[Status, int]) -> None:
        """The rows must be those that the books count: both were written in the same transactions."""
        for status, rows in found.items():
            counted = sum(getattr(book, status) for book in self.books.values())
            if rows != counted:
                raise StateUnreadable(
                    f"Partition {self._state.partition}: the state has {rows} {status} rows, but the books "
                    f"count {counted}: rows were lost or added; restore the topic, or check anew under another "
                    "MELDINGSVAKT_APP_ID."
                )


async def _in_order(waiting: list[tuple[float, str]]) -> AsyncIterator[tuple[float, str]]:
    """Sorted, a piece at a time: a million in no order would take seconds at a stretch."""
    ends = sorted(waiting[::SORT_AT_ONCE])
    pieces: list[list[tuple[float, str]]] = [[] for _ in range(len(ends) + 1)]
    for number, one in enumerate(waiting):
        if number % YIELD_EVERY == 0:
            await asyncio.sleep(0)
        pieces[bisect(ends, one)].append(one)
    for piece in pieces:
        await asyncio.sleep(0)
        for one in sorted(piece):
            yield one


def _unreadable(tp: TopicPartition, record: KafkaRecord, error: Exception) -> StateUnreadable:
    return StateUnreadable(
        f"{tp.topic}-{tp.partition} offset {record.offset} is no record of this checker "
        f"({type(error).__name__}): start anew under another application id (MELDINGSVAKT_APP_ID) if another version "
        "wrote it, else restore the topic."
    )
