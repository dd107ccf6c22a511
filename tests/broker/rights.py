"""Rights on a broker that allows nothing by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from aiokafka.protocol.admin import CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest

from streams.doctor.gather.connections import Connections, TimeLeft
from streams.kafka.permissions import Right
from streams.kafka.protocol import OPERATIONS
from streams.settings import KafkaSettings

KINDS = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
NUMBERS = {name: number for number, name in OPERATIONS.items()}
ANY, LITERAL, PREFIXED, ALLOW = 1, 3, 4, 3
IN_EFFECT_SECONDS, ASK_AGAIN_SECONDS = 30.0, 0.05

Rule = tuple[int, str, int, int]


async def allow(kafka: KafkaSettings, principal: str, rights: Iterable[Right]) -> None:
    """Allow somebody something; it is in effect when this returns."""
    wanted = {rule for right in rights for rule in _rules(right)}
    async with _asking(kafka) as connections:
        for kind, name, pattern, operation in wanted:
            await connections.ask(CreateAclsRequest(kind, name, pattern, principal, "*", operation, ALLOW))
        await _in_effect(connections, principal, wanted.issubset)


async def revoke_all(kafka: KafkaSettings, principal: str) -> None:
    """Take everything from somebody; it is in effect when this returns."""
    async with _asking(kafka) as connections:
        await connections.ask(DeleteAclsRequest(ANY, None, ANY, principal, None, ANY, ANY))
        await _in_effect(connections, principal, lambda rules: not rules)


def _rules(right: Right) -> set[Rule]:
    pattern = PREFIXED if right.prefixed else LITERAL
    return {(KINDS[right.kind], right.name, pattern, NUMBERS[operation]) for operation in right.operations}


async def _in_effect(connections: Connections, principal: str, true: Callable[[set[Rule]], bool]) -> None:
    """The controller answers when it has written a rule; the broker asks its own copy, which follows a moment later."""
    async with asyncio.timeout(IN_EFFECT_SECONDS):
        while not true(await _held(connections, principal)):  # noqa: ASYNC110 - Kafka tells nobody
            await asyncio.sleep(ASK_AGAIN_SECONDS)


async def _held(connections: Connections, principal: str) -> set[Rule]:
    answer = await connections.ask(DescribeAclsRequest(ANY, None, ANY, principal, None, ANY, ANY))
    return {
        (kind, name, pattern, operation)
        for kind, name, pattern, rules in answer.resources
        for _, _, operation, _ in rules
    }


@asynccontextmanager
async def _asking(kafka: KafkaSettings) -> AsyncIterator[Connections]:
    connections = Connections(kafka, TimeLeft(10))
    try:
        await connections.bootstrap()
        yield connections
    finally:
        connections.close()
