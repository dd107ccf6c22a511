"""Who looked, on real Kafka; and a view behind tokens as a process."""

import asyncio
import re
from collections.abc import AsyncIterator
from operator import attrgetter

import orjson
import pytest

from schemas.outputs import Access
from streams.access import access_log
from streams.access.access_log import AccessRecord
from streams.settings import KafkaSettings
from streams.view.services import Desk
from tests.engine.conftest import MakeWorld, make_world
from tests.engine.world import World
from tests.examples import first
from tests.view.access.conftest import fill
from tests.view.access.issuer import OSLO, OWN, Issuer, with_token
from tests.view.page.conftest import Viewing
from tests.view.stock import report_id

__all__ = ["make_world"]  # the fixture
pytestmark = pytest.mark.kafka


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    return await make_world(partitions=2)


@pytest.fixture
async def recording(world: World, keys: Issuer) -> AsyncIterator[Desk]:
    """A desk behind the gate whose record is on real Kafka."""
    desk = keys.desk()
    desk.record = AccessRecord(world.kafka, world.settings)
    fill(desk)
    yield desk
    await desk.stop()


async def test_every_look_at_a_report_is_a_record(recording: Desk, keys: Issuer, world: World) -> None:
    async with with_token(recording, keys.token(OWN, sub="nurse-7")) as client:
        assert (await client.get("/api/v1/reports?receiver=0301")).status_code == 200
        assert (await client.get(f"/reports/{report_id(1)}")).status_code == 200
        assert (await client.get("/api/v1/reports.parquet")).status_code == 200
        assert (await client.get("/api/v1/summary")).status_code == 200
    said = [Access.model_validate_json(orjson.dumps(value)) for value in await world.values("access")]
    assert {(one.subject, one.organisation) for one in said} == {("nurse-7", OSLO)}
    assert [(one.action, one.report_id, one.question) for one in said] == [
        *(("list", report_id(number), "receiver=0301") for number in (2, 1, 0)),
        ("read_report", report_id(1), None),
        ("read_file", None, "reports.parquet?"),
    ]


@pytest.mark.parametrize("task", ["_sender._sender_task", "client._sync_task"])
async def test_a_client_that_has_ended_by_itself_is_replaced(
    recording: Desk, keys: Issuer, world: World, task: str
) -> None:
    async with with_token(recording, keys.token(OWN)) as client:
        assert (await client.get(f"/reports/{report_id(1)}")).status_code == 200
        dead = attrgetter(task)(recording.record._producer)
        dead.cancel()
        await asyncio.wait([dead])
        assert (await client.get(f"/reports/{report_id(2)}")).status_code == 200
    assert [value["report_id"] for value in await world.values("access")] == [report_id(1), report_id(2)]


async def test_without_kafka_counts_are_answered_and_reports_are_not(
    keys: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "WAIT_SECONDS", 1.0)
    desk = keys.desk()
    desk.record = AccessRecord(KafkaSettings(brokers="127.0.0.1:1"), desk.settings)
    fill(desk)
    async with with_token(desk, keys.token(OWN)) as client:
        for path in ("/api/v1/reports", f"/api/v1/reports/{report_id(1)}", "/", f"/reports/{report_id(1)}"):
            answer = await client.get(path)
            assert answer.status_code == 503, path
            assert "Oslo" not in answer.text
            assert "2026-03-02" not in answer.text
            assert "when it can be recorded who looks" in answer.text
        assert (await client.get("/api/v1/summary")).json()["total"]["reports"] == 3
    await desk.stop()


@pytest.mark.parametrize("host", first(1, ["0.0.0.0", "::", "10.1.2.3", "view.example"]))
async def test_it_listens_on_loopback_only_unless_it_asks_for_tokens(world: World, host: str) -> None:
    ended = world.run("view", MELDINGSVAKT_VIEW_HOST=host, MELDINGSVAKT_VIEW_PORT="0")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"meldingsvakt: The view does not listen on {host} without tokens: set MELDINGSVAKT")


async def test_a_view_behind_tokens_lets_nobody_else_in(world: World, keys: Issuer) -> None:
    viewing = Viewing(world, **keys.settings(), view_host="0.0.0.0")
    viewing.until("/livez", lambda said: said["alive"])
    assert "It asks nobody" not in viewing.output()
    good = {"Authorization": f"Bearer {keys.token(OWN)}"}
    assert viewing.get("/api/v1/reports").status_code == 401
    assert viewing.get("/api/v1/reports", headers=good).json()["reports"] == []
    assert viewing.stop() == 0
    assert keys.token(OWN)[:40] not in viewing.output()
    assert not re.search("Traceback", viewing.output())


async def test_a_view_that_asks_for_no_token_says_so(world: World) -> None:
    viewing = Viewing(world)
    viewing.until("/livez", lambda said: said["alive"])
    assert "It asks nobody for a token" in viewing.output()
    assert viewing.stop() == 0
