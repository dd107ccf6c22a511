"""A worker, a view and an intake to which everything has happened that a metric tells of."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from streams.core.events import written
from tests.engine.conftest import make_world, world
from tests.engine.world import Worker, World, free_port, now, receipt_value, sent_value, stored_value
from tests.real_kafka import true_at_last
from tests.view.page.conftest import Viewing

__all__ = ["make_world", "world"]

NATIONAL_ID = "01020312345"
MUNICIPALITIES = ("4640", "1108", "3907")


@dataclass
class Eventful:
    """What is left of it: every report's id, and what the three show. `began`: before anything was sent."""

    world: World
    worker: Worker
    viewing: Viewing
    intake: str
    reports: list[str]
    began: float

    async def metrics(self) -> tuple[str, str, str]:
        """The /metrics of the worker, the view and the intake."""
        _, text = await self.worker.get("/metrics")
        async with httpx.AsyncClient(base_url=self.intake) as client:
            return text, self.viewing.get("/metrics").text, (await client.get("/metrics")).text


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def eventful(bootstrap: str) -> AsyncIterator[Eventful]:
    """Four missing, one of them recovered, one stored, one pending, bad records, and a gap that stays open."""
    world = World(bootstrap, partitions=2, allowance=1, gap_after="PT2S", log_level="DEBUG")
    with (world.folder / "policy.toml").open("a") as policy:
        policy.write('[version.allowance]\nPRINT = "PT1H"\n')
    await world.start()
    began = time.time()
    worker, viewing = world.worker(log_format="json"), Viewing(world, log_format="json")
    intake = _intake(world)
    try:
        await worker.ready()
        await _ask_in_vain(intake)
        reports = await _stories(world)
        viewing.until("/api/v1/summary", lambda said: (said["total"]["missing"], said["total"]["pending"]) == (3, 1))
        all_applied = written(now())  # the copies of what was misplaced, too: they were written together with a row
        viewing.until("/api/v1/coverage", lambda said: (said["picture"]["complete_until"] or "") > all_applied)
        async with AIOKafkaProducer(
            bootstrap_servers=bootstrap, transactional_id=f"{world.name}-upstream", transaction_timeout_ms=600_000
        ) as upstream:
            await upstream.begin_transaction()
            await _open_everywhere(world, upstream, reports)
            viewing.until("/api/v1/coverage", _both_are_held_back)
            yield Eventful(world, worker, viewing, intake, reports, began)
            await upstream.abort_transaction()
    finally:
        if viewing.process.poll() is None:
            viewing.process.kill()
            viewing.process.wait()
        await world.stop()


def _intake(world: World) -> str:
    """Where an intake is that asks nobody who they are."""
    port = free_port()
    world.process(("-m", "streams.cli", "intake"), world.folder / "intake.log", intake_port=str(port))
    return f"http://127.0.0.1:{port}"


async def _ask_in_vain(intake: str) -> None:
    """A proof of a message that nobody knows: the inputs get nothing of it."""
    async with httpx.AsyncClient(base_url=intake) as client:
        await true_at_last(lambda: _is_ready(client), 60)
        item = {"message_id": "nobody-knows", "municipality": MUNICIPALITIES[0]}
        answer = await client.post("/intake/v1/proofs", json={"items": [item]})
    assert answer.json()["verdicts"] == ["unknown_id"]


async def _is_ready(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def _stories(world: World) -> list[str]:
    first, second, third = ({"municipality": code, "unit_id": "unit-7"} for code in MUNICIPALITIES)
    async with world.announcements() as announced:
        missing = [await world.sent(receiver=first, case_system_version="5.0.1") for _ in range(3)]
        await world.put("receipt", receipt_value(missing[0]))
        odd = await world.sent(receiver=second, channel="BREVDUE", case_system="ET_NYTT_SYSTEM")
        await announced.take(4)
        stored = await world.sent(receiver=third, navn=NATIONAL_ID, fritekst=f"Kari Nordmann {NATIONAL_ID}")
        await world.stored(stored, receiver=third)
        await world.stored(odd)
        assert (await announced.next())["type"].endswith("recovered.v1")
    await world.put("stored", b'{"report_id": "' + NATIONAL_ID.encode() + b'"}', key=NATIONAL_ID.encode())
    await world.put("sent", f"Kari Nordmann {NATIONAL_ID}".encode(), key=None, headers=[("navn", NATIONAL_ID.encode())])
    await world.put("stored", stored_value(stored), key=None, partition=0)
    for partition in range(2):
        await world.put("stored", stored_value(stored), partition=partition)
    return [*missing, odd, stored, await world.sent(receiver=third, channel="PRINT")]


async def _open_everywhere(world: World, upstream: AIOKafkaProducer, reports: list[str]) -> None:
    """A transaction that stays open holds every partition back."""
    held = sent_value("0d7b1c9e-1111-4222-8333-444455556666")
    reports.append(held["report_id"])
    for partition in range(2):
        await (await upstream.send(f"{world.name}.sent", orjson.dumps(held), key=b"x", partition=partition))


def _both_are_held_back(said: Any) -> bool:
    return [gap["cause"] for gap in said["picture"]["gaps"]] == ["open_transaction"] * 2
