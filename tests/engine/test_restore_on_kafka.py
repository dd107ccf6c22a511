"""What a worker makes of its own state, and of inputs that changed while it was away."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic

from streams.core.events import written
from streams.exits import EXIT_CONFIGURATION, EXIT_IN_DOUBT
from streams.kafka.topics import wanted_topics
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now
from tests.examples import first
from tests.real_kafka import admin_at, create_topics, delete_topics

pytestmark = pytest.mark.kafka


async def _stopped_world(make_world: MakeWorld) -> tuple[World, str]:
    """A world of one partition whose worker has announced one report and was stopped."""
    world = await make_world(partitions=1, allowance=1)
    worker = world.worker()
    await worker.ready()
    async with world.announcements() as announced:
        report = await world.sent()
        assert (await announced.next())["report_id"] == report
    assert worker.stop() == 0
    return world, report


async def _append(world: World, topic: str, key: bytes, value: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=world.kafka.brokers) as producer:
        await producer.send_and_wait(topic, value, key=key, partition=0)


async def test_inputs_deleted_below_the_position_are_a_loss_with_exact_offsets(make_world: MakeWorld) -> None:
    world, _ = await _stopped_world(make_world)
    applied = (await world.coverage(0))["applied"][f"{world.name}.sent"]["next_offset"]
    for _ in range(3):
        await world.sent()
    await world.delete("sent", 0, applied + 2)
    worker = world.worker()
    async with world.announcements() as announced:
        await announced.take(2)
        await announced.none_for(0.5)
    (loss,) = (await world.coverage(0))["losses"]
    assert (loss["topic"], loss["from_offset"], loss["to_offset"], loss["cause"]) == (
        f"{world.name}.sent", applied, applied + 2, "deleted_by_retention",
    )  # fmt: skip
    _, metrics = await worker.get("/metrics")
    assert 'meldingsvakt_losses{cause="deleted_by_retention",partition="0"} 1.0' in metrics
    assert worker.stop() == 0
    heir = world.worker()
    await heir.ready()
    _, metrics = await heir.get("/metrics")
    assert 'meldingsvakt_losses{cause="deleted_by_retention",partition="0"} 1.0' in metrics


async def test_an_input_made_anew_is_a_loss_and_not_a_silent_jump(make_world: MakeWorld) -> None:
    world, _ = await _stopped_world(make_world)
    topic = f"{world.name}.sent"
    applied = (await world.coverage(0))["applied"][topic]["next_offset"]
    made = next(wanted.required | wanted.suggested for wanted in wanted_topics(world.settings) if wanted.name == topic)
    async with admin_at(world.kafka.brokers) as admin:
        await delete_topics(admin, topic)
        await create_topics(admin, NewTopic(topic, 1, 1, topic_configs=made))
    await world.producer.client.force_metadata_update()
    report = await world.sent()
    for _ in range(applied + 2):  # as many records as before, so that no offset gives it away
        await world.put("sent", b"{}", key=b"x")
    world.worker()
    async with world.announcements() as announced:
        while (await announced.next())["report_id"] != report:
            pass
    (loss,) = (await world.coverage(0))["losses"]
    assert (loss["topic"], loss["from_offset"], loss["cause"]) == (topic, applied, "topic_recreated")


@pytest.mark.long
async def test_a_state_record_that_does_not_parse_is_refused_with_its_place(make_world: MakeWorld) -> None:
    world, report = await _stopped_world(make_world)
    await _append(world, f"{world.name}.state", report.encode(), b'{"version": 2}')
    worker = world.worker()
    assert await worker.exit_code() == EXIT_IN_DOUBT
    assert f"{world.name}.state-0 offset" in worker.output()
    assert "is no record of this checker" in worker.output()


async def test_rows_that_the_books_do_not_count_are_refused(make_world: MakeWorld) -> None:
    world, report = await _stopped_world(make_world)
    row = (await world.rows())[report]
    other = report[:-1] + ("0" if report[-1] != "0" else "1")
    await _append(world, f"{world.name}.state", other.encode(), orjson.dumps(row | {"report_id": other}))
    worker = world.worker()
    assert await worker.exit_code() == EXIT_IN_DOUBT
    assert "the state has 2 missing rows, but the books count 1" in worker.output()


def _with_a_version(policy: str, seconds: int) -> str:
    """A policy with one more version, in force so many seconds from now."""
    since = (now() + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'{policy}\n[[version]]\nid = "new"\nvalid_from = {since}\ngrace = "PT1S"\ndefault = "PT1S"\n'


CHANGES: list[tuple[Callable[[str], str], str]] = [
    (lambda policy: _with_a_version(policy, -30), "The policy's version new is not what reports"),
    (lambda policy: policy.replace('default = "PT1S"', 'default = "PT2S"'), "version test is not what reports"),
    (lambda policy: policy.replace("P30D", "P60D"), "portal_retention"),
]


@pytest.mark.parametrize(("change", "sentence"), first(1, CHANGES), ids=["before", "changed", "prolonged"])
async def test_a_policy_version_from_before_what_is_complete_is_refused(
    make_world: MakeWorld, change: Callable[[str], str], sentence: str
) -> None:
    world, _ = await _stopped_world(make_world)
    policy = Path(world.environment["MELDINGSVAKT_POLICY"])
    old = policy.read_text()
    policy.write_text(change(old))
    refused = world.worker()
    assert await refused.exit_code() == EXIT_CONFIGURATION
    assert sentence in refused.output()
    policy.write_text(_with_a_version(old, 60))
    await world.worker().ready()


async def test_a_restart_goes_on_where_the_books_ended(make_world: MakeWorld) -> None:
    world, first = await _stopped_world(make_world)
    await world.stored(first)
    await world.worker().ready()
    async with world.announcements() as announced:
        missing, recovered = await announced.take(2)
        assert recovered["missing_event_id"] == missing["event_id"]
    await world.complete_beyond(now())
    books = [value for value in await world.values("coverage") if value["kind"] == "books"][-1]
    assert (books["municipality"], books["sent"], books["missing"], books["recovered"]) == ("0301", 1, 0, 1)
    assert (await world.coverage(0))["complete_until"] > written(now() - timedelta(seconds=30))


async def _with_a_rejected_record(make_world: MakeWorld) -> tuple[World, str]:
    """A missing report, and a proof that cannot be read."""
    world = await make_world(partitions=1, allowance=1)
    await world.worker().ready()
    async with world.announcements() as announced:
        report = await world.sent()
        await world.put("stored", b'{"report_id": 1}', key=report.encode())
        assert (await announced.next())["report_id"] == report
    return world, report


async def test_explain_and_rejected_tell_what_lies_in_the_log(make_world: MakeWorld) -> None:
    world, report = await _with_a_rejected_record(make_world)
    run = partial(asyncio.to_thread, world.run)
    explained = orjson.loads((await run("explain", report.upper(), "--json")).stdout)
    assert explained["state"]["status"] == "missing"
    assert [entry["fact"] for entry in explained["timeline"]] == ["sent"]
    assert explained["timeline"][0]["window"] == (
        f"window opened: due {explained['state']['due_at']}, alarm {explained['state']['alarm_at']}"
    )
    assert [event["reason"] for event in explained["events"]] == ["no_receipt"]
    listed = orjson.loads((await run("rejected", "list", "--json")).stdout)
    assert (listed["reason"], listed["judged"]) == ("wrong_type:report_id", False)
    assert "replayed" in (await run("rejected", "replay", "--reason", "wrong_type")).stdout
    await world.complete_beyond(now())
    assert len(await world.values("rejected")) == 2  # it still cannot be read


@pytest.mark.long
async def test_explain_and_rejected_speak_to_people_and_refuse_what_is_unclear(make_world: MakeWorld) -> None:
    world, report = await _with_a_rejected_record(make_world)
    run = partial(asyncio.to_thread, world.run)
    assert "announced missing: no receipt" in (await run("explain", report)).stdout
    unknown = await run("explain", "00000000-0000-4000-8000-000000000000")
    assert unknown.returncode == 1
    assert (await run("rejected", "replay")).returncode == 2
    assert "would_replay" in (await run("rejected", "replay", "--all", "--dry-run")).stdout
