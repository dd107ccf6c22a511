"""The heartbeat of a real worker: it is there while the worker can vouch, and only then."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from streams.settings import Settings, load_settings
from tests.engine.conftest import MakeWorld
from tests.engine.world import Worker, World, sent_value
from tests.system.operations.promtool import samples

SECRET = "3f6c1b0e-ping-key"


class Switch:
    """A dead man's switch: counts what it hears."""

    def __init__(self) -> None:
        self.heard: list[float] = []
        self.status = 200
        self.hangs = False
        self.address = ""

    async def answer(self, request: web.Request) -> web.Response:
        if self.hangs:
            await asyncio.sleep(3600)
        self.heard.append(time.monotonic())
        return web.Response(status=self.status)

    async def next(self, seconds: float = 10) -> None:
        """Wait for one more heartbeat."""
        before, deadline = len(self.heard), time.monotonic() + seconds
        while len(self.heard) == before:
            assert time.monotonic() < deadline, "no heartbeat came"
            await asyncio.sleep(0.05)

    async def none_for(self, seconds: float) -> None:
        """Fails when a heartbeat comes within that time."""
        before = len(self.heard)
        await asyncio.sleep(seconds)
        assert len(self.heard) == before


@pytest.fixture
async def switch() -> AsyncIterator[Switch]:
    made = Switch()
    app = web.Application()
    app.add_routes([web.get(f"/{SECRET}", made.answer)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.address = f"http://127.0.0.1:{runner.addresses[0][1]}/{SECRET}"
    yield made
    await runner.cleanup()


@pytest.fixture
async def world(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return await make_world(partitions=2, allowance=1, gap_after="PT2S", heartbeat_every="PT1S", log_level="DEBUG")


async def counted(worker: Worker, result: str) -> float:
    _, text = await worker.get("/metrics")
    return samples(text)["meldingsvakt_heartbeats_total", frozenset({("result", result)})]


@pytest.mark.kafka
async def test_it_stops_while_a_gap_is_open_and_goes_on_when_it_has_closed(world: World, switch: Switch) -> None:
    worker = world.worker(heartbeat_url=switch.address)
    await worker.ready()
    await switch.next()
    await switch.next()
    async with AIOKafkaProducer(
        bootstrap_servers=world.kafka.brokers, transactional_id=f"{world.name}-upstream"
    ) as upstream:
        await upstream.begin_transaction()
        held = sent_value("00000000-0000-4000-8000-000000000001")
        await (await upstream.send(f"{world.name}.sent", str(held).encode(), key=b"x", partition=0))
        before, deadline = await counted(worker, "withheld"), time.monotonic() + 20  # before it was ready, too
        while await counted(worker, "withheld") == before:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        await switch.none_for(3)
        assert await counted(worker, "withheld") >= before + 3
        await upstream.abort_transaction()
    await switch.next()
    await switch.next()  # what is logged of the first one is logged by now
    assert "The heartbeat is withheld: partition 0: " in worker.output()
    assert "The heartbeat is heard again." in worker.output()
    assert SECRET not in worker.output()


@pytest.mark.kafka
async def test_a_switch_that_refuses_hangs_or_is_gone_is_said_and_stands_in_nobodys_way(
    world: World, switch: Switch
) -> None:
    switch.status = 302
    worker = world.worker(heartbeat_url=switch.address)
    await worker.ready()
    await switch.next()
    async with world.announcements() as announced:
        switch.hangs = True
        report = await world.sent()
        assert (await announced.next())["report_id"] == report
    assert await counted(worker, "failed") >= 1
    assert await counted(worker, "sent") == 0
    assert "The heartbeat was not heard (status 302)" in worker.output()
    gone = world.worker(heartbeat_url=f"http://127.0.0.1:1/{SECRET}", instance_id="gone")
    await gone.ready()
    deadline = time.monotonic() + 10
    while await counted(gone, "failed") < 2:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert "The heartbeat was not heard (ClientConnectorError)" in gone.output()
    assert gone.output().count("was not heard") == 1
    assert SECRET not in gone.output() + worker.output()
    assert worker.stop() == 0


@pytest.mark.kafka
async def test_the_address_is_in_no_setting_that_is_shown(world: World) -> None:
    shown = world.run("config", MELDINGSVAKT_HEARTBEAT_URL=f"https://hc.example.org/{SECRET}")
    assert "MELDINGSVAKT_HEARTBEAT_URL" in shown.stdout
    assert SECRET not in shown.stdout + shown.stderr
    refused = world.run("config", MELDINGSVAKT_HEARTBEAT_URL=SECRET)
    assert refused.returncode == 2
    assert "MELDINGSVAKT_HEARTBEAT_URL is not valid" in refused.stderr
    assert SECRET not in refused.stdout + refused.stderr


def test_no_address_is_no_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MELDINGSVAKT_HEARTBEAT_URL", "")
    _, settings = load_settings()
    assert settings.heartbeat_url is None
    assert SECRET not in repr(Settings(heartbeat_url=SecretStr(f"https://hc.example.org/{SECRET}")))
