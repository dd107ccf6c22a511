"""Taking over one partition, step by step: fence it, ask how far the group has come, restore its state."""

import time
from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition

from streams.core.rules import Rules
from streams.engine.metrics import Metrics
from streams.engine.partition import Partition
from streams.engine.restore import Restorer
from streams.exits import StepLimit
from streams.kafka.denials import naming_denials
from streams.kafka.transaction import Transactions
from streams.records.fast_decode import CleanReader
from streams.settings import KafkaSettings, Settings

RESTORE_STEP_SECONDS = 120.0  # twice what a restore waits for a broker that is down


class Takeover:
    """What all partitions of a worker are taken over with."""

    def __init__(self, kafka: KafkaSettings, settings: Settings, rules: Rules, metrics: Metrics) -> None:
        self._kafka, self._settings, self._rules, self._metrics = kafka, settings, rules, metrics
        self._clean = CleanReader(settings.max_value_bytes)

    async def partition(self, number: int, consumer: Any, partitions: Callable[[], int]) -> Partition:
        """The partition, ours from here on. `consumer` is the group's; `partitions`: how many each input has."""
        started = time.monotonic()
        transactions = Transactions(self._kafka, self._settings, number)
        patience = StepLimit(f"Restoring partition {number}", RESTORE_STEP_SECONDS)
        patience.step()
        try:
            async with naming_denials(self._kafka, "Read"):
                await transactions.fence()
                patience.step()
                inputs = [TopicPartition(topic, number) for topic in self._settings.inputs]
                committed = {tp.topic: await consumer.committed(tp) for tp in inputs}
                patience.step()
                restorer = Restorer(self._kafka, self._settings, self._clean, patience.step)
                processor = await restorer.processor(self._rules, number, partitions(), committed)
        except BaseException:
            await transactions.stop()
            raise
        finally:
            patience.over()
        self._metrics.restored.labels(str(number)).set(time.monotonic() - started)
        return Partition(processor, transactions, self._committed)

    def _committed(self, partition: Partition, seconds: float) -> None:
        self._metrics.committed(partition.processor.take_tally(), seconds, partition.clock.now())
