"""What can happen to Kafka: brokers killed, stopped, cut off, misled about the time, out of disk; topics harmed."""

import asyncio
import contextlib
import json
import signal
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewPartitions, NewTopic
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from streams.exits import EXIT_IN_DOUBT
from streams.kafka.consumers import read_all
from streams.kafka.topics import wanted_topics
from tests.engine.world import sent_value
from tests.real_kafka import create_topics, delete_topics
from tests.system.faults.cluster import FULL_DISK_NODE, WRONG_CLOCK_NODE, admin, in_sync, leader_of
from tests.system.faults.loss_faults import add_an_impatient_version
from tests.system.faults.run import Fault
from tests.system.faults.scene import Inject, Scene

DOWN_SECONDS = 8.0
APPENDS_SECONDS = 20.0
PAUSE_SECONDS = 12.0  # longer than the brokers' session with the controller: the leader is replaced meanwhile
MINUTE = 60.0
CLOCK_SECONDS = 600

Find = Callable[[Scene], Awaitable[int]]


async def _leader(scene: Scene) -> int:
    return await leader_of(scene.cluster.inner, TopicPartition(scene.settings.inputs[0], 0))


async def _controller(scene: Scene) -> int:
    """The leader of the quorum, as the brokers' own files tell it."""
    for node in scene.cluster.kafka.nodes:
        for path in node.folder.rglob("__cluster_metadata-0/quorum-state"):
            leader = int(json.loads(path.read_text())["leaderId"])
            if leader > 0:
                return leader
    raise AssertionError("no broker knows the leader of the quorum")


async def _group_coordinator(scene: Scene) -> int:
    async with admin(scene.cluster.inner) as client:
        return int(await client.find_coordinator(scene.world.name))


async def _transaction_coordinator(scene: Scene) -> int:
    async with admin(scene.cluster.inner) as client:
        return int(await client.find_coordinator(f"{scene.world.name}-0", 1))


async def _found(scene: Scene, find: Find) -> int:
    """Ask again while the one that is asked is the one that is gone."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await find(scene)
            except KafkaError:
                await asyncio.sleep(0.3)


async def _successor(scene: Scene, find: Find, former: int) -> int | None:
    """Who has the role of a broker that is gone; None if nobody got it in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(30):
            while (found := await _found(scene, find)) in (-1, former):
                await asyncio.sleep(0.3)  # the controller misses a killed broker only when its session is over
            return found
    return None


def broker_killed(find: Find, what: str) -> Inject:
    """SIGKILL of the broker that has a role, which comes back a little later."""

    async def inject(scene: Scene) -> None:
        await scene.somewhere(0.2, 0.35)
        broker = await find(scene)
        node = scene.cluster.node(broker)
        pid = node.pid
        scene.begin()
        node.kill()
        scene.prove(pid and not node.running(), f"broker {broker}, the {what}, was killed")
        await asyncio.sleep(DOWN_SECONDS)
        if what != "controller":
            scene.prove(await _successor(scene, find, broker), f"another broker became the {what}")
        await scene.cluster.ready()
        scene.heal()

    inject.__doc__ = f"SIGKILL of the {what}"
    return inject


async def leader_paused(scene: Scene) -> None:
    """SIGSTOP of an input's leader while its successor takes appends, then SIGCONT."""
    await scene.somewhere(0.15, 0.3)
    broker = await _leader(scene)
    scene.begin()
    scene.cluster.node(broker).pause()
    await asyncio.sleep(PAUSE_SECONDS)
    successor = await _found(scene, _leader)
    scene.prove(successor not in (-1, broker), f"broker {successor} took over from {broker}, which slept")
    before = scene.delivery.delivered
    with contextlib.suppress(
        TimeoutError
    ):  # a producer that waits for the one that sleeps needs its own time-out first
        async with asyncio.timeout(APPENDS_SECONDS):
            while scene.delivery.delivered == before:
                await asyncio.sleep(0.2)
    scene.prove(scene.delivery.delivered > before, "the successor took appends")
    scene.cluster.node(broker).resume()
    await scene.cluster.ready()
    scene.heal()


