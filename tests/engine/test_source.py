"""Batches and a rebalance in between. No broker here: the rebalance is put where it hurts."""

import asyncio
import os
from typing import Any, NoReturn

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from streams.core.rules import Rules
from streams.data import succession
from streams.engine import source as source_module
from streams.engine import takeover
from streams.engine.batch import Batch
from streams.engine.metrics import Metrics
from streams.engine.partition import Partition
from streams.engine.source import MOST_QUEUED, Source
from streams.errors import InDoubt
from streams.policies import load_policy
from streams.settings import KafkaSettings
from tests.engine.processing import SETTINGS, Appended, processor

SENT = SETTINGS.inputs[0]


class Assigned:
    """Stands for aiokafka's consumer: answers for what is assigned, and asserts or raises for the rest as it does."""

    def __init__(self, *partitions: int) -> None:
        self.tps = {TopicPartition(topic, partition) for topic in SETTINGS.inputs for partition in partitions}
        self.positions = dict.fromkeys(self.tps, 0)

    def assignment(self) -> set[TopicPartition]:
        return self.tps

    def highwater(self, tp: TopicPartition) -> int:
        assert tp in self.tps, "Partition is not assigned"
        return 1

    last_stable_offset = highwater

    def seek(self, tp: TopicPartition, offset: int) -> None:
        assert tp in self.tps
        self.positions[tp] = offset

    async def position(self, tp: TopicPartition) -> int:
        if tp not in self.tps:
            raise IllegalStateError(f"Partition {tp} is not assigned")
        return self.positions[tp]

    async def getmany(
        self, *tps: TopicPartition, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Appended]]:
        """One record of sent in each partition."""
        taken = {}
        for tp in tps or sorted(self.tps):
            if tp.topic == SENT and self.positions.get(tp) == 0:
                self.positions[tp] = 1
                taken[tp] = [Appended(0, 1_767_225_600_000, b"id", b"{}")]
        return taken


class Table:
    """The partitions of two partitions, as the real table holds them."""

    def __init__(self) -> None:
        unused: Any = None
        self.partitions = {number: Partition(processor(2, number), unused, unused) for number in (0, 1)}


def source(table: Any, deliver: Any) -> Source:
    """A source that owns partitions 0 and 1 and stands at their beginnings."""
    kafka, rules = KafkaSettings(), Rules(load_policy(None), succession())
    made = Source(kafka, SETTINGS, rules, table, Metrics(), deliver)
    made._consumer = Assigned(0, 1)
    for partition in table.partitions.values():
        made._seek(partition)
    return made


@pytest.mark.parametrize("kept", [(0,), (0, 1)])
async def test_a_rebalance_while_a_batch_is_delivered_drops_what_was_taken_before_it(kept: tuple[int, ...]) -> None:
    delivered: list[Batch] = []
    table = Table()

    async def deliver(batch: Batch) -> None:
        delivered.append(batch)
        if len(delivered) == 1:
            partitions = dict(table.partitions)
            await it.give_up()
            it._consumer = Assigned(*kept)
            for partition in kept:  # as a take-over does
                table.partitions[partition] = partitions[partition]
                it._seek(partitions[partition])

    it = source(table, deliver)
    await it._fetch_once()
    assert [batch.partition for batch in delivered] == [0]
    await it._fetch_once()
    assert [batch.partition for batch in delivered] == [0, *kept]
    assert [len(batch.records[SENT]) for batch in delivered] == [1] * len(delivered)
    assert all(batch.epoch == table.partitions[batch.partition].epoch for batch in delivered[1:])


async def test_what_is_fetched_of_a_partition_that_is_long_at_work_waits_and_holds_up_no_other() -> None:
    delivered: list[Batch] = []

    async def deliver(batch: Batch) -> None:
        delivered.append(batch)

    table = Table()
    it = source(table, deliver)
    table.partitions[0].queued = MOST_QUEUED
    await it._fetch_once()
    assert [batch.partition for batch in delivered] == [1]
    assert table.partitions[1].queued == 1
    table.partitions[1].queued = MOST_QUEUED
    await it._fetch_once()
    assert len(delivered) == 1
    table.partitions[0].queued = 0
    await it._fetch_once()
    assert [(batch.partition, len(batch.records[SENT])) for batch in delivered] == [(1, 1), (0, 1)]


