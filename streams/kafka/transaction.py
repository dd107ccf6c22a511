"""One transaction a batch: rows, events, coverage, rejected records, copies and offsets, or nothing of it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError
from aiokafka.structs import OffsetAndMetadata

from streams.errors import InDoubt
from streams.kafka.client import client_options
from streams.kafka.denials import naming_denials
from streams.kafka.topics import MOST_BATCH_BYTES
from streams.records.record import Write
from streams.settings import KafkaSettings, Settings


@dataclass(slots=True)
class Writes:
    """All that one batch caused. `offsets` holds the next offset of each input."""

    partition: int
    records: list[Write] = field(default_factory=list)
    offsets: dict[str, int] = field(default_factory=dict)


class Transactions:
    """The transactional producer of one partition. Starting it fences every former owner of the partition."""

    def __init__(self, kafka: KafkaSettings, settings: Settings, partition: int) -> None:
        self._kafka, self._group = kafka, settings.app_id
        self._timeout_seconds = settings.request_timeout.total_seconds()
        timeout_ms = int(self._timeout_seconds * 1000)
        self._partition = partition
        self._producer = AIOKafkaProducer(
            **client_options(kafka),
            client_id=f"{settings.app_id}-{partition}",
            transactional_id=f"{settings.app_id}-{partition}",
            transaction_timeout_ms=timeout_ms,
            request_timeout_ms=timeout_ms,
            max_batch_size=MOST_BATCH_BYTES,
            compression_type=None if settings.compression == "none" else settings.compression,
            acks="all",
        )

    async def fence(self) -> None:
        """Take over the partition: afterwards its former owner can commit nothing more. Raises KafkaError."""
        await asyncio.wait_for(self._producer.start(), 2 * self._timeout_seconds)

    async def stop(self) -> None:
        """Close the connection; what is not committed is aborted by Kafka."""
        await self._producer.stop()

    async def commit(self, writes: Writes) -> None:
        """Write and commit all of it. Raises InDoubt when that did not certainly happen: end the process then.

        Raises ConfigurationError when this client may not: then it certainly did not happen.
        """
        try:
            async with naming_denials(self._kafka, "Write"), asyncio.timeout(self._timeout_seconds):
                await self._producer.begin_transaction()
                await self._append(writes.records)
                await self._producer.send_offsets_to_transaction(self._offsets(writes), self._group)
                await self._producer.commit_transaction()
        # IllegalOperation, which is no KafkaError: whoever was fenced may learn it between two batches.
        except (KafkaError, IllegalOperation, TimeoutError, AssertionError) as error:
            raise InDoubt(
                f"Partition {self._partition}: the commit did not certainly succeed ({_named(error)}); ending, "
                "so that the next owner reads what is true. Start the worker again."
            ) from error

    async def _append(self, records: list[Write]) -> None:
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

    def _batches(self, records: list[Write]) -> Iterator[Any]:
        builder = self._producer.create_batch()
        for record in records:
            fields: dict[str, Any] = {"key": record.key, "value": record.value, "headers": record.headers or []}
            if builder.append(timestamp=None, **fields) is None:
                builder.close()
                yield builder
                builder = self._producer.create_batch()
                if builder.append(timestamp=None, **fields) is None:
                    raise InDoubt(f"Partition {self._partition}: a record for {record.topic} is larger than a batch.")
        builder.close()
        yield builder

    def _offsets(self, writes: Writes) -> dict[TopicPartition, OffsetAndMetadata]:
        return {
            TopicPartition(topic, writes.partition): OffsetAndMetadata(offset, "")
            for topic, offset in writes.offsets.items()
        }


def _named(error: BaseException) -> str:
    text = str(error).split("\n", maxsplit=1)[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
