"""Real Apache Kafka in KRaft mode, from its jars: one broker, or three that replicate."""

import asyncio
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.broker.config import LOG4J, server_properties, write_properties
from streams.broker.errors import BrokerUnavailable
from streams.broker.jars import class_path
from streams.broker.java import find_java
from streams.broker.node import Node

HEAP_MEGABYTES = 512
START_SECONDS = 60


class EmbeddedKafka:
    """A context manager around `nodes` brokers on 127.0.0.1.

    `directory` keeps the data for the next start; without one a temporary folder is used and removed. `port` is the
    first client port (0: free ones). `settings` go into every broker's server.properties. Raises BrokerUnavailable.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        port: int = 0,
        directory: Path | None = None,
        settings: Mapping[str, str] | None = None,
        heap_megabytes: int = HEAP_MEGABYTES,
    ) -> None:
        self._count = nodes
        self._first_port = port
        self._directory = directory
        self._settings = dict(settings or {})
        self._heap = heap_megabytes
        self._ports: list[tuple[int, int]] = []
        self.nodes: list[Node] = []

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers, for `bootstrap_servers`."""
        return ",".join(f"127.0.0.1:{client}" for client, _ in self._ports)

    def start(self) -> Self:
        """Start all brokers and wait until each of them takes part."""
        java, jars = find_java(), class_path()
        temporary = self._directory is None
        folder = Path(tempfile.mkdtemp(prefix="meldingsvakt-kafka-")) if temporary else self._directory
        assert folder is not None
        self._temporary = folder if temporary else None
        try:
            self._ports = _choose_ports(self._count, self._first_port)
            self._prepare(folder, [str(java), f"-Xmx{self._heap}m", "-Xms64m", "-XX:+UseSerialGC", "-cp", jars])
            for node in self.nodes:
                node.start()
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def wait_ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until a client sees every running broker. Raises BrokerUnavailable with the broker's last words."""
        expected = sum(node.running() for node in self.nodes)
        with ThreadPoolExecutor(1) as pool:  # a thread of its own: the caller may have an event loop running
            ready = pool.submit(asyncio.run, self._until_ready(expected, time.monotonic() + seconds)).result()
        if not ready:
            node = next((node for node in self.nodes if not node.running()), self.nodes[0])
            raise BrokerUnavailable(
                f"Kafka did not start ({node.last_words()}): see {node.log_file} "
                "or set KAFKA_BROKERS to a Kafka that runs already."
            )

    def stop(self) -> None:
        """Stop every broker in order and remove temporary data."""
        with ThreadPoolExecutor(max(1, len(self.nodes))) as pool:
            list(pool.map(Node.stop, self.nodes))
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _prepare(self, folder: Path, java: list[str]) -> None:
        """Write every node's configuration and format its storage, unless it was formatted before."""
        folder.mkdir(parents=True, exist_ok=True)
        cluster_file = folder / "cluster.id"
        if not cluster_file.exists():
            cluster_file.write_text(uuid4().hex[:22], encoding="utf-8")
        formats: list[tuple[Node, subprocess.Popen[bytes]]] = []
        for node_id in range(1, self._count + 1):
            home = folder / f"node-{node_id}"
            home.mkdir(exist_ok=True)
            (home / "log4j2.yaml").write_text(LOG4J, encoding="utf-8")
            properties = home / "server.properties"
            write_properties(properties, server_properties(node_id, self._ports, home / "data", self._settings))
            options = [f"-Dlog4j2.configurationFile={home / 'log4j2.yaml'}", f"-Dkafka.log.file={home / 'server.log'}"]
            node = Node(node_id, home, [*java, *options, "kafka.Kafka", str(properties)], remove_folder=self._temporary)
            self.nodes.append(node)
            if not (home / "data" / "meta.properties").exists():
                tool = ["kafka.tools.StorageTool", "format", "-t", cluster_file.read_text(encoding="utf-8")]
                formats.append((node, _run(node, [*java, *options, *tool, "-c", str(properties)])))
        for node, process in formats:
            if process.wait() != 0:
                raise BrokerUnavailable(f"Kafka's storage could not be prepared ({node.last_words()}).")

    async def _until_ready(self, expected: int, deadline: float) -> bool:
        while time.monotonic() < deadline and sum(node.running() for node in self.nodes) == expected:
            if await self._sees(expected):
                return True
            await asyncio.sleep(0.1)
        return False

    async def _sees(self, expected: int) -> bool:
        if sum(_listens(client) for client, _ in self._ports) < expected:
            return False  # before a client tries, and logs a warning each time
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=2000)
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
            return len(cluster["brokers"]) >= expected
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await admin.close()


def _run(node: Node, command: list[str]) -> "subprocess.Popen[bytes]":
    with (node.folder / "console.log").open("ab") as console:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _choose_ports(nodes: int, first: int) -> list[tuple[int, int]]:
    """(client port, controller port) for each node. Free ones are held open until all are chosen."""
    with ExitStack() as stack:
        clients = [_bind(stack, first + n if first else 0) for n in range(nodes)]
        return [(client, _bind(stack, 0)) for client in clients]


def _bind(stack: ExitStack, port: int) -> int:
    listener = stack.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        raise BrokerUnavailable(f"Port {port} on 127.0.0.1 is taken: choose another with --port.") from error
    return int(listener.getsockname()[1])
