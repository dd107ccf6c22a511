"""The limit of reading, confluent-kafka (librdkafka): fetch the log to its end, do nothing with it, commit once.

Arguments: bootstrap, group, topics separated by commas.
"""

import sys
from collections.abc import Sequence

from confluent_kafka import Consumer, Message, TopicPartition

from tests.programs.bench.apps.timing import timed

AT_ONCE = 10_000


def main(bootstrap: str, group: str, topics: list[str]) -> None:
    """Read in batches, which is its quickest way."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": True,
            "auto.offset.reset": "earliest",
            "fetch.message.max.bytes": 4 << 20,
            "queued.min.messages": 1_000_000,
        }
    )
    left = sum(_end(consumer, topic, p) for topic in topics for p in _partitions(consumer, topic))
    consumer.subscribe(topics)
    # Its own thread fetches as soon as it has joined, which the first short waits find out.
    first = _first(consumer)
    with timed():
        left -= first
        while left > 0:
            left -= _readable(consumer.consume(AT_ONCE, 0.2))
        consumer.commit(asynchronous=False)
    consumer.close()


def _first(consumer: Consumer) -> int:
    """Wait for the first record; how many came with it."""
    while True:
        if count := _readable(consumer.consume(1, 0.02)):
            return count


def _readable(messages: Sequence[Message]) -> int:
    return sum(1 for message in messages if message.error() is None)


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    return list(consumer.list_topics(topic).topics[topic].partitions)


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(topic, partition))[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3].split(","))
