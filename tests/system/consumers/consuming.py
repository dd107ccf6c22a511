"""One consumer program with its database and group, the events that it reads, and what Kafka has of its offsets."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "schemas" / "examples"
# A part of a second for each row of a table: there is a moment in which some of a batch were acted on and none was
# committed, and the kill comes in the middle of the work on one of them.
SLOWLY = """
CREATE VIEW slow AS
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 600000)
    SELECT max(n) AS n FROM counted;
CREATE TRIGGER slowly BEFORE INSERT ON {table} BEGIN SELECT n FROM slow; END;
"""


def missing(**changes: Any) -> dict[str, Any]:
    """The schema's example of a missing event, of another report."""
    example: dict[str, Any] = orjson.loads((EXAMPLES / "report-missing.json").read_bytes())
    return example | {"event_id": str(uuid4()), "report_id": str(uuid4())} | changes


def recovered(event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The schema's example of a recovered event, for a missing one."""
    example: dict[str, Any] = orjson.loads((EXAMPLES / "report-recovered.json").read_bytes())
    paired = {"missing_event_id": event["event_id"], "report_id": event["report_id"]}
    return example | {"event_id": str(uuid4())} | paired | changes


def decided(kind: str, event: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The schema's example of a closed or reopened event, for a missing one."""
    example: dict[str, Any] = orjson.loads((EXAMPLES / f"report-{kind}.json").read_bytes())
    paired = {"missing_event_id": event["event_id"], "report_id": event["report_id"]}
    return example | {"event_id": str(uuid4()), "decision_id": str(uuid4())} | paired | changes


def missing_again(event: dict[str, Any]) -> dict[str, Any]:
    """The next missing event of the same report."""
    again = {"report_id": event["report_id"], "previous_event_id": event["event_id"]}
    return missing(episode=event["episode"] + 1, **again)


class Consuming:
    """A consumer program in one language."""

    def __init__(self, command: tuple[str, ...], bootstrap: str, topic: str, folder: Path) -> None:
        self.topic, self.group, self._bootstrap = topic, f"{topic}-{command[0].rpartition('/')[2]}", bootstrap
        self._command, self._log, self._database = command, folder / "log", folder / "tasks.sqlite"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again."""
        told = {"KAFKA_BROKERS": self._bootstrap, "TOPIC": self.topic, "GROUP": self.group}
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, env=os.environ | told | {"DATABASE": str(self._database)}, stdout=log, stderr=log
            )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended by itself; the exit code."""
        assert self.process is not None
        return self.process.wait(30)

    def output(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")

    def until(self, holds: Callable[[], bool], seconds: float = 40) -> None:
        """Wait; fails when it ends meanwhile, or the time does."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, f"the consumer ended:\n{self.output()[-2000:]}"
            assert time.monotonic() < deadline, f"it did not come so far:\n{self.output()[-2000:]}"
            time.sleep(0.02)

    def tasks(self) -> list[tuple[str, str | None, str | None]]:
        """The work that was done: of which event, where, and why it was closed."""
        if not self._database.exists():
            return []
        with self.database() as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'tasks'").fetchone():
                return []
            found: list[Any] = database.execute(
                "SELECT missing_event_id, municipality, coalesce(found_because, closed_because) FROM tasks"
                " ORDER BY rowid"
            ).fetchall()
            return found

    @contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Its database, to look into or to make it slow."""
        with closing(sqlite3.connect(self._database, timeout=30)) as database, database:
            yield database

    async def committed(self) -> int | None:
        """The offset that its group has committed."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=self.group, enable_auto_commit=False)
        await consumer.start()
        try:
            partition = TopicPartition(self.topic, 0)
            consumer.assign([partition])
            offset: int | None = await consumer.committed(partition)
            return offset
        finally:
            await consumer.stop()


class Product:
    """A topic like `{app}.missing` and its transactional writer."""

    def __init__(self, topic: str, producer: AIOKafkaProducer) -> None:
        self.topic, self._producer = topic, producer

    async def say(self, *events: dict[str, Any] | bytes, take_back: bool = False) -> None:
        """Append events in one transaction, and commit or abort it."""
        await self._producer.begin_transaction()
        for event in events:
            value = event if isinstance(event, bytes) else orjson.dumps(event)
            await self._producer.send_and_wait(self.topic, value, partition=0)
        await (self._producer.abort_transaction() if take_back else self._producer.commit_transaction())


async def product(bootstrap: str, topic: str) -> AsyncIterator[Product]:
    """A writer as long as it is used."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic)
    await producer.start()
    try:
        yield Product(topic, producer)
    finally:
        await producer.stop()