def broker_clock(seconds: int) -> Inject:
    """One broker's clock is off, and partitions come to it and leave it again."""

    async def inject(scene: Scene) -> None:
        scene.begin()
        wrong = scene.cluster.node(WRONG_CLOCK_NODE)
        right = scene.cluster.node(scene.rng.choice((1, 3)))
        await scene.somewhere(0.15, 0.25)
        right.kill()  # some of its partitions go to the one whose clock is wrong
        await asyncio.sleep(3)
        right.start()
        await asyncio.to_thread(scene.cluster.kafka.wait_ready)
        await in_sync(scene.cluster.inner)
        wrong.kill()  # and all of them leave it
        scene.clock_was_off = abs(seconds)
        scene.heal()
        await scene.delivering
        steps = await _steps(scene)
        scene.prove(
            any(abs(step) > abs(seconds) / 2 for step in steps),
            f"append times jumped {len(steps)} times, by up to {max(map(abs, steps), default=0):.0f} s",
        )

    inject.__doc__ = f"One broker's clock is {seconds:+d} s off, and partitions come to it and leave it"
    return inject


async def _steps(scene: Scene) -> list[float]:
    """By how many seconds append times jumped between neighbours in a partition, beyond a minute."""
    last: dict[tuple[str, int], int] = {}
    steps = []
    async for record in read_all(scene.world.kafka, scene.settings.inputs):
        tp = record.topic, record.partition
        step = (record.timestamp - last.get(tp, record.timestamp)) / 1000
        last[tp] = record.timestamp
        if abs(step) > MINUTE:
            steps.append(step)
    return steps


async def all_restarted(scene: Scene) -> None:
    """All brokers are killed at once and started again."""
    await scene.somewhere(0.2, 0.35)
    scene.begin()
    for node in scene.cluster.kafka.nodes:
        node.kill()
    scene.prove(not any(node.running() for node in scene.cluster.kafka.nodes), "no broker was left")
    await asyncio.sleep(scene.rng.uniform(0.5, 3))
    await scene.cluster.ready()
    scene.heal()


async def broker_gone(scene: Scene) -> None:
    """One broker is gone for a minute."""
    await scene.somewhere(0.05, 0.15)
    broker = await _leader(scene)
    scene.begin()
    scene.cluster.node(broker).stop()
    await asyncio.sleep(MINUTE)
    scene.prove(not scene.cluster.node(broker).running(), f"broker {broker} was gone for {MINUTE:.0f} s")
    await scene.cluster.ready()
    scene.heal()


async def network_slow(scene: Scene) -> None:
    """Every packet takes a while, for half of the run."""
    await scene.somewhere(0.15, 0.25)
    scene.begin()
    for proxy in scene.cluster.proxies:
        proxy.latency_seconds = scene.rng.uniform(0.1, 0.4)
    await scene.until(0.7)
    for proxy in scene.cluster.proxies:
        proxy.flow()
    scene.heal()
    delayed = sum(proxy.delayed_chunks for proxy in scene.cluster.proxies)
    scene.prove(delayed > 50, f"{delayed} packets were held up")


async def network_stalled(scene: Scene) -> None:
    """The way to one broker swallows everything for longer than any time-out."""
    await scene.somewhere(0.15, 0.25)
    broker = await _leader(scene)
    scene.begin()
    proxy = scene.cluster.proxies[broker - 1]
    proxy.stall()
    await asyncio.sleep(PAUSE_SECONDS)
    proxy.flow()
    scene.heal()
    scene.prove(proxy.delayed_chunks > 0, f"{proxy.delayed_chunks} packets to broker {broker} waited")


async def network_cut(scene: Scene) -> None:
    """No broker can be reached by any worker for longer than 30 s: it must be said, or the workers end."""
    await scene.somewhere(0.05, 0.15)
    scene.begin()
    for proxy in scene.cluster.proxies:
        proxy.stall()
    with contextlib.suppress(AssertionError):
        await scene.said(lambda reason: True, coverage=False)
    ended = [one for one in scene.workers.exits if one.code != 0]
    scene.prove(scene.evidence or ended, f"cut off, the workers said so or ended: {[one.code for one in ended]}")
    await asyncio.sleep(5)
    for proxy in scene.cluster.proxies:
        proxy.flow()
    scene.heal()


