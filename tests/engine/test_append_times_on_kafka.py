"""Inputs that once had no append times, or lose them: nothing vanishes unseen, and what the worker says helps."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from streams.doctor import FindingState, examine
from streams.exits import EXIT_CONFIGURATION
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now
from tests.real_kafka import admin_at

pytestmark = pytest.mark.kafka


async def set_times(world: World, *kinds: str, of: str) -> None:
    """Set message.timestamp.type of some inputs, and wait until it holds."""
    config = {"message.timestamp.type": of, "retention.ms": str(90 * 86_400_000)}
    async with admin_at(world.kafka.brokers) as admin:
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, f"{world.name}.{kind}", config) for kind in kinds]
        )
    await asyncio.sleep(1)


async def old_world(make_world: MakeWorld) -> tuple[World, dict[str, str]]:
    """One partition, with records from before it had append times: a report, and another one with its proof."""
    world = await make_world(partitions=1, allowance=3)
    await set_times(world, "sent", "stored", of="CreateTime")
    reports = {"missing": await world.sent(), "stored": await world.sent()}
    await world.stored(reports["stored"])
    await set_times(world, "sent", "stored", of="LogAppendTime")
    return world, reports


async def test_a_worker_starts_lists_them_and_judges_them_once_they_are_appended_again(make_world: MakeWorld) -> None:
    world, reports = await old_world(make_world)
    said = await asyncio.to_thread(world.run, "topics")
    assert said.returncode == 0
    assert f"{world.name}.sent-0 begins (offset 0) with records that have no append time" in said.stderr
    assert f"{world.name}.receipt" not in said.stderr
    worker = world.worker()
    await worker.ready()
    await world.complete_beyond(now())
    rejected = await world.values("rejected")
    assert sorted((one["topic"].rpartition(".")[2], one["offset"]) for one in rejected) == [
        ("sent", 0), ("sent", 1), ("stored", 0),
    ]  # fmt: skip
    assert {(one["reason"], one["arrived"], one["judged"]) for one in rejected} == {("no_append_time", None, False)}
    assert {one["report_id"] for one in rejected} == set(reports.values())
    losses = (await world.coverage(0))["losses"]
    assert {(loss["topic"], loss["to_offset"], loss["cause"]) for loss in losses} == {
        (f"{world.name}.sent", 2, "no_append_time"), (f"{world.name}.stored", 1, "no_append_time"),
    }  # fmt: skip
    assert await world.rows() == {}
    await _appended_again(world, reports)


async def _appended_again(world: World, reports: dict[str, str]) -> None:
    """What the worker's words lead to: proofs come first, so that nobody is announced whose proof was there."""
    found = [each for each in await examine(world.kafka, world.settings) if each.check == "append times"]
    assert {each.state for each in found} == {FindingState.WARNING}
    assert "meldingsvakt rejected replay --reason no_append_time" in found[0].advice
    async with world.announcements() as announced:
        done = await asyncio.to_thread(world.run, "rejected", "replay", "--reason", "no_append_time")
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("replayed") == 3
        assert done.stdout.index(".stored") < done.stdout.index(".sent")
        await world.complete_beyond(now() + timedelta(seconds=4))
        await announced.none_for(1)
    rows = await world.rows()
    assert rows[reports["stored"]]["status"] == "stored"
    # What lay among the proofs without a time may have been its proof: it is not called missing at once.
    missing = rows[reports["missing"]]
    assert (missing["status"], missing["flags"]) == ("undetermined", ["evidence_lost"])


@pytest.mark.long
async def test_explain_says_of_such_a_record_that_nobody_knows_when_it_arrived(make_world: MakeWorld) -> None:
    world, reports = await old_world(make_world)
    shown = await asyncio.to_thread(world.run, "explain", "--json", reports["missing"])
    assert '"arrived":null' in shown.stdout
    assert '"unreadable":"no_append_time"' in shown.stdout


async def test_a_topic_that_loses_its_append_times_ends_the_worker_with_what_to_set_right(world: World) -> None:
    worker = world.worker()
    await worker.ready()
    await set_times(world, "receipt", of="CreateTime")
    assert await worker.exit_code() == EXIT_CONFIGURATION
    assert f"{world.name}.receipt-" in worker.output()
    assert "has no append time of the broker, though it was appended while this worker ran" in worker.output()
    refused: Any = world.worker()
    assert await refused.exit_code() == EXIT_CONFIGURATION
    assert f"{world.name}.receipt has message.timestamp.type=CreateTime, but it must be" in refused.output()
    await set_times(world, "receipt", of="LogAppendTime")
    await world.worker().ready()
    assert await world.values("rejected") == []  # but marks of its own nothing was appended
