"""The limit of reading, confluent-kafka (librdkafka): fetch the log to its end, do nothing with it, commit once.

Arguments: bootstrap, group, topics separated by commas.
"""

import sys

from confluent_kafka import Consumer, TopicPartition

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
    consumer.subscribe(topics)
    left = sum(_end(consumer, topic, p) for topic in topics for p in _partitions(consumer, topic))
    while left > 0:
        left -= sum(1 for message in consumer.consume(AT_ONCE, 0.2) if message.error() is None)
    consumer.commit(asynchronous=False)
    consumer.close()


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    return list(consumer.list_topics(topic).topics[topic].partitions)


def _end(consumer: Consumer, topic: str, partition: int) -> int:
    return int(consumer.get_watermark_offsets(TopicPartition(topic, partition))[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3].split(","))
