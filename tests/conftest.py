"""What all tests share: one real Kafka for the whole run."""

import os
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from tests.kafka import running_kafka


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need Kafka share one broker, and one process when there are several.

    Modules that start brokers of their own may name another group: the processes are then done at about the same time.
    """
    for item in items:
        if item.get_closest_marker("kafka") and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group("kafka"))


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
    """The address of a real Kafka, started for this run."""
    with running_kafka() as address:
        yield address
