"""Where the tests' Kafka comes from: a container where TEST_KAFKA_IMAGE names an image, else the embedded broker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from streams.broker import EmbeddedKafka


@contextmanager
def running_kafka() -> Iterator[str]:
    """The bootstrap address of a Kafka that lives as long as the block."""
    image = os.environ.get("TEST_KAFKA_IMAGE")
    if image:
        from tests.containers import kafka_container

        with kafka_container(image) as address:
            yield address
    else:
        with EmbeddedKafka() as kafka:
            yield kafka.bootstrap
