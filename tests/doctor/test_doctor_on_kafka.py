"""The doctor on a real Kafka: what it gathers is true, it changes nothing, and it ends in time."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.doctor import Finding, FindingState, examine
from streams.doctor.checks.checker import transactions
from streams.doctor.facts import Unread
from streams.doctor.gather.gather import gather
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, later
from tests.real_kafka import admin_at

pytestmark = pytest.mark.kafka


def not_ok(found: list[Finding], check: str) -> list[Finding]:
    return [finding for finding in found if finding.check == check and finding.state is not FindingState.OK]


def faults(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.state is FindingState.FAULT]


def said(text: str) -> list[dict[str, str]]:
    """What a command printed with --json."""
    return [orjson.loads(line) for line in text.splitlines()]


@pytest.mark.alone
async def test_before_the_first_worker_nothing_is_faulty_and_nothing_is_created(make_world: MakeWorld) -> None:
    world = await make_world()
    async with admin_at(world.kafka.brokers) as admin:
        before = {name for name in await admin.list_topics() if world.name in name}
        began = time.monotonic()
        done = await asyncio.to_thread(world.run, "doctor", "--json")
        assert time.monotonic() - began < 15
        assert {name for name in await admin.list_topics() if world.name in name} == before
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    states = {(line["check"], line["state"]) for line in said(done.stdout)}
    assert {("topics", "ok"), ("topic settings", "ok"), ("workers", "warning"), ("clocks", "unknown")} <= states
    assert not any(state == "fault" for _, state in states)


async def test_marks_of_its_own_tell_the_clocks(make_world: MakeWorld) -> None:
    world = await make_world()
    assert not_ok(await examine(world.kafka, world.settings, probe=True), "clocks") == []
    assert len(await world.inputs_with_header("mv-mark")) == 3


async def test_unsafe_topics_and_a_dead_address_are_all_named_in_one_run(make_world: MakeWorld) -> None:
    world = await make_world()
    name = world.name
    async with admin_at(world.kafka.brokers) as admin:
        await admin.delete_topics([f"{name}.access"])
        await admin.create_partitions({f"{name}.rejected": NewPartitions(5)})
        await admin.alter_configs(
            [
                ConfigResource(ConfigResourceType.TOPIC, topic, configs)
                for topic, configs in (
                    (f"{name}.sent", {"message.timestamp.type": "CreateTime"}),
                    (f"{name}.receipt", {"message.timestamp.type": "LogAppendTime", "retention.ms": "86400000000"}),
                    (
                        f"{name}.stored",
                        {"message.timestamp.type": "LogAppendTime", "unclean.leader.election.enable": "true"},
                    ),
                    (f"{name}.state", {"cleanup.policy": "compact,delete"}),
                )
            ]
        )
    brokers = f"{world.kafka.brokers},127.0.0.1:9"
    done = await asyncio.to_thread(world.run, "doctor", "--json", KAFKA_BROKERS=brokers)
    assert done.returncode == 1, done.stderr
    lines = said(done.stdout)
    wrong = [(line["check"], line["state"], line["found"]) for line in lines if line["state"] != "ok"]
    for check, state, words in (
        ("bootstrap", "warning", "127.0.0.1:9 does not answer"),
        ("topics", "fault", f"there is no {name}.access"),
        ("partitions", "fault", f"{name}.rejected has 5 partitions and {name}.sent has 4"),
        ("topic settings", "fault", f"{name}.sent has message.timestamp.type=CreateTime"),
        ("topic settings", "fault", f"{name}.stored allows unclean leader election"),
        ("topic settings", "fault", f"{name}.state has cleanup.policy=compact,delete"),
        ("retention", "fault", f"rows are kept 120 days, {name}.receipt 1000 days"),
    ):
        assert any(w[:2] == (check, state) and words in w[2] for w in wrong), (words, wrong)
    assert all(line["advice"] for line in lines if line["state"] != "ok")


async def test_an_open_upstream_transaction_is_named(make_world: MakeWorld) -> None:
    world = await make_world()
    portal = f"portal-{uuid4()}"
    async with AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, transactional_id=portal) as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(f"{world.name}.sent", b"{}", partition=2)
        found = await examine(world.kafka, world.settings)
        await producer.abort_transaction()
    (opened,) = not_ok(found, "open transactions")
    assert opened.state is FindingState.WARNING
    assert f"{world.name}.sent-2 stands still at offset 0 of 1" in opened.found
    assert f"by {portal} since offset 0" in opened.found
    assert f"abort --topic {world.name}.sent --partition 2 --start-offset 0" in opened.advice


async def test_of_transactions_only_one_that_is_under_way_can_hang(make_world: MakeWorld) -> None:
    world = await make_world(partitions=2)

    async def hanging(hours: int) -> list[Finding]:
        facts = await gather(world.kafka, world.settings, probe=False)
        assert not isinstance(facts.transactions, Unread)
        assert all(each.started for each in facts.transactions)
        later_on = replace(facts, now=facts.now + timedelta(hours=hours))
        return not_ok(list(transactions(later_on)), "transactional ids")

    async with AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-0") as producer:
        for end in (producer.commit_transaction, producer.abort_transaction):
            await producer.begin_transaction()
            await producer.send_and_wait(f"{world.name}.missing", b"{}", partition=0)
            (still,) = await hanging(1)
            assert f"{world.name}-0 is Ongoing since" in still.found
            await end()
            assert await hanging(1) == []


async def test_a_worker_at_work_and_what_was_changed_behind_its_back(make_world: MakeWorld) -> None:
    world = await make_world()
    worker = world.worker()
    await worker.ready()
    await world.complete_beyond(later(0))
    settings = world.settings.model_copy(update={"policy": world.folder / "policy.toml"})
    found = await examine(world.kafka, settings)
    for check in ("workers", "coverage", "offsets", "transactional ids", "open transactions", "clocks"):
        assert not_ok(found, check) == []
    assert faults(found) == []
    assert worker.process.poll() is None, "the look fenced the worker"
    await world.complete_beyond(later(0))
    worker.stop()
    await _set_back(world)
    async with admin_at(world.kafka.brokers) as admin:
        await admin.create_partitions(
            {name: NewPartitions(5) for name in await admin.list_topics() if world.name in name}
        )
    found = await examine(world.kafka, world.settings)
    (moved,) = not_ok(found, "offsets")
    assert f"{world.name}.sent-0: the group's offset 0 was changed by hand" in moved.found
    (added,) = not_ok(found, "partitions")
    assert "had 4 partitions and now have 5" in added.found
    (idle,) = not_ok(found, "workers")
    assert idle.state is FindingState.WARNING


async def _set_back(world: World) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=world.kafka.brokers, group_id=world.settings.app_id, enable_auto_commit=False
    )
    await consumer.start()
    try:
        tp = TopicPartition(f"{world.name}.sent", 0)
        consumer.assign([tp])
        await consumer.commit({tp: 0})
    finally:
        await consumer.stop()


async def test_an_invalid_policy_is_a_fault_among_others(make_world: MakeWorld) -> None:
    world = await make_world()
    policy = world.folder / "policy.toml"
    policy.write_text('[[version]]\nid = "a"\ngrase = "PT5M"\n')
    found = await examine(world.kafka, world.settings.model_copy(update={"policy": policy}))
    (wrong,) = faults(found)
    assert "unknown entry version.1.grase" in wrong.found
