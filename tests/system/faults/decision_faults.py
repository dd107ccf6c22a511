"""A decision whose transaction does not end: no verdict may wait for it."""

import asyncio
import time

import orjson
from aiokafka import AIOKafkaProducer

from tests.system.faults.run import Fault
from tests.system.faults.scene import PARTITIONS, Scene

AFTER_ALL, GOES_ON_SECONDS = 3, 20.0


async def decision_hangs(scene: Scene) -> None:
    """A transaction is open on the decisions of every partition: verdicts go on, and what hung counts in the end."""
    await scene.somewhere(0.2, 0.3)
    while not scene.missing_seen():
        await asyncio.sleep(0.1)
    event = scene.missing_seen()[0].event
    async with AIOKafkaProducer(
        bootstrap_servers=scene.cluster.inner,
        transactional_id=f"{scene.world.name}-desk",
        transaction_timeout_ms=120_000,
    ) as desk:
        scene.begin()
        await desk.begin_transaction()
        for partition in range(PARTITIONS):
            value = orjson.dumps(scene.desk.decision(event, "close", outcome="handled"))
            key = event["report_id"].encode()
            await desk.send_and_wait(scene.settings.decisions, value, key=key, partition=partition)
        since, decided = time.time(), scene.desk.decided
        went_on = await scene.complete_beyond(since + 2, since + GOES_ON_SECONDS)
        scene.prove(went_on, "every partition was complete beyond a decision that hung")
        while len(scene.missing_seen()) < AFTER_ALL or scene.missing_seen()[-AFTER_ALL].at < since:
            assert time.time() < since + GOES_ON_SECONDS, "nothing was announced while a decision hung"
            await asyncio.sleep(0.1)
        while scene.desk.decided == decided and time.time() < since + GOES_ON_SECONDS:
            await asyncio.sleep(0.1)
        scene.prove(scene.desk.decided > decided, "others were appended behind it")
        assert not await scene.gaps(), "a decision that hung was called a gap"
        await (desk.abort_transaction() if scene.rng.random() < 0.3 else desk.commit_transaction())
    scene.heal()


DECISION_FAULTS = (Fault("decision_hangs", decision_hangs, seeds=5, seconds=14),)
