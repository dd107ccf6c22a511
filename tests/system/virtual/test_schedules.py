"""Random schedules in virtual time, and the proof that they would notice what they are for."""

import os
import random
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from streams.core.rules import Rules
from tests.system.virtual.__main__ import play
from tests.system.virtual.exhaustive import Search
from tests.system.virtual.sabotage import BROKEN_RULES, WORKERS, NoDeadlinesRestored, OffsetsBeforeRows, ReceiptIsProof
from tests.system.virtual.schedule import RULES, WEIGHTS, Scheduler, draw, fails
from tests.system.virtual.shrink import report
from tests.system.virtual.truth import Anomaly
from tests.system.virtual.worker import Worker

MOST = 6_000  # schedules until a sabotage must have been noticed
FEWEST = 20  # of everything, in a sample


# In the long run the same for several processes, and sixty times as many.
@pytest.mark.parametrize(
    "schedules", [4_000, *(pytest.param(40_000, marks=pytest.mark.long, id=f"long-{n}") for n in range(6))]
)
def test_no_schedule_makes_an_anomaly(tmp_path: Path, schedules: int) -> None:
    seed = int(os.environ.get("VIRTUAL_SEED", random.SystemRandom().randrange(10**9)))
    played = play(seed, schedules, tmp_path)
    print(f"VIRTUAL_SEED={seed}: {played}")
    assert not [name for name in WEIGHTS if played.steps[name] < FEWEST]
    for status in ("stored", "missing", "recovered", "unproven"):
        assert played.statuses[status] >= FEWEST
    for said in ("no_receipt", "receipted_not_stored", "rejected", "transport_failed", "stored_elsewhere"):
        assert played.events[said] >= FEWEST
    for cause in ("stored_late", "confirmed_late", "Closed", "Reopened"):
        assert played.events[cause] >= FEWEST


def _noticed(worker_class: type[Worker], rules: Rules = RULES) -> tuple[int, Anomaly]:
    for seed in range(MOST):
        anomaly = fails(draw(Random(seed)), worker_class, rules)
        if anomaly is not None:
            return seed, anomaly
    raise AssertionError(f"{MOST} schedules did not notice it")


EXPECTED = {
    "OffsetsBeforeRows": {"lost", "books_unbalanced", "wrong_status", "phantom", "wrong_reason"},
    "FailedCommitCounts": {"lost"},
    "NoFence": {"announced_twice", "coverage_lied", "lost", "phantom", "wrong_status", "books_unbalanced"},
    "FencesBack": {"announced_twice", "coverage_lied", "lost", "phantom", "wrong_status", "books_unbalanced"},
    "FetchedIsApplied": {"decided_beyond", "lost", "wrong_status", "books_unbalanced", "phantom", "different_events"},
    "OwnClock": {"coverage_lied"},
    "MarkOfOneInput": {"coverage_lied"},
    "ReceiptIsProof": {"lost", "wrong_reason", "wrong_status"},
    "RowsLeftBehind": {"books_unbalanced", "wrong_status", "lost", "phantom", "wrong_reason"},
    "NoDeadlinesRestored": {"lost", "wrong_status"},
}


@pytest.mark.parametrize("worker_class", WORKERS)
def test_a_broken_worker_is_noticed(worker_class: type[Worker]) -> None:
    _, anomaly = _noticed(worker_class)
    assert anomaly.kind in EXPECTED[worker_class.__name__], anomaly


@pytest.mark.parametrize("broken", BROKEN_RULES)
def test_a_broken_rule_is_noticed(broken: Any) -> None:
    context: AbstractContextManager[Rules] = broken()
    with context as rules:
        _, anomaly = _noticed(Worker, rules)
    assert anomaly.kind in {"lost", "phantom", "wrong_reason", "wrong_status"}, anomaly


@pytest.mark.parametrize("broken", BROKEN_RULES)
def test_a_failing_case_shrinks_to_a_short_script_that_replay_shows(broken: Any, tmp_path: Path) -> None:
    with broken() as rules:
        seed, anomaly = _noticed(Worker, rules)
        told = report(draw(Random(seed)), Worker, rules, anomaly, tmp_path)
    lines = (tmp_path / "failing.ndjson").read_text().splitlines()
    assert len(lines) <= 5, told
    command = told.splitlines()[-1].split()
    assert command[0] == "meldingsvakt"
    shown = subprocess.run(
        [sys.executable, "-m", "streams.cli", *command[1:]], capture_output=True, text=True, check=True, timeout=60
    )
    assert '"status":' in shown.stdout


def test_a_seed_always_draws_and_plays_the_same() -> None:
    steps = [draw(Random(7)) for _ in range(2)]
    assert steps[0] == steps[1]
    logs = []
    for some in steps:
        scheduler = Scheduler()
        scheduler.play(some)
        logs.append((scheduler.kafka.committed.events, scheduler.kafka.committed.until))
    assert logs[0] == logs[1]


# `python -m tests.system.virtual.exhaustive 6` goes on to six events.
@pytest.mark.parametrize(
    ("events", "points", "merged"), [(3, 3_000, 700), pytest.param(4, 30_000, 10_000, marks=pytest.mark.long)]
)
def test_every_story_of_two_reports_holds_with_a_crash_at_every_point(events: int, points: int, merged: int) -> None:
    search = Search().run(events)
    print(f"{search.points} states, {search.merged} met again")
    assert search.points > points
    assert search.merged > merged


@pytest.mark.parametrize("worker_class", [OffsetsBeforeRows, NoDeadlinesRestored, ReceiptIsProof])
def test_the_exhaustive_search_notices_a_broken_worker(worker_class: type[Worker]) -> None:
    with pytest.raises(Anomaly, match="crashed"):
        Search(worker_class).run(3)
