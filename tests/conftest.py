"""What all tests share: one real Kafka for the whole run."""

from collections.abc import Iterator

import pytest

from tests.kafka import running_kafka


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """The address of a real Kafka, started for this run."""
    with running_kafka() as address:
        yield address
