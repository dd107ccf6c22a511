"""A world a test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.engine.world import World, worlds

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def make_world(bootstrap: str) -> AsyncIterator[MakeWorld]:
    """Make worlds with their own topics; everything in them ends with the test."""
    async with worlds() as start:

        async def make(**options: object) -> World:
            return await start(World(bootstrap, **options))  # type: ignore[arg-type]  # they go through as they are

        yield make


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """A world with the default settings."""
    return await make_world()