async def test_a_record_that_was_taken_while_its_input_ran_too_far_ahead_is_delivered() -> None:
    """Its position has moved behind it: whoever left it out now would never read it again."""
    delivered: list[Batch] = []

    async def deliver(batch: Batch) -> None:
        delivered.append(batch)

    class Meanwhile(Assigned):
        """While the first record is waited for, a batch is applied after which its input has to wait."""

        async def getmany(self, *tps: TopicPartition, **how: Any) -> dict[TopicPartition, list[Appended]]:
            taken = await super().getmany(*tps, **how)
            log: Any = table.partitions[0].processor.log
            log.too_far_ahead = SENT.__eq__
            return taken

    table = Table()
    it = source(table, deliver)
    it._consumer = Meanwhile(0, 1)
    await it._fetch_once()
    assert [(batch.partition, batch.spans[SENT].end, len(batch.records[SENT])) for batch in delivered] == [
        (0, 1, 1), (1, 1, 1),
    ]  # fmt: skip


def test_nothing_is_known_of_a_partition_that_was_taken_away() -> None:
    it = source(Table(), None)
    owned, lost = TopicPartition(SENT, 0), TopicPartition(SENT, 1)
    it._consumer = Assigned(0)
    assert (it.last_stable_offset(owned), it._left(owned)) == (1, 1)
    assert (it.last_stable_offset(lost), it._left(lost)) == (None, 0)


@pytest.mark.parametrize("told", [None, set()])
def test_a_broker_that_has_not_heard_of_the_inputs_is_no_reason_to_distrust_the_state(told: set[int] | None) -> None:
    it = source(Table(), None)
    it._consumer.partitions_for_topic = lambda _: told
    with pytest.raises(InDoubt, match=f"does not tell the partitions of {SENT} at the moment"):
        it._partitions()


async def test_a_group_that_cannot_be_joined_ends_the_worker_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Loading:
        """A consumer whose group's coordinator has not loaded the group yet: aiokafka gives up at once."""

        def __init__(self, **options: Any) -> None:
            pass

        def subscribe(self, topics: Any, listener: Any) -> None:
            pass

        async def start(self) -> None:
            raise KafkaError("GroupLoadInProgressError()")

    def ended(code: int) -> NoReturn:
        raise SystemExit(code)

    monkeypatch.setattr(source_module, "AIOKafkaConsumer", Loading)
    monkeypatch.setattr(os, "_exit", ended)
    with pytest.raises(SystemExit, match="75"):
        await source(Table(), None).on_start()
    assert "Joining the group failed (KafkaError: KafkaError: GroupLoadInProgressError())" in capfd.readouterr().err


async def test_a_restore_that_makes_no_step_ends_the_worker_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nobody may be left waiting for a partition that is being restored for ever."""
    ended = asyncio.Event()

    class Stuck:
        """A producer that never comes back, also when it is cancelled or stopped."""

        def __init__(self, *options: Any) -> None:
            pass

        async def fence(self) -> None:
            await asyncio.Event().wait()

        async def stop(self) -> None:
            pass

    monkeypatch.setattr(takeover, "RESTORE_STEP_SECONDS", 0.05)
    monkeypatch.setattr(takeover, "Transactions", Stuck)
    monkeypatch.setattr(os, "_exit", lambda code: ended.set())
    rules, unused = Rules(load_policy(None), succession()), Any
    taking = takeover.Takeover(KafkaSettings(), SETTINGS, rules, Metrics())
    restoring = asyncio.create_task(taking.partition(3, unused, lambda: 4))
    await asyncio.wait_for(ended.wait(), 5)
    restoring.cancel()
    await asyncio.gather(restoring, return_exceptions=True)
    assert "meldingsvakt: Restoring partition 3 made no step for 0.05 s: ending" in capfd.readouterr().err
