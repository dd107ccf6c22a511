"""Every command in a terminal of 80 columns, on a Kafka that has something to tell: nothing is cut."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.cli.every_command import every_command
from tests.engine.conftest import MakeWorld
from tests.engine.world import World
from tests.terminal import Screen, in_terminal

pytestmark = pytest.mark.kafka

COLUMNS = 80
# How each is called; {…} is filled in. Those that go on until they are stopped end in what is wrong with their call.
CALLS: dict[tuple[str, ...], list[str]] = {
    (): [],
    ("simulate",): ["--out", "{folder}/traffic", "--reports", "400", "--seed", "7"],
    ("demo",): ["--exit"],
    ("decide",): ["{report}", "acknowledge", "--subject", "lead"],
    ("broker",): ["--dir", "/dev/null/below"],
    ("topics",): [],
    ("worker",): [],
    ("view",): [],
    ("intake",): [],
    ("config",): [],
    ("completion",): ["fish"],
    ("doctor",): [],
    ("replay",): ["{folder}/none.ndjson"],
    ("explain",): ["{report}"],
    ("audit",): ["--sent", "{folder}/traffic/sent.ndjson", "--stored", "{folder}/traffic/stored.ndjson",
                 "--policy", "{folder}/traffic/policy.toml", "--out", "{folder}/result"],
    ("audit", "diff"): ["{folder}/result"],
    ("rejected",): [],
    ("rejected", "list"): [],
    ("rejected", "replay"): ["--all", "--dry-run"],
}  # fmt: skip
WRONG: dict[tuple[str, ...], dict[str, str]] = {
    ("worker",): {"MELDINGSVAKT_KEEP": "P1D"},
    ("view",): {"MELDINGSVAKT_HTTP_PORT": "x"},
    ("intake",): {"MELDINGSVAKT_INTAKE_HOST": "0.0.0.0"},
    ("demo",): {"KAFKA_BROKERS": "127.0.0.1:1"},
}
# What is data for programs, one line each however long it is.
FOR_PROGRAMS = {("completion",)}
EXIT_CODES = {
    (): 2,
    ("demo",): 2,
    ("broker",): 2,
    ("worker",): 2,
    ("view",): 2,
    ("intake",): 2,
    ("replay",): 2,
    ("rejected",): 2,
    ("audit", "diff"): 1,
}


async def _announced(world: World) -> str:
    """A report that was announced missing, beside a record that could not be read; its id."""
    worker = world.worker()
    await worker.ready(seconds=120)
    async with world.announcements() as announced:
        report = await world.sent()
        await world.put("stored", b'{"report_id": 1}', key=report.encode())
        await announced.next(60)
    return report


async def _run(world: World, words: tuple[str, ...], arguments: list[str]) -> Screen:
    command = [sys.executable, "-m", "streams.cli", *words, *arguments]
    return await asyncio.to_thread(in_terminal, command, COLUMNS, world.environment | WRONG.get(words, {}))


def test_every_command_has_its_call() -> None:
    assert set(CALLS) == set(every_command())


async def test_nothing_is_cut_in_80_columns(make_world: MakeWorld, tmp_path: Path) -> None:
    world = await make_world()
    report = await _announced(world)
    screens = {}
    for words, arguments in CALLS.items():
        filled = [each.format(folder=tmp_path, report=report) for each in arguments]
        screens[words] = await _run(world, words, filled)
    wide = {words: screen.too_wide(COLUMNS) for words, screen in screens.items() if words not in FOR_PROGRAMS}
    assert {words: lines for words, lines in wide.items() if lines} == {}
    cut = {words: screen.cut() for words, screen in screens.items()}
    assert {words: lines for words, lines in cut.items() if lines} == {}
    codes = {words: screen.exit_code for words, screen in screens.items() if screen.exit_code}
    assert codes == EXIT_CODES
    _tells_the_story(screens[("explain",)], report)
    _is_whole(screens, report, world)


def _tells_the_story(screen: Screen, report: str) -> None:
    lines = [line for line in screen.lines if line and "reading the inputs" not in line]
    assert lines[0].startswith("Missing for ")
    assert f"Report          {report}" in lines
    assert any(line.startswith("Receiver        ") for line in lines)
    places = lines.index("Technical")
    assert lines.index("What happened (Norwegian time)") < places
    assert not any("partition" in line for line in lines[:places])


def _is_whole(screens: dict[tuple[str, ...], Screen], report: str, world: World) -> None:
    """Whole ids, in a block or a table; the doctor's last line counts."""
    assert f"topic      {world.settings.facts[2]}" in screens[("rejected", "list")].lines
    assert any(report in line for line in screens[("audit", "diff")].lines)
    counts = next(line for line in reversed(screens[("doctor",)].lines) if line)
    assert counts.endswith(" ok")
    assert counts.startswith("0 faults, ")


@pytest.mark.long  # it plays three years
async def test_the_demo_is_not_cut_in_80_columns() -> None:
    command = [sys.executable, "-m", "streams.cli", "demo", "--virtual"]
    screen = await asyncio.to_thread(in_terminal, command, COLUMNS, {})
    assert (screen.exit_code, screen.too_wide(COLUMNS), screen.cut()) == (0, [], [])
    assert "phantoms                 0      announced 0" in screen.lines


async def test_the_doctor_shows_the_worst_first_in_colour_only_where_it_is_wanted(make_world: MakeWorld) -> None:
    world = await make_world()
    coloured = await _run(world, ("doctor",), [])
    states = [line.split()[0] for line in coloured.lines if line.startswith(("fault ", "unknown ", "warning ", "ok "))]
    assert states == sorted(states, key=["fault", "unknown", "warning", "ok"].index)
    assert coloured.lines[0].startswith("Asking Kafka at ")
    assert "\x1b[1;33mwarning" in coloured.raw
    world.environment["NO_COLOR"] = "1"
    plain = await _run(world, ("doctor",), [])
    assert "\x1b[1;33m" not in plain.raw
    assert "\x1b" not in (await asyncio.to_thread(world.run, "doctor")).stdout


async def test_the_transactions_of_a_worker_that_was_stopped_do_not_hang(make_world: MakeWorld) -> None:
    world = await make_world()
    await _announced(world)
    assert world.workers[0].stop() == 0
    said = await asyncio.to_thread(world.run, "doctor")
    assert "none hanging" in said.stdout
    assert "hangs" not in said.stdout


async def test_where_nothing_was_rejected_it_is_said(make_world: MakeWorld) -> None:
    world = await make_world()
    listed = await asyncio.to_thread(world.run, "rejected", "list")
    said = f"No rejected record is listed on {world.settings.output('rejected')}.\n"
    assert (listed.stdout, listed.stderr) == ("", said)
    some = await asyncio.to_thread(world.run, "rejected", "list", "--partition", "3")
    assert some.stderr.startswith("No rejected record is one of those: ")
