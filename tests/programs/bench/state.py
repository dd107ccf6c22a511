"""A state of many rows, made by the engine's own processor; no Kafka in here (`tests.programs.bench.writing` has it).

A worker would need minutes to check a million reports before a benchmark can begin. Here the same records go through
the same `Processor`, but the input is not fetched: what is appended is handed over at once. What comes out, every row
of the state topic, the coverage and the books, is what a worker would have committed.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, NamedTuple

import orjson

from streams.core.books import Books
from streams.core.events import written
from streams.core.rules import Rules
from streams.engine.batch import Batch, Span
from streams.engine.processor import Processor
from streams.engine.rows import PackedRows
from streams.kafka.partitioner import partition_of
from streams.kafka.transaction import Writes
from streams.records.coverage import Applied, Coverage
from streams.records.record import HEADER, arrival
from streams.settings import Settings
from streams.simulation.receivers import Chooser, dispatch, profiles
from streams.simulation.steps import Dispatch, random_uuid

KINDS = SENT, RECEIPT, STORED = 0, 1, 2
SAMPLES = 1000
BATCH_ROWS = 5000  # as many records as a worker that is behind takes at once
SHORT_CHANNEL, LONG_CHANNEL = "SHORT", "FIKS_IO"
_SHARES = {"VISMA_FLYT_BARNEVERN": 0.55, "NETCOMPANY_MODULUS_BARN": 0.25, "VISMA_FAMILIA": 0.2}


def policy(short_seconds: int = 3) -> str:
    """Ten days for every report, so that it stays pending, but seconds for those of one channel. Grace: a second."""
    return (
        'portal_retention = "P30D"\n[[version]]\nid = "bench"\ngrace = "PT1S"\ndefault = "P10D"\n'
        f'[version.allowance]\n{SHORT_CHANNEL} = "PT{short_seconds}S"\n'
    )


class Shape(NamedTuple):
    """How many rows over how many partitions, and of how many facts each.

    1: sent, 2: with a receipt (both pending), 3: stored. Every fact makes one record of the state topic.
    """

    rows: int
    partitions: int
    facts: int = 3
    seed: int = 1

    @property
    def records(self) -> int:
        """The records of the state topic."""
        return self.rows * self.facts


class Input(NamedTuple):
    """A record for an input topic."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Appended(NamedTuple):
    """An input record as a consumer gets it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_type: int = 1


def samples(seed: int) -> list[Dispatch]:
    """Receivers and case systems as the simulated country has them."""
    rng, day = Random(seed), datetime(2026, 1, 1, tzinfo=UTC).date()
    chooser = Chooser(profiles(rng, day, day + timedelta(days=1), _SHARES))
    return [dispatch(rng, chooser.choose(rng), day=0, form="PRIVAT", channel=LONG_CHANNEL) for _ in range(SAMPLES)]


def report_ids(shape: Shape, partition: int) -> Iterator[str]:
    """The ids of the rows of one partition: all are drawn, and those are kept that Kafka's partitioner puts there."""
    rng = Random(shape.seed)
    ids = (random_uuid(rng) for _ in range(shape.rows))
    return (one for one in ids if partition_of(one.encode(), shape.partitions) == partition)


def value(kind: int, report_id: str, sample: Dispatch, at: str, channel: str = LONG_CHANNEL) -> bytes:
    """An input record's value. `at`: its own time, as written."""
    fields: dict[str, Any] = {"report_id": report_id}
    if kind == SENT:
        fields |= {"sent_at": at, "receiver": sample.receiver, "channel": channel, "form": sample.form}
        fields |= {"case_system": sample.case_system, "case_system_version": sample.case_system_version}
    elif kind == RECEIPT:
        fields |= {"receipt": "MOTTATT", "received_at": at}
    else:
        fields |= {"stored_at": at, "evidence": "READ_BACK"}
        fields |= {"receiver": sample.stored_as} if sample.stored_as else {}
    return orjson.dumps(fields if kind == STORED else fields | {"message_id": report_id})


class Author:
    """Makes one partition's inputs, batch by batch, and what is committed for each."""

    def __init__(self, shape: Shape, settings: Settings, rules: Rules, partition: int) -> None:
        self._shape, self._settings = shape, settings
        self._samples = samples(shape.seed)
        coverage = Coverage(partition, shape.partitions, {topic: Applied(0) for topic in settings.inputs})
        self._processor = Processor(settings, rules, PackedRows(), Books(), coverage)

    def batches(self, at: datetime) -> Iterator[tuple[str, list[Input]]]:
        """Topic and records, one batch after the other; the own times in the records are `at`."""
        ids, text = report_ids(self._shape, self._processor.partition), written(at)
        number = 0
        while some := list(islice(ids, BATCH_ROWS)):
            drawn = [self._samples[(number + n) % SAMPLES] for n in range(len(some))]
            number += len(some)
            for kind in KINDS[: self._shape.facts]:
                yield (
                    self._settings.inputs[kind],
                    [
                        Input(report_id.encode(), value(kind, report_id, sample, text), [])
                        for report_id, sample in zip(some, drawn, strict=True)
                    ],
                )

    def marks(self) -> dict[str, list[Input]]:
        """A mark for each input that verdicts wait for; once all are appended, the partition is complete until then."""
        header = self._processor.marks.new_set()
        return {topic: [Input(b"", None, [(HEADER, header)])] for topic in self._settings.facts}

    def appended(self, records: dict[str, list[Input]], timestamp: int) -> Writes:
        """What to commit for records that were appended at the ends of their topics (ms since 1970)."""
        spans, batch = {}, {}
        for topic, some in records.items():
            first = self._processor.position(topic)
            spans[topic] = Span(first, first + len(some))
            batch[topic] = [Appended(first + n, timestamp, *one) for n, one in enumerate(some)]
        writes = self._processor.apply(Batch(self._processor.partition, 0, spans, batch))
        # Nobody else appends meanwhile: nothing can have arrived before, so that every fact is written on its own.
        inputs = self._processor.log.inputs.values()
        after = max(one.latest or arrival(timestamp) for one in inputs) + timedelta(milliseconds=1)
        for one in inputs:
            one.latest = after
        more = self._processor.apply(Batch(self._processor.partition, 0, {}, {}))
        return Writes(writes.partition, writes.records + more.records, more.offsets)
