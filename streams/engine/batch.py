"""What is handed over at once: the records of one partition, and from where to where they go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streams.records.record import KafkaRecord


class Span(NamedTuple):
    """The part of one input that a batch covers: from the first position to the position after it."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What was fetched of one partition's inputs: by topic its span (also when empty) and its records.

    `epoch` tells which seek the batch belongs to; batches of an earlier one are worthless.
    """

    partition: int
    epoch: int
    spans: Mapping[str, Span]
    records: Mapping[str, Sequence[KafkaRecord]]
