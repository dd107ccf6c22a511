"""What all tests share: one real Kafka for each process of the run."""

import os
from collections.abc import Generator, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.browser import browser, chromium
from tests.budget import Budgets, Runs, budgets
from tests.examples import with_few_examples
from tests.groups import FILE, Groups, module_of, write
from tests.real_kafka import running_kafka

__all__ = ["browser", "chromium"]

# What needs Kafka has begun by then, as a share of the run: a module that takes minutes must not be the last one.
KAFKA_BEGINS_BY = 0.6
LONG_SECONDS = 1200
# How long one example takes says more of what else the machine does; budgets hold what a folder of tests takes.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")


def pytest_configure(config: pytest.Config) -> None:
    """Seconds by folder are added up where all reports arrive."""
    config.pluginmanager.register(Runs())
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Budgets(budgets()))
        config.pluginmanager.register(Groups())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Among several processes, what needs Kafka is spread over the run. What is long has time."""
    if os.environ.get("TEST_FEW_EXAMPLES"):
        with_few_examples(items)
    for item in items:
        if item.get_closest_marker("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
    if hasattr(config, "workerinput"):
        items[:] = _spread(items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Whoever gives out the tests has to know which belong together."""
    if hasattr(session.config, "workerinput"):
        write(Path(session.config.workerinput[FILE]), session.items)


def _spread(items: list[pytest.Item]) -> list[pytest.Item]:
    """Some wait for Kafka while others compute, at any time. Each module stays together, as its fixtures want it."""
    modules = [list(some) for _, some in groupby(items, key=module_of)]
    waiting = [some for some in modules if any(item.get_closest_marker("kafka") for item in some)]
    computing = [some for some in modules if some not in waiting]
    placed = [(KAFKA_BEGINS_BY * place / len(waiting), some) for place, some in enumerate(waiting)]
    placed += [(place / len(computing), some) for place, some in enumerate(computing)]
    return [item for _, some in sorted(placed, key=itemgetter(0)) for item in some]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Where TEST_NO_SKIPS is set, as in continuous integration, a test that is skipped has failed."""
    report = yield
    if os.environ.get("TEST_NO_SKIPS") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, but TEST_NO_SKIPS is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """The address of a real Kafka, started for this process of the run."""
    with running_kafka() as address:
        yield address
