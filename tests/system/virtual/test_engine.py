"""Random schedules in virtual time on the engine's own processor and restore, and the proof that they would notice."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.examples import first
from tests.system.virtual.broken_engine import (
    BROKEN,
    EventsLost,
    FencesBackWithItsProcessor,
    LatestForgotten,
    LatestInputCounts,
    LossesUnsaid,
    NobodyIsFenced,
)
from tests.system.virtual.engine import EngineWorker
from tests.system.virtual.engine_run import failure, play, report
from tests.system.virtual.schedule import WEIGHTS, Step
from tests.system.virtual.trouble import TROUBLES, Troubled, draw_troubled, view
from tests.system.virtual.truth import Anomaly

MOST = 6_000  # schedules until a sabotage must have been noticed
FEWEST = 3  # of everything, in a sample
# It takes the most schedules until these show.
SELDOM = (LatestForgotten, LatestInputCounts, NobodyIsFenced, FencesBackWithItsProcessor)


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all restores of a test."""
    with asyncio.Runner() as one:
        yield one


@pytest.mark.parametrize(
    "schedules", [300, *(pytest.param(3_000, marks=pytest.mark.long, id=f"long-{n}") for n in range(6))]
)
def test_no_troubled_schedule_makes_an_anomaly_on_the_real_processor(tmp_path: Path, schedules: int) -> None:
    seed = int(os.environ.get("VIRTUAL_SEED", random.SystemRandom().randrange(10**9)))
    played = play(seed, schedules, tmp_path)
    print(f"VIRTUAL_SEED={seed}: {played}")
    assert not [name for name in (*WEIGHTS, *TROUBLES, "between_slices") if played.steps[name] < FEWEST]
    for status in ("pending", "stored", "missing", "recovered", "unproven", "undetermined", "unexpected"):
        assert played.statuses[status] >= FEWEST
    for said in (
        "no_receipt", "receipted_not_stored", "rejected", "transport_failed", "stored_elsewhere", "stored_late",
        "Closed", "records deleted unread",
    ):  # fmt: skip
        assert played.events[said] >= FEWEST


def test_what_is_deleted_after_the_first_start_moves_no_beginning(runner: asyncio.Runner) -> None:
    """The record that the first start found was fetched and said on coverage, and deleted before its turn came."""
    names = ("sent", "sent", "expire", "turn", "turn", "day", "expire", "takeover", "sent")
    scheduler = Troubled(runner)
    assert list(scheduler.play([Step(name) for name in names]).values()) == ["missing"]
    assert view(scheduler.kafka).beginning == 0


def _noticed(runner: asyncio.Runner, worker_class: type[EngineWorker]) -> tuple[int, Anomaly]:
    for seed in range(MOST):
        anomaly = failure(runner, draw_troubled(Random(seed)), worker_class)
        if anomaly is not None:
            return seed, anomaly
    raise AssertionError(f"{MOST} schedules did not notice it")


@pytest.mark.parametrize("worker_class", first(len(BROKEN) - len(SELDOM), sorted(BROKEN, key=SELDOM.__contains__)))
def test_a_broken_engine_is_noticed(worker_class: type[EngineWorker], runner: asyncio.Runner) -> None:
    _, anomaly = _noticed(runner, worker_class)
    assert anomaly.kind in BROKEN[worker_class], anomaly


@pytest.mark.parametrize("worker_class", first(2, [EventsLost, LossesUnsaid, LatestForgotten]))
def test_a_failing_case_shrinks_to_a_short_script(
    worker_class: type[EngineWorker], runner: asyncio.Runner, tmp_path: Path
) -> None:
    seed, anomaly = _noticed(runner, worker_class)
    told = report(runner, draw_troubled(Random(seed)), worker_class, anomaly, tmp_path)
    assert len((tmp_path / "failing.ndjson").read_text().splitlines()) <= 4, told
    command = told.splitlines()[-1].split()
    shown = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command[1:]], capture_output=True, text=True, check=True, timeout=120
    )
    assert '"report_id":' in shown.stdout


def test_a_seed_always_plays_the_same(runner: asyncio.Runner) -> None:
    played = []
    for _ in range(2):
        scheduler = Troubled(runner)
        scheduler.play(draw_troubled(Random(11)))
        kept = scheduler.kafka.committed
        played.append((kept.events, kept.until, kept.topics))
    assert played[0] == played[1]
