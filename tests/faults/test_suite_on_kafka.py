"""A part of the fault suite with a new seed each time, and the proof that the suite notices a broken engine.

All runs share one cluster and go on at the same time, because each mostly waits; those that harm a broker go last.
`make faults` runs every fault with all its seeds.
"""

import asyncio
import os
import random

import pytest

from tests.faults.cluster import running_cluster
from tests.faults.run import Fault, Result, play
from tests.faults.sabotage import SABOTAGES
from tests.faults.sabotaged import SABOTAGED
from tests.faults.suite import FAULTS

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]

AT_ONCE = 4
QUICK = ("killed", "slept", "rolled", "refused", "transaction_open", "state_unreadable")
ONE_OF = (
    ("killed_before_produce", "killed_after_produce", "killed_before_commit", "killed_after_commit"),
    ("killed_during_restore", "killed_during_rebalance"),
    ("clock_ahead", "clock_behind", "clock_jumps"),
)
ONE_ALONE_OF = ("leader_killed", "controller_killed", "group_coordinator_killed", "leader_paused", "network_reset")


@pytest.fixture(scope="module")
def seed() -> int:
    """The seed of this time: TEST_FAULTS_SEED replays it."""
    chosen = int(os.environ.get("TEST_FAULTS_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"TEST_FAULTS_SEED={chosen}")
    return chosen


@pytest.fixture(scope="module")
def results(seed: int) -> dict[str, Result]:
    """Every run's result by the name of its fault."""
    return {result.fault: result for result in asyncio.run(_play(seed))}


async def _play(seed: int) -> list[Result]:
    chance = random.Random(seed)
    names = {*QUICK, *(chance.choice(some) for some in ONE_OF)}
    shared = [fault for fault in FAULTS if fault.name in names]
    alone = [fault for fault in FAULTS if fault.name == chance.choice(ONE_ALONE_OF)]
    limit = asyncio.Semaphore(AT_ONCE)

    async with running_cluster("plain") as cluster:

        async def one(fault: Fault) -> Result:
            async with limit:
                return await play(cluster, fault, seed)

        results = await asyncio.gather(*(one(fault) for fault in [*shared, *SABOTAGED]))
        for fault in alone:
            await cluster.ready()
            results.append(await play(cluster, fault, seed))
    return results


def test_no_fault_makes_anything_lost_invented_or_said_twice(results: dict[str, Result], seed: int) -> None:
    honest = [result for result in results.values() if not result.fault.startswith("sabotage_")]
    assert len(honest) >= len(QUICK) + len(ONE_OF)
    wrong = [result for result in honest if not result.good]
    assert not wrong, f"TEST_FAULTS_SEED={seed} shows it again: {wrong}"
    assert sum(result.compared for result in honest) > 500


@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_the_suite_notices_an_engine_that_was_broken_on_purpose(
    results: dict[str, Result], sabotage: str, seed: int
) -> None:
    result = results[f"sabotage_{sabotage}"]
    assert result.void is None, result.void
    assert {kind for kind, _ in result.anomalies} & EXPECTED[sabotage], f"TEST_FAULTS_SEED={seed}: {result}"


EXPECTED = {
    "offsets_before_rows": {"lost", "stalled", "books_unbalanced"},
    "batch_futures_ignored": {"lost"},
    "fencing_skipped": {"announced_twice", "coverage_lied"},
    "fenced_worker_fences_back": {"announced_twice", "coverage_lied"},
    "fetch_position_taken_as_applied": {"lost", "coverage_lied"},
    "workers_clock_for_marks": {"phantom", "coverage_lied"},
    "receipt_taken_as_stored": {"lost"},
    "completeness_without_waiting": {"phantom", "coverage_lied"},
}
