"""A small world around the worker: topics of its own on a real Kafka, producers, and workers as processes."""

import asyncio
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import aiohttp
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from streams.core.events import written
from streams.kafka.consumers import read_all
from streams.kafka.topics import ensure_topics
from streams.settings import KafkaSettings, Settings
from tests.real_kafka import admin_at

POLICY = """
portal_retention = "P30D"
[[version]]
id = "test"
grace = "PT1S"
default = "PT{allowance}S"
"""


def now() -> datetime:
    """The test's clock; the broker runs on the same machine."""
    return datetime.now(UTC)


def sent_value(report_id: str, **changes: Any) -> dict[str, Any]:
    """A sent event as the portal's adapter writes it; None removes a field."""
    value = {
        "report_id": report_id,
        "sent_at": written(now()),
        "receiver": {"municipality": "0301"},
        "channel": "FIKS_IO",
        "case_system": "VISMA_FAMILIA",
    } | changes
    return {name: field for name, field in value.items() if field is not None}


def stored_value(report_id: str, **changes: Any) -> dict[str, Any]:
    """A stored event."""
    return {"report_id": report_id, "stored_at": written(now()), "evidence": "READ_BACK"} | changes


def receipt_value(report_id: str, receipt: str = "MOTTATT") -> dict[str, Any]:
    """A receipt event."""
    return {"report_id": report_id, "receipt": receipt, "received_at": written(now())}


# Below those that systems hand out to whoever asks for any: else a neighbour might be given it before it is used.
_PORTS = cycle(random.SystemRandom().sample(range(15_000, 32_000), 1_000))


def decision_value(event: dict[str, Any], action: str, **changes: Any) -> dict[str, Any]:
    """What somebody says of a missing event."""
    value = {
        "decision_id": str(uuid4()), "report_id": event["report_id"], "missing_event_id": event["event_id"],
        "action": action, "actor": {"subject": "someone"}, "decided_at": written(now()),
    }  # fmt: skip
    return value | changes


def free_port() -> int:
    """A port on loopback that nobody listens on, another one each time."""
    for port in _PORTS:
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable")


class Worker:
    """One worker process."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self._log = log

    def output(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Any other signal."""
        self.process.send_signal(number)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(30)

    async def exit_code(self, seconds: float = 30) -> int:
        """Wait until it ends by itself."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"the worker goes on:\n{self.output()[-3000:]}"
            await asyncio.sleep(0.05)
        return int(self.process.returncode)

    async def get(self, path: str) -> tuple[int, str]:
        """Ask its own server."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as response:
            return response.status, await response.text()

    async def ready(self, seconds: float = 30, partitions: int | None = None) -> None:
        """Wait until it says that it is ready (and, if asked, holds that many partitions)."""
        deadline, said = time.monotonic() + seconds, "nothing"
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the worker ended:\n{self.output()[-3000:]}"
            try:
                status, said = await self.get("/readyz")
            except aiohttp.ClientError:
                status = 0
            if status == 200 and partitions in (None, len(orjson.loads(said)["partitions"])):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not ready in time, it says {said}:\n{self.output()[-3000:]}")


