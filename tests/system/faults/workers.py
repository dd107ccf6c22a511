"""The workers of a run: slots in which somebody, as an init system would, starts again whatever has ended."""

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import orjson

from streams.exits import EXIT_CONFIGURATION, EXIT_IN_DOUBT
from tests.engine.world import Worker, World

RESTART_SECONDS = 0.5
LOOK_SECONDS = 0.05
ORDERLY = {0, EXIT_IN_DOUBT, EXIT_CONFIGURATION, -signal.SIGKILL, -signal.SIGTERM}


class Exit(NamedTuple):
    """How a worker ended, and the sentence that it said."""

    slot: int
    code: int
    sentence: str


@dataclass(slots=True)
class Orders:
    """What is done to a worker on purpose, by `tests.system.faults.launch`; settings on top."""

    launch: dict[str, Any]
    settings: dict[str, str]


class Workers:
    """Slots with a worker each; an ended one is started again, without its orders unless they are to stay."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._slots: dict[int, Worker] = {}
        self._orders: dict[int, Orders] = {}
        self._keepers: dict[int, asyncio.Task[None]] = {}
        self._numbers = 0
        self.exits: list[Exit] = []
        self.every: dict[str, Any] = {}  # orders for every worker, first start or not

    def __getitem__(self, slot: int) -> Worker:
        return self._slots[slot]

    @property
    def slots(self) -> list[int]:
        """The slots that are kept running."""
        return sorted(self._keepers)

    def start(self, launch: dict[str, Any] | None = None, **settings: str) -> int:
        """Open a slot. `launch` are orders for its first worker only."""
        slot, self._numbers = self._numbers, self._numbers + 1
        self._start(slot, Orders(launch or {}, settings))
        self._keepers[slot] = asyncio.create_task(self._keep(slot))
        return slot

    def give_orders(self, slot: int, launch: dict[str, Any]) -> None:
        """Orders for the next worker in a slot."""
        self._orders[slot] = Orders(launch, {})

    async def close_all(self) -> None:
        """Close every worker, one after the other."""
        for slot in self.slots:
            await self.close(slot)

    async def close(self, slot: int) -> int:
        """Stop the worker in a slot in order (SIGTERM) and leave the slot empty; its exit code."""
        await self._let_be(slot)
        worker = self._slots.pop(slot)
        worker.signal(signal.SIGCONT)
        code = await asyncio.to_thread(worker.stop)
        self.exits.append(Exit(slot, code, sentence(worker)))
        return code

    async def stop(self) -> None:
        """Stop all keepers and workers."""
        for slot in list(self._keepers):
            await self._let_be(slot)
        for worker in self._slots.values():
            if worker.process.poll() is None:
                worker.signal(signal.SIGCONT)
                worker.signal(signal.SIGTERM)
        await asyncio.gather(*(self._ended(worker) for worker in self._slots.values()))

    async def ready(self, seconds: float = 60) -> None:
        """Wait until every worker is ready."""
        async with asyncio.timeout(seconds):
            for slot in self.slots:
                while not await _is_ready(self._slots[slot]):
                    await asyncio.sleep(0.1)

    async def own(self, partitions: int, seconds: float = 60) -> None:
        """Wait until all partitions are owned by somebody."""
        async with asyncio.timeout(seconds):
            while sum([await self._owned(slot) for slot in self.slots]) < partitions:
                await asyncio.sleep(0.1)

    async def own_all(self, slot: int, partitions: int = 4, seconds: float = 40) -> None:
        """Wait until one worker owns all partitions."""
        async with asyncio.timeout(seconds):
            while await self._owned(slot) < partitions:
                await asyncio.sleep(0.1)

    async def _owned(self, slot: int) -> int:
        try:
            _, text = await self._slots[slot].get("/readyz")
        except (aiohttp.ClientError, TimeoutError):
            return 0
        return len(orjson.loads(text)["partitions"])

    def kill(self, slot: int) -> int:
        """SIGKILL; the process id. The keeper starts another one."""
        worker = self._slots[slot]
        worker.process.kill()
        return worker.process.pid

    def unclean(self) -> list[Exit]:
        """Ends that no worker may make: a traceback, another code, or not exactly one sentence."""
        return [one for one in self.exits if one.code not in ORDERLY or (one.code in (2, 75) and not one.sentence)]

    def _start(self, slot: int, orders: Orders) -> None:
        launch = self.every | orders.launch
        launcher = ("-m", "tests.system.faults.launch", json.dumps(launch)) if launch else ("-m", "streams.cli")
        self._slots[slot] = self._world.worker(launcher, **orders.settings)

    async def _keep(self, slot: int) -> None:
        while True:
            worker = self._slots[slot]
            code = worker.process.poll()
            if code is None:
                await asyncio.sleep(LOOK_SECONDS)
                continue
            self.exits.append(Exit(slot, code, sentence(worker)))
            await asyncio.sleep(RESTART_SECONDS)
            self._start(slot, self._orders.pop(slot, Orders({}, {})))

    async def _let_be(self, slot: int) -> None:
        keeper = self._keepers.pop(slot)
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)

    @staticmethod
    async def _ended(worker: Worker) -> None:
        for _ in range(200):
            if worker.process.poll() is not None:
                return
            await asyncio.sleep(LOOK_SECONDS)
        worker.kill()


def sentence(worker: Worker) -> str:
    """The sentence with which a worker ended, empty if it did not say exactly one."""
    said = [line for line in worker.output().splitlines() if line.startswith("meldingsvakt: ")]
    return said[0].removeprefix("meldingsvakt: ") if len(said) == 1 else ""


async def _is_ready(worker: Worker) -> bool:
    try:
        status, _ = await worker.get("/readyz")
    except (aiohttp.ClientError, TimeoutError):
        return False
    return status == 200


def logs_of(workers: Workers) -> list[Path]:
    """Every log file of the run's workers."""
    return sorted(workers._world.folder.glob("worker-*.log"))
