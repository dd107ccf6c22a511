"""A world a test."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.engine.world import World

MakeWorld = Callable[..., Awaitable[World]]


@pytest.fixture
async def make_world(bootstrap: str) -> AsyncIterator[MakeWorld]:
    """Make worlds with their own topics; everything in them ends with the test."""
    worlds: list[World] = []

    async def make(**options: object) -> World:
        world = World(bootstrap, **options)  # type: ignore[arg-type]  # keywords go through as they are
        worlds.append(world)
        await world.start()
        return world

    yield make
    for world in worlds:
        await world.stop()


@pytest.fixture
async def world(make_world: MakeWorld) -> World:
    """A world with the default settings."""
    return await make_world()
