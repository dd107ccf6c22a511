"""What a worker announces on real Kafka, and when."""

import asyncio
import json
import time
from datetime import timedelta

import pytest

from streams.core.events import written
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now, receipt_value, sent_value, stored_value
from tests.examples import first

pytestmark = pytest.mark.kafka


@pytest.mark.alone
async def test_it_announces_a_missing_report_on_an_otherwise_silent_topic(world: World) -> None:
    worker = world.worker()
    await worker.ready()
    assert await worker.get("/livez") == (200, '{"alive": true}')
    async with world.announcements() as announced:
        report = await world.sent()
        await world.put("receipt", receipt_value(report))
        event = await announced.next()
        visible = time.time()
        assert (event["report_id"], event["reason"]) == (report, "receipted_not_stored")
        alarm_at = now().fromisoformat(event["alarm_at"]).timestamp()
        assert alarm_at < visible < alarm_at + 2
        await announced.none_for(1)


async def test_it_says_nothing_about_a_report_that_was_stored_in_time(world: World) -> None:
    await world.worker().ready()
    async with world.announcements() as announced:
        report = await world.sent()
        await world.stored(report)
        await world.complete_beyond(now() + timedelta(seconds=3))
        await announced.none_for(0.5)
    assert (await world.rows())[report]["status"] == "stored"


async def test_it_announces_a_recovered_report_after_its_missing_in_the_same_partition(world: World) -> None:
    await world.worker().ready()
    async with world.announcements() as announced:
        stored_at = written(now())  # by when it was due, however long the sending takes
        late, confirmed = await world.sent(), await world.sent()
        missing = {event["report_id"]: event for event in await announced.take(2)}
        await world.stored(late)
        await world.stored(confirmed, stored_at=stored_at)
        recovered = {event["report_id"]: event for event in await announced.take(2)}
        for report, cause in ((late, "stored_late"), (confirmed, "confirmed_late")):
            assert recovered[report]["cause"] == cause
            assert recovered[report]["missing_event_id"] == missing[report]["event_id"]
        partitions = {(record.key, record.partition) for record in announced.records}
        assert len(partitions) == 2


async def test_it_raises_no_phantom_for_a_proof_that_lay_in_the_log_while_it_was_stopped(
    make_world: MakeWorld,
) -> None:
    world = await make_world(allowance=7)
    worker = world.worker()
    await worker.ready()
    report, other = await world.sent(), await world.sent()
    await world.complete_beyond(now())
    worker.kill()
    await world.stored(report)
    await asyncio.sleep(9)  # past both deadlines
    async with world.announcements() as announced:
        world.worker()
        assert (await announced.next())["report_id"] == other
        await world.complete_beyond(now())
        await announced.none_for(0.5)
    assert (await world.rows())[report]["status"] == "stored"


@pytest.mark.parametrize("hours", first(1, [1, -1]))
async def test_it_judges_by_the_brokers_clock_when_its_own_is_an_hour_off(make_world: MakeWorld, hours: int) -> None:
    world = await make_world(allowance=5)
    orders = json.dumps({"clock": {"offset": hours * 3600}})
    await world.worker(("-m", "tests.system.faults.launch", orders)).ready()
    async with world.announcements() as announced:
        stored, lost = await world.sent(), await world.sent()
        await asyncio.sleep(1.5)
        await world.stored(stored)
        event = await announced.next()
        assert event["report_id"] == lost
        assert now() > now().fromisoformat(event["alarm_at"])
        await world.complete_beyond(now())
        await announced.none_for(0.5)


@pytest.mark.parametrize("count", first(1, [40, 400]))
async def test_it_catches_up_with_the_backlog_of_a_day_in_one_go(make_world: MakeWorld, count: int) -> None:
    world = await make_world(allowance=5)
    reports = [await _backlog(world, number) for number in range(count)]
    lost = {report for number, report in enumerate(reports) if number % 10 == 0}
    await world.worker().ready()
    async with world.announcements() as announced:
        events = await announced.take(len(lost))
        assert {event["report_id"] for event in events} == lost
        await world.complete_beyond(now())
        await announced.none_for(0.5)


async def _backlog(world: World, number: int) -> str:
    """A report of the last day whose records all come now; every tenth lacks its proof."""
    sent_at = now() - timedelta(days=1) + timedelta(minutes=3 * number)
    report = f"{number:08d}-0000-4000-8000-{number:012d}"
    await world.put("sent", sent_value(report, sent_at=written(sent_at)))
    if number % 10:
        await world.put("stored", stored_value(report, stored_at=written(sent_at + timedelta(seconds=1))))
    return report


@pytest.mark.long
async def test_two_applications_say_the_same_bytes_about_the_same_inputs(world: World, make_world: MakeWorld) -> None:
    await world.worker().ready()
    async with world.announcements() as announced:
        reports = [await world.sent() for _ in range(6)]
        await announced.take(6)
        for report in reports[:3]:
            await world.stored(report)
        await announced.take(3)
        first = {(record.key, record.value) for record in announced.records}
    other = f"{world.name}-b"
    settings = world.settings.model_copy(update={"app_id": other})
    from streams.kafka.topics import ensure_topics

    await ensure_topics(world.kafka, settings, create=True)
    world.worker(app_id=other)
    async with world.announcements(other) as announced:
        await announced.take(9)
        assert {(record.key, record.value) for record in announced.records} == first
