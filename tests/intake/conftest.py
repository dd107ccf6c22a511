"""Worlds on the one real Kafka, and an issuer whose organisations may deliver."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.engine.world import World, worlds
from tests.intake.door import issuer_in
from tests.view.access.issuer import Issuer


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    """An issuer whose keys are not changed."""
    return issuer_in(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
async def make_world(bootstrap: str) -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """Makes worlds; all of them end with the test."""
    async with worlds() as start:

        async def make(**settings: Any) -> World:
            return await start(World(bootstrap, **settings))

        yield make
