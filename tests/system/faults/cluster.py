"""Three brokers that can be harmed: proxies on the clients' way, clocks that jump, a disk that fills."""

import asyncio
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.broker import EmbeddedKafka
from streams.broker.node import Node
from tests.system.faults.clock import skewed_classes
from tests.system.faults.proxy import Proxy

BROKERS = 3
HEAP_MEGABYTES = 400
DISK_MEGABYTES = 200
FULL_DISK_NODE = 3
WRONG_CLOCK_NODE = 2
HEALTHY_SECONDS = 90.0


class Unsupported(Exception):
    """This machine cannot do what a fault needs; the message says what is missing."""


class Cluster:
    """A running three-broker Kafka with a proxy before each broker, and what is needed to harm it."""

    def __init__(self, kafka: EmbeddedKafka, proxies: list[Proxy], disk: Path | None) -> None:
        self.kafka = kafka
        self.proxies = proxies
        self.disk = disk

    @property
    def bootstrap(self) -> str:
        """Where the workers connect: through the proxies."""
        return self.kafka.bootstrap

    @property
    def inner(self) -> str:
        """Where the tests themselves connect: past the proxies."""
        return self.kafka.internal_bootstrap

    def node(self, broker_id: int) -> Node:
        """The broker of that id (from 1)."""
        return self.kafka.nodes[broker_id - 1]

    async def ready(self) -> None:
        """Every broker runs, knows the others, and every partition has all its replicas in sync."""
        for proxy in self.proxies:
            proxy.flow()
        for node in self.kafka.nodes:
            if node.paused:
                node.resume()
            if not node.running():
                node.start()
        await asyncio.to_thread(self.kafka.wait_ready, HEALTHY_SECONDS)
        await in_sync(self.inner)


class OneBroker(Cluster):
    """A broker that nobody harms: for what happens to the workers only."""

    def __init__(self, address: str) -> None:
        self._address = address

    @property
    def bootstrap(self) -> str:
        """Where the workers connect."""
        return self._address

    @property
    def inner(self) -> str:
        """Where the tests connect."""
        return self._address


async def in_sync(bootstrap: str, seconds: float = HEALTHY_SECONDS) -> None:
    """Wait until every partition of every topic has all its replicas in sync."""
    async with admin(bootstrap) as client, asyncio.timeout(seconds):
        while True:
            try:
                topics = await client.describe_topics()
            except KafkaError:  # it asked one that is not up again yet
                await asyncio.sleep(0.3)
                continue
            # A topic that this broker has just heard of may have no partitions yet: that is not in sync either.
            if all(topic["partitions"] and all(map(_in_sync, topic["partitions"])) for topic in topics):
                return
            await asyncio.sleep(0.3)


def _in_sync(partition: dict[str, Any]) -> bool:
    return set(partition["isr"]) == set(partition["replicas"])


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[Any]:
    """An admin client that lives as long as the block."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    await client.start()
    try:
        yield client
    finally:
        await client.close()


async def delete_topics(bootstrap: str, prefix: str) -> None:
    """Delete a run's topics; a cluster that was harmed may refuse, and is not used for long."""
    with contextlib.suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(10), admin(bootstrap) as client:
            await client.delete_topics([name for name in await client.list_topics() if name.startswith(prefix)])


async def leader_of(bootstrap: str, tp: TopicPartition) -> int:
    """The id of the broker that leads a partition, -1 while there is none or the broker asked knows of none."""
    async with admin(bootstrap) as client:
        (topic,) = await client.describe_topics([tp.topic])
        return next((int(p["leader"]) for p in topic["partitions"] if p["partition"] == tp.partition), -1)


@asynccontextmanager
async def running_cluster(kind: str) -> AsyncIterator[Cluster]:
    """A cluster of a kind: "plain", "clock+600" or "clock-600" (one broker's clock is off), "disk" (one can fill)."""
    async with AsyncExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="meldingsvakt-faults-")))
        kafka: EmbeddedKafka | None = None

        def target(number: int) -> int:
            assert kafka is not None
            return kafka.nodes[number].ports.client

        proxies = [Proxy(lambda number=number: target(number)) for number in range(BROKERS)]  # type: ignore[misc]
        for proxy in proxies:
            await proxy.start()
            held.push_async_callback(proxy.stop)
        disk = held.enter_context(_small_disk(folder)) if kind == "disk" else None
        kafka = EmbeddedKafka(
            BROKERS,
            heap_megabytes=HEAP_MEGABYTES,
            advertised={number: f"127.0.0.1:{proxy.port}" for number, proxy in enumerate(proxies, start=1)},
            node_class_path=_wrong_clock(kind, folder),
            directory=folder / "kafka" if disk else None,
        )
        await held.enter_async_context(kafka)
        yield Cluster(kafka, proxies, disk)


def _wrong_clock(kind: str, folder: Path) -> dict[int, Path]:
    if not kind.startswith("clock"):
        return {}
    return {WRONG_CLOCK_NODE: skewed_classes(folder / "classes", int(kind.removeprefix("clock")))}


@contextlib.contextmanager
def _small_disk(folder: Path):  # type: ignore[no-untyped-def]  # a generator of Path
    """A small file system of its own under the last broker's data."""
    home = folder / "kafka" / f"node-{FULL_DISK_NODE}"
    home.mkdir(parents=True)
    for number in range(1, BROKERS):
        (folder / "kafka" / f"node-{number}").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(home)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        raise Unsupported(f"A small disk cannot be mounted ({mounted.stderr.strip()}): run this fault as root.")
    try:
        yield home
    finally:
        subprocess.run(["umount", "-l", str(home)], check=False)
        shutil.rmtree(folder / "kafka", ignore_errors=True)
