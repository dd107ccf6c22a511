"""An audit of a real worker's inputs beside what that worker announced."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from pyarrow import parquet
from typer.testing import CliRunner, Result

from streams.audit.diff import compared
from streams.audit.topics.announcements import Announcements, announced_live
from streams.cli import app
from streams.core.events import written
from streams.errors import ConfigurationError
from streams.kafka.partitioner import partition_of
from streams.records.decode import FEED_HEADER
from streams.records.record import arrival
from tests.audit.topics.announced import ALARM, missing, recovered, result_of, verdict
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, decision_value, now, sent_value

pytestmark = pytest.mark.kafka
MINUTE = timedelta(minutes=1)


async def run(world: World, *arguments: str | Path) -> Result:
    """A command with a world's settings."""

    def invoked() -> Result:
        given = ["audit", *map(str, arguments)]
        return CliRunner().invoke(app, given, env=world.environment, catch_exceptions=False)

    return await asyncio.to_thread(invoked)


async def test_a_workers_own_announcements_agree_with_the_audit_of_its_inputs(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = await make_world(allowance=1)
    worker = world.worker()
    await worker.ready()
    stored, found, misplaced, lost = await world.sent(), await world.sent(), str(uuid4()), await world.sent()
    away = (partition_of(misplaced.encode(), 4) + 1) % 4
    await world.put("sent", sent_value(misplaced), partition=away)
    await world.stored(stored)
    async with world.announcements() as announced:
        assert {event["report_id"] for event in await announced.take(3)} == {found, misplaced, lost}
        await world.stored(found)
        assert (await announced.next())["report_id"] == found
    await world.complete_beyond(now())
    assert worker.stop() == 0
    result = tmp_path / "result"
    assert (await run(world, "--kafka", "--out", result)).exit_code == 0
    live = await announced_live(world.kafka, world.settings)
    with compared(result, live, MINUTE) as same:
        assert {name: count for name, count in same.counts.items() if count} == {"agree": 4}
        assert (same.wrong, same.untimed, same.whole) == (False, 0, True)
    with compared(result, live, timedelta(microseconds=1)) as late:
        assert late.counts["late"] == 3
    silenced = Announcements(live.table.slice(0, 0))
    with compared(result, silenced, MINUTE) as nothing:
        assert {line["report_id"] for line in nothing.lines() if line["category"] == "lost"} == {found, misplaced, lost}
    told = parquet.read_metadata(result / "reports.parquet").metadata
    assert datetime.fromisoformat(told[b"until"].decode()) >= now() - timedelta(seconds=30)
    done = await run(world, "diff", result, "--json")
    assert done.exit_code == 0
    summary = orjson.loads((result / "summary.json").read_bytes())
    assert summary["terms"] == {
        "stored": 1, "missing": 2, "recovered": 1, "pending": 0, "unproven": 0, "undetermined": 0, "erased": 0,
    }  # fmt: skip
    assert [source["declared"] for source in summary["sources"]] == [True] * 4


FEED = """
[[version.feed]]
id = "list"
patience = "PT2S"
[[version.override]]
municipality = "4601"
proof = "stored"
feed = "list"
"""


async def test_what_feeds_vouched_for_is_heard_as_the_worker_heard_it(make_world: MakeWorld, tmp_path: Path) -> None:
    world = await make_world(partitions=2)
    policy = world.folder / "policy.toml"
    policy.write_text(policy.read_text() + FEED)
    worker = world.worker()
    await worker.ready()
    fed = {"municipality": "4601"}
    async with world.announcements() as announced:
        lost, kept = await world.sent(receiver=fed), await world.sent(receiver=fed)
        await world.stored(kept, feed="list")
        await world.complete_beyond(now() + timedelta(seconds=3))
        said = orjson.dumps({"feed": "list", "vouched_until": written(now())})
        for partition in range(2):
            await world.put("stored", said, partition=partition, headers=[(FEED_HEADER, b"list")])
        assert (await announced.next())["report_id"] == lost
        silent = await world.sent(receiver=fed)
        await world.complete_beyond(now() + timedelta(seconds=6))
    assert worker.stop() == 0
    result = tmp_path / "result"
    assert (await run(world, "--kafka", "--out", result)).exit_code == 0
    rows = parquet.read_table(result / "reports.parquet").to_pylist()
    found = {row["report_id"]: (row["status"], row["untold"]) for row in rows}
    assert found == {lost: ("missing", None), kept: ("stored", None), silent: ("undetermined", "feed_silent")}
    assert (await world.rows())[silent]["status"] == "undetermined"
    with compared(result, await announced_live(world.kafka, world.settings), MINUTE) as same:
        assert {name: count for name, count in same.counts.items() if count} == {"agree": 1, "not_comparable": 1}


async def test_what_people_decided_is_read_as_the_worker_read_it(make_world: MakeWorld, tmp_path: Path) -> None:
    world = await make_world(partitions=2, allowance=1)
    worker = world.worker()
    await worker.ready()
    closed, reopened, erased, kept = [await world.sent() for _ in range(4)]
    async with world.announcements() as announced:
        alarms = {event["report_id"]: event for event in await announced.take(4)}
        for report_id, action, more in (
            (closed, "close", {"outcome": "found"}), (reopened, "close", {"outcome": "lost"}),
            (kept, "acknowledge", {}), (kept, "close", {"outcome": "handled", "missing_event_id": str(uuid4())}),
            (erased, "close", {"outcome": "false_alarm"}), (reopened, "reopen", {}), (erased, "erase", {}),
        ):  # fmt: skip
            await world.put("decision", decision_value(alarms[report_id], action, **more))
        await announced.take(4)
        await world.row_of(erased, status="erased")
        await world.complete_beyond(now())
    assert worker.stop() == 0
    result = tmp_path / "result"
    assert (await run(world, "--kafka", "--out", result)).exit_code == 0
    found = {row["report_id"]: row for row in parquet.read_table(result / "reports.parquet").to_pylist()}
    states = await world.rows()
    for report_id in (closed, reopened, erased, kept):
        for name in ("status", "outcome", "missing_event_id"):
            assert found[report_id][name] == states[report_id][name], (report_id, name)
    assert [found[one]["outcome"] for one in (closed, reopened, kept)] == ["found", None, None]
    assert found[closed]["closed_at"] == datetime.fromisoformat(states[closed]["closed_at"])
    assert {name for name, value in found[erased].items() if value} == {"report_id", "status", "reason_certain"}
    events = parquet.read_table(result / "events.parquet").to_pylist()
    live = await announced_live(world.kafka, world.settings)
    assert {event["event_id"] for event in events} == {
        event["event_id"] for event in live.table.to_pylist() if event["report_id"] != erased
    }
    summary = orjson.loads((result / "summary.json").read_bytes())
    assert (summary["terms"]["erased"], summary["outcomes"]) == (1, {"open": 2, "found": 1})
    assert [source["reject_reasons"] for source in summary["sources"]] == [{}, {}, {}, {"rule:decision_unfit": 1}]
    with compared(result, live, MINUTE) as same:
        assert {name: count for name, count in same.counts.items() if count} == {"agree": 6, "not_comparable": 2}
    cut, unread = tmp_path / "cut", ",".join(f"{world.name}.decision-{number}=0" for number in (0, 1))
    assert (await run(world, "--kafka", "--to", unread, "--out", cut)).exit_code == 0
    with compared(cut, live, MINUTE) as same:
        assert {name: count for name, count in same.counts.items() if count} == {"agree": 4, "not_comparable": 4}
        assert not same.wrong


async def test_topics_of_which_nobody_knows_until_when_they_are_whole_want_to_be_told(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = await make_world(partitions=1)
    await world.sent()
    result = tmp_path / "result"
    with pytest.raises(ConfigurationError, match="say with --until"):
        await run(world, "--kafka", "--out", result)
    await world.stored(await world.sent())
    await run(world, "--kafka", "--until", written(now() + timedelta(days=1)), "--out", result)
    assert orjson.loads((result / "summary.json").read_bytes())["terms"]["missing"] == 1


async def test_when_it_was_announced_is_in_the_header_or_told_by_the_broker(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    value, topic = orjson.dumps(missing(1, after=None)), f"{world.name}.missing"
    times = [
        (await world.producer.send_and_wait(topic, value, key=b"k", headers=headers)).timestamp
        for headers in ([("ce_recordedtime", b"2026-01-01T12:00:10.000000Z")], [("ce_recordedtime", b"?")], [])
    ]
    await world.producer.send_and_wait(topic, orjson.dumps(recovered(1)), key=b"k")
    live = await announced_live(world.kafka, world.settings)
    told = live.table.to_pylist()
    assert [line["event"] for line in told] == ["missing"] * 3 + ["recovered"]
    assert [line["recorded"] for line in told[:3]] == [ALARM + timedelta(seconds=10), *map(arrival, times[1:])]
    assert {line["missing_event_id"] for line in told} == {told[0]["event_id"]}


async def test_deleted_announcements_are_told_and_what_is_none_is_refused(
    make_world: MakeWorld, tmp_path: Path
) -> None:
    world = await make_world(partitions=1)
    topic = f"{world.name}.missing"
    await world.producer.send_and_wait(topic, orjson.dumps(missing(1)), key=b"k")
    await world.producer.send_and_wait(topic, orjson.dumps(missing(2)), key=b"k")
    await world.delete("missing", 0, 1)
    result = result_of(tmp_path, [verdict(1, "missing"), verdict(2, "missing")])
    with compared(result, await announced_live(world.kafka, world.settings), MINUTE) as found:
        assert (found.whole, found.counts["lost"], found.counts["late"]) == (False, 1, 1)
    done = await asyncio.to_thread(CliRunner().invoke, app, ["audit", "diff", str(result)], env=world.environment)
    assert done.exit_code == 1
    assert "Announcements were deleted from the topic's beginning" in done.stderr
    await world.producer.send_and_wait(topic, b'{"navn": "hemmelig"}', key=b"k")
    with pytest.raises(ConfigurationError, match=f"{topic}-0 offset 2 is no announcement") as raised:
        await announced_live(world.kafka, world.settings)
    assert "hemmelig" not in str(raised.value)
