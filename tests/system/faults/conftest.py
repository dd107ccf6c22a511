"""Worlds on the session's broker, for what needs no cluster; the seed that every run of a fault takes."""

import logging
import os
import random
from collections.abc import Iterator

import pytest

from tests.engine.conftest import make_world

__all__ = ["make_world"]


@pytest.fixture(scope="module")
def seed() -> Iterator[int]:
    """The seed of this time: TEST_FAULTS_SEED replays it."""
    chosen = int(os.environ.get("TEST_FAULTS_SEED", random.SystemRandom().randrange(1_000_000)))
    print(f"TEST_FAULTS_SEED={chosen}")
    clients = logging.getLogger("aiokafka")
    before = clients.level
    clients.setLevel(logging.CRITICAL)  # what it cannot reach was taken away on purpose
    yield chosen
    clients.setLevel(before)
