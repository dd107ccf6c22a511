"""A consumer acts on each event exactly once, whatever happens to it, and on nothing that was taken back."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.engine.world import World
from tests.examples import first
from tests.system.consumers.consuming import SLOWLY, Consuming, Product, decided, missing, missing_again, recovered

pytestmark = pytest.mark.kafka


async def test_it_opens_a_task_and_closes_it_when_the_report_is_found_again(consumer: Consuming, said: Product) -> None:
    found, lasting = missing(), missing(receiver=None)
    await said.say(found, lasting, recovered(found))
    consumer.start()
    await asyncio.to_thread(
        consumer.until,
        lambda: consumer.tasks() == [(found["event_id"], "4601", "stored_late"), (lasting["event_id"], None, None)],
    )


async def test_a_task_is_open_until_somebody_closes_it_and_while_that_is_taken_back(
    consumer: Consuming, said: Product
) -> None:
    closed, reopened, found = missing(), missing(), missing()
    await said.say(closed, reopened, found)
    await said.say(*(decided("closed", event) for event in (closed, reopened, found)))
    await said.say(decided("reopened", reopened), recovered(found), decided("reopened", found))
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: consumer.output().count("reopened") == 2)
    ended = {event_id: why for event_id, _, why in consumer.tasks()}
    assert ended == {closed["event_id"]: "handled", reopened["event_id"]: None, found["event_id"]: "stored_late"}


async def test_the_next_missing_event_of_a_report_takes_over_from_the_one_before_it(
    consumer: Consuming, said: Product
) -> None:
    first, closed = missing(), missing()
    second, third = missing_again(first), missing_again(closed)
    await said.say(first, closed, decided("closed", closed), second, third)
    await said.say(decided("reopened", closed), recovered(second))
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: ": found" in consumer.output())
    ended = {event_id: why for event_id, _, why in consumer.tasks()}
    assert ended == {
        first["event_id"]: "missing_again",
        closed["event_id"]: "missing_again",
        second["event_id"]: "stored_late",
        third["event_id"]: None,
    }


async def test_it_ends_by_a_signal_with_everything_committed_and_goes_on_after_it(
    consumer: Consuming, said: Product
) -> None:
    await said.say(missing(), missing())
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: len(consumer.tasks()) == 2)
    assert consumer.end(signal.SIGTERM) == 0, consumer.output()
    assert await consumer.committed() == 2
    await said.say(missing())
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: len(consumer.tasks()) == 3)
    assert "seen before" not in consumer.output()


@pytest.mark.parametrize("table", first(1, ["tasks", "seen"]))
async def test_it_acts_once_on_each_event_though_it_is_killed_between_its_work_and_the_commit(
    consumer: Consuming, said: Product, table: str
) -> None:
    events = [missing() for _ in range(30)]
    await said.say(events[0])
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: len(consumer.tasks()) == 1)
    assert consumer.end() == 0, consumer.output()
    with consumer.database() as database:
        database.executescript(SLOWLY.format(table=table))
    await said.say(*events[1:])
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: len(consumer.tasks()) >= 4)
    consumer.end(signal.SIGKILL)
    done = len(consumer.tasks())
    assert done < len(events), "it was too fast to be killed in between"
    assert await consumer.committed() == 1, "nothing but the event of its first life"
    with consumer.database() as database:
        database.execute("DROP TRIGGER slowly")
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: len(consumer.tasks()) == len(events))
    assert consumer.output().count("seen before") == done - 1, "each that it had acted on came again"
    assert [event_id for event_id, *_ in consumer.tasks()] == [event["event_id"] for event in events]


async def test_it_never_sees_what_was_taken_back(consumer: Consuming, said: Product) -> None:
    taken_back, kept = missing(), missing()
    await said.say(taken_back, take_back=True)
    await said.say(kept)
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: bool(consumer.tasks()))
    assert [event_id for event_id, *_ in consumer.tasks()] == [kept["event_id"]]
    assert taken_back["event_id"] not in consumer.output()


async def test_it_drops_an_event_that_it_has_seen(consumer: Consuming, said: Product) -> None:
    twice, after = missing(), missing()
    await said.say(twice, twice, after)
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: len(consumer.tasks()) >= 2)
    assert [event_id for event_id, *_ in consumer.tasks()] == [twice["event_id"], after["event_id"]]
    assert consumer.output().count("seen before") == 1


async def test_it_ignores_fields_and_types_that_it_does_not_know(consumer: Consuming, said: Product) -> None:
    newer = missing(urgency={"level": 3}, receiver={"municipality": "0301", "region": "east"})
    other = missing(type="no.meldingsvakt.report.resent.v1")
    await said.say(other, newer)
    consumer.start()
    await asyncio.to_thread(consumer.until, lambda: bool(consumer.tasks()))
    assert consumer.tasks() == [(newer["event_id"], "0301", None)]
    assert f"{other['event_id']}: of a type that this consumer does not know" in consumer.output()


@pytest.mark.parametrize("value", first(1, [b'{"event_id": "a"}', b"{not json", b"[]", b"null"]))
async def test_it_does_not_go_past_what_it_cannot_read(consumer: Consuming, said: Product, value: bytes) -> None:
    await said.say(value, missing())
    consumer.start()
    assert consumer.ended() == 1, consumer.output()
    assert f"{consumer.topic}/0/0 is no event as its schema says" in consumer.output()
    assert consumer.tasks() == []
    assert await consumer.committed() is None


@pytest.mark.long
async def test_both_follow_the_checker_itself(
    bootstrap: str, tmp_path: Path, python_command: tuple[str, ...], java_command: tuple[str, ...]
) -> None:
    world = World(bootstrap, partitions=2, allowance=1)
    await world.start()
    consumers = []
    try:
        for command, folder in ((python_command, tmp_path / "python"), (java_command, tmp_path / "java")):
            folder.mkdir()
            consumers.append(Consuming(command, bootstrap, f"{world.name}.missing", folder))
            consumers[-1].start()
        await world.worker().ready()
        late, never = await world.sent(receiver={"municipality": "4601"}), await world.sent()
        for consumer in consumers:
            await asyncio.to_thread(consumer.until, lambda: len(consumer.tasks()) == 2)  # noqa: B023
        await world.stored(late)
        for consumer in consumers:
            await asyncio.to_thread(
                consumer.until,
                lambda: {place: why for _, place, why in consumer.tasks()} == {"4601": "stored_late", "0301": None},  # noqa: B023
            )
        assert late != never
    finally:
        for consumer in consumers:
            if consumer.process is not None and consumer.process.poll() is None:
                consumer.process.kill()
                consumer.process.wait()
        await world.stop()
