"""The conftest of the copy: the same examples every time, cheap tests first, and the world built anew for each test."""

import pytest
from hypothesis import HealthCheck, Phase, settings

from streams.core.policy import Policy
from streams.core.receivers import Municipalities
from tests.core.world import RULES, SUCCESSORS, VERSIONS

SLOW = ("test_laws", "test_machine")


def pytest_configure() -> None:
    """Repeat the same examples. What fails is only counted: nothing is shrunk, and slowness is no failure."""
    settings.register_profile(
        "mutants",
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    settings.load_profile("mutants")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Examples first: most mutants fall within the first second."""
    items.sort(key=lambda item: item.path.stem in SLOW)


@pytest.fixture(autouse=True)
def _world_built_by_the_mutant() -> None:
    """The rules that all tests share were built at import, before mutmut chose its mutant."""
    Policy.__init__(RULES.policy, VERSIONS)
    Municipalities.__init__(RULES.municipalities, SUCCESSORS)
