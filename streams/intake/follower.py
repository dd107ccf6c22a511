"""What the checker says, followed: which report a message brought, and what feeds have said."""

import asyncio
import logging
from datetime import datetime
from typing import Any

import orjson
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from streams.core.feeds import Word
from streams.errors import ConfigurationError
from streams.intake.message_index import MessageIndex
from streams.intake.models import FeedState
from streams.kafka.consumers import assign_from_beginning, one_off_consumer
from streams.kafka.denials import explained
from streams.kafka.topics import partition_counts
from streams.records.coverage import read_coverage
from streams.records.record import KafkaRecord
from streams.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

TAKE_RECORDS = 2_000  # at once, so that requests are answered in between
WAIT_MILLISECONDS = 200
RETRY_SECONDS = 1.0


class Heard:
    """What was read: whole as soon as it is shown, and then as new as the topics."""

    def __init__(self) -> None:
        self.messages = MessageIndex()
        self.words: dict[int, dict[str, Word]] = {}
        self.unreadable = 0  # records of coverage

    def take(self, topic: str, records: list[KafkaRecord]) -> None:
        """Records of one partition of a topic."""
        if topic.endswith(".messages"):
            self.messages.take(records)
            return
        for record in records:
            try:
                self._take_coverage(orjson.loads(record.value) if record.value else {})
            except (ValueError, KeyError, TypeError, AttributeError):
                self.unreadable += 1
                log.warning("A record of %s cannot be read and is skipped: offset %d.", topic, record.offset)

    def _take_coverage(self, value: dict[str, Any]) -> None:
        if value.get("kind") == "coverage":
            said = read_coverage(value)
            self.words[said.partition] = said.feeds.words

    def feed(self, feed: str, partitions: int) -> FeedState:
        """What was heard of one feed."""
        words = [words[feed] for words in self.words.values() if feed in words]
        until = [word.vouched_until for word in words if word.vouched_until is not None]
        heard: list[datetime] = [word.heard for word in words if word.heard is not None]
        return FeedState(
            feed=feed,
            vouched_until=min(until) if len(until) == partitions else None,
            heard=max(heard, default=None),
            proofs=sum(word.proofs for word in words),
            partitions=len(heard),
            of_partitions=partitions,
        )


class Follower:
    """Reads both topics for as long as it is let; after an error once more, from their beginnings."""

    def __init__(self, kafka: KafkaSettings, settings: Settings) -> None:
        self._kafka, self._settings = kafka, settings
        self.heard: Heard | None = None  # None until all of it was read once
        self.trouble: str | None = "It has not read what the checker says yet."

    async def run(self) -> None:
        """Read on and on."""
        while True:
            try:
                async with one_off_consumer(self._kafka) as consumer:
                    await self._follow(consumer)
            except (ConfigurationError, KafkaError, OSError) as error:
                why = str(error) if isinstance(error, ConfigurationError) else None
                self.trouble = why or await explained(error, self._kafka, "Read")
                log.warning("What the checker says cannot be read, and it is tried again: %s", self.trouble)
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, consumer: Any) -> None:
        """Into tables of its own, which take the place of the last ones when they are whole."""
        topics = [self._settings.output(name) for name in ("messages", "coverage")]
        counts = await partition_counts(self._kafka, topics)
        tps = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
        await assign_from_beginning(consumer, tps)
        left, heard = await consumer.end_offsets(tps), Heard()
        while True:
            left = {tp: end for tp, end in left.items() if await consumer.position(tp) < end}
            if not left and heard is not self.heard:
                self._show(heard)
            fetched = await consumer.getmany(timeout_ms=WAIT_MILLISECONDS, max_records=TAKE_RECORDS)
            for tp, records in fetched.items():
                heard.take(tp.topic, records)

    def _show(self, heard: Heard) -> None:
        former, self.heard, self.trouble = self.heard, heard, None
        if former is not None:
            former.messages.close()
        log.info("What the checker says has been read: %d message ids are known.", len(heard.messages))
