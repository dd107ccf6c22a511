"""A part of the fault suite with a new seed each time, and the proof that the suite notices a broken engine.

All runs share one cluster and go on at the same time, because each mostly waits; those that harm a broker go last.
`make faults` runs every fault with all its seeds.
"""

import asyncio
import random
from collections.abc import Sequence

import pytest

from tests.system.faults.cluster import OneBroker
from tests.system.faults.run import Fault, Result
from tests.system.faults.sabotage import SABOTAGES
from tests.system.faults.sabotaged import SABOTAGED
from tests.system.faults.several import play_each, play_shared
from tests.system.faults.suite import FAULTS

pytestmark = [pytest.mark.kafka, pytest.mark.alone, pytest.mark.timeout(900)]

# Three brokers on two cores: more at once would measure the machine, and an announcement has 30 s.
AT_ONCE, SABOTAGED_AT_ONCE = 2, 4
SABOTAGED_EACH_TIME = 3
ONE_OF_EACH = (
    (
        "killed", "killed_before_produce", "killed_after_produce", "killed_before_commit", "killed_after_commit",
        "killed_during_restore", "slept_in_a_commit", "transaction_open",
    ),
    ("rolled", "refused", "clock_ahead", "clock_behind", "clock_jumps"),
    ("leader_killed", "controller_killed", "group_coordinator_killed", "leader_paused", "network_reset"),
)  # fmt: skip


@pytest.fixture(scope="module")
def honest(seed: int) -> list[Result]:
    """Runs of the engine as it is, on three brokers."""
    return asyncio.run(_play_honest(seed))


@pytest.fixture(scope="module")
def sabotaged(seed: int, bootstrap: str) -> dict[str, Result]:
    """Runs of the engine as it must never be, by the way in which it was broken."""
    return asyncio.run(_play_sabotaged(OneBroker(bootstrap), seed, SABOTAGED))


@pytest.fixture(scope="module")
def some_sabotaged(seed: int, bootstrap: str) -> dict[str, Result]:
    """A few of them, others each time."""
    chosen = random.Random(seed).sample(SABOTAGED, SABOTAGED_EACH_TIME)
    return asyncio.run(_play_sabotaged(OneBroker(bootstrap), seed, chosen))


async def _play_honest(seed: int) -> list[Result]:
    chance = random.Random(seed)
    names = {chance.choice(some) for some in ONE_OF_EACH}
    results: list[Result] = []
    lacking = await play_each([(fault, seed) for fault in FAULTS if fault.name in names], AT_ONCE, results.append)
    assert not lacking
    return results


async def _play_sabotaged(broker: OneBroker, seed: int, faults: Sequence[Fault]) -> dict[str, Result]:
    results: list[Result] = []
    await play_shared([(fault, seed) for fault in faults], broker, SABOTAGED_AT_ONCE, results.append)
    return {result.fault.removeprefix("sabotage_"): result for result in results}


def test_no_fault_makes_anything_lost_invented_or_said_twice(honest: list[Result], seed: int) -> None:
    assert len(honest) == len(ONE_OF_EACH)
    wrong = [result for result in honest if not result.good]
    assert not wrong, f"TEST_FAULTS_SEED={seed} shows it again: {wrong}"
    assert sum(result.compared for result in honest) > 50 * len(honest)
    assert sum(result.counts["decided"] for result in honest) > len(honest)


def test_the_suite_notices_some_engines_that_were_broken_on_purpose(
    some_sabotaged: dict[str, Result], seed: int
) -> None:
    assert len(some_sabotaged) == SABOTAGED_EACH_TIME
    for sabotage, result in some_sabotaged.items():
        _assert_noticed(sabotage, result, seed)


@pytest.mark.long
@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_the_suite_notices_an_engine_that_was_broken_on_purpose(
    sabotaged: dict[str, Result], sabotage: str, seed: int
) -> None:
    _assert_noticed(sabotage, sabotaged[sabotage], seed)


def _assert_noticed(sabotage: str, result: Result, seed: int) -> None:
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
    "feed_not_waited_for": {"phantom", "different_bytes"},
}
