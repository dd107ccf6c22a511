"""One secured broker for all, and worlds whose workers have to show who they are."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from tests.engine.world import World, worlds
from tests.system.secure.cluster import SecuredKafka, secured_kafka

SecureWorld = Callable[[dict[str, str]], Awaitable[World]]


@pytest.fixture(scope="session")
def secured() -> Iterator[SecuredKafka]:
    """The broker."""
    with secured_kafka() as kafka:
        yield kafka


@pytest.fixture
async def secure_world(secured: SecuredKafka) -> AsyncIterator[SecureWorld]:
    """Worlds that look from inside, where everything is allowed, while their processes log in with some settings."""
    async with worlds() as start:

        async def make(login: dict[str, str]) -> World:
            world = World(secured.inside.brokers, partitions=2, allowance=1)
            world.environment |= login
            return await start(world)

        yield make
