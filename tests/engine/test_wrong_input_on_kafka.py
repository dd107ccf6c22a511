"""Wrong input on real Kafka: it is listed and counted, the partition goes on, and nothing is lost."""

import random
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from streams.audit.topics.reader import read_topics
from streams.core.events import written
from tests.engine.conftest import MakeWorld
from tests.engine.world import World, later, now, receipt_value, sent_value, stored_value

pytestmark = pytest.mark.kafka

NATIONAL_ID = "01020312345"


def _uuid() -> str:
    return str(uuid4())


def _bad_sents() -> list[tuple[str, bytes | None, str]]:
    """Report id, value and the reason: all are judged by their arrival."""
    plain = [
        (b"\xff\xf0\x00", "not_utf8"),
        (b"{", "not_json"),
        (b"[]", "not_an_object"),
        (None, "tombstone"),
        (b'"' + b"x" * 2_000_000 + b'"', "too_large"),
        (b"{" * 200_000, "not_json"),
    ]
    bad = [(_uuid(), value, reason) for value, reason in plain]
    for change, reason in (
        ({"channel": None}, "missing_field:channel"),
        ({"receiver": {"municipality": 30}}, "wrong_type:receiver.municipality"),
        ({"receiver": {"municipality": "301"}}, "bad_value:receiver.municipality"),
        ({"sent_at": "2026-01-01T12:00:00"}, "bad_value:sent_at"),
        ({"sent_at": 5}, "wrong_type:sent_at"),
        ({"channel": "fiks io"}, "bad_value:channel"),
        ({"case_system_version": NATIONAL_ID}, "bad_value:case_system_version"),
    ):
        report = _uuid()
        bad.append((report, orjson.dumps(sent_value(report, **change)), reason))
    return bad


def _odd_sents() -> list[tuple[str, dict[str, Any] | bytes, dict[str, Any]]]:
    """Report id, value and record fields of sents that are read as they are."""
    odd: list[tuple[str, dict[str, Any] | bytes, dict[str, Any]]] = []
    for change in (
        {"sent_at": "1970-01-01T00:00:00Z"},
        {"sent_at": "2099-01-01T00:00:00Z"},
        {"channel": "BREVDUE", "case_system": "ET_NYTT_SYSTEM"},
        {"receiver": {"municipality": "9999"}},
        {"fodselsnummer": NATIONAL_ID, NATIONAL_ID: "x", "receiver": {"municipality": "0301", "navn": NATIONAL_ID}},
    ):
        report = _uuid()
        odd.append((report, sent_value(report, **change), {}))
    for written_id in (str.upper, lambda report: f"{{{report}}}", lambda report: f"urn:uuid:{report}"):
        report = _uuid()
        odd.append((report, sent_value(written_id(report)), {"key": report.encode()}))
    framed, other_key, no_key = _uuid(), _uuid(), _uuid()
    odd.append((framed, b"\0\0\0\0\7" + orjson.dumps(sent_value(framed)), {"key": framed.encode()}))
    odd.append((other_key, sent_value(other_key), {"key": _uuid().encode()}))
    odd.append((no_key, sent_value(no_key), {"key": None, "partition": 0}))
    for partition in range(4):
        report = _uuid()
        odd.append((report, sent_value(report), {"partition": partition}))
    return odd


