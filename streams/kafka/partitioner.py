"""Which partition a key belongs to: Kafka's default partitioner."""

from murmurhash2 import murmurhash2

_SEED = 0x9747B28C


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner (Java, aiokafka) gives a key."""
    return int(murmurhash2(key, _SEED) & 0x7FFFFFFF) % partitions
