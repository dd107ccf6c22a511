"""A feed's word on real Kafka: while it is silent nobody is alarmed, and when it speaks what is lost is told."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from streams.core.events import written
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now

pytestmark = pytest.mark.kafka

WITH_FEED = """
[[version.feed]]
id = "list"
patience = "PT2S"
[[version.override]]
municipality = "0301"
feed = "list"
"""
NOTHING_COMES_SECONDS = 1


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    made = await make_world(partitions=2)
    policy = made.folder / "policy.toml"
    policy.write_text(policy.read_text() + WITH_FEED)
    return made


async def vouch(world: World, *partitions: int, feed: str = "list", **said: Any) -> None:
    """The feed's mark in some partitions."""
    value = {"feed": feed, "vouched_until": written(now())} | said
    for partition in partitions:
        headers = [("mv-feed", feed.encode())]
        await world.put("stored", orjson.dumps(value), partition=partition, headers=headers)


async def test_a_silent_feed_alarms_nobody_and_what_was_lost_is_told_when_it_speaks(world: World) -> None:
    worker = world.worker()
    await worker.ready()
    async with world.announcements() as announced:
        lost, kept = await world.sent(), await world.sent()
        other = await world.sent(receiver={"municipality": "1103"})
        assert (await announced.next())["report_id"] == other
        await world.complete_beyond(now() + timedelta(seconds=5))
        await announced.none_for(NOTHING_COMES_SECONDS)
        _, shown = await worker.get("/metrics")
        assert 'meldingsvakt_feed_heard_timestamp_seconds{feed="list",partition="0"} 0.0' in shown
        assert 'meldingsvakt_feed_patience_seconds{feed="list",partition="1"} 2.0' in shown
        rows = await world.rows()
        assert {rows[report]["status"] for report in (lost, kept)} == {"undetermined"}
        worker.kill()  # what waits for the feed must be found again
        await world.worker().ready()
        await world.stored(kept, feed="list")
        await vouch(world, 0, 1, proofs=0)
        event = await announced.next()
        assert (event["report_id"], event["reason"], event["feed"]["id"]) == (lost, "no_receipt", "list")
        assert event["feed"]["vouched_until"] >= event["due_at"]
        await announced.none_for(NOTHING_COMES_SECONDS)
    assert (await world.rows())[kept]["status"] == "stored"
    words = [coverage["feeds"]["list"]["vouched_until"] for coverage in await world.coverages()]
    assert all(word > event["due_at"] for word in words)


async def test_a_mark_that_does_not_vouch_decides_nothing_and_is_listed_if_nobody_knows_its_feed(world: World) -> None:
    await world.worker().ready()
    async with world.announcements() as announced:
        await world.sent()
        await world.complete_beyond(now() + timedelta(seconds=5))
        await vouch(world, 0, 1, proofs=1)  # which has not come
        await vouch(world, 0, 1, vouched_until=written(now() + timedelta(hours=2)))  # local time sent as UTC
        await vouch(world, 0, 1, feed="nobodys")
        await vouch(world, 0, 1, vouched_until="soon")
        await world.complete_beyond(now())
        await announced.none_for(NOTHING_COMES_SECONDS)
        reasons = sorted(value["reason"] for value in await world.values("rejected"))
        assert reasons == ["bad_value:vouched_until"] * 2 + ["feed_unknown"] * 2
        await vouch(world, 0, 1)
        assert (await announced.next())["reason"] == "no_receipt"
