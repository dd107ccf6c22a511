"""Tasks of the client that end by themselves: whoever would wait for them for ever is told, and a worker ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError

from streams.exits import EXIT_IN_DOUBT
from streams.kafka.consumers import one_off_consumer
from streams.kafka.patches import Consumer, ensure_working
from tests.engine.conftest import MakeWorld
from tests.engine.world import World
from tests.examples import first

pytestmark = pytest.mark.kafka

Named = Callable[[Any], "asyncio.Task[Any]"]
IN_A_GROUP: dict[str, Named] = {
    "fetching": lambda client: client._fetcher._fetch_task,
    "coordination with its group": lambda client: client._coordinator._coordination_task,
    "sending of heartbeats": lambda client: client._coordinator._heartbeat_task,
    "looking for committed offsets": lambda client: client._coordinator._commit_refresh_task,
    "looking for leaders": lambda client: client._client._sync_task,
}
ALONE: dict[str, Named] = {
    "fetching": IN_A_GROUP["fetching"],
    "looking for its partitions": lambda client: client._coordinator._reset_committed_task,
    "looking for leaders": IN_A_GROUP["looking for leaders"],
}
PRODUCING: dict[str, Named] = {
    "sending": lambda client: client._sender._sender_task,
    "looking for leaders": lambda client: client.client._sync_task,
}


@pytest.fixture
async def member(world: World) -> AsyncIterator[Any]:
    """A consumer in a group that has its partitions."""
    consumer = AIOKafkaConsumer(
        f"{world.name}.sent", bootstrap_servers=world.kafka.brokers, group_id=f"{world.name}-dead",
        enable_auto_commit=False,
    )  # fmt: skip
    await consumer.start()
    await consumer.getmany(timeout_ms=100)
    yield consumer
    await asyncio.gather(consumer.stop(), return_exceptions=True)


async def _fail(error: BaseException) -> None:
    raise error


async def _ended(error: BaseException | None) -> "asyncio.Task[None]":
    """A task that was cancelled before it began, or that failed."""
    task = asyncio.create_task(_fail(error or KafkaError()))
    if error is None:
        task.cancel()
    await asyncio.wait([task])
    return task


@pytest.mark.parametrize("error", [None, RuntimeError("x")], ids=["cancelled", "failed"])
async def test_a_member_of_a_group_is_watched(member: Any, error: BaseException | None) -> None:
    ensure_working(member)
    coordinator, fetcher, client = member._coordinator, member._fetcher, member._client
    places = {
        "fetching": (fetcher, "_fetch_task"), "coordination with its group": (coordinator, "_coordination_task"),
        "sending of heartbeats": (coordinator, "_heartbeat_task"),
        "looking for committed offsets": (coordinator, "_commit_refresh_task"),
        "looking for leaders": (client, "_sync_task"),
    }  # fmt: skip
    for doing, (owner, name) in places.items():
        living = IN_A_GROUP[doing](member)
        assert not living.done()
        setattr(owner, name, await _ended(error))
        with pytest.raises(KafkaError, match=f"the client's {doing} has ended by itself"):
            ensure_working(member)
        setattr(owner, name, living)
    ensure_working(member)


async def test_what_kafka_refused_is_told_as_it_was(member: Any) -> None:
    """So that whoever may not read the group is told that."""
    living, member._coordinator._heartbeat_task = member._coordinator._heartbeat_task, None
    ensure_working(member)  # between two generations there is none
    member._coordinator._heartbeat_task = await _ended(GroupAuthorizationFailedError("g"))
    with pytest.raises(GroupAuthorizationFailedError):
        ensure_working(member)
    member._coordinator._heartbeat_task = living


@pytest.mark.parametrize("doing", ALONE)
async def test_a_consumer_outside_every_group_does_not_wait_for_ever(world: World, doing: str) -> None:
    async with one_off_consumer(world.kafka) as consumer:
        assert isinstance(consumer, Consumer)
        consumer.subscribe([f"{world.name}.sent"])
        await consumer.getmany(timeout_ms=10)
        ALONE[doing](consumer).cancel()
        await asyncio.wait([ALONE[doing](consumer)])
        for read in (consumer.getone, consumer.getmany):
            with pytest.raises(KafkaError, match=f"the client's {doing} has ended by itself"):
                await asyncio.wait_for(read(), 5)


@pytest.mark.parametrize("doing", PRODUCING)
async def test_a_producer_is_watched(world: World, doing: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=world.kafka.brokers) as producer:
        ensure_working(producer)
        PRODUCING[doing](producer).cancel()
        await asyncio.wait([PRODUCING[doing](producer)])
        with pytest.raises(KafkaError, match=f"the client's {doing} has ended by itself"):
            ensure_working(producer)


# Starts a worker in which one task of a client's is cancelled as soon as it holds partitions.
LAUNCHER = """
from streams.engine import completeness, source
from streams.cli import main

def cancelling(of, name, task):
    real = getattr(of, name)
    async def wrapped(self, *arguments):
        if self._table.partitions:
            eval(task)(self).cancel()
        return await real(self, *arguments)
    setattr(of, name, wrapped)

cancelling({of}, "{name}", "{task}")
main()
"""
IN_A_WORKER = [
    ("fetching", "source.Source", "_fetch_once", "lambda it: it._consumer._fetcher._fetch_task"),
    ("coordination with its group", "source.Source", "_fetch_once",
     "lambda it: it._consumer._coordinator._coordination_task"),
    ("looking for leaders", "source.Source", "_fetch_once", "lambda it: it._consumer._client._sync_task"),
    ("sending", "completeness.Marker", "_look_at", "lambda it: it._producer._sender._sender_task"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("doing", "of", "name", "task"), first(1, IN_A_WORKER), ids=[doing for doing, *_ in IN_A_WORKER]
)
async def test_a_worker_ends_with_a_sentence(make_world: MakeWorld, doing: str, of: str, name: str, task: str) -> None:
    world = await make_world(partitions=1)
    code = LAUNCHER.format(of=of, name=name, task=task)
    worker = world.worker(launcher=("-c", code))
    assert await worker.exit_code(30) == EXIT_IN_DOUBT
    said = [line for line in worker.output().splitlines() if line.startswith("meldingsvakt: ")]
    assert len(said) == 1
    assert f"the client's {doing} has ended by itself): ending, so that the next owner reads what is true." in said[0]
    await world.worker().ready()
