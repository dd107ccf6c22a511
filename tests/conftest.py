"""What all tests share: one real Kafka for the whole run."""

from collections.abc import Iterator

import pytest

from tests.kafka import running_kafka


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that need Kafka share one broker, and one process when there are several."""
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(pytest.mark.xdist_group("kafka"))


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """The address of a real Kafka, started for this run."""
    with running_kafka() as address:
        yield address
