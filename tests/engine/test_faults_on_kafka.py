"""What a worker does when it is killed, moved, fenced or refused, on real Kafka."""

import asyncio
import random
import signal
from datetime import timedelta

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.exits import EXIT_IN_DOUBT
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now, sent_value
from tests.examples import first
from tests.real_kafka import admin_at, configure

pytestmark = pytest.mark.kafka


async def test_it_waits_for_an_open_upstream_transaction_and_says_so(
    make_world: MakeWorld,
) -> None:
    world = await make_world(partitions=1, allowance=1, gap_after="PT2S")
    worker = world.worker()
    await worker.ready()
    upstream = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-upstream")
    await upstream.start()
    async with world.announcements() as announced:
        await upstream.begin_transaction()
        aborted = sent_value("00000000-0000-4000-8000-000000000001")
        await (await upstream.send(f"{world.name}.sent", orjson.dumps(aborted), key=aborted["report_id"].encode()))
        behind = await world.sent()
        await announced.none_for(5)
        assert (await world.coverage(0))["gap"]["cause"] == "open_transaction"
        assert await worker.get("/readyz") == (
            503, '{"ready": false, "reasons": ["partition 0: open_transaction"], "partitions": [0]}',
        )  # fmt: skip
        await upstream.abort_transaction()
        assert (await announced.next())["report_id"] == behind
        assert (await world.coverage(0))["gap"] is None
        await world.complete_beyond(now() + timedelta(seconds=2))
        await announced.none_for(0.5)
        async with upstream.transaction():
            value = sent_value("00000000-0000-4000-8000-000000000002")
            await upstream.send(f"{world.name}.sent", orjson.dumps(value), key=value["report_id"].encode())
        assert (await announced.next())["report_id"] == value["report_id"]
    await upstream.stop()


@pytest.mark.parametrize("times", first(1, [2, 5]))
async def test_it_loses_and_invents_nothing_when_it_is_killed_again_and_again(world: World, times: int) -> None:
    lost: set[str] = set()
    async with world.announcements() as announced:
        for _ in range(times):
            worker = world.worker()
            for number in range(8):
                report = await world.sent()
                if number % 2:
                    await world.stored(report)
                else:
                    lost.add(report)
                await asyncio.sleep(random.uniform(0, 0.6))
            worker.kill()
        world.worker()
        events = await announced.take(len(lost), 60)
        assert {event["report_id"] for event in events} == lost
        await world.complete_beyond(now())
        await announced.none_for(0.5)


async def test_it_hands_partitions_over_while_reports_are_on_their_way(world: World) -> None:
    lost: set[str] = set()
    first = world.worker()
    await first.ready(partitions=4)
    async with world.announcements() as announced:
        for number in range(30):
            report = await world.sent()
            if number % 3:
                await world.stored(report)
            else:
                lost.add(report)
            if number == 10:
                second = world.worker()
            await asyncio.sleep(0.1)
        await second.ready(partitions=2)
        await first.ready(partitions=2)
        assert second.stop() == 0
        await first.ready(partitions=4)
        events = await announced.take(len(lost))
        assert {event["report_id"] for event in events} == lost
        await world.complete_beyond(now())
        await announced.none_for(0.5)


async def test_a_worker_that_slept_through_its_session_is_fenced_and_ends(world: World) -> None:
    sleeper = world.worker()
    await sleeper.ready()
    async with world.announcements() as announced:
        before = [await world.sent() for _ in range(4)]
        sleeper.signal(signal.SIGSTOP)
        heir = world.worker()
        await heir.ready(partitions=4)
        during = [await world.sent() for _ in range(4)]
        events = await announced.take(8)
        sleeper.signal(signal.SIGCONT)
        assert await sleeper.exit_code() in (0, EXIT_IN_DOUBT) or await heir.exit_code() == EXIT_IN_DOUBT
        assert {event["report_id"] for event in events} == {*before, *during}
        await announced.none_for(2)


async def test_a_batch_that_the_broker_refuses_is_never_committed(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1, mark_every="PT60S", gap_after="PT2M")
    worker = world.worker()
    await worker.ready()
    state, sent = f"{world.name}.state", TopicPartition(f"{world.name}.sent", 0)
    before = (await world.committed())[sent]
    await _limit(world, state, "150")
    report = await world.sent()
    assert await worker.exit_code() == EXIT_IN_DOUBT
    assert "MessageSizeTooLarge" in worker.output()
    assert (await world.committed())[sent] == before
    assert await world.rows() == {}
    await _limit(world, state, "1048588")
    async with world.announcements() as announced:
        world.worker()
        assert (await announced.next())["report_id"] == report


async def _limit(world: World, topic: str, size: str) -> None:
    async with admin_at(world.kafka.brokers) as admin:
        await configure(admin, topic, cleanup_policy="compact", max_message_bytes=size)
    await asyncio.sleep(0.5)  # what is told is applied to the log a moment later


SLOW_RESTORE = ("-m", "tests.system.faults.launch", '{"slow_restore": 3}')


async def _killed_with_rows(make_world: MakeWorld, rows: int) -> World:
    """A world whose worker was killed, and had written so many rows."""
    world = await make_world(partitions=1, session_timeout="PT2S", mark_every="PT60S", gap_after="PT2M")
    await world.worker().ready()
    for number in range(10):
        await _many_receipts(world, number, rows // 10)
    deadline = now() + timedelta(seconds=120)
    while len({v["report_id"] for v in await world.values("state")}) < rows:
        assert now() < deadline
        await asyncio.sleep(0.5)
    world.workers[0].kill()
    return world


@pytest.mark.parametrize("rows", first(1, [100, 50_000]))
async def test_a_restore_may_last_longer_than_the_session(make_world: MakeWorld, rows: int) -> None:
    world = await _killed_with_rows(make_world, rows)
    report = await world.sent()
    async with world.announcements() as announced:
        heir = world.worker(SLOW_RESTORE)
        assert (await announced.next(60))["report_id"] == report
        _, metrics = await heir.get("/metrics")
        took = next(float(line.split()[-1]) for line in metrics.splitlines() if "restore_seconds{" in line)
        assert took > 3
        assert heir.output().count("Checking partitions") == 1


@pytest.mark.long
async def test_a_restore_may_last_longer_than_the_session_and_be_given_to_another(make_world: MakeWorld) -> None:
    world = await _killed_with_rows(make_world, 50_000)
    report = await world.sent()
    async with world.announcements() as announced:
        world.worker(SLOW_RESTORE)
        await asyncio.sleep(2.5)
        world.worker(SLOW_RESTORE)  # a rebalance in the middle of the restore
        assert (await announced.next(90))["report_id"] == report
        await announced.none_for(2)


async def _many_receipts(world: World, batch: int, count: int) -> None:
    """Rows that need no sent: only receipts."""
    sends = []
    for number in range(count):
        report = f"{batch:08d}-{0:04d}-4000-8000-{number:012d}"
        value = orjson.dumps({"report_id": report, "receipt": "MOTTATT", "received_at": "2026-01-01T00:00:00Z"})
        sends.append(await world.producer.send(f"{world.name}.receipt", value, key=report.encode()))
    await asyncio.gather(*sends)
