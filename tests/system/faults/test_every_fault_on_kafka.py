"""Every fault but those of a million with a new seed each time. `make faults` plays all, each with all its seeds."""

import asyncio
from collections.abc import Callable

import pytest

from tests.system.faults.load_faults import MILLIONS
from tests.system.faults.run import Fault, Result
from tests.system.faults.several import play_each
from tests.system.faults.suite import FAULTS

pytestmark = [pytest.mark.kafka, pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(2400)]

AT_ONCE = 2
PLAYED = [fault for fault in FAULTS if fault not in MILLIONS]

Played = Callable[[Fault], Result]


@pytest.fixture(scope="module")
def played(seed: int) -> Played:
    """The result of a fault. All faults of a kind of cluster are played when the first of them is asked for."""
    results: dict[str, Result] = {}
    lacking: dict[str, str] = {}
    begun: set[str] = set()

    def result_of(fault: Fault) -> Result:
        if fault.cluster not in begun:
            begun.add(fault.cluster)  # once only, even if the cluster itself breaks
            runs = [(one, seed) for one in PLAYED if one.cluster == fault.cluster]
            lacking.update(asyncio.run(play_each(runs, AT_ONCE, lambda one: results.update({one.fault: one}))))
        if fault.name in lacking:
            pytest.skip(lacking[fault.name])
        assert fault.name in results, "the cluster broke before it was played"
        return results[fault.name]

    return result_of


@pytest.mark.parametrize("fault", PLAYED, ids=lambda fault: fault.name)
def test_nothing_is_lost_invented_or_said_twice(played: Played, fault: Fault, seed: int) -> None:
    result = played(fault)
    assert result.good, f"TEST_FAULTS_SEED={seed} shows it again: {result}"