async def test_every_sent_whose_id_can_be_read_is_judged(make_world: MakeWorld) -> None:
    world = await make_world()
    bad, odd = _bad_sents(), _odd_sents()
    worker = world.worker()
    await worker.ready()
    big = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, max_request_size=4_000_000, compression_type="gzip")
    await big.start()
    async with world.announcements() as announced:
        for report, value, _ in bad:
            await big.send_and_wait(f"{world.name}.sent", value, key=report.encode())
        for _, odd_value, record in odd:
            await world.put("sent", odd_value, **record)
        expected = {report for report, *_ in bad} | {report for report, *_ in odd}
        events = await announced.take(len(expected))
        assert {event["report_id"] for event in events} == expected
    await big.stop()
    rejected = {value["report_id"]: value for value in await world.values("rejected")}
    assert {report: value["reason"] for report, value in rejected.items()} == {report: why for report, _, why in bad}
    assert all(value["judged"] for value in rejected.values())
    rows = await world.rows()
    assert rows[bad[0][0]]["flags"] == sorted(
        f"unreadable_{name}"
        for name in ("sent_at", "receiver", "channel", "case_system", "case_system_version", "form", "message_id")
    )
    assert {"clock_behind"} == set(rows[odd[0][0]]["flags"])
    assert {"clock_ahead"} == set(rows[odd[1][0]]["flags"])
    assert {"unknown_municipality"} == set(rows[odd[3][0]]["flags"])
    await _nothing_secret_is_left(world, worker)


async def _nothing_secret_is_left(world: World, worker: Any) -> None:
    _, metrics = await worker.get("/metrics")
    outputs = [await world.values(name) for name in ("missing", "state", "coverage", "rejected")]
    assert NATIONAL_ID not in metrics + worker.output() + orjson.dumps(outputs).decode()
    assert "meldingsvakt_dropped_properties_total 3.0" in metrics
    assert "fodselsnummer" not in metrics
    assert 'meldingsvakt_rejected_total{stage="json"} 4.0' in metrics
    assert 'meldingsvakt_misplaced_total{fault="no_key"} 1.0' in metrics


@pytest.mark.long
async def test_unreadable_receipts_and_proofs_are_listed_and_prove_nothing(world: World) -> None:
    await world.worker().ready()
    async with world.announcements() as announced:
        report = await world.sent()
        await world.put("stored", b"\xff", key=report.encode())
        await world.put("stored", stored_value(report, receiver={"municipality": "Oslo"}))
        await world.put("stored", None, key=report.encode())
        await world.put("receipt", receipt_value(report, "KANSKJE"))
        event = await announced.next()
        assert (event["report_id"], event["reason"]) == (report, "no_receipt")
    rejected = await world.values("rejected")
    assert sorted(value["reason"] for value in rejected) == [
        "bad_value:receipt", "bad_value:receiver.municipality", "not_utf8", "tombstone",
    ]  # fmt: skip
    assert not any(value["judged"] for value in rejected)


async def test_a_proof_of_which_only_what_no_rule_needs_cannot_be_read_counts_and_is_listed(world: World) -> None:
    await world.worker().ready()
    changes: list[dict[str, Any]] = [
        {"stored_at": "yesterday"}, {"evidence": "seen by me"}, {"case_system": "Visma Familia"},
        {"receiver": {"municipality": "0301", "district": ""}},
    ]  # fmt: skip
    async with world.announcements() as announced:
        for change in changes:
            report = await world.sent()
            await world.put("stored", stored_value(report, **change))
        await world.complete_beyond(later(5))
        await announced.none_for(0.5)
    rows = (await world.rows()).values()
    assert sorted(flag for row in rows for flag in row["flags"]) == [
        "unreadable_case_system", "unreadable_evidence", "unreadable_receiver_district", "unreadable_stored_at",
    ]  # fmt: skip
    assert {row["status"] for row in rows} == {"stored"}
    assert [value["judged"] for value in await world.values("rejected")] == [True] * len(changes)


async def test_a_report_is_explained_by_the_beginning_of_its_id_and_by_a_message_too(world: World) -> None:
    report = await world.sent(message_id="msg-7-a")
    other = await world.sent(message_id="msg-7-b")
    for text in (report[:8], report[:13], "msg-7-a", report.upper()):
        explained = world.run("explain", text, "--json")
        assert orjson.loads(explained.stdout)["report_id"] == report, explained.stderr
    for text in ("msg-7", "0", f"{other[:7]}"):
        refused = world.run("explain", text)
        assert (refused.returncode, "no report's id" in refused.stderr) == (2, True)


