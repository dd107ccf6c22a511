"""Which partition a key belongs to: Kafka's default partitioner, fast for report ids."""

import struct

from aiokafka.partitioner import murmur2

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF
_WORDS = struct.Struct("<9I")  # a report id is 36 bytes: nine words, nothing left over


def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner (Java, aiokafka) gives a key."""
    hashed = _murmur2_of_report_id(key) if len(key) == _WORDS.size else murmur2(key)
    return int(hashed & 0x7FFFFFFF) % partitions


def _murmur2_of_report_id(key: bytes) -> int:
    """murmur2 of exactly 36 bytes: several times as fast as the general one, which every new report would pay."""
    hashed = _SEED ^ len(key)
    for word in _WORDS.unpack(key):
        mixed = word * _M & _MASK
        mixed = (mixed ^ mixed >> 24) * _M & _MASK
        hashed = (hashed * _M & _MASK) ^ mixed
    hashed = (hashed ^ hashed >> 13) * _M & _MASK
    return hashed ^ hashed >> 15
