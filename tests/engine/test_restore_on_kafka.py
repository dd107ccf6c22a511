"""What a worker makes of its own state, and of inputs that changed while it was away."""

import asyncio
import subprocess
from datetime import timedelta
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


async def test_a_policy_version_from_before_what_is_complete_is_refused(make_world: MakeWorld) -> None:
    world, _ = await _stopped_world(make_world)
    policy = Path(world.environment["MELDINGSVAKT_POLICY"])
    old = policy.read_text()
    past = (now() - timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy.write_text(f'{old}\n[[version]]\nid = "new"\nvalid_from = {past}\ngrace = "PT1S"\ndefault = "PT1S"\n')
    refused = world.worker()
    assert await refused.exit_code() == EXIT_CONFIGURATION
    assert "The policy's version new is not what reports" in refused.output()
    policy.write_text(old.replace('default = "PT1S"', 'default = "PT2S"'))
    changed = world.worker()
    assert await changed.exit_code() == EXIT_CONFIGURATION
    assert "version test is not what reports" in changed.output()
    policy.write_text(old.replace("P30D", "P60D"))
    prolonged = world.worker()
    assert await prolonged.exit_code() == EXIT_CONFIGURATION
    assert "portal_retention" in prolonged.output()
    future = (now() + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    policy.write_text(f'{old}\n[[version]]\nid = "new"\nvalid_from = {future}\ngrace = "PT1S"\ndefault = "PT1S"\n')
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


async def test_explain_and_rejected_tell_what_lies_in_the_log(make_world: MakeWorld) -> None:
    world, report = await _stopped_world(make_world)
    await world.put("stored", b'{"report_id": 1}', key=report.encode())
    worker = world.worker()
    await worker.ready()
    await world.complete_beyond(now())

    async def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return await asyncio.to_thread(world.run, *arguments)

    explained = orjson.loads((await run("explain", report.upper(), "--json")).stdout)
    assert explained["state"]["status"] == "missing"
    assert [entry["fact"] for entry in explained["timeline"]] == ["sent"]
    assert [event["reason"] for event in explained["events"]] == ["no_receipt"]
    assert "no_receipt" in (await run("explain", report)).stdout
    unknown = await run("explain", "00000000-0000-4000-8000-000000000000")
    assert unknown.returncode == 1
    listed = orjson.loads((await run("rejected", "list", "--json")).stdout)
    assert (listed["reason"], listed["judged"]) == ("wrong_type:report_id", False)
    assert (await run("rejected", "replay")).returncode == 2
    assert "would_replay" in (await run("rejected", "replay", "--all", "--dry-run")).stdout
    assert "replayed" in (await run("rejected", "replay", "--reason", "wrong_type")).stdout
    await world.complete_beyond(now())
    assert len(await world.values("rejected")) == 2  # it still cannot be read