async def network_reset(scene: Scene) -> None:
    """All connections of the workers are cut again and again."""
    await scene.somewhere(0.1, 0.2)
    scene.begin()
    cut = 0
    for _ in range(8):
        cut += sum(proxy.reset() for proxy in scene.cluster.proxies)
        await asyncio.sleep(scene.rng.uniform(0.2, 1.5))
    scene.heal()
    scene.prove(cut > 8, f"{cut} connections were cut")


async def disk_full(scene: Scene) -> None:
    """The disk under one broker is full; space comes back later."""
    await scene.somewhere(0.2, 0.3)
    disk = scene.cluster.disk
    assert disk is not None
    ballast = disk / "ballast"
    scene.begin()
    with contextlib.suppress(OSError), ballast.open("wb") as out:
        while True:
            out.write(b"\0" * (64 << 10))
            out.flush()
    node = scene.cluster.node(FULL_DISK_NODE)
    ended = await _ends(node, 30)
    log = node.log_file.read_text(errors="replace") if node.log_file.exists() else ""
    said = "No space left" in log or "KafkaStorageException" in log
    scene.prove(ended or said, f"broker {FULL_DISK_NODE} had no space left" + (" and ended" if ended else ""))
    ballast.unlink(missing_ok=True)
    if ended:
        node.kill()
    await scene.cluster.ready()
    scene.heal()


async def _ends(node: Any, seconds: float) -> bool:
    for _ in range(int(seconds * 10)):
        if not node.running():
            return True
        await asyncio.sleep(0.1)
    return False


async def transaction_open(scene: Scene) -> None:
    """An upstream producer leaves a transaction open on an input: nothing behind it can be judged, and it says so."""
    await scene.somewhere(0.15, 0.25)
    name = f"{scene.world.name}-upstream"
    upstream = AIOKafkaProducer(
        bootstrap_servers=scene.cluster.inner, transactional_id=name, transaction_timeout_ms=120_000
    )
    await upstream.start()
    scene.begin()
    try:
        await upstream.begin_transaction()
        report = sent_value(str(uuid4()))
        for partition in range(scene.settings.partitions):
            await (await upstream.send(scene.settings.inputs[0], orjson.dumps(report), key=b"x", partition=partition))
        await scene.said(lambda reason: "open_transaction" in reason)
        if scene.rng.random() < 0.5:
            await upstream.abort_transaction()
        else:
            await upstream.commit_transaction()
    finally:
        await upstream.stop()
    scene.heal()


async def inputs_deleted(scene: Scene) -> None:
    """While no worker runs, retention deletes records that nobody has read."""
    await scene.somewhere(0.2, 0.35)
    scene.begin()
    await scene.workers.close_all()
    await asyncio.sleep(2)
    topic = scene.settings.inputs[scene.rng.randrange(3)]
    committed = await scene.world.committed()
    async with admin(scene.cluster.inner) as client:
        before = {
            tp: RecordsToDelete(before_offset=offset + 2) for tp, offset in committed.items() if tp.topic == topic
        }
        deleted = 0
        for tp, upto in before.items():
            with contextlib.suppress(Exception):  # a partition with fewer records refuses: the others will do
                await client.delete_records({tp: upto})
                deleted += 1
    scene.inputs_lost = True
    scene.workers.start()
    scene.workers.start()
    scene.heal()
    await scene.workers.ready(90)
    losses = await _losses(scene)
    scene.prove(
        deleted and any(loss["cause"] == "deleted_by_retention" for loss in losses),
        f"{deleted} partitions of {topic} lost records, {len(losses)} losses are on coverage",
    )


async def _losses(scene: Scene) -> list[dict[str, Any]]:
    return [loss for value in await scene.world.coverages() for loss in value["losses"]]


