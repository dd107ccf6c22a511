"""One transaction a batch: rows, events, coverage, rejected records, copies and offsets, or nothing of it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import OffsetAndMetadata

from streams.errors import InDoubt
from streams.kafka.client import client_options
from streams.kafka.denials import naming_denials
from streams.kafka.patches import abandon
from streams.kafka.topics import MOST_BATCH_BYTES
from streams.records.record import Write
from streams.settings import KafkaSettings, Settings

# What a commit may fail with. IllegalOperation, which is no KafkaError: whoever was fenced may learn it between two
# batches.
IN_DOUBT = (KafkaError, IllegalOperation, TimeoutError, AssertionError)


@dataclass(slots=True)
class Writes:
    """All that one batch caused. `offsets` holds the next offset of each input."""

    partition: int
    records: list[Write] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)


class TransactionalProducer:
    """Appends and commits by one transactional id. Starting it fences every former owner of that id."""

    def __init__(self, kafka: KafkaSettings, settings: Settings, name: str) -> None:
        self._kafka = kafka
        self._timeout_seconds = settings.request_timeout.total_seconds()
        timeout_ms = int(self._timeout_seconds * 1000)
        self._producer = AIOKafkaProducer(
            **client_options(kafka),
            client_id=name,
            transactional_id=name,
            transaction_timeout_ms=timeout_ms,
            request_timeout_ms=timeout_ms,
            max_batch_size=MOST_BATCH_BYTES,
            compression_type=None if settings.compression == "none" else settings.compression,
            acks="all",
        )

    async def fence(self) -> None:
        """Take over the id: afterwards its former owner can commit nothing more. Raises KafkaError."""
        await asyncio.wait_for(self._producer.start(), 2 * self._timeout_seconds)

    async def stop(self) -> None:
        """Close the connection; what is not committed is aborted by Kafka."""
        await self._producer.stop()

    async def abandon(self) -> None:
        """Give it up without waiting for brokers that may be away; its successor aborts what it left open."""
        await abandon(self._producer)

    async def write(
        self,
        records: Sequence[Write],
        offsets: Mapping[TopicPartition, OffsetAndMetadata] | None = None,
        group: str | None = None,
    ) -> None:
        """Write and commit all of it within the time of a request.

        Raises what Kafka says: then nobody knows whether it happened. ConfigurationError when this client may not:
        then it certainly did not.
        """
        async with naming_denials(self._kafka, "Write"), asyncio.timeout(self._timeout_seconds):
            await self._producer.begin_transaction()
            await self._append(records)
            if offsets is not None:
                await self._producer.send_offsets_to_transaction(offsets, group)
            await self._producer.commit_transaction()

    async def _append(self, records: Sequence[Write]) -> None:
        """Append all and wait for every batch: a commit would go through even if one of them had been refused."""
        by_place: dict[tuple[str, int], list[Write]] = defaultdict(list)
        for record in records:
            by_place[record.topic, record.partition].append(record)
        sent: list[asyncio.Future[Any]] = []
        for (topic, partition), some in by_place.items():
            for batch in self._batches(some):
                sent.append(await self._producer.send_batch(batch, topic, partition=partition))
                await asyncio.sleep(0)  # for others: the next batch takes a while to make
        results = await asyncio.gather(*sent, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def _batches(self, records: Sequence[Write]) -> Iterator[Any]:
        builder = self._producer.create_batch()
        for record in records:
            fields: dict[str, Any] = {"key": record.key, "value": record.value, "headers": record.headers or []}
            if builder.append(timestamp=None, **fields) is None:
                builder.close()
                yield builder
                builder = self._producer.create_batch()
                if builder.append(timestamp=None, **fields) is None:
                    raise InDoubt(f"A record for {record.topic}-{record.partition} is larger than a batch.")
        builder.close()
        yield builder


class Transactions(TransactionalProducer):
    """The transactional producer of one partition. Starting it fences every former owner of the partition."""

    def __init__(self, kafka: KafkaSettings, settings: Settings, partition: int) -> None:
        super().__init__(kafka, settings, f"{settings.app_id}-{partition}")
        self._group, self._partition = settings.app_id, partition

    async def commit(self, writes: Writes) -> None:
        """Write and commit all of it. Raises InDoubt when that did not certainly happen: end the process then.

        Raises ConfigurationError when this client may not: then it certainly did not happen.
        """
        try:
            await self.write(writes.records, self._offsets(writes), self._group)
        except IN_DOUBT as error:
            raise InDoubt(
                f"Partition {self._partition}: the commit did not certainly succeed ({named_briefly(error)}); ending, "
                "so that the next owner reads what is true. Start the worker again."
            ) from error

    def _offsets(self, writes: Writes) -> dict[TopicPartition, OffsetAndMetadata]:
        return {
            TopicPartition(topic, writes.partition): OffsetAndMetadata(offset, "")
            for topic, offset in writes.offsets.items()
        }


def named_briefly(error: BaseException) -> str:
    """An error's name and the first line of what it says."""
    text = str(error).split("\n", maxsplit=1)[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
