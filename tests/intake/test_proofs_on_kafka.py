"""Proofs through the door, on a real Kafka: committed with their feed's mark, and judged by a real worker."""

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from streams.core.events import written
from streams.kafka.partitioner import partition_of
from tests.engine.world import World, free_port, now, sent_value
from tests.intake.door import DECIDE, PORTAL, PROOF, PROOFS, Process, asking, settings_of, stored, working
from tests.real_kafka import true_at_last
from tests.view.access.issuer import BERGEN, Issuer

pytestmark = pytest.mark.kafka
MakeWorld = Callable[..., Awaitable[World]]


async def test_proofs_and_behind_them_the_mark_in_every_partition(make_world: MakeWorld, keys: Issuer) -> None:
    world = await make_world()
    ids = [str(uuid4()) for _ in range(20)]
    until = now()
    another = {"report_id": ids[0], "municipality": "0301", "stored_at": written(until)}
    vouched = written(until - timedelta(microseconds=1))
    body = {
        "feed": "flyt-bergen", "vouched_until": written(until),
        "items": [*({"report_id": one} for one in ids), another],
    }  # fmt: skip
    async with (
        working(world.kafka, settings_of(world, **keys.settings())) as desk,
        asking(desk, keys.token(PROOF, organisation=BERGEN)) as client,
    ):
        answer = await client.post(PROOFS, json=body)
        assert (answer.status_code, answer.json()) == (
            202,
            {
                "verdicts": ["accepted"] * 20 + ["not_yours"], "counts": {"accepted": 20, "not_yours": 1},
                "vouched_until": vouched,
            },
        )  # fmt: skip
        metrics = (await client.get("/metrics")).text
    found = await stored(world)
    proofs = {value["report_id"]: (partition, key) for partition, key, value in found if "report_id" in value}
    assert proofs == {one: (partition_of(one.encode(), 4), one.encode()) for one in ids}
    assert {orjson.dumps(value["receiver"]) for _, _, value in found if "report_id" in value} == {
        b'{"municipality":"4601"}'
    }
    for partition in range(4):
        last = [(key, value) for at, key, value in found if at == partition][-1]
        assert last == (b"", {"feed": "flyt-bergen", "vouched_until": vouched})
    assert 'meldingsvakt_intake_items_total{kind="proof",verdict="not_yours"} 1.0' in metrics
    assert "meldingsvakt_intake_marks_total 1.0" in metrics
    [account] = await world.values("access")
    assert (account["organisation"], account["action"], account["report_ids"]) == (BERGEN, "deliver", [])
    assert account["question"] == "kind=proof&feed=flyt-bergen&accepted=20&not_yours=1"


async def test_many_who_come_at_once_are_answered_after_one_transaction_or_few(make_world: MakeWorld) -> None:
    world = await make_world()
    ids = [str(uuid4()) for _ in range(200)]
    async with working(world.kafka, settings_of(world)) as desk, asking(desk) as client:
        answers = await asyncio.gather(
            *(client.post(PROOFS, json={"items": [{"report_id": one, "municipality": "0301"}]}) for one in ids)
        )
        commits = [line for line in (await client.get("/metrics")).text.splitlines() if "commit_seconds_count" in line]
    assert {answer.status_code for answer in answers} == {202}
    assert sorted(value["report_id"] for _, _, value in await stored(world)) == sorted(ids)
    assert 1 <= float(commits[0].split()[-1]) < 100


