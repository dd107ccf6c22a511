"""All workers are up and none can do its work: what alerts are made of says so from each process's first answer on."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from tests.system.faults.run import Fault
from tests.system.faults.scene import PARTITIONS, START_SECONDS, Inject, Scene
from tests.system.operations.promtool import samples

HELD_SECONDS = 8.0  # from the first answer of the last worker on
LONG_MILLISECONDS = 300_000
AGE = "meldingsvakt_completeness_age_seconds"

Obstacle = Callable[[Scene], AbstractAsyncContextManager[None]]


def nobody_ready(obstacle: Obstacle) -> Inject:
    """All workers are killed and start again before an obstacle, which is taken away later."""

    async def inject(scene: Scene) -> None:
        await scene.somewhere(0.2, 0.3)
        scene.begin()
        shown = _Shown(scene)
        async with obstacle(scene):
            killed = [scene.workers.kill(slot) for slot in scene.workers.slots]
            await scene.exit_of(len(killed))
            await shown.until_all_answered(set(killed))
            await shown.for_a_while(HELD_SECONDS)
        scene.heal()
        scene.prove(shown.answers > 2 * len(killed), f"{shown.answers} answers of workers that could not work: {shown}")
        assert not shown.wrong, shown.wrong
        await scene.workers.ready(90)

    inject.__doc__ = obstacle.__doc__
    return inject


class _Shown:
    """What the workers' metrics show, answer by answer, as the alerts ask for it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.answers = 0
        self.wrong: list[str] = []
        self._first: dict[int, float] = {}
        self._ages: dict[int, float] = {}
        self._unwatched = 0

    def __str__(self) -> str:
        watched = f"partitions aged {min(self._ages.values()):.1f} s and more" if self._ages else "no partition watched"
        return f"none ready, {watched}, the first answers after {[round(one, 1) for one in self._first.values()]} s"

    async def until_all_answered(self, killed: set[int]) -> None:
        """Look until a new worker in each slot has answered."""
        async with asyncio.timeout(START_SECONDS):
            while len(self._first) < len(self._scene.workers.slots):
                await self._look(killed)
                await asyncio.sleep(0.02)

    async def for_a_while(self, seconds: float) -> None:
        """Look on."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await self._look(set())
            await asyncio.sleep(0.2)
        ages, age = self._ages, time.time() - self._scene.began_at
        if ages and (len(ages) < PARTITIONS or min(ages.values()) < age - 3):
            self.wrong.append(f"After {age:.1f} s the partitions are as old as {ages}.")

    async def _look(self, killed: set[int]) -> None:
        self._ages = {}
        for slot in self._scene.workers.slots:
            worker = self._scene.workers[slot]
            if worker.process.pid in killed:
                continue
            try:
                text = (await worker.get("/metrics"))[1]
            except aiohttp.ClientError:
                continue  # it does not listen yet
            self._first.setdefault(worker.process.pid, time.time() - self._scene.began_at)
            self._judge(slot, samples(text))

    def _judge(self, slot: int, shown: dict[tuple[str, frozenset[tuple[str, str]]], float]) -> None:
        """Nobody is ready, however many partitions there are; and each is watched and grows old, or is not watched."""
        self.answers += 1
        for name, wanted in (("ready", 0), ("partitions", PARTITIONS)):
            found = shown.get((f"meldingsvakt_{name}", frozenset()))
            if found != wanted:
                self.wrong.append(f"Worker {slot} showed {name} as {found} in answer {self.answers}, not {wanted}.")
        self._ages |= {int(dict(labels)["partition"]): age for (name, labels), age in shown.items() if name == AGE}


@asynccontextmanager
async def _open_input(scene: Scene) -> AsyncIterator[None]:
    """Nobody is ready: an upstream transaction is open in every partition of an input, and all workers start anew."""
    async with _open_transaction(scene, scene.settings.inputs[0]):
        yield


@asynccontextmanager
async def _open_state(scene: Scene) -> AsyncIterator[None]:
    """Nobody is ready: a stranger's transaction is open on the state, so that all workers restore for ever."""
    async with _open_transaction(scene, scene.settings.output("state")):
        yield


@asynccontextmanager
async def _open_transaction(scene: Scene, topic: str) -> AsyncIterator[None]:
    async with AIOKafkaProducer(
        bootstrap_servers=scene.cluster.inner,
        transactional_id=f"{scene.world.name}-stranger",
        transaction_timeout_ms=LONG_MILLISECONDS,
    ) as stranger:
        await stranger.begin_transaction()
        for partition in range(PARTITIONS):
            await (await stranger.send(topic, b"x", key=b"x", partition=partition))
        yield
        await stranger.abort_transaction()


@asynccontextmanager
async def _stuck_group(scene: Scene) -> AsyncIterator[None]:
    """Nobody is ready: a stranger in the group never lets a rebalance come to its end, and all workers start anew."""
    stuck = _Stuck()
    async with AsyncExitStack() as held:
        stranger: Any = AIOKafkaConsumer(
            bootstrap_servers=scene.cluster.inner,
            group_id=scene.settings.app_id,
            enable_auto_commit=False,
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=60_000,
            rebalance_timeout_ms=LONG_MILLISECONDS,
        )
        stranger.subscribe(scene.settings.inputs, listener=stuck)
        held.push_async_callback(stranger.stop)
        await stranger.start()
        async with asyncio.timeout(30):
            while not stranger.assignment():
                await stranger.getmany(timeout_ms=100)
        stuck.let_go.clear()
        yield
        stuck.let_go.set()


class _Stuck(ConsumerRebalanceListener):  # type: ignore[misc]
    """It does not give up what it has until it is let go."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.let_go.set()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        await self.let_go.wait()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Nothing is read."""


UNREADY_FAULTS = (
    Fault("nobody_ready_input", nobody_ready(_open_input), seeds=5, seconds=24),
    Fault("nobody_ready_state", nobody_ready(_open_state), seeds=5, seconds=24),
    Fault("nobody_ready_group", nobody_ready(_stuck_group), seeds=5, seconds=24),
)
