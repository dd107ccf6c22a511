"""A consumer of `{app}.missing`: opens a task for each alarm, closes it when the report is found or somebody says so.

    pip install aiokafka
    KAFKA_BROKERS=127.0.0.1:9092 TOPIC=reports.missing GROUP=tasks DATABASE=tasks.sqlite python consumer.py

Copy it and put your own work where `Tasks` writes its table. Four habits make it act on every event exactly once:

1. It reads `read_committed`: what the checker took back was never said.
2. What it does, and the id of the event that it did it for, are one transaction in one database.
3. Only after that it commits the offset to Kafka. If it ends in between, the event comes again and its id is known.
4. It reads the fields that it needs and ignores the others: a later version may have more.

The database belongs to the group: where several instances share a group, let them share the database.
"""

import asyncio
import json
import logging
import os
import signal
import sqlite3
import sys
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaConnectionError

MISSING = "no.meldingsvakt.report.missing.v1"
RECOVERED = "no.meldingsvakt.report.recovered.v1"
CLOSED = "no.meldingsvakt.report.closed.v1"
REOPENED = "no.meldingsvakt.report.reopened.v1"
AGAIN = "missing_again"  # the report has a later alarm, which is the one that counts
SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (event_id TEXT PRIMARY KEY);
-- Open are those with neither: `closed_because` is what somebody decided, `found_because` how the report was found.
CREATE TABLE IF NOT EXISTS tasks (
    missing_event_id TEXT NOT NULL, report_id TEXT NOT NULL, municipality TEXT, reason TEXT NOT NULL,
    act_before TEXT NOT NULL, episode INTEGER NOT NULL, previous_event_id TEXT, closed_because TEXT, found_because TEXT
);
"""
log = logging.getLogger("consumer")


class Tasks:
    """The work, and the ids of the events that it was done for."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path, timeout=30, check_same_thread=False)  # one thread at a time
        self._database.executescript(SCHEMA)

    def act_on(self, event: dict[str, Any]) -> str:
        """Do what an event asks for, once; what was done, in a word."""
        with self._database:  # one transaction: committed at its end, rolled back by an error
            new = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (event["event_id"],)).rowcount
            if not new:
                return "seen before"
            known = {MISSING: self._open, RECOVERED: self._find, CLOSED: self._close, REOPENED: self._reopen}
            act = known.get(event["type"])
            return "of a type that this consumer does not know" if act is None else act(event)

    def _open(self, event: dict[str, Any]) -> str:
        receiver = event["receiver"] or {}  # null where no readable record named it
        task = event["event_id"], event["report_id"], receiver.get("municipality"), event["reason"]
        more = event["portal_deletes_at"], event["episode"], event["previous_event_id"]
        self._database.execute("INSERT INTO tasks VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)", (*task, *more))
        # What follows is about this alarm: nothing else would ever end the one before it.
        self._set("closed_because = coalesce(closed_because, ?)", AGAIN, event["previous_event_id"])
        return "opened"

    def _find(self, event: dict[str, Any]) -> str:
        return self._set("found_because = ?", event["cause"], event["missing_event_id"]) or "found"

    def _close(self, event: dict[str, Any]) -> str:
        return self._set("closed_because = ?", event["outcome"], event["missing_event_id"]) or "closed"

    def _reopen(self, event: dict[str, Any]) -> str:
        """Unless the report went missing again since: a decision may come behind that."""
        later = "(SELECT ? FROM tasks AS later WHERE later.previous_event_id = tasks.missing_event_id)"
        return self._set(f"closed_because = {later}", AGAIN, event["missing_event_id"]) or "reopened"

    def _set(self, change: str, value: str, missing_event_id: str | None) -> str | None:
        """Change the task of an alarm; says so where there is none."""
        changed = self._database.execute(
            f"UPDATE tasks SET {change} WHERE missing_event_id = ?",  # noqa: S608 - one of the changes above
            (value, missing_event_id),
        )
        return None if changed.rowcount else "about an alarm that was not opened here"

    def close(self) -> None:
        """Let the database go."""
        self._database.close()


async def consume(brokers: str, topic: str, group: str, tasks: Tasks, stop: asyncio.Event) -> None:
    """Act on every event until asked to stop. TLS and SASL are further keywords of AIOKafkaConsumer."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=brokers,
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=6_000,  # so long after a crash its partitions are given to somebody
    )
    try:
        await consumer.start()
        while not stop.is_set():
            for partition, records in (await consumer.getmany(timeout_ms=500, max_records=100)).items():
                for record in records:
                    await _act(record, tasks)
                    if stop.is_set():
                        break
                await _commit(consumer, partition, record.offset + 1)
    finally:
        await consumer.stop()


async def _act(record: Any, tasks: Tasks) -> None:
    try:
        event = json.loads(record.value)
        # In a thread, so that the consumer goes on to tell Kafka that it lives.
        done = await asyncio.to_thread(tasks.act_on, event)
    except (ValueError, TypeError, KeyError) as error:
        # Never go past an event that may be a missing report: end, with the offset not committed.
        sys.exit(f"{_place(record)} is no event as its schema says ({error!r}): nothing after it was acted on.")
    log.info("%s %s: %s", _place(record), event["event_id"], done)


def _place(record: Any) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


async def _commit(consumer: Any, partition: TopicPartition, next_offset: int) -> None:
    try:
        await consumer.commit({partition: next_offset})
    except (CommitFailedError, IllegalStateError):
        log.info("%s/%s belongs to another instance now, which knows what was seen.", *partition)


async def main() -> None:
    """Run until SIGTERM or SIGINT; what is at hand is finished and its offset committed."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks = Tasks(os.environ.get("DATABASE", "tasks.sqlite"))
    brokers, topic = os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092"), os.environ.get("TOPIC", "reports.missing")
    try:
        await consume(brokers, topic, os.environ.get("GROUP", "tasks"), tasks, stop)
    except KafkaConnectionError as error:
        sys.exit(f"Kafka does not answer at {brokers} ({error}): set KAFKA_BROKERS, or start again when it does.")
    finally:
        tasks.close()


if __name__ == "__main__":
    asyncio.run(main())