async def input_made_anew(scene: Scene) -> None:
    """While no worker runs, an input topic is deleted and made anew."""
    await scene.somewhere(0.3, 0.4)
    scene.begin()
    scene.delivery.hold.clear()  # what is sent to a topic that is being deleted is nobody's loss but the producer's
    await scene.workers.close_all()
    add_an_impatient_version(scene)
    topic = scene.settings.inputs[2]
    made = next(wanted.required | wanted.suggested for wanted in wanted_topics(scene.settings) if wanted.name == topic)
    async with admin(scene.cluster.inner) as client:
        await delete_topics(client, topic)
        await create_topics(client, NewTopic(topic, scene.settings.partitions, 3, topic_configs=made))
    await in_sync(scene.cluster.inner)
    scene.delivery.hold.set()
    scene.inputs_lost = True
    scene.workers.start()
    scene.heal()
    await scene.workers.ready(90)
    losses = await _losses(scene)
    scene.prove(
        losses and all(loss["cause"] == "topic_recreated" for loss in losses), f"{topic} was made anew and said lost"
    )


async def partitions_added(scene: Scene) -> None:
    """Partitions are added to the live inputs: refused, because every key has moved."""
    await scene.somewhere(0.3, 0.5)
    scene.begin()
    async with admin(scene.cluster.inner) as client:
        for wanted in wanted_topics(scene.settings):
            await client.create_partitions({wanted.name: NewPartitions(total_count=8)})
    scene.workers.kill(0)
    await scene.exit_of(2, seconds=60)
    await scene.exit_of(1, code=EXIT_IN_DOUBT, seconds=60)
    sentences = {one.sentence for one in scene.workers.exits if one.code == EXIT_IN_DOUBT}
    scene.prove(any("had 4 partitions and now have 8" in one for one in sentences), f"refused: {sentences}")


async def state_unreadable(scene: Scene) -> None:
    """Somebody writes a row that does not parse: refused with its place, never skipped."""
    await scene.somewhere(0.4, 0.6)
    async with AIOKafkaProducer(bootstrap_servers=scene.cluster.inner) as producer:
        placed = await producer.send_and_wait(
            scene.settings.output("state"), scene.rng.randbytes(20), key=str(uuid4()).encode(), partition=0
        )
    scene.begin()
    for slot in scene.workers.slots:
        scene.workers.kill(slot)
    await scene.exit_of(len(scene.workers.slots), code=-signal.SIGKILL)
    await scene.exit_of(2, code=EXIT_IN_DOUBT, seconds=60)
    sentences = {one.sentence for one in scene.workers.exits if one.code == EXIT_IN_DOUBT}
    place = f"{scene.settings.output('state')}-0 offset {placed.offset} is no record of this checker"
    scene.prove(all(place in one for one in sentences), f"refused: {sentences}")


KAFKA_FAULTS = (
    Fault("leader_killed", broker_killed(_leader, "leader"), alone=True, seeds=10, seconds=20),
    Fault("controller_killed", broker_killed(_controller, "controller"), alone=True, seeds=10, seconds=20),
    Fault(
        "group_coordinator_killed",
        broker_killed(_group_coordinator, "group's coordinator"),
        alone=True,
        seeds=10,
        seconds=20,
    ),
    Fault(
        "transaction_coordinator_killed",
        broker_killed(_transaction_coordinator, "transactions' coordinator"),
        seeds=10,
        alone=True,
        seconds=20,
    ),
    Fault("leader_paused", leader_paused, seeds=10, alone=True, seconds=24),
    Fault("broker_clock_ahead", broker_clock(CLOCK_SECONDS), alone=True, cluster="clock+600", seconds=30),
    Fault("broker_clock_behind", broker_clock(-CLOCK_SECONDS), alone=True, cluster="clock-600", seconds=30),
    Fault("all_brokers_restarted", all_restarted, seeds=10, alone=True, seconds=20),
    Fault("broker_gone_a_minute", broker_gone, alone=True, seconds=70, per_second=4),
    Fault("network_slow", network_slow, alone=True, seconds=20),
    Fault("network_stalled", network_stalled, alone=True, seconds=20),
    Fault("network_cut", network_cut, alone=True, seconds=40, per_second=6),
    Fault("network_reset", network_reset, alone=True, seconds=20),
    Fault("disk_full", disk_full, alone=True, cluster="disk", seconds=24),
    Fault("transaction_open", transaction_open, seconds=18),
    Fault("inputs_deleted", inputs_deleted, seconds=18),
    Fault("input_made_anew", input_made_anew, seconds=14),
    Fault("partitions_added", partitions_added, ends=True),
    Fault("state_unreadable", state_unreadable, ends=True),
)
