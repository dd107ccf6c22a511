"""Real Apache Kafka in KRaft mode, from its jars: one broker, or three that replicate."""

import asyncio
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from streams.broker.class_archive import ClassArchive
from streams.broker.config import LOG4J, Listener, server_properties, write_properties
from streams.broker.file_lock import exclusive
from streams.broker.jars import class_path, kafka_cache
from streams.broker.java import find_java
from streams.broker.node import Node
from streams.broker.ports import LOOPBACK, Ports, reserve_ports
from streams.broker.probe import brokers_seen, listens
from streams.broker.storage import cluster_id, first_metadata, is_formatted, lay_out
from streams.errors import BrokerUnavailable

HEAP_MEGABYTES = 512
START_SECONDS = 60.0
READY_LOOK_SECONDS = 0.05
# Measured on two cores: without the optimizing compiler three brokers start in 6 s, not 10, and the first millions of
# transactional records cost the broker a third less CPU time; a small heap is collected best by the serial collector.
JAVA_OPTIONS = ("-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")


class EmbeddedKafka:
    """A context manager, plain or async, around `nodes` brokers on 127.0.0.1. `start()` raises BrokerUnavailable.

    `port`: the first client port, the next nodes on the next ones (0: free ones).
    `directory`: keeps the data for the next start (None: a temporary folder, removed at the end).
    `settings`, `node_settings`: more server.properties, for all brokers and by node id (from 1).
    `protocol`: the security protocol of the clients' listener, which is named CLIENT in the settings' names.
    `advertised`: by node id, the `host:port` that clients are sent to, where a proxy stands in between.
    `listeners`: more listeners of a single broker, by their names.
    `java_options`: more options for the brokers' Java.
    `format_arguments`: more arguments for Kafka's storage tool, such as `--add-scram`.
    `node_class_path`: what goes before Kafka's jars on the class path, by node id.
    """

    def __init__(
        self,
        nodes: int = 1,
        *,
        port: int = 0,
        directory: Path | None = None,
        settings: Mapping[str, str] | None = None,
        node_settings: Mapping[int, Mapping[str, str]] | None = None,
        protocol: str = "PLAINTEXT",
        advertised: Mapping[int, str] | None = None,
        listeners: Mapping[str, Listener] | None = None,
        java_options: Sequence[str] = (),
        format_arguments: Sequence[str] = (),
        node_class_path: Mapping[int, Path] | None = None,
        heap_megabytes: int = HEAP_MEGABYTES,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self.nodes: list[Node] = []
        self._count = nodes
        self._first_port = port
        self._directory = directory
        self._settings = dict(settings or {})
        self._node_settings = {node_id: dict(more) for node_id, more in (node_settings or {}).items()}
        self._protocol = protocol
        self._advertised = dict(advertised or {})
        self._listeners, self._more_java_options = dict(listeners or {}), tuple(java_options)
        self._format_arguments = tuple(format_arguments)
        self._class_path = dict(node_class_path or {})
        self._heap = heap_megabytes
        self._start_seconds = start_seconds
        self._held = ExitStack()  # the ports, the folder and the right to use it, from start to stop
        self._given_up = threading.Event()
        self._draft: tuple[ClassArchive, Path] | None = None  # what the only broker writes at its end, if it is to

    @property
    def bootstrap(self) -> str:
        """The addresses of all brokers, for `bootstrap_servers`."""
        clients = ((node.node_id, node.ports.client) for node in self.nodes)
        return ",".join(self._advertised.get(node_id, f"{LOOPBACK}:{port}") for node_id, port in clients)

    @property
    def internal_bootstrap(self) -> str:
        """The brokers' own listener: always plain text and never through a proxy, for a test's own look."""
        return ",".join(f"{LOOPBACK}:{node.ports.internal}" for node in self.nodes)

    def start(self) -> Self:
        """Start all brokers and wait until each of them takes part. Raises BrokerUnavailable."""
        self._given_up.clear()
        program, jars = find_java(), class_path()
        archive = ClassArchive(program, jars, kafka_cache())
        try:
            folder = self._take_folder()
            self._draft = (
                (archive, folder / "classes.jsa")
                if archive.to_be_made and self._count == 1 and not self._class_path
                else None
            )
            self.nodes = self._prepare(folder, [str(program), *self._java_options(), *archive.used(), "-cp", jars])
            for node in self.nodes:
                node.start()
            self.wait_ready()
        except BaseException:  # whatever it was, Ctrl-C included: nothing stays behind
            self.stop()
            raise
        return self

    def wait_ready(self, seconds: float | None = None) -> None:
        """Wait until every broker that was started, and is not paused, knows of all the others.

        Raises BrokerUnavailable with the broker's last words.
        """
        seconds = self._start_seconds if seconds is None else seconds
        deadline = time.monotonic() + seconds
        awaited = [node for node in self.nodes if node.started and not node.paused]
        while not self._all_know(awaited):
            self.ensure_alive()
            if time.monotonic() > deadline or self._given_up.is_set():
                silent = next((node for node in awaited if not brokers_seen(node.ports.internal)), awaited[0])
                raise self._failure(silent, f"was not ready within {seconds:g} s")
            time.sleep(READY_LOOK_SECONDS)

    def ensure_alive(self) -> None:
        """Raise BrokerUnavailable if a broker has ended that nobody stopped or killed."""
        for node in self.nodes:
            if node.started and not node.running():
                raise self._failure(node, "ended by itself")

    def stop(self) -> None:
        """Stop every broker and remove temporary data. Harmless if it is stopped already."""
        # Nobody will read a temporary folder again: no need to wait for an orderly end.
        end = Node.kill if self._directory is None and not self._draft else Node.stop
        with self._held:
            with ThreadPoolExecutor(max(1, len(self.nodes))) as pool:
                list(pool.map(end, self.nodes))
            if self._draft:
                archive, draft = self._draft
                archive.keep(draft)
                self._draft = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        try:
            return await asyncio.to_thread(self.start)
        except asyncio.CancelledError:
            self._given_up.set()  # the thread cannot be cancelled: it looks at this, and cleans up
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _java_options(self) -> list[str]:
        return [f"-Xmx{self._heap}m", *JAVA_OPTIONS, *self._more_java_options]

    def _take_folder(self) -> Path:
        if self._directory is None:
            folder = Path(tempfile.mkdtemp(prefix="meldingsvakt-kafka-"))
            self._held.callback(shutil.rmtree, folder, ignore_errors=True)
            return folder
        folder = self._directory.absolute()
        if "," in str(folder):
            raise BrokerUnavailable(f"Kafka cannot keep data in {folder}: choose a folder without a comma in its path.")
        folder.mkdir(parents=True, exist_ok=True)
        if not self._held.enter_context(exclusive(folder / "in-use.lock", wait=False)):
            raise BrokerUnavailable(f"{folder} is in use by another broker: stop that one or choose another folder.")
        before = len(list(folder.glob("node-*")))
        if before not in (0, self._count):
            raise BrokerUnavailable(
                f"{folder} holds a Kafka of {before} broker(s), not {self._count}: "
                "start as many, or choose another folder."
            )
        return folder

    def _prepare(self, folder: Path, java: list[str]) -> list[Node]:
        """Write every node's configuration and format its storage, unless it was formatted before."""
        ports = reserve_ports(self._held, self._count, self._first_port)
        cluster, homes = cluster_id(folder), [folder / f"node-{n}" for n in range(1, self._count + 1)]
        if not all(is_formatted(home / "data") for home in homes):
            checkpoint = first_metadata(java, kafka_cache(), self._format_arguments)
            for node_id, home in enumerate(homes, start=1):
                if not is_formatted(home / "data"):
                    lay_out(home / "data", cluster, node_id, checkpoint)
        return [self._configure(node_id, ports, home, java) for node_id, home in enumerate(homes, start=1)]

    def _configure(self, node_id: int, ports: list[Ports], home: Path, java: list[str]) -> Node:
        settings = {**self._settings, **self._node_settings.get(node_id, {})}
        properties = server_properties(
            node_id,
            ports,
            home / "data",
            settings,
            protocol=self._protocol,
            advertised=self._advertised.get(node_id),
            more=self._listeners,
        )
        write_properties(home / "server.properties", properties)
        (home / "log4j2.yaml").write_text(LOG4J, encoding="utf-8")
        (home / "tmp").mkdir(exist_ok=True)
        options = {
            "log4j2.configurationFile": home / "log4j2.yaml",
            "kafka.log.file": home / "server.log",
            "java.io.tmpdir": home / "tmp",  # the compression libraries unpack themselves there, and leave it
        }
        if self._draft:
            archive, draft = self._draft
            java = [*java[:-2], *archive.written(draft), *java[-2:]]
        if node_id in self._class_path:
            java = [*java[:-1], f"{self._class_path[node_id]}{os.pathsep}{java[-1]}"]
        command = [*java, *(f"-D{name}={value}" for name, value in options.items())]
        command += [f"-XX:ErrorFile={home / 'java-crash.log'}", "kafka.Kafka", str(home / "server.properties")]
        return Node(node_id, ports[node_id - 1], home, command, remove_folder=None if self._directory else home.parent)

    def _all_know(self, awaited: list[Node]) -> bool:
        wanted = {node.node_id for node in awaited}
        # Each is asked itself: another one may still believe in a broker that has just been killed.
        return all(
            node.running() and listens(node.ports.client) and wanted <= brokers_seen(node.ports.internal)
            for node in awaited
        )

    def _failure(self, node: Node, what: str) -> BrokerUnavailable:
        log = node.log_file
        if self._directory is None:  # a temporary folder is gone by the time that somebody wants to read on
            log = kafka_cache() / "failed-broker.log"
            with suppress(OSError):  # a cache that cannot be written must not hide the failure itself
                node.save_log(log)
        return BrokerUnavailable(
            f"Kafka's broker {node.node_id} {what} ({node.last_words()}): correct that, "
            f"or set KAFKA_BROKERS to a Kafka that runs already; the log is {log}."
        )