class World:
    """Topics, producers and workers of one test."""

    def __init__(self, bootstrap: str, partitions: int = 4, allowance: int = 2, **settings: str) -> None:
        self.name = f"t{uuid4().hex[:10]}"
        self.folder = Path(tempfile.mkdtemp(prefix="meldingsvakt-test-"))
        policy = self.folder / "policy.toml"
        policy.write_text(POLICY.replace("{allowance}", str(allowance)))
        self.environment = {
            "KAFKA_BROKERS": bootstrap,
            "MELDINGSVAKT_INPUT_PREFIX": f"{self.name}.",
            "MELDINGSVAKT_APP_ID": self.name,
            "MELDINGSVAKT_PARTITIONS": str(partitions),
            "MELDINGSVAKT_POLICY": str(policy),
            "MELDINGSVAKT_SESSION_TIMEOUT": "PT3S",
            "MELDINGSVAKT_MARK_EVERY": "PT1S",
        } | {f"MELDINGSVAKT_{name.upper()}": value for name, value in settings.items()}
        self.kafka = KafkaSettings(brokers=bootstrap)
        self.settings = Settings(input_prefix=f"{self.name}.", app_id=self.name, partitions=partitions)
        self.producer: Any = None
        self.workers: list[Worker] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    async def start(self) -> None:
        """Make the topics and connect."""
        await ensure_topics(self.kafka, self.settings, create=True)
        self.producer = AIOKafkaProducer(bootstrap_servers=self.kafka.brokers, acks="all")
        await self.producer.start()

    async def begin_anew(self, app_id: str) -> None:
        """Whatever is started from now on is a checker of that application id, over the same inputs."""
        self.settings = self.settings.model_copy(update={"app_id": app_id})
        self.environment["MELDINGSVAKT_APP_ID"] = app_id
        await ensure_topics(self.kafka, self.settings, create=True)

    async def stop(self) -> None:
        """End what is left."""
        for process in self._processes:  # also of a test that failed before it ended them
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()
        if self.producer is not None:
            await self.producer.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not Path(f"{self.name}-data").exists(), "a worker wrote into its working folder"

    def worker(self, launcher: tuple[str, ...] = ("-m", "streams.cli"), **settings: str) -> Worker:
        """Start a worker; it is not ready yet."""
        port = free_port()
        log = self.folder / f"worker-{len(self.workers)}.log"
        process = self.process((*launcher, "worker"), log, http_port=str(port), **settings)
        self.workers.append(Worker(process, port, log))
        return self.workers[-1]

    def process(self, arguments: tuple[str, ...], log: Path, **settings: str) -> "subprocess.Popen[bytes]":
        """Start Python with some arguments and this world's settings, some of them changed."""
        changes = {f"MELDINGSVAKT_{name.upper()}": value for name, value in settings.items()}
        with log.open("ab") as output:
            self._processes.append(
                subprocess.Popen(
                    [sys.executable, *arguments],
                    env=os.environ | self.environment | changes,
                    stdout=output,
                    stderr=output,
                )
            )
        return self._processes[-1]

    def run(self, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            env=os.environ | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    async def put(self, kind: str, value: dict[str, Any] | bytes | None, **record: Any) -> Any:
        """Append one record to an input; its key is the value's report id unless given."""
        if isinstance(value, dict):
            record.setdefault("key", str(value["report_id"]).encode())
            value = orjson.dumps(value)
        return await self.producer.send_and_wait(f"{self.name}.{kind}", value, **record)

    async def delete(self, kind: str, partition: int, before: int) -> None:
        """Delete the beginning of a partition of one of its topics, as retention does."""
        async with admin_at(self.kafka.brokers) as admin:
            tp = TopicPartition(f"{self.name}.{kind}", partition)
            await admin.delete_records({tp: RecordsToDelete(before_offset=before)})

    async def sent(self, **changes: Any) -> str:
        """A new report is sent; its id."""
        report_id = str(uuid4())
        await self.put("sent", sent_value(report_id, **changes))
        return report_id

    async def stored(self, report_id: str, **changes: Any) -> Any:
        """A report's storage is proven."""
        return await self.put("stored", stored_value(report_id, **changes))

    @asynccontextmanager
    async def announcements(self, app_id: str | None = None) -> AsyncIterator["Announcements"]:
        """Follow the product as a consumer would: read_committed, from the beginning."""
        consumer = AIOKafkaConsumer(
            f"{app_id or self.settings.app_id}.missing",
            bootstrap_servers=self.kafka.brokers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            yield Announcements(consumer)
        finally:
            await consumer.stop()

    async def values(self, output: str, app_id: str | None = None) -> list[Any]:
        """Every committed record's value on one of the outputs."""
        records = read_all(self.kafka, [f"{app_id or self.settings.app_id}.{output}"])
        return [None if record.value is None else orjson.loads(record.value) async for record in records]

    async def inputs_with_header(self, name: str) -> list[Any]:
        """The records on the inputs that carry a header."""
        records = read_all(self.kafka, self.settings.inputs)
        return [record async for record in records if any(header == name for header, _ in record.headers)]

    async def rows(self, app_id: str | None = None) -> dict[str, dict[str, Any]]:
        """The state table: the last value of each report."""
        return {value["report_id"]: value for value in await self.values("state", app_id) if value is not None}

    async def row_of(self, report_id: str, **wanted: Any) -> dict[str, Any]:
        """The row of a report once it says so."""
        deadline = time.monotonic() + 20
        while True:
            row = (await self.rows()).get(report_id, {})
            if wanted.items() <= row.items():
                return row
            assert time.monotonic() < deadline, row
            await asyncio.sleep(0.1)

    async def coverages(self) -> list[dict[str, Any]]:
        """The last coverage of each partition, in their order."""
        found = {value["partition"]: value for value in await self.values("coverage") if value["kind"] == "coverage"}
        return [last for _, last in sorted(found.items())]

    async def coverage(self, partition: int) -> dict[str, Any]:
        """The last coverage record of a partition."""
        return next(value for value in await self.coverages() if value["partition"] == partition)

    async def complete_beyond(self, time_: datetime, seconds: float = 30, app_id: str | None = None) -> None:
        """Wait until every partition is complete beyond a time."""
        deadline = time.monotonic() + seconds
        while True:
            records = [value for value in await self.values("coverage", app_id) if value["kind"] == "coverage"]
            until = {value["partition"]: value["complete_until"] for value in records}
            if len(until) == self.settings.partitions and all(t and t > written(time_) for t in until.values()):
                return
            assert time.monotonic() < deadline, f"complete only until {until}"
            await asyncio.sleep(0.2)

    async def committed(self) -> dict[TopicPartition, int]:
        """The group's committed offsets."""
        group = self.settings.app_id
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.brokers, group_id=group, enable_auto_commit=False)
        await consumer.start()
        try:
            tps = [TopicPartition(t, p) for t in self.settings.inputs for p in range(self.settings.partitions)]
            consumer.assign(tps)
            offsets = {tp: await consumer.committed(tp) for tp in tps}
            return {tp: offset for tp, offset in offsets.items() if offset is not None}
        finally:
            await consumer.stop()


@asynccontextmanager
async def worlds() -> AsyncIterator[Callable[[World], Awaitable[World]]]:
    """Starts worlds; all of them end with it."""
    started: list[World] = []

    async def start(world: World) -> World:
        started.append(world)
        await world.start()
        return world

    yield start
    for world in started:
        await world.stop()


class Announced(NamedTuple):
    """An event as it lies on its topic."""

    partition: int
    key: bytes
    value: bytes


class Announcements:
    """Events as they become visible."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.records: list[Announced] = []

    async def next(self, seconds: float = 20) -> dict[str, Any]:
        """The next event; fails when none comes in time."""
        fetched: dict[Any, list[Any]] = {}
        async with asyncio.timeout(seconds):
            while not fetched:
                fetched = await self._consumer.getmany(timeout_ms=500, max_records=1)
        ((tp, (record,)),) = fetched.items()
        self.records.append(Announced(tp.partition, record.key, record.value))
        return dict(orjson.loads(record.value))

    async def take(self, count: int, seconds: float = 30) -> list[dict[str, Any]]:
        """The next so many events."""
        return [await self.next(seconds) for _ in range(count)]

    async def none_for(self, seconds: float) -> None:
        """Fails when an event comes within that time."""
        try:
            event = await self.next(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"an event came: {event}")


def later(seconds: float) -> datetime:
    """A moment from now."""
    return now() + timedelta(seconds=seconds)
