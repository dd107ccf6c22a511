"""How many records of each input one batch takes."""

from collections.abc import Mapping

from aiokafka import TopicPartition


def shares(left: Mapping[TopicPartition, int], most: int) -> dict[TopicPartition, int]:
    """How many records of each input to take next, `most` in all (rounded up for each), by what is left of them.

    In proportion, so that what is said of a report comes into the same batch: its row is then written once for it.
    """
    total = sum(left.values())
    if total <= most:
        return dict(left)
    return {tp: -(-most * some // total) for tp, some in left.items()}
