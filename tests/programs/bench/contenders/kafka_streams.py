"""Kafka Streams, the reference: its own left join in Java, built with Maven when the bench runs."""

import re
import shutil
import subprocess
from collections.abc import Mapping

from streams.broker.java import find_java
from streams.errors import BrokerUnavailable
from tests.programs.bench.contender import DEADLINE_MS, HERE, ROOT, WORK, Contender, Job, kafka_version

PROJECT = HERE / "kafka_streams"
BUILD = WORK / "kafka_streams"
GRACE_MS = 0
# In-memory stores are as durable as the others, by their changelogs, and lie where the checker's rows lie.
STORES = {"rocksdb": "BuiltInDslStoreSuppliers$RocksDBDslStoreSuppliers",
          "memory": "BuiltInDslStoreSuppliers$InMemoryDslStoreSuppliers"}  # fmt: skip
SETTINGS: Mapping[str, str] = {
    "processing.guarantee": "exactly_once_v2",
    "num.stream.threads": "1",
    "commit.interval.ms": "1000",
    "replication.factor": "1",
    "max.task.idle.ms": "0",
    "producer.compression.type": "lz4",
    "producer.linger.ms": "100",
    "producer.batch.size": "262144",
    "main.consumer.max.poll.records": "5000",
    "main.consumer.auto.offset.reset": "earliest",
    "main.consumer.max.partition.fetch.bytes": "4194304",
}


class KafkaStreams(Contender):
    """`sent.leftJoin(stored, ofTimeDifferenceAndGrace)`, values as bytes."""

    why_wrong = (
        "the join's clock is the largest append time that it has read (stream time): on a topic that falls silent it "
        "stands still, so what is due after the last record is never announced; it looks for unmatched rows again only "
        "when the newest row of its last look is due (`KStreamKStreamJoin` keeps that one's time as the least), so "
        "that a row may wait for up to a second window; and each sent record is joined for itself, so a sent that came "
        "twice is announced twice"
    )

    def __init__(self, stores: str) -> None:
        self._stores = stores
        self.name = f"kafka-streams-{stores}"
        self.label = f"Kafka Streams, {'RocksDB' if stores == 'rocksdb' else 'in-memory'} stores"
        told = ", ".join(f"{name.removeprefix('main.')}={value}" for name, value in SETTINGS.items())
        self.settings = f"leftJoin, JoinWindows.ofTimeDifferenceAndGrace({DEADLINE_MS} ms, {GRACE_MS} ms), {told}"

    def missing_requirement(self) -> str | None:
        """Java 17 and Maven; it is built here, once."""
        try:
            find_java()
        except BrokerUnavailable:
            return "Kafka Streams was left out: it needs Java 17 or newer."
        if not shutil.which("mvn"):
            return "Kafka Streams was left out: Maven (mvn) is not on this machine."
        return None if _built() else "Kafka Streams was left out: Maven could not build it, see above."

    def version(self) -> str:
        """The broker's own, and the Java."""
        answer = subprocess.run([find_java(), "-version"], capture_output=True, text=True, check=True)
        java = re.search(r'version "([^"]+)"', answer.stderr)
        return f"Kafka Streams {kafka_version()}, Java {java[1] if java else '?'}"

    def command(self, job: Job) -> list[str]:
        """One process, one stream thread."""
        properties = job.folder / "streams.properties"
        settings = {
            **SETTINGS,
            "application.id": job.app_id,
            "bootstrap.servers": job.bootstrap,
            "state.dir": str(job.folder / "state"),
            "dsl.store.suppliers.class": f"org.apache.kafka.streams.state.{STORES[self._stores]}",
        }
        properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()), encoding="ascii")
        java = [str(find_java()), "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        topics = [f"{job.prefix}sent", f"{job.prefix}stored", job.output]
        path = f"{BUILD / 'bench.jar'}:{BUILD / 'lib'}/*"
        return [*java, "-cp", path, "bench.LeftJoin", str(properties), *topics, str(DEADLINE_MS), str(GRACE_MS)]


def _built() -> bool:
    sources = [PROJECT / "pom.xml", *PROJECT.rglob("*.java")]
    jar = BUILD / "bench.jar"
    if jar.exists() and jar.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return True
    options = [f"-Dbench.build={BUILD}", f"-Dkafka.version={kafka_version()}"]
    command = ["mvn", "-q", "-B", "-f", str(PROJECT / "pom.xml"), "package", *options]
    if subprocess.run(command, check=False, cwd=ROOT).returncode != 0:
        return False
    jar.touch()
    return True
