"""The inputs as evidence, from a real Kafka: everything committed, once, to ends that are certain."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.audit.topics import reader
from streams.audit.topics.completeness import ReadingReach
from streams.audit.topics.reader import EVERYTHING, AskedSpan, read_topics
from streams.errors import ConfigurationError
from streams.kafka.topics import partition_counts
from streams.records.record import HEADER, INPUT_KINDS, KINDS, Record
from streams.settings import KafkaSettings, Settings
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, sent_value, stored_value
from tests.real_kafka import admin_at, true_at_last

pytestmark = pytest.mark.kafka


async def read(world: World, span: AskedSpan = EVERYTHING) -> tuple[list[Record], ReadingReach]:
    """All records, and how far they reach."""
    records: list[Record] = []
    done, reach = 0.0, None
    async for batch in read_topics(world.kafka, world.settings, span):
        assert done <= batch.done <= 1
        assert (batch.reach is None) == bool(batch.records)
        done, reach = batch.done, batch.reach
        records += batch.records
    assert done == 1
    assert reach is not None
    return records, reach


def arrived(metadata: Any) -> datetime:
    """When the broker appended what a producer sent."""
    return datetime.fromtimestamp(metadata.timestamp / 1000, UTC)


async def mark(world: World, partition: int) -> datetime:
    """A mark on each input of a partition; the earliest of their times."""
    times = [
        arrived(await world.put(kind, None, key=b"", partition=partition, headers=[(HEADER, b"x")]))
        for kind in ("sent", "receipt", "stored")
    ]
    return min(times)


async def a_moment_later() -> None:
    """The broker's clock has moved on: it knows whole milliseconds only, and may append several records in one."""
    await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def upstream(world: World) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody who writes into the inputs in transactions."""
    producer = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-upstream")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def test_records_come_with_their_places_and_marks_only_tell_the_time(make_world: MakeWorld) -> None:
    world = await make_world(partitions=2)
    report = str(uuid4())
    sent = await world.put("sent", sent_value(report), partition=1)
    nothing = await world.put("stored", None, key=report.encode(), partition=1, headers=[("source", b"s")])
    until = await mark(world, 1)
    records, reach = await read(world)
    assert [(record.kind, record.place.topic, record.place.offset) for record in sorted(records)] == [
        ("sent", f"{world.name}.sent", sent.offset), ("stored", f"{world.name}.stored", nothing.offset),
    ]  # fmt: skip
    first, second = sorted(records)
    assert first.place.arrived == arrived(sent)
    assert first.place.partition == 1
    assert first.key == report.encode()
    assert (second.value, second.headers) == (None, (("source", b"s"),))
    assert reach.complete_until == until
    assert (reach.begins, reach.deleted) == (dict.fromkeys(INPUT_KINDS), {})
    assert reach.partitions == 2


async def test_an_empty_input_beside_one_with_records_leaves_completeness_unknown(make_world: MakeWorld) -> None:
    world = await make_world(partitions=2)
    await world.put("sent", sent_value(str(uuid4())), partition=0)
    await world.put("stored", stored_value(str(uuid4())), partition=0)
    _, reach = await read(world)
    assert reach.complete_until is None
    assert reach.held_back_by == (f"{world.name}.receipt", 0)


async def test_decisions_are_read_and_complete_nothing(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    report = str(uuid4())
    first = [await world.put(kind, {"report_id": report}, partition=0) for kind in ("sent", "receipt", "stored")]
    records, reach = await read(world)
    assert reach.complete_until == min(map(arrived, first))
    await world.put("decision", {"report_id": report}, partition=0)
    records, reach = await read(world)
    assert [record.kind for record in records if record.kind == "decision"] == ["decision"]
    assert reach.complete_until == min(map(arrived, first))


async def test_decisions_are_whole_but_behind_an_offset_a_time_or_an_open_transaction(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    value = {"report_id": str(uuid4())}
    first = arrived(await world.put("decision", value, partition=0))
    await a_moment_later()
    second = arrived(await world.put("decision", value, partition=0))
    for span, until in (
        (EVERYTHING, None), (AskedSpan(last={(f"{world.name}.decision", 0): 1}), first), (AskedSpan(to=second), second),
        (AskedSpan(to=second + timedelta(hours=1)), None),
    ):  # fmt: skip
        assert (await read(world, span))[1].decisions_until == until
    async with upstream(world) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(f"{world.name}.decision", b"{}", key=b"k", partition=0)
        assert (await asyncio.wait_for(read(world), 10))[1].decisions_until == second
        await producer.abort_transaction()
    assert (await asyncio.wait_for(read(world), 10))[1].decisions_until is None


async def test_reading_ends_also_behind_aborted_transactions_and_control_records(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    kept, undone = str(uuid4()), str(uuid4())
    async with upstream(world) as producer:
        for report, commit in ((kept, True), (undone, False), (undone, False)):
            await producer.begin_transaction()
            await producer.send_and_wait(f"{world.name}.sent", b"{}", key=report.encode(), partition=0)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        await producer.begin_transaction()
        await producer.send_and_wait(f"{world.name}.receipt", b"{}", key=b"k", partition=0)
        await producer.abort_transaction()
    records, reach = await asyncio.wait_for(read(world), 10)
    assert [record.key for record in records] == [kept.encode()]
    assert reach.complete_until is None  # nothing was ever committed to the others


async def test_an_open_transaction_ends_the_reading_and_holds_completeness_back(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    await world.put("sent", sent_value(str(uuid4())), partition=0)
    until = await mark(world, 0)
    async with upstream(world) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(f"{world.name}.stored", b"{}", key=b"k", partition=0)
        behind = arrived(await world.put("stored", stored_value(str(uuid4())), partition=0))
        await mark(world, 0)
        records, reach = await asyncio.wait_for(read(world), 10)
        assert [record.kind for record in records] == ["sent"]
        assert reach.complete_until is not None
        assert until <= reach.complete_until <= behind
        assert reach.held_back_by == (f"{world.name}.stored", 0)
        for to in (behind, datetime.now(UTC) + timedelta(hours=1)):
            _, asked = await read(world, AskedSpan(to=to))
            assert asked.complete_until == reach.complete_until
        await producer.abort_transaction()


async def test_from_and_to_a_time_are_exact(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    times = []
    for number in range(4):
        times.append(arrived(await world.put("sent", b"%d" % number, key=b"k", partition=0)))
        await a_moment_later()  # else a mark of the same millisecond says less than the test does
        await mark(world, 0)
        await a_moment_later()
    records, reach = await read(world, AskedSpan(since=times[1], to=times[3]))
    assert [record.value for record in records] == [b"1", b"2"]
    assert reach.complete_until == times[3]
    assert reach.begins == dict.fromkeys(KINDS, times[1]) | {"decision": None}  # nobody has decided anything
    half = timedelta(microseconds=500)  # the broker knows only whole milliseconds
    records, _ = await read(world, AskedSpan(since=times[1] + half, to=times[2] + half))
    assert [record.value for record in records] == [b"2"]
    records, reach = await read(world, AskedSpan(since=times[3]))
    assert [record.value for record in records] == [b"3"]
    assert reach.complete_until is not None
    assert reach.complete_until > times[3]
    records, reach = await read(world, AskedSpan(since=times[3] + timedelta(hours=1)))
    assert (records, reach.complete_until, reach.deleted) == ([], None, {})
    with pytest.raises(ConfigurationError, match="exchange them"):
        await read(world, AskedSpan(since=times[1], to=times[1]))


async def test_offsets_may_be_given_by_partition(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    times = [arrived(await world.put("sent", b"%d" % n, key=b"k", partition=0)) for n in range(5)]
    spot = (f"{world.name}.sent", 0)
    records, reach = await read(world, AskedSpan(first={spot: 1}, last={spot: 3}))
    assert [record.value for record in records] == [b"1", b"2"]
    assert reach.begins == dict.fromkeys(INPUT_KINDS) | {"sent": times[1]}
    for wrong in ({spot: 6}, {("other", 0): 0}, {spot: -1}):
        with pytest.raises(ConfigurationError, match="has no offset"):
            await read(world, AskedSpan(last=wrong))


async def test_a_deleted_beginning_is_told_with_its_offsets_and_the_first_time_that_is_left(
    make_world: MakeWorld,
) -> None:
    world = await make_world(partitions=2)
    times = [arrived(await world.put("stored", b"%d" % n, key=b"k", partition=0)) for n in range(5)]
    await world.put("sent", b"{}", key=b"k", partition=1)
    await world.delete("stored", 0, 3)
    await world.delete("sent", 1, 1)
    before = datetime.now(UTC)
    records, reach = await read(world)
    assert [record.value for record in records] == [b"3", b"4"]
    assert reach.deleted == {(f"{world.name}.stored", 0): 3, (f"{world.name}.sent", 1): 1}
    assert reach.begins["stored"] == times[3]
    assert reach.begins["receipt"] is None
    # Nothing at all is left of that one: not even this moment is covered by it.
    assert reach.begins["sent"] is not None
    assert reach.begins["sent"] >= before


async def test_nothing_was_lost_where_the_beginning_was_not_asked_for(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    times = []
    for number in range(3):
        times.append(arrived(await world.put("sent", b"%d" % number, key=b"k", partition=0)))
        await a_moment_later()
    await world.delete("sent", 0, 1)
    spot = (f"{world.name}.sent", 0)
    _, by_time = await read(world, AskedSpan(since=times[2]))
    assert (by_time.deleted, by_time.begins["sent"]) == ({}, times[2])
    _, by_offset = await read(world, AskedSpan(first={spot: 1}))
    assert (by_offset.deleted, by_offset.begins["sent"]) == ({}, times[1])
    # The deleted ones may have been of that time or later: who knows.
    _, unsure = await read(world, AskedSpan(since=times[0]))
    assert (unsure.deleted, unsure.begins["sent"]) == ({spot: 1}, times[1])


async def test_many_partitions_that_are_mostly_empty_are_read_at_once(make_world: MakeWorld) -> None:
    world = await make_world(partitions=48)
    report = str(uuid4())
    for partition in (3, 40):
        await world.put("sent", sent_value(report), partition=partition)
    until = await mark(world, 3)
    await mark(world, 40)
    records, reach = await asyncio.wait_for(read(world), 10)
    assert sorted(record.place.partition for record in records) == [3, 40]
    assert reach.complete_until == until
    assert reach.partitions == 48


async def test_what_cannot_be_read_is_one_sentence(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    gone = Settings(input_prefix="nowhere.")
    with pytest.raises(ConfigurationError, match=r"The topic nowhere.sent does not exist"):
        [batch async for batch in read_topics(world.kafka, gone)]
    with pytest.raises(ConfigurationError, match="No Kafka broker answers"):
        [batch async for batch in read_topics(KafkaSettings(brokers="127.0.0.1:1"), world.settings)]


async def test_what_arrives_while_it_reads_is_not_read(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    for _ in range(20):
        await world.put("sent", b"x" * 1_000_000, key=b"k", partition=0)
    reading = read_topics(world.kafka, world.settings)
    records = (await anext(reading)).records
    assert 0 < len(records) < 20
    for kind in ("sent", "stored"):
        for _ in range(30):
            await world.put(kind, b"x" * 200_000, key=b"k", partition=0)
    async for batch in reading:
        records += batch.records
    assert [record.place.offset for record in records] == list(range(20))
    assert {record.kind for record in records} == {"sent"}
    assert batch.reach is not None
    assert batch.reach.complete_until is None  # what came meanwhile tells no time


async def test_records_that_are_deleted_while_they_are_read_stop_it(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    for _ in range(40):
        await world.put("sent", b"x" * 1_000_000, key=b"k", partition=0)
    reading = read_topics(world.kafka, world.settings)
    first = await anext(reading)
    assert 0 < first.done < 1
    await world.delete("sent", 0, 40)
    with pytest.raises(ConfigurationError, match="deleted by retention while they were being read"):
        [batch async for batch in reading]


async def test_a_partition_that_gives_nothing_for_too_long_is_named(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world(partitions=1)
    for _ in range(40):
        await world.put("sent", b"x" * 1_000_000, key=b"k", partition=0)
    monkeypatch.setattr(reader, "STALL_SECONDS", 0.2)
    reading = read_topics(world.kafka, world.settings)
    await anext(reading)
    monkeypatch.setattr(AIOKafkaConsumer, "getmany", _nothing)
    with pytest.raises(ConfigurationError, match=rf"{world.name}.sent-0 cannot be read to its end; is a broker down"):
        [batch async for batch in reading]


async def _nothing(consumer: Any, **_: Any) -> dict[TopicPartition, list[Any]]:
    await asyncio.sleep(0.01)
    return {}


async def test_inputs_with_different_numbers_of_partitions_are_refused(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    topic = f"{world.name}.stored"
    async with admin_at(world.kafka.brokers) as admin:
        await admin.create_partitions({topic: NewPartitions(2)})

    async def grown() -> bool:
        return (await partition_counts(world.kafka, [topic]))[topic] == 2

    await true_at_last(grown)
    with pytest.raises(ConfigurationError, match=rf"{world.name}.sent has 1 partitions and {world.name}.stored has 2"):
        await read(world)


async def test_a_topic_without_the_brokers_append_time_is_refused(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    topic = ConfigResource(ConfigResourceType.TOPIC, f"{world.name}.sent", {"message.timestamp.type": "CreateTime"})
    async with admin_at(world.kafka.brokers) as admin:
        await admin.alter_configs([topic])

    async def taken() -> bool:
        appended = await world.put("sent", b"{}", key=b"k", partition=0)
        return bool(appended.timestamp_type == 0)

    await true_at_last(taken)
    with pytest.raises(ConfigurationError, match=r"sent-0 offset \d+ has no append time .* with --from"):
        await read(world)
