"""A plan's records on their way to Kafka, and the feed that vouches for its proofs beside them."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.core.events import written
from streams.kafka.partitioner import partition_of
from streams.records.decode import FEED_HEADER
from tests.system.faults.workload import FEED, FEED_SECONDS, GRACE, LETTER_SECONDS, Plan, Planned

RETRY_SECONDS = 0.2
ODD_EVERY = 3  # so many marks
_OWN_TIME = {"sent": "sent_at", "receipt": "received_at", "stored": "stored_at"}


def encoded(record: Planned, now: datetime, *, padded: bool = False) -> bytes:
    """A record's value with its own time, as it is sent now."""
    if isinstance(record.value, bytes):
        return record.value
    name = _OWN_TIME[record.topic]
    own = {name: written(now - timedelta(seconds=record.lead))} if record.value.get(name, "") is None else {}
    # A batch is only compressed where that makes it smaller.
    more = {"padding": "x" * 500} if padded else {}
    return orjson.dumps(record.value | own | more)


def feed_mark(vouched_until: datetime, proofs: int, feed: str = FEED) -> bytes:
    """What a feed says behind so many proofs in a partition."""
    return orjson.dumps({"feed": feed, "vouched_until": written(vouched_until), "proofs": proofs})


def odd_mark(now: datetime, number: int) -> tuple[str, bytes]:
    """Whose mark, and one that vouches for nothing: of no feed, unreadable, from the future, of too many proofs."""
    odd = (
        ("nobodys", orjson.dumps({"vouched_until": written(now)})),
        (FEED, b"{}"),
        (FEED, feed_mark(now + timedelta(minutes=10), 0)),
        (FEED, feed_mark(now, 1_000)),
    )
    return odd[number % len(odd)]


def is_of_feed(record: Planned) -> bool:
    """True for a proof that the feed brings."""
    return isinstance(record.value, dict) and record.value.get("feed") == FEED


class Delivery:
    """Sends a plan's records at their times, in order within a partition, and repeats what a broker refused.

    The feed vouches beside it, for as long as it speaks.
    """

    longest_wait = LETTER_SECONDS + GRACE + 1.0  # after the last record: the patient channels are over by then

    def __init__(self, bootstrap: str, prefix: str, partitions: int) -> None:
        self._bootstrap, self._prefix, self._partitions = bootstrap, prefix, partitions
        self.compression: str | None = None
        self.delivered = 0
        self.last_sent_at = 0.0
        self.hold = asyncio.Event()  # cleared: an outage of the portal, everything waits
        self.hold.set()
        self.feed_speaks = asyncio.Event()  # cleared: the feed brings no proof and vouches for nothing
        self.feed_speaks.set()
        self.feed_vouches = asyncio.Event()  # cleared: it brings its proofs all the same
        self.feed_vouches.set()
        self.vouching: Collection[str] = (FEED,)
        self.vouched_in: Collection[int] = range(partitions)
        self._proofs: Counter[int] = Counter()  # by partition, since the feed's last mark

    async def run(self, planned: Plan, wrong_home: Callable[[bytes], int]) -> None:
        """Deliver everything. `wrong_home` gives a partition that is not the key's."""
        async with self._producer(self.compression) as producer:
            began, sends = time.monotonic(), []
            for record in planned.records:
                await asyncio.sleep(max(0.0, began + record.at - time.monotonic()))
                await self.hold.wait()
                sends.append(asyncio.create_task(self._send(producer, record, wrong_home)))
                await asyncio.sleep(0)  # tasks start in this order
            await asyncio.gather(*sends)

    async def vouch(self) -> None:
        """Say again and again that the feed has brought all that it has, behind its proofs; others bring none."""
        async with self._producer() as producer:
            for number in count():
                await asyncio.sleep(FEED_SECONDS)
                if self.feed_speaks.is_set() and self.feed_vouches.is_set() and self.hold.is_set():
                    now = datetime.now(UTC)
                    marks = [(p, (feed, self._word(feed, p, now))) for feed in self.vouching for p in self.vouched_in]
                    if number % ODD_EVERY == 0:
                        marks.append((number % self._partitions, odd_mark(now, number // ODD_EVERY)))
                    await asyncio.gather(*(self._mark(producer, p, *mark) for p, mark in marks))

    def _word(self, feed: str, partition: int, now: datetime) -> bytes:
        return feed_mark(now, self._proofs.pop(partition, 0) if feed == FEED else 0, feed)

    async def _mark(self, producer: Any, partition: int, feed: str, value: bytes) -> None:
        with suppress(KafkaError):  # then the next one vouches for it, too
            headers = [(FEED_HEADER, feed.encode())]
            await producer.send_and_wait(f"{self._prefix}stored", value, partition=partition, headers=headers)

    @asynccontextmanager
    async def _producer(self, compression: str | None = None) -> AsyncIterator[Any]:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            request_timeout_ms=60_000,
            compression_type=compression,
        )
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def _send(self, producer: Any, record: Planned, wrong_home: Callable[[bytes], int]) -> None:
        value = encoded(record, datetime.now(UTC), padded=self.compression is not None)
        key = record.key
        partition = wrong_home(key) if record.misplaced and key is not None else None
        if key is None:
            partition = self.delivered % self._partitions
        while True:
            if is_of_feed(record) and key is not None:
                await self.feed_speaks.wait()
                self._proofs[partition_of(key, self._partitions)] += 1
            try:
                await producer.send_and_wait(f"{self._prefix}{record.topic}", value, key=key, partition=partition)
            except KafkaError:
                await asyncio.sleep(RETRY_SECONDS)  # a new record then: a duplicate is as good as a first one
                continue
            self.delivered += 1
            self.last_sent_at = time.time()
            return
