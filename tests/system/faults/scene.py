"""One run: reports on their way, workers that check them, a fault, and what was seen of it."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer

from streams.core.events import MISSING_TYPE
from streams.kafka.consumers import read_what_is_there
from streams.kafka.partitioner import partition_of
from streams.records.record import UnreadableOffsets
from streams.settings import KafkaSettings, Settings
from tests.engine.world import World
from tests.system.faults.cluster import Cluster, delete_topics
from tests.system.faults.delivery import Delivery
from tests.system.faults.desk import Desk
from tests.system.faults.history import Unseen
from tests.system.faults.truth import Record
from tests.system.faults.workers import Workers
from tests.system.faults.workload import POLICY, plan

PARTITIONS = 4
SAID_SECONDS = 30.0
START_SECONDS = 180.0  # before anything is measured: other runs may begin at the same time


class Seen(NamedTuple):
    """One announcement, and when a consumer could see it (seconds since 1970)."""

    event: dict[str, Any]
    at: float


class FaultDidNotHappen(AssertionError):
    """The run proves nothing: what should have gone wrong did not."""


class Scene:
    """What an injector of faults works with."""

    def __init__(self, cluster: Cluster, seed: str, *, seconds: float, per_second: float, **settings: str) -> None:
        self.cluster = cluster
        self.rng = Random(seed)
        self.seconds = seconds
        self.world = World(cluster.bootstrap, PARTITIONS, 2, **settings)
        self.world.kafka = KafkaSettings(brokers=cluster.inner)  # the tests look past the proxies
        self.policy_file = self.world.folder / "policy.toml"
        self.policy_file.write_text(POLICY)
        self.workers = Workers(self.world)
        self.plan = plan(self.rng, seconds=seconds, per_second=per_second)
        self.delivery = Delivery(cluster.inner, f"{self.world.name}.", PARTITIONS)
        self.desk = Desk(cluster.inner, f"{self.world.name}.", Random(f"{seed}, the desk"))
        self.seen: list[Seen] = []
        self.evidence: list[str] = []
        self.began_at = float("inf")
        self.healed_at = 0.0
        self.started_at = 0.0
        self.stalled = False
        self.first_orders: dict[str, Any] = {}  # for the first worker only
        self.outage_seconds = 0.0
        self.clock_was_off = 0.0  # by how many seconds a broker's clock was: alarms may be that much later
        self.inputs_lost = False  # records were deleted before they were read: the plan knows more than the log
        self.kept: list[Record] = []  # what lay on the inputs before some of it was deleted
        self.unseen: dict[tuple[str, int], Unseen] = {}
        self.listed: tuple[set[str], set[str]] = (set(), set())  # reports that a feed proves, and those that it cannot
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def settings(self) -> Settings:
        """The checker's settings, as far as the topics need them."""
        return self.world.settings

    async def start(self, workers: int, launch: dict[str, Any] | None = None, *, gets_ready: bool = True) -> None:
        """Topics, workers that are ready, reports on their way, and somebody who reads the announcements."""
        await self.world.start()
        if launch:
            self.workers.every = launch
        for number in range(workers):
            self.workers.start(self.first_orders if number == 0 else None)
        await (self.workers.ready(START_SECONDS) if gets_ready else self.workers.own(PARTITIONS))
        self.delivering = asyncio.create_task(self.delivery.run(self.plan, self._wrong_home))
        self._tasks = {
            "follow": asyncio.create_task(self._follow()),
            "deliver": self.delivering,
            "vouch": asyncio.create_task(self.delivery.vouch()),
            "decide": asyncio.create_task(self.desk.run(self.seen, self._wrong_home)),
        }
        self.started_at = time.time()

    async def begin_anew(self, app_id: str) -> None:
        """The workers from now on are of another application id, and only what they say counts."""
        await _end(self._tasks["follow"])
        await self.world.begin_anew(app_id)
        self.seen.clear()
        self._tasks["follow"] = asyncio.create_task(self._follow())

    async def stop_workers(self) -> None:
        """End the workers and whatever still delivers or follows."""
        for task in self._tasks.values():
            await _end(task)
        await self.workers.stop()

    async def stop(self) -> None:
        """End everything, and remove files and topics: those of a hundred runs make the brokers slow."""
        await self.stop_workers()
        await self.world.stop()
        await delete_topics(self.cluster.inner, self.world.name)

    async def until(self, share: float) -> None:
        """Wait until that share of the planned time has passed."""
        await asyncio.sleep(max(0.0, self.started_at + share * self.seconds - time.time()))

    async def somewhere(self, begin: float = 0.25, end: float = 0.5) -> None:
        """Wait until a random moment between two shares of the planned time."""
        await self.until(self.rng.uniform(begin, end))

    def begin(self) -> None:
        """The fault begins now."""
        self.began_at = min(self.began_at, time.time())

    def heal(self) -> None:
        """The fault is over, as far as anybody can do something about it."""
        self.healed_at = time.time()

    def proof(self, sentence: str) -> None:
        """What shows that the fault really happened."""
        self.evidence.append(sentence)

    def prove(self, happened: object, sentence: str) -> None:
        """Fail the run unless the fault happened."""
        if not happened:
            raise FaultDidNotHappen(f"The fault did not happen: {sentence}.")
        self.proof(sentence)

    async def exit_of(self, count: int = 1, *, code: int | None = None, seconds: float = 40) -> None:
        """Wait until so many workers have ended (with a code)."""
        deadline = time.monotonic() + seconds
        while sum(code in (None, one.code) for one in self.workers.exits) < count:
            if time.monotonic() > deadline:
                raise FaultDidNotHappen(f"No worker ended with {code}: {self.workers.exits}.")
            await asyncio.sleep(0.05)

    async def said(self, wanted: Callable[[str], bool], *, coverage: bool = True) -> None:
        """Within 30 s of the fault's beginning it is said: readiness, metric and (if Kafka takes it) coverage."""
        deadline = self.began_at + SAID_SECONDS
        while True:
            told = [await _state_of(self.workers[slot]) for slot in self.workers.slots]
            reasons = [reason for one in told for reason in one.reasons if wanted(reason)]
            gauge = any(one.gap for one in told)
            gaps = await self.gaps() if coverage and reasons and gauge else []
            if reasons and gauge and (not coverage or any(wanted(gap) for gap in gaps)):
                self.proof(f"it said {reasons[0]!r} {time.time() - self.began_at:.1f} s after it began")
                return
            if time.time() > deadline:
                raise FaultDidNotHappen(f"Nobody said so within {SAID_SECONDS:.0f} s: {told}, coverage {gaps}.")
            await asyncio.sleep(0.3)

    async def gaps(self) -> list[str]:
        """The causes of the gaps on coverage now, one for each partition that has one."""
        last: dict[int, Any] = {}
        for value in await self.world.values("coverage"):
            if value["kind"] == "coverage":
                last[value["partition"]] = value["gap"]
        return [gap["cause"] for gap in last.values() if gap]

    async def complete_beyond(self, moment: float, deadline: float) -> bool:
        """Wait until every partition is complete beyond a time (seconds since 1970); False if that takes too long."""
        while time.time() < deadline:
            until: dict[int, float] = defaultdict(float)
            try:
                async with asyncio.timeout(10):
                    for value in await self.world.values("coverage"):
                        if value["kind"] == "coverage" and value["complete_until"]:
                            until[value["partition"]] = datetime.fromisoformat(value["complete_until"]).timestamp()
            except TimeoutError:
                continue
            if len(until) == PARTITIONS and min(until.values()) > moment:
                return True
            await asyncio.sleep(0.3)
        return False

    async def _follow(self) -> None:
        """Read the announcements as a consumer would, as soon as they are visible."""
        async with _following(self.cluster.inner, self.settings.output("missing")) as consumer:
            async for record in consumer:
                self.seen.append(Seen(orjson.loads(record.value), time.time()))

    def _wrong_home(self, key: bytes) -> int:
        return (partition_of(key, PARTITIONS) + self.rng.randrange(1, PARTITIONS)) % PARTITIONS

    def missing_seen(self) -> list[Seen]:
        """The missing events that were seen."""
        return [one for one in self.seen if one.event["type"] == MISSING_TYPE]


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def _following(bootstrap: str, topic: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        metadata_max_age_ms=2_000,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


class _Told(NamedTuple):
    reasons: tuple[str, ...]
    gap: bool


async def _state_of(worker: Any) -> _Told:
    try:
        _, ready = await worker.get("/readyz")
        _, metrics = await worker.get("/metrics")
    except Exception:  # noqa: BLE001 - a worker that has ended or hangs tells nothing, whatever the client calls it
        return _Told((), gap=False)
    lines = [line for line in metrics.splitlines() if line.startswith("meldingsvakt_gap{")]
    return _Told(tuple(orjson.loads(ready)["reasons"]), any(line.endswith(" 1.0") for line in lines))


async def read_records(scene: Scene, *topics: str) -> list[Record]:
    """All records that lie on some topics, as the oracle wants them; where a batch cannot be read, none."""
    records = [
        Record(
            tp.topic, tp.partition, one.offset, one.timestamp, one.key, one.value,
            tuple((name, bytes(value)) for name, value in one.headers),
        )
        async for tp, one in read_what_is_there(scene.world.kafka, topics)
        if not isinstance(one, UnreadableOffsets)
    ]  # fmt: skip
    return sorted(records, key=place_of)


def place_of(record: Record) -> tuple[str, int, int]:
    """Where a record lies."""
    return record.topic, record.partition, record.offset


Inject = Callable[[Scene], Awaitable[None]]
