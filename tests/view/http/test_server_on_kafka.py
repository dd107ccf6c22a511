"""The view as a process: what it says when it cannot start, and how it ends."""

import signal
import socket

import pytest

from tests.engine.conftest import MakeWorld, make_world
from tests.engine.world import World
from tests.examples import first
from tests.view.page.conftest import Viewing

__all__ = ["make_world"]  # the fixture
pytestmark = pytest.mark.kafka


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    return await make_world(partitions=2)


async def test_a_port_that_is_taken_is_one_sentence_and_exit_code_2(world: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = world.run("view", MELDINGSVAKT_VIEW_PORT=port)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"meldingsvakt: The view cannot listen on 127.0.0.1:{port}")
    assert "MELDINGSVAKT_VIEW_PORT" in ended.stderr


@pytest.mark.parametrize(
    ("setting", "value"),
    first(
        1,
        [
            ("MELDINGSVAKT_VIEW_MEMORY", "much"),
            ("MELDINGSVAKT_VIEW_PORT", "x"),
            ("MELDINGSVAKT_VIEW_SILENT_AFTER", "PT0S"),
        ],
    ),
)
async def test_a_setting_that_cannot_be_is_named(world: World, setting: str, value: str) -> None:
    ended = world.run("view", **{setting: value})
    assert ended.returncode == 2
    assert setting in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.long
async def test_the_file_of_another_checker_is_refused_while_it_runs(world: World, make_world: MakeWorld) -> None:
    file = str(world.folder / "view.duckdb")
    first = Viewing(world, view_file=file)
    first.until("/readyz", lambda said: said["ready"] or said["reason"] == "building")
    first.until("/api/v1/coverage", lambda said: said["picture"]["records_left"] is not None)
    assert first.stop() == 0
    other = await make_world(partitions=2)
    refused = Viewing(other, view_file=file)
    assert refused.process.wait(30) == 2
    assert f"holds the tables of {world.name}, not of {other.name}" in refused.output()
    assert "Traceback" not in refused.output()


@pytest.mark.parametrize("number", first(1, [signal.SIGTERM, signal.SIGINT]))
async def test_it_ends_in_order_when_it_is_told_to(world: World, number: signal.Signals) -> None:
    viewing = Viewing(world)
    viewing.until("/livez", lambda said: said["alive"])
    viewing.process.send_signal(number)
    assert viewing.process.wait(20) == 0
    assert "Traceback" not in viewing.output()
