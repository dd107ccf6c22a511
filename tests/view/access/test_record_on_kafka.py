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
from streams.access.tokens import Visitor
from streams.settings import KafkaSettings
from streams.view.services import Desk
from tests.engine.conftest import MakeWorld, make_world
from tests.engine.world import World
from tests.examples import first
from tests.view.access.conftest import fill
from tests.view.access.issuer import OSLO, OWN, SQL, Issuer, with_token
from tests.view.page.conftest import Viewing
from tests.view.stock import changes, report_id, state

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


async def test_every_look_at_reports_is_a_record(recording: Desk, keys: Issuer, world: World) -> None:
    async with with_token(recording, keys.token(OWN, sub="nurse-7")) as client:
        assert (await client.get("/api/v1/reports?receiver=0301")).status_code == 200
        assert (await client.get(f"/reports/{report_id(1)}")).status_code == 200
        assert (await client.get("/api/v1/reports.parquet")).status_code == 200
        assert (await client.get("/api/v1/summary")).status_code == 200
    said = [Access.model_validate_json(orjson.dumps(value)) for value in await world.values("access")]
    assert {(one.subject, one.organisation) for one in said} == {("nurse-7", OSLO)}
    assert [(one.action, one.report_ids, one.question) for one in said] == [
        ("list", [report_id(number) for number in (2, 1, 0)], "receiver=0301"),
        ("read_report", [report_id(1)], None),
        ("read_file", [], "reports.parquet?"),
    ]


async def test_what_is_asked_is_recorded_once_and_short(recording: Desk, keys: Issuer, world: World) -> None:
    """A filter of 20 kB on a page of a thousand reports was 20 MB."""
    recording.store.apply(changes([state(number) for number in range(100, 1100)], at=500))
    long = "&".join(f"unit={'u' * 60}{n}" for n in range(290))
    async with with_token(recording, keys.token(OWN)) as client:
        for path in (f"/api/v1/reports?{long}", f"/api/v1/reports.csv?{long}", f"/reports?{long}"):
            answer = await client.get(path)
            advice = "shorten it" if "/api/" in path else "Skriv det kortere"
            assert (answer.status_code, advice in answer.text) == (400, True), path
        few = (
            "limit=1000&case_system=VISMA_FAMILIA&" + "&".join(f"channel=C{n}" for n in range(90)) + "&channel=FIKS_IO"
        )
        assert len((await client.get(f"/api/v1/reports?{few}")).json()["reports"]) == 1000
        assert (await client.post("/api/v1/sql", json={"query": "SELECT 1"})).status_code == 403
        (said,) = await world.values("access")
        assert len(said["report_ids"]) == 1000
        assert len(orjson.dumps(said)) < 45_000
        visitor = Visitor("s", OSLO, frozenset())
        await recording.record.write(visitor, "read_statement", [report_id(n) for n in range(2500)], "0301/2026-03")
    said = [one for one in await world.values("access") if one["action"] == "read_statement"]
    assert sorted(len(one["report_ids"]) for one in said) == [500, 1000, 1000]
    assert [one["question"] for one in said if one["question"]] == ["0301/2026-03"]


async def test_a_page_that_asks_again_is_the_same_look(
    recording: Desk, keys: Issuer, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with with_token(recording, keys.token(OWN, SQL, sub="a")) as client:
        for _ in range(3):
            assert (await client.get("/")).status_code == 200
            assert (await client.get("/api/v1/reports.csv")).status_code == 200
        other = {"Authorization": f"Bearer {keys.token(OWN, sub='b')}"}
        assert (await client.get("/", headers=other)).status_code == 200
        monkeypatch.setattr(access_log, "SAME_LOOK_SECONDS", 0.0)
        assert (await client.get("/")).status_code == 200
    said = [(one["subject"], one["action"]) for one in await world.values("access")]
    assert said == [("a", "list"), *[("a", "read_file")] * 3, ("b", "list"), ("a", "list")]


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
    assert [value["report_ids"] for value in await world.values("access")] == [[report_id(1)], [report_id(2)]]


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
            assert (
                "when it can be recorded who looks" if "/api/" in path else "skrives ned hvem som ser"
            ) in answer.text
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
