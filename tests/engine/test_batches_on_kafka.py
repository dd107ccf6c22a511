"""Batches that Kafka takes and aiokafka cannot read, on real Kafka: a worker lives on, and judges what it can read."""

import asyncio
import time
from typing import Any
from uuid import uuid4

import orjson
import psutil
import pytest
from aiokafka import AIOKafkaProducer

from tests.engine.conftest import MakeWorld
from tests.engine.world import World, now, sent_value
from tests.examples import first
from tests.kafka import raw
from tests.kafka.raw import CODECS, MIB, SPOILT, batch, bomb, many_values, packed, record

pytestmark = pytest.mark.kafka


def sents(number: int, name_of_header: bytes = b"h") -> tuple[list[str], list[bytes]]:
    """Reports, and the records that they were sent."""
    reports = [str(uuid4()) for _ in range(number)]
    values = [orjson.dumps(sent_value(report)) for report in reports]
    headers = [(name_of_header, b"\xff")]
    return reports, [
        record(n, one.encode(), value, headers) for n, (one, value) in enumerate(zip(reports, values, strict=True))
    ]


async def append(world: World, kind: str, data: bytes) -> Any:
    """Append a batch as it is to the first partition of a topic."""
    producer = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, acks="all", request_timeout_ms=60_000)
    await producer.start()
    try:
        return await raw.append(producer, f"{world.name}.{kind}", data)
    finally:
        await producer.stop()


async def test_whatever_kafka_takes_a_worker_lives_on_and_judges_what_it_can_read(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    worker = world.worker()
    await worker.ready()
    sent = f"{world.name}.sent"
    expected = {await world.sent()}
    for codec, spoil in SPOILT.values():
        reports, records = sents(3)
        await append(world, "sent", batch(0, 3, spoil(b"".join(records)), CODECS[codec]))
        expected |= {*reports, await world.sent()}
    reports, records = sents(3, b"caf\xe9")
    await append(world, "sent", batch(0, 3, b"".join(records)))
    expected |= set(reports)
    reports, (first, _, last) = sents(3)
    lying = await append(world, "sent", batch(0, 3, first + record(900, b"?") + last))
    expected |= {reports[0], reports[2], await world.sent()}
    async with world.announcements() as announced:
        assert {event["report_id"] for event in await announced.take(len(expected))} == expected
        await announced.none_for(1)
    assert worker.process.poll() is None
    (rejected,) = await world.values("rejected")
    assert {name: rejected[name] for name in ("topic", "offset", "stage", "reason", "sha256", "judged")} == {
        "topic": sent, "offset": lying.offset + 1, "stage": "batch", "reason": "record_not_read", "sha256": None,
        "judged": False,
    }  # fmt: skip
    (loss,) = (await world.coverage(0))["losses"]
    assert (loss["cause"], loss["from_offset"], loss["to_offset"]) == (
        "unreadable_batch",
        lying.offset + 1,
        lying.offset + 2,
    )
    assert loss["since"] == loss["until"] == rejected["arrived"]


@pytest.mark.parametrize("data", first(1, [bomb(500), many_values(4_000)]), ids=["one value", "many values"])
async def test_a_bomb_takes_no_more_memory_than_its_bound(make_world: MakeWorld, data: bytes) -> None:
    world = await make_world(partitions=1)
    worker = world.worker(max_batch_bytes=str(64 * MIB))
    await worker.ready()
    process = psutil.Process(worker.process.pid)
    before = peak = process.memory_info().rss
    appended = await append(world, "receipt", data)
    report, until = await world.sent(), time.monotonic() + 60
    async with world.announcements() as announced:
        event = asyncio.ensure_future(announced.next(60))
        while not event.done() and time.monotonic() < until:
            peak = max(peak, process.memory_info().rss)
            await asyncio.sleep(0.01)
        assert (await event)["report_id"] == report
    assert peak - before < (64 + 200) * MIB, f"{(peak - before) / MIB:.0f} MiB"
    await world.complete_beyond(now())
    rejected = await world.values("rejected")
    assert {one["reason"] for one in rejected} >= {"batch_too_large"}
    assert rejected[-1]["offset"] >= appended.offset + 2


@pytest.mark.long
async def test_every_command_says_what_cannot_be_read_and_goes_on(make_world: MakeWorld) -> None:
    world = await make_world(partitions=1)
    worker = world.worker(max_batch_bytes=str(MIB))
    await worker.ready()
    report = await world.sent()
    (late,), (proof,) = sents(1)
    filling = record(1, value=bytes(MIB))
    spoilt = await append(world, "sent", batch(0, 3, packed("zstd", proof + filling + record(2)), CODECS["zstd"]))
    async with world.announcements() as announced:
        assert {event["report_id"] for event in await announced.take(2)} == {report, late}
    # The last record that was applied is one that nobody can read: a start finds it again.
    assert worker.stop() == 0
    worker = world.worker(max_batch_bytes=str(MIB))
    await worker.ready()
    small = {"MELDINGSVAKT_MAX_BATCH_BYTES": str(MIB)}
    first, after = spoilt.offset + 1, spoilt.offset + 3
    explained = world.run("explain", report, "--json", **small)
    assert orjson.loads(explained.stdout)["unreadable"] == [
        {
            "topic": f"{world.name}.sent",
            "partition": 0,
            "offset": first,
            "next_offset": after,
            "cause": "batch_too_large",
        }
    ]
    assert (
        f"cannot be read from offset {first} to {after} (batch_too_large)"
        in world.run("explain", report, **small).stderr
    )
    doctor = world.run("doctor", **small)
    assert f"{world.name}.sent-0 from offset {first} to {after}" in doctor.stdout + doctor.stderr
    out = world.folder / "audit"
    audited = world.run("audit", "--kafka", "--out", str(out), **small)
    assert (audited.returncode, audited.stderr.count("Traceback")) == (0, 0), audited.stderr
    assert (out / "rejects.csv").read_text().count("batch:batch_too_large") == 2
    assert [one["result"] for one in replayed(world, **small)] == ["unreadable", "unreadable"]
    assert [one["result"] for one in replayed(world)] == ["would_replay", "would_replay"]
    assert "Traceback" not in explained.stderr + doctor.stderr


def replayed(world: World, **settings: str) -> list[dict[str, str]]:
    """What `rejected replay` would do with each offset of the stage."""
    done = world.run("rejected", "replay", "--reason", "batch_too_large", "--dry-run", **settings)
    assert done.returncode == 0, done.stderr
    return [
        {"result": line.split()[0]} for line in done.stdout.splitlines() if "replay" in line or "unreadable" in line
    ]


@pytest.mark.parametrize("output", first(1, ["state", "coverage"]))
async def test_a_state_with_a_batch_that_cannot_be_read_is_refused_with_a_sentence(world: World, output: str) -> None:
    worker = world.worker()
    await worker.ready()
    await world.sent()
    await world.complete_beyond(now())
    assert worker.stop() == 0
    appended = await append(world, output, batch(0, 1, record(900)))
    worker = world.worker()
    assert await worker.exit_code() == 75
    assert f"{world.name}.{output}-0 offset {appended.offset} is no record of this checker" in worker.output()
    assert "Traceback" not in worker.output()
