"""Ways to break the engine on purpose. The suite must notice each of them, or it proves nothing."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from streams.core import feeds
from streams.core.facts import Receipt, ReceiptCode, Stored
from streams.engine import partition, processor, reading, source
from streams.errors import InDoubt
from streams.kafka import transaction
from streams.kafka.transaction import Writes

# What is replaced below, without its types: nothing of this is how the engine is meant to be used.
_transaction: Any = transaction
_transactions: Any = transaction.Transactions
_source: Any = source.Source
_partition: Any = partition.Partition
_processor: Any = processor.Processor
_reading: Any = reading.Reading
_feeds: Any = feeds.Feeds
REPLACED = (_transaction, _transactions, _source, _partition, _processor, _reading, _feeds)


def offsets_before_rows() -> None:
    """Positions are committed first, and what was written for them a moment later."""
    whole = _transactions.commit

    async def commit(self: Any, writes: Writes) -> None:
        positions = [write for write in writes.records if write.topic.endswith(".coverage")]
        rest = [write for write in writes.records if not write.topic.endswith(".coverage")]
        await whole(self, Writes(writes.partition, positions, writes.offsets))
        await asyncio.sleep(0.2)
        await whole(self, Writes(writes.partition, rest, writes.offsets))

    _transactions.commit = commit


def batch_futures_ignored() -> None:
    """Nobody asks what became of the batches: the commit goes through without them."""

    async def append(self: Any, records: list[Any]) -> None:
        producer, sent = self._producer, []
        by_place: dict[tuple[str, int], list[Any]] = {}
        for record in records:
            by_place.setdefault((record.topic, record.partition), []).append(record)
        for (topic, number), some in by_place.items():
            for batch in self._batches(some):
                sent.append(await producer.send_batch(batch, topic, partition=number))
        await asyncio.gather(*sent, return_exceptions=True)

    _transactions._append = append


class _Patient:
    """asyncio without a time limit, which would end a sleeper before its missing fence matters."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    @contextlib.asynccontextmanager
    async def timeout(_seconds: float) -> AsyncIterator[None]:
        yield


def fencing_skipped() -> None:
    """Every producer has a transactional id of its own, and another one after an error: nobody fences anybody."""
    _start_anew_after_errors(of_its_own=True)


def fenced_worker_fences_back() -> None:
    """A worker that was fenced takes the transactional id back and writes on."""
    _start_anew_after_errors(of_its_own=False)


def _start_anew_after_errors(*, of_its_own: bool) -> None:
    _transaction.asyncio = _Patient()
    start, whole, arguments = _transactions.__init__, _transactions.commit, {}

    def init(self: Any, *given: Any) -> None:
        start(self, *given)
        arguments[id(self)] = given
        if of_its_own:
            self._producer._txn_manager.transactional_id += f"-{secrets.token_hex(4)}"

    async def commit(self: Any, writes: Writes) -> None:
        while True:
            try:
                await whole(self, writes)
                return
            except InDoubt:
                init(self, *arguments[id(self)])
                await self.fence()

    _transactions.__init__ = init
    _transactions.commit = commit


def fetch_position_taken_as_applied() -> None:
    """What was fetched counts as done, though some of it waits for the other inputs."""
    whole = _processor._pass_marks

    def pass_marks(self: Any, one: Any) -> None:
        whole(self, one)
        self.coverage.applied[one.topic].next_offset = one.next_offset

    _processor._pass_marks = pass_marks


def workers_clock_for_marks() -> None:
    """No marks: everything counts as complete until the worker's own time."""
    whole = _processor._work

    def work(self: Any, batch: Any) -> Any:
        yield from whole(self, batch)
        yield from self._advance(datetime.now(UTC))

    _processor._work = work


def receipt_taken_as_stored() -> None:
    """The fault of 2020-2023: who confirms the receipt is believed to have stored it."""
    whole = _reading._check

    def check(self: Any, fact: Any, *given: Any) -> None:
        if isinstance(fact, Receipt) and fact.receipt is ReceiptCode.MOTTATT:
            fact = Stored(fact.report_id, fact.place, fact.place.arrived, "READ_BACK")
        whole(self, fact, *given)

    _reading._check = check


def completeness_without_waiting() -> None:
    """A mark counts once it was written, not once it was read back."""
    whole = _partition.mark_due

    def mark_due(self: Any, *given: Any) -> bool:
        due = whole(self, *given)
        if due:
            written = datetime.fromtimestamp(time.time(), UTC)
            for one in self.processor.log.inputs.values():
                one.latest = max(one.latest or written, written)
            marks, inputs = self.processor.marks, self.processor.marks._inputs
            marks._seen = dict.fromkeys(inputs, written)
            marks._number += 1
            self.marked_at = time.monotonic()
            return False
        return bool(due)

    _partition.mark_due = mark_due


def feed_not_waited_for() -> None:
    """Whoever is proved by a feed is judged at its alarm, whatever the feed has said by then."""

    def spoken(_self: Any, _feed: str, due: datetime) -> datetime:
        return due

    _feeds.spoken = spoken


SABOTAGES: dict[str, Callable[[], None]] = {
    made.__name__: made
    for made in (
        offsets_before_rows, batch_futures_ignored, fencing_skipped, fenced_worker_fences_back,
        fetch_position_taken_as_applied, workers_clock_for_marks, receipt_taken_as_stored,
        completeness_without_waiting, feed_not_waited_for,
    )
}  # fmt: skip
