"""The limit of reading and rewriting in transactions, aiokafka: as the checker commits, without anything to decide.

What is fetched of a partition is written unchanged to the same partition of the output topic by the partition's own
transactional producer, together with the offsets. Arguments: bootstrap, group, topics by commas, output topic.
"""

import asyncio
import sys
from collections import defaultdict
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition

from streams.kafka.topics import MOST_BATCH_BYTES
from tests.programs.bench.apps.reading import log_consumer
from tests.programs.bench.apps.timing import timed


class Rewriter:
    """One consumer, and a transactional producer for each partition."""

    def __init__(self, bootstrap: str, group: str, topics: list[str], output: str) -> None:
        self._bootstrap, self._group, self._output = bootstrap, group, output
        self._consumer = log_consumer(bootstrap, group, topics)
        self._producers: dict[int, Any] = {}

    async def run(self) -> None:
        """To the end of what is there now."""
        await self._consumer.start()
        assigned = self._consumer.assignment()
        for partition in {tp.partition for tp in assigned}:
            self._producers[partition] = await self._started(partition)
        with timed():
            await self._rewrite(sum((await self._consumer.end_offsets(assigned)).values()))
        await asyncio.gather(*(producer.stop() for producer in self._producers.values()))
        await self._consumer.stop()

    async def _rewrite(self, left: int) -> None:
        while left > 0:
            fetched = await self._consumer.getmany(timeout_ms=200, max_records=5000)
            by_partition: dict[int, dict[TopicPartition, list[Any]]] = defaultdict(dict)
            for tp, records in fetched.items():
                by_partition[tp.partition][tp] = records
                left -= len(records)
            for partition, some in by_partition.items():
                await self._commit(partition, some)

    async def _started(self, partition: int) -> Any:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            transactional_id=f"{self._group}-{partition}",
            max_batch_size=MOST_BATCH_BYTES,
            compression_type="zstd",
            acks="all",
        )
        await producer.start()
        return producer

    async def _commit(self, partition: int, fetched: dict[TopicPartition, list[Any]]) -> None:
        producer = self._producers[partition]
        async with producer.transaction():
            sent = []
            for batch in self._batches(producer, fetched):
                sent.append(await producer.send_batch(batch, self._output, partition=partition))
            await asyncio.gather(*sent)
            offsets = {tp: records[-1].offset + 1 for tp, records in fetched.items()}
            await producer.send_offsets_to_transaction(offsets, self._group)

    @staticmethod
    def _batches(producer: Any, fetched: dict[TopicPartition, list[Any]]) -> list[Any]:
        batches = [producer.create_batch()]
        for records in fetched.values():
            for record in records:
                fields = {"key": record.key, "value": record.value, "headers": []}
                if batches[-1].append(timestamp=None, **fields) is None:
                    batches.append(producer.create_batch())
                    batches[-1].append(timestamp=None, **fields)
        for batch in batches:
            batch.close()
        return batches


async def _main() -> None:
    bootstrap, group, topics, output = sys.argv[1:]
    await Rewriter(bootstrap, group, topics.split(","), output).run()


if __name__ == "__main__":
    import uvloop

    uvloop.run(_main())
