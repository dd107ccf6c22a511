"""The tables follow the checker's topics on real Kafka, through restarts and trouble."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from streams.broker import EmbeddedKafka
from streams.errors import ConfigurationError
from streams.kafka.topics import ensure_topics
from streams.settings import KafkaSettings, Settings
from streams.view.store.feed import TopicFollower
from streams.view.store.freshness import Picture, coverage_of, picture_of
from streams.view.store.store import Store
from tests.engine.conftest import make_world, world
from tests.engine.world import World, free_port, now
from tests.examples import first
from tests.real_kafka import admin_at, delete_topics
from tests.view.conftest import MEMORY
from tests.view.stock import coverage, missing, recovered, report_id, state, text

__all__ = ["make_world", "world"]
pytestmark = pytest.mark.kafka


class Watch:
    """A feed at work on a store."""

    def __init__(self, kafka: KafkaSettings, settings: Settings, file: Path | None = None) -> None:
        self.store = Store(file, MEMORY, threads=1)
        self.feed = TopicFollower(kafka, settings, self.store)
        self.task = asyncio.create_task(self.feed.run())

    def ask(self, query: str) -> list[Any]:
        with self.store.reading() as cursor:
            return cursor.execute(query).fetchall()

    def picture(self) -> Picture:
        with self.store.reading() as cursor:
            return picture_of(coverage_of(cursor), self.feed.progress, timedelta(minutes=1))

    def statuses(self) -> dict[str, str]:
        return {str(identity): status for identity, status in self.ask("SELECT report_id, status FROM reports")}

    def announced(self) -> list[tuple[str, str]]:
        return self.ask('SELECT type, CAST(report_id AS VARCHAR) FROM announcements ORDER BY "partition", "offset"')

    def tables(self) -> list[list[Any]]:
        names = ("reports", "announcements", "coverage", "losses", "books", "positions")
        return [self.ask(f"SELECT * FROM {name} ORDER BY ALL") for name in names]

    async def until(self, true: Callable[[], object], seconds: float = 30) -> None:
        """Wait until something is true; fails when the feed ends before."""
        deadline = time.monotonic() + seconds
        while not true():
            if self.task.done():
                self.task.result()
            assert time.monotonic() < deadline, f"{self.feed.progress} {self.ask('FROM coverage')}"
            await asyncio.sleep(0.05)

    async def stop(self) -> None:
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.store.close()


@asynccontextmanager
async def watching(world: World, file: Path | None = None) -> AsyncIterator[Watch]:
    watch = Watch(world.kafka, world.settings, file)
    try:
        yield watch
    finally:
        await watch.stop()


async def put(world: World, topic: str, value: dict[str, Any] | bytes | None, key: str, partition: int = 0) -> Any:
    """Write what a checker would have written."""
    body = orjson.dumps(value) if isinstance(value, dict) else value
    return await world.producer.send_and_wait(world.settings.output(topic), body, key.encode(), partition=partition)


async def put_state(world: World, value: dict[str, Any], partition: int = 0) -> None:
    await put(world, "state", value, value["report_id"], partition)


async def complete(world: World, until: str, partitions: int = 4) -> None:
    for number in range(partitions):
        await put(world, "coverage", coverage(number, until, partitions=partitions), str(number), number)


@asynccontextmanager
async def transaction(world: World) -> AsyncIterator[Any]:
    producer = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-by-hand")
    await producer.start()
    try:
        await producer.begin_transaction()
        yield producer
    finally:
        await producer.stop()


async def test_a_report_goes_missing_and_is_found_again_and_both_show_up(world: World) -> None:
    await world.worker().ready()
    async with watching(world) as watch:
        report, begun = await world.sent(), now()
        await watch.until(lambda: watch.statuses().get(report) == "missing")
        assert watch.announced() == [("missing", report)]
        await world.stored(report)
        await watch.until(lambda: watch.statuses().get(report) == "recovered")
        assert watch.announced() == [("missing", report), ("recovered", report)]
        await watch.until(lambda: (watch.picture().complete_until or begun) > begun)
        assert watch.picture().behind is None
        assert watch.ask("SELECT sum(sent), sum(recovered), sum(difference) FROM balance") == [(1, 1, 0)]


async def test_a_restart_goes_on_where_the_file_ends_and_repeats_nothing(world: World, file: Path) -> None:
    await put_state(world, state(1, "missing"))
    await put(world, "missing", missing(1), report_id(1))
    await complete(world, text(now()))
    async with watching(world, file) as watch:
        await watch.until(lambda: watch.picture().complete_until)
        before = watch.tables()
    async with watching(world, file) as watch:
        assert watch.tables() == before
        await put_state(world, state(1, "recovered"))
        await put(world, "missing", recovered(1), report_id(1))
        await watch.until(lambda: len(watch.announced()) == 2)
        await watch.until(lambda: watch.statuses() == {report_id(1): "recovered"})
        kept = watch.tables()
    file.unlink()
    async with watching(world, file) as watch:
        await watch.until(lambda: watch.tables()[:5] == kept[:5])


async def test_a_tombstone_erases_the_row(world: World) -> None:
    async with watching(world) as watch:
        await put_state(world, state(1))
        await put_state(world, state(2))
        await watch.until(lambda: len(watch.statuses()) == 2)
        await put(world, "state", None, report_id(1))
        await watch.until(lambda: watch.statuses() == {report_id(2): "pending"})


async def test_coverage_is_not_shown_before_the_rows_that_it_speaks_of(world: World) -> None:
    """Rows of another transaction lie before it in the log, and cannot be read yet."""
    async with watching(world) as watch:
        await complete(world, text(now()))
        await watch.until(lambda: watch.picture().complete_until)
        before, state_topic = watch.picture().complete_until, world.settings.output("state")
        async with transaction(world) as producer:
            row = state(1)
            await producer.send_and_wait(state_topic, orjson.dumps(row), row["report_id"].encode(), partition=0)
            until = text(now() + timedelta(seconds=1))
            await complete(world, until)
            await asyncio.sleep(1.5)
            assert watch.picture().complete_until == before
            await producer.commit_transaction()
        await watch.until(lambda: watch.picture().complete_until != before)
        assert watch.statuses() == {report_id(1): "pending"}


async def test_whoever_sees_the_coverage_of_a_transaction_sees_its_rows(world: World) -> None:
    """A reader that looks all the time never finds completeness ahead of the row that says the same."""
    async with watching(world) as watch:
        output = world.settings.output
        producer = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-by-hand")
        await producer.start()
        seen: set[int | None] = set()
        try:
            for number in takewhile(lambda number: number < 25 or len(seen) < 2, range(1_000)):
                async with producer.transaction():
                    row, said = state(number), coverage(0, text(now()), partitions=1)
                    await producer.send(output("state"), orjson.dumps(row), row["report_id"].encode(), partition=0)
                    said["policy"] = {}
                    loss = {
                        "topic": "t",
                        "from_offset": 0,
                        "to_offset": number,
                        "cause": "c",
                        "since": text(now()),
                        "until": None,
                    }
                    said["losses"] = [loss]
                    await producer.send(output("coverage"), orjson.dumps(said), b"0", partition=0)
                both = "SELECT (SELECT max(to_offset) FROM losses), (SELECT count(*) FROM reports)"
                ((upto, rows),) = watch.ask(both)
                assert upto is None or upto < rows
                seen.add(upto)
                await asyncio.sleep(0.05)
        finally:
            await producer.stop()
        await watch.until(lambda: watch.ask("SELECT to_offset FROM losses") == [(number,)])
        assert len(seen) > 1


async def test_it_waits_for_topics_that_are_not_there_yet(bootstrap: str) -> None:
    world = World(bootstrap)
    async with watching(world) as watch:
        await watch.until(lambda: watch.feed.progress.trouble)
        assert "does not exist: run `meldingsvakt topics`" in str(watch.picture().trouble)
        await world.start()
        await complete(world, text(now()))
        await watch.until(lambda: watch.picture().complete_until)
        assert watch.picture().behind is None
    await world.stop()


async def test_a_record_that_cannot_be_read_stops_it_and_it_says_which_and_goes_on_answering(world: World) -> None:
    async with watching(world) as watch:
        await put_state(world, state(1))
        await watch.until(watch.statuses)
        broken = state(2) | {"attempts": "many"}
        await put(world, "state", broken, report_id(2))
        await watch.until(lambda: watch.picture().behind == "stuck")
        assert f"{world.settings.output('state')}-0 offset 1 cannot be read" in str(watch.picture().trouble)
        assert watch.statuses() == {report_id(1): "pending"}
        await asyncio.wait_for(watch.task, 5)


async def test_the_tables_of_another_checker_are_refused(world: World, file: Path) -> None:
    store = Store(file, MEMORY)
    store.begin("another", "a cluster")
    store.close()
    watch = Watch(world.kafka, world.settings, file)
    with pytest.raises(ConfigurationError, match=r"holds the tables of another, not of .*: set MELDINGSVAKT_VIEW_FILE"):
        await asyncio.wait_for(watch.task, 30)
    watch.store.close()


@pytest.mark.parametrize(
    "made_old",
    first(
        1,
        [
            "UPDATE about SET cluster = 'another'",
            "UPDATE about SET applied_at = now() - INTERVAL 24 HOURS",
            "UPDATE positions SET next_offset = 1000",
        ],
    ),
)
async def test_a_file_from_which_one_cannot_go_on_is_built_anew(world: World, file: Path, made_old: str) -> None:
    await put_state(world, state(1))
    async with watching(world, file) as watch:
        await watch.until(watch.statuses)
    store = Store(file, MEMORY)
    store.connection.execute(f"{made_old}; UPDATE reports SET status = 'missing'")
    store.close()
    async with watching(world, file) as watch:
        await watch.until(lambda: watch.statuses() == {report_id(1): "pending"})


async def test_topics_that_were_deleted_and_made_anew_are_read_from_their_beginning(world: World) -> None:
    async with watching(world) as watch:
        for number in range(3):
            await put_state(world, state(number))
        await watch.until(lambda: len(watch.statuses()) == 3)
        async with admin_at(world.kafka.brokers) as admin:
            await delete_topics(admin, *(world.settings.output(name) for name in ("state", "missing", "coverage")))
        await ensure_topics(world.kafka, world.settings, create=True)
        await put_state(world, state(7, "stored"))
        await watch.until(lambda: watch.statuses() == {report_id(7): "stored"}, 60)


async def test_while_kafka_has_never_been_there_it_says_so() -> None:
    world = World(f"127.0.0.1:{free_port()}")
    async with watching(world) as watch:
        await watch.until(lambda: watch.picture().behind == "kafka_unreachable")
        assert watch.picture().unreachable_since is not None
    await world.stop()


@pytest.mark.long
async def test_while_kafka_is_gone_it_says_so_and_then_reads_on(tmp_path: Path) -> None:
    with EmbeddedKafka(directory=tmp_path / "kafka") as kafka:
        world, port = World(kafka.bootstrap), int(kafka.bootstrap.rpartition(":")[2])
        await world.start()
        watch = Watch(world.kafka, world.settings)
        await put_state(world, state(1))
        await complete(world, text(now()))
        await watch.until(lambda: watch.picture().complete_until and watch.picture().behind is None)
    await watch.until(lambda: watch.picture().behind == "kafka_unreachable", 60)
    assert watch.picture().unreachable_since is not None
    assert watch.statuses() == {report_id(1): "pending"}
    with EmbeddedKafka(directory=tmp_path / "kafka", port=port):
        await watch.until(lambda: watch.picture().behind is None, 60)
        await put_state(world, state(2))
        await watch.until(lambda: len(watch.statuses()) == 2)
        await watch.stop()
        await world.stop()


async def test_it_can_be_stopped_while_the_tables_cannot_be_written(world: World) -> None:
    watch = Watch(world.kafka, world.settings)
    await put_state(world, state(1))
    await watch.until(watch.statuses)
    watch.store.connection.cursor().execute("DROP TABLE positions")
    await put_state(world, state(2))
    await watch.until(lambda: "cannot be written" in (watch.feed.progress.trouble or ""))
    assert watch.picture().behind == "stuck"
    await asyncio.wait_for(watch.stop(), 10)
