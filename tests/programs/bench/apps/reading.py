"""How the limits read: with the settings of the checker's source, and like it without a copy of each record."""

from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from streams.kafka.batches import read_batches_within


def log_consumer(bootstrap: str, group: str, topics: list[str]) -> Any:
    """A consumer of the group, not started yet."""
    read_batches_within(64 << 20)
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap,
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        partition_assignment_strategy=(RangePartitionAssignor,),
        max_partition_fetch_bytes=4 << 20,
    )