async def test_a_record_with_the_header_of_a_mark_is_judged_explained_and_audited(world: World) -> None:
    await world.worker().ready()
    report = _uuid()
    async with world.announcements() as announced:
        await world.put("sent", sent_value(report), headers=[("mv-mark", b"mine")])
        assert (await announced.next())["report_id"] == report
    explained = world.run("explain", report, "--json")
    (entry,) = orjson.loads(explained.stdout)["timeline"]
    assert (entry["fact"], entry["copied_from"]) == ("sent", None)
    read = [record async for batch in read_topics(world.kafka, world.settings) for record in batch.records]
    assert [record.key for record in read] == [report.encode()]


async def test_no_bytes_stop_a_partition(world: World) -> None:
    worker = world.worker()
    await worker.ready()
    chaos = random.Random(20)
    kinds = ("sent", "receipt", "stored")
    for number in range(600):
        value = chaos.randbytes(chaos.randrange(80))
        if number % 3 == 0:  # nearly right
            right = orjson.dumps(sent_value(_uuid()))
            place = chaos.randrange(len(right))
            value = right[:place] + chaos.randbytes(2) + right[place + chaos.randrange(4) :]
        headers = [(chaos.choice(["mv-mark", "mv-copy", "ce_id"]), chaos.randbytes(5))] if number % 7 == 0 else []
        key = chaos.choice([None, b"", b"\xff", _uuid().encode(), chaos.randbytes(9)])
        await world.put(chaos.choice(kinds), value, key=key, partition=number % 4, headers=headers)
    async with world.announcements() as announced:
        report = await world.sent()
        while (await announced.next())["report_id"] != report:
            pass
    await world.complete_beyond(now())
    assert worker.process.poll() is None
    assert len(await world.values("rejected")) > 300


async def test_records_in_a_wrong_partition_are_copied_home_once(world: World) -> None:
    worker = world.worker()
    await worker.ready()
    reports = [_uuid() for _ in range(6)]
    async with world.announcements() as announced:
        for number, report in enumerate(reports):
            for partition in range(4):
                await world.put("sent", sent_value(report, hemmelig=NATIONAL_ID), partition=partition)
            if number % 2:
                await world.put("stored", stored_value(report), partition=number % 4)
        events = await announced.take(3)
        assert {event["report_id"] for event in events} == set(reports[::2])
        await world.complete_beyond(now() + timedelta(seconds=1))
        await announced.none_for(0.5)
    copies = [value for value in await world.values("state") if value is not None]
    assert {value["report_id"] for value in copies} == set(reports)
    appended = await world.inputs_with_header("mv-copy")
    assert all(NATIONAL_ID not in record.value.decode() for record in appended)
    assert len([record for record in appended if record.topic.endswith("sent")]) == 18


@pytest.mark.long
@pytest.mark.parametrize("codec", ["zstd", "gzip", "snappy", "lz4"])
async def test_every_codec_can_be_read(world: World, codec: str) -> None:
    await world.worker().ready()
    producer = AIOKafkaProducer(bootstrap_servers=world.kafka.brokers, compression_type=codec)
    await producer.start()
    value = sent_value(_uuid(), case_system_version="1." + "0" * 60)
    async with world.announcements() as announced:
        await producer.send_and_wait(f"{world.name}.sent", orjson.dumps(value), key=value["report_id"].encode())
        assert (await announced.next())["report_id"] == value["report_id"]
    await producer.stop()


async def test_a_sent_from_beyond_the_keeping_time_is_rejected_as_too_old(world: World) -> None:
    await world.worker().ready()
    async with world.announcements() as announced:
        await world.sent(sent_at=written(now() - timedelta(days=121)))
        fresh = await world.sent()
        assert (await announced.next())["report_id"] == fresh
        await announced.none_for(1)
    assert [value["reason"] for value in await world.values("rejected")] == ["too_old"]