async def test_a_report_is_stored_by_its_proof_and_one_missing_because_the_list_vouched_past_it(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    policy = world.folder / "policy.toml"
    policy.write_text(
        'portal_retention = "P30D"\n[[version]]\nid = "test"\ngrace = "PT1S"\ndefault = "PT2S"\nproof = "stored"\n'
        '[[version.feed]]\nid = "flyt-oslo"\npatience = "PT1H"\n[[version.override]]\nmunicipality = "0301"\n'
        'feed = "flyt-oslo"\nproof = "stored"\n'
    )
    worker = world.worker()
    await worker.ready()
    by_message = {**sent_value(str(uuid4())), "message_id": "m-1"}
    await world.put("sent", by_message)
    lost = await world.sent()
    async with (
        world.announcements() as announced,
        working(world.kafka, settings_of(world)) as desk,
        asking(desk) as client,
    ):

        async def taken() -> bool:
            item = {"message_id": "m-1", "municipality": "0301", "stored_at": written(now())}
            answer = (await client.post(PROOFS, json={"feed": "flyt-oslo", "items": [item]})).json()
            return bool(answer["verdicts"] == ["accepted"])

        await true_at_last(taken)
        await world.complete_beyond(now() + timedelta(seconds=4))
        assert (await world.rows())[lost]["status"] == "pending"  # its feed has not spoken
        marks = "/intake/v1/feeds/flyt-oslo/marks"
        assert (await client.post(marks, json={"vouched_until": written(now())})).status_code == 202
        event = await announced.next()
        assert (event["report_id"], event["reason"], event["feed"]["id"]) == (lost, "no_receipt", "flyt-oslo")

        async def heard_everywhere() -> bool:
            state = (await client.get("/intake/v1/feeds/flyt-oslo")).json()
            return (state["partitions"], state["of_partitions"], state["vouched_until"] is None) == (4, 4, False)

        await true_at_last(heard_everywhere)
    assert (await world.rows())[by_message["report_id"]]["status"] == "stored"


async def test_an_unknown_message_holds_its_feed_back(make_world: MakeWorld) -> None:
    world = await make_world()
    earlier, until = now() - timedelta(hours=3), now()
    items = [{"message_id": "m-9", "municipality": "0301", "stored_at": written(earlier)}]
    body = {"feed": "flyt-oslo", "vouched_until": written(until), "items": items}
    async with working(world.kafka, settings_of(world)) as desk, asking(desk) as client:
        answer = (await client.post(PROOFS, json=body)).json()
        assert answer["verdicts"] == ["unknown_id"]
        assert answer["vouched_until"] == written(earlier - timedelta(microseconds=1))
        # Its word alone, later, is held back as well.
        answer = (await client.post("/intake/v1/feeds/flyt-oslo/marks", json={"vouched_until": written(until)})).json()
        assert answer["vouched_until"] == written(earlier - timedelta(microseconds=1))
        answer = (await client.post(PROOFS, json={**body, "items": [{**items[0], "stored_at": None}]})).json()
        assert answer["vouched_until"] is None
    vouched = {value["vouched_until"] for _, _, value in await stored(world)}
    assert vouched == {written(earlier - timedelta(microseconds=1))}


async def test_the_same_list_a_hundred_times_is_one_list(make_world: MakeWorld) -> None:
    world = await make_world()
    ids = [str(uuid4()) for _ in range(5)]
    body = {"items": [{"report_id": one, "municipality": "0301", "stored_at": written(now())} for one in ids]}
    async with working(world.kafka, settings_of(world)) as desk, asking(desk) as client:
        answers = [(await client.post(PROOFS, json=body)).json()["counts"] for _ in range(100)]
    assert answers == [{"accepted": 5}] * 100
    found = await stored(world)
    assert len(found) == 500
    assert len({(partition, key, orjson.dumps(value)) for partition, key, value in found}) == 5


async def test_what_was_killed_between_append_and_answer_is_said_again_and_counts_once(make_world: MakeWorld) -> None:
    """Whatever an answer was lost of may be there or not; all that was answered is, and nothing is half there."""
    world = await make_world()
    port = free_port()
    until = written(now())
    batches = [[str(uuid4()) for _ in range(50)] for _ in range(200)]

    def body(ids: list[str]) -> dict[str, Any]:
        return {
            "feed": "flyt-oslo", "vouched_until": until,
            "items": [{"report_id": one, "municipality": "0301"} for one in ids],
        }  # fmt: skip

    first = Process(world, port)
    await first.ready()
    answered: list[int] = []

    async def deliver(number: int) -> None:
        try:
            answer = await first.client.post(PROOFS, json=body(batches[number]))
        except httpx.TransportError:
            return
        assert answer.status_code == 202
        answered.append(number)
        if len(answered) == 30:
            os.kill(first.process.pid, signal.SIGKILL)

    await asyncio.gather(*(deliver(number) for number in range(200)))
    await first.client.aclose()
    assert 30 <= len(answered) < 200
    second = Process(world, port)
    await second.ready()
    there = [value["report_id"] for _, _, value in await stored(world) if "report_id" in value]
    for number, ids in enumerate(batches):
        count = len(set(ids) & set(there))
        assert count == 50 if number in answered else count in (0, 50), number
    for number in set(range(200)) - set(answered):
        assert (await second.client.post(PROOFS, json=body(batches[number]))).status_code == 202
    await second.client.aclose()
    found = {value["report_id"] for _, _, value in await stored(world) if "report_id" in value}
    assert found == {one for ids in batches for one in ids}


async def test_who_is_taken_over_says_so_and_ends(make_world: MakeWorld) -> None:
    world = await make_world()
    port = free_port()
    first = Process(world, port)
    await first.ready()
    body = {"items": [{"report_id": str(uuid4()), "municipality": "0301"}]}
    name = {"instance_id": socket.gethostname(), "intake_port": port}
    async with working(world.kafka, settings_of(world, **name)) as second, asking(second) as other:
        assert (await other.post(PROOFS, json=body)).status_code == 202
        assert (await first.client.post(PROOFS, json=body)).status_code == 503
        assert await asyncio.to_thread(first.process.wait, 30) == 75
    await first.client.aclose()
    assert "Give each intake a MELDINGSVAKT_INSTANCE_ID of its own" in first.log.read_text()
    assert len(await stored(world)) == 1


async def test_a_whole_course_through_the_door(make_world: MakeWorld, keys: Issuer) -> None:
    """Sent and receipt by the portal, missing, and closed by its municipality: nobody has written to Kafka."""
    world = await make_world()
    worker = world.worker()
    await worker.ready()
    report = str(uuid4())
    sent = sent_value(report, receiver={"municipality": "4601"}, message_id="m-7", channel="not a channel")
    async with (
        world.announcements() as announced,
        working(world.kafka, settings_of(world, **keys.settings())) as desk,
        asking(desk, keys.token(PORTAL)) as portal,
        asking(desk, keys.token(DECIDE, organisation=BERGEN, sub="system-7")) as municipality,
        asking(desk, keys.token(DECIDE)) as another,
    ):
        answer = (await portal.post("/intake/v1/sent", json={"items": [sent]})).json()
        assert answer == {"verdicts": ["accepted"], "counts": {"accepted": 1}, "unread": {"0": ["channel"]}}
        receipt = {"receipt": "MOTTATT", "received_at": written(now()), "message_id": "m-7"}

        async def taken() -> bool:
            said = (await portal.post("/intake/v1/receipts", json={"items": [receipt]})).json()
            return bool(said["verdicts"] == ["accepted"])

        await true_at_last(taken)
        event = await announced.next()
        assert (event["report_id"], event["type"]) == (report, "no.meldingsvakt.report.missing.v1")
        decision = {
            "report_id": report, "missing_event_id": event["event_id"], "action": "close", "outcome": "found",
            "municipality": "4601",
        }  # fmt: skip
        for client, said in ((another, "not_yours"), (municipality, "accepted")):
            answer = (await client.post("/intake/v1/decisions", json={"items": [decision]})).json()
            assert answer["verdicts"] == [said]
        closed = await announced.next()
        assert (closed["missing_event_id"], closed["outcome"]) == (event["event_id"], "found")
        for path in ("/intake/v1/sent", "/intake/v1/receipts"):
            assert (await municipality.post(path, json={"items": []})).status_code == 403
    accounts = [(one["subject"], one["organisation"], one["question"]) for one in await world.values("access")]
    assert ("system-7", BERGEN, "kind=decision&accepted=1") in accounts
