"""Decisions on real Kafka: what people say of an alarm is applied once, and no verdict waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from streams.core.events import CLOSED_TYPE, MISSING_TYPE, RECOVERED_TYPE, REOPENED_TYPE
from streams.kafka.partitioner import partition_of
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, decision_value, now

pytestmark = pytest.mark.kafka

PARTITIONS = 2


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    return await make_world(partitions=PARTITIONS, allowance=1)  # all of it goes missing: the sooner the better


@asynccontextmanager
async def hanging(world: World, value: dict[str, Any]) -> AsyncIterator[Any]:
    """A transaction that has said a decision and does not end."""
    producer = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-desk")
    async with producer:
        await producer.begin_transaction()
        key = value["report_id"].encode()
        await producer.send_and_wait(world.settings.decisions, orjson.dumps(value), key=key)
        yield producer


async def test_an_alarm_is_closed_opened_anew_closed_again_and_found_after_all(world: World) -> None:
    worker = world.worker()
    await worker.ready()
    async with world.announcements() as announced:
        report = await world.sent()
        missing = await announced.next()
        assert (missing["type"], missing["report_id"]) == (MISSING_TYPE, report)
        close = decision_value(missing, "close", outcome="lost", reference="2026-1")
        await world.put("decision", close)
        closed = await announced.next()
        assert (closed["type"], closed["missing_event_id"]) == (CLOSED_TYPE, missing["event_id"])
        assert (closed["decision_id"], closed["outcome"]) == (close["decision_id"], "lost")
        await world.put("decision", close)  # said twice
        worker.kill()  # it is remembered by the next owner, and so is the position
        await world.worker().ready()
        await world.put("decision", decision_value(missing, "reopen"))
        assert (await announced.next())["type"] == REOPENED_TYPE
        await world.put("decision", decision_value(missing, "close", outcome="lost"))
        assert (await announced.next())["type"] == CLOSED_TYPE
        await world.stored(report)
        recovered = await announced.next()
        assert (recovered["type"], recovered["missing_event_id"]) == (RECOVERED_TYPE, missing["event_id"])
    row = await world.row_of(report, status="recovered")
    assert (row["outcome"], row["flags"]) == ("lost", ["contradicts_outcome"])
    home = partition_of(report.encode(), PARTITIONS)
    applied = (await world.coverage(home))["applied"][world.settings.decisions]
    assert (applied["next_offset"], applied["last_record"]["offset"]) == (4, 3)
    assert (await world.committed())[TopicPartition(world.settings.decisions, home)] == 4


async def test_what_does_not_fit_is_listed_and_what_is_erased_leaves_nothing_behind(world: World) -> None:
    await world.worker().ready()
    async with world.announcements() as announced:
        report, other = await world.sent(), await world.sent(receiver={"municipality": "4601"})
        missing = {event["report_id"]: event for event in await announced.take(2)}
        await world.put("decision", decision_value(missing[report], "erase"))  # its alarm is open
        elsewhere = {"municipality": "0301"}
        await world.put("decision", decision_value(missing[other], "close", outcome="found", receiver=elsewhere))
        await world.put("decision", b'{"decision_id": "1"}', key=report.encode())
        away = 1 - partition_of(report.encode(), PARTITIONS)
        await world.put("decision", decision_value(missing[report], "close", outcome="withdrawn"), partition=away)
        assert (await announced.next())["outcome"] == "withdrawn"
        await world.put("decision", decision_value(missing[report], "erase", missing_event_id=None))
        row = await world.row_of(report, status="erased")
    assert (row["receiver"], row["sent_at"], row["message_ids"]) == (None, None, [])
    assert (await world.rows())[other]["outcome"] is None
    listed = [(value["stage"], value["reason"]) for value in await world.values("rejected")]
    assert sorted(listed) == [("rule", "decision_unfit")] * 2 + [("schema", "missing_field:report_id")]


async def test_a_decision_that_hangs_holds_no_verdict_back(world: World) -> None:
    worker = world.worker()
    await worker.ready()
    async with world.announcements() as announced:
        await world.sent()
        missing = await announced.next()
        home = partition_of(missing["report_id"].encode(), PARTITIONS)
        async with hanging(world, decision_value(missing, "close", outcome="handled")) as desk:
            await world.complete_beyond(now())
            again = await world.sent()
            event = await announced.next()
            assert (event["type"], event["report_id"]) == (MISSING_TYPE, again)
            assert (await world.coverage(home))["gap"] is None
            worker.kill()  # whoever takes over does not wait for it, either
            await world.worker().ready()
            await world.complete_beyond(now())
            await desk.commit_transaction()
            closed = await announced.next()
        assert (closed["type"], closed["missing_event_id"]) == (CLOSED_TYPE, missing["event_id"])
        assert closed["arrived_at"] < event["alarm_at"] < (await world.coverage(home))["complete_until"]
    assert (await world.coverage(home))["gap"] is None


async def test_decisions_that_were_deleted_unread_are_a_loss_but_hide_no_proof(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    for _ in range(2):
        await world.put("decision", b"of long ago", key=b"x")
    await world.delete("decision", 0, before=1)
    worker = world.worker()
    await worker.ready()
    await world.complete_beyond(now())
    assert (await world.coverage(0))["beginnings"] == {}
    worker.kill()
    await world.put("decision", b"deleted, too", key=b"x")
    await world.delete("decision", 0, before=3)
    await world.worker().ready()
    async with world.announcements() as announced:
        await world.sent()
        missing = await announced.next()
        assert (missing["type"], missing["reason"]) == (MISSING_TYPE, "no_receipt")
        await world.put("decision", decision_value(missing, "close", outcome="found"))
        assert (await announced.next())["type"] == CLOSED_TYPE
    coverage = await world.coverage(0)
    (loss,) = coverage["losses"]
    said = loss["topic"], loss["from_offset"], loss["to_offset"], loss["cause"]
    assert said == (world.settings.decisions, 2, 3, "deleted_by_retention")
    assert coverage["gap"] is None


async def test_somebody_decides_from_the_command_line(world: World) -> None:
    await world.worker().ready()

    async def decide(*arguments: str) -> Any:
        return await asyncio.to_thread(world.run, "decide", *arguments)

    async with world.announcements() as announced:
        report = await world.sent(message_id="message-17")
        missing = await announced.next()
        await world.row_of(report, status="missing")
        done = await decide("message-17", "close", "--outcome", "handled", "--subject", "someone", "--json")
        assert done.returncode == 0, done.stderr
        told = orjson.loads(done.stdout)
        closed = await announced.next()
        assert (closed["type"], closed["outcome"], closed["missing_event_id"]) == (
            CLOSED_TYPE, "handled", missing["event_id"]
        )  # fmt: skip
        assert closed["decision_id"] == told["decision"]["decision_id"]
        assert (told["topic"], told["partition"]) == (
            world.settings.decisions, partition_of(report.encode(), PARTITIONS)
        )  # fmt: skip
    await world.row_of(report, outcome="handled")
    again = await decide(report[:8], "close", "--outcome", "handled")
    assert (again.returncode, "is closed already, as handled" in again.stderr) == (2, True)
    unknown = await decide(str(uuid4()), "close", "--outcome", "handled")
    assert (unknown.returncode, "The checker knows no report" in unknown.stderr) == (2, True)
    line = orjson.loads((await asyncio.to_thread(world.run, "explain", report, "--json")).stdout)["timeline"][-1]
    assert (line["fact"], line["says"]) == ("decision", "close as handled")
