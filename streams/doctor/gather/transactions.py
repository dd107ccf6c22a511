"""Transactions: how the checker's own ids stand, and whose are open on the inputs."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from aiokafka.errors import TransactionalIdAuthorizationFailed
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.transaction import AddOffsetsToTxnRequest

from streams.doctor.facts import OpenTransaction, Place, Transaction, Unread
from streams.doctor.gather.connections import Connections, TimeLeft, refuse
from streams.kafka import protocol

GROUP, TRANSACTIONAL_ID = 0, 1  # kinds of coordinators
ID_NOT_FOUND = 105
NOBODY = -2  # a producer id that no producer has


async def coordinator(connections: Connections, key: str, kind: int) -> int:
    """The broker that coordinates a group or a transactional id. Raises KafkaError."""
    answer = await connections.ask(FindCoordinatorRequest(key, kind))
    refuse(answer.error_code)
    return int(answer.coordinator_id)


async def own(connections: Connections, app_id: str, partitions: int) -> tuple[Transaction, ...]:
    """The checker's own transactional ids; those that were never used are left out."""
    ids = [f"{app_id}-{number}" for number in range(partitions)]
    nodes = await asyncio.gather(*(coordinator(connections, each, TRANSACTIONAL_ID) for each in ids))
    coordinated: dict[int, list[str]] = defaultdict(list)
    for each, node in zip(ids, nodes, strict=True):
        coordinated[node].append(each)
    answers = await asyncio.gather(
        *(connections.ask(protocol.transactions(some), node) for node, some in coordinated.items())
    )
    found = [each for answer in answers for each in answer.transactions if each[0] != ID_NOT_FOUND]
    for code, transactional_id, *_ in found:
        refuse(code, transactional_id)
    return tuple(
        Transaction(transactional_id, state, timeout, _time(started) if started >= 0 else None)
        for _, transactional_id, state, timeout, started, *_ in found
    )


async def may_transact(connections: Connections, app_id: str) -> bool:
    """May this client write by the checker's transactional ids? Asked for a producer that cannot exist.

    The broker looks at the permission first and then refuses the producer: nothing is written, nobody is fenced.
    """
    transactional_id = f"{app_id}-0"
    try:
        node = await coordinator(connections, transactional_id, TRANSACTIONAL_ID)
    except TransactionalIdAuthorizationFailed:
        return False
    answer = await connections.ask(AddOffsetsToTxnRequest(transactional_id, NOBODY, 0, app_id), node)
    return bool(answer.error_code != TransactionalIdAuthorizationFailed.errno)


async def on_inputs(
    connections: Connections, patience: TimeLeft, led: Mapping[int, Sequence[Place]], brokers: Iterable[int]
) -> tuple[OpenTransaction, ...]:
    """Who has a transaction open on these partitions, which are given by their leaders."""
    answers = await asyncio.gather(
        *(connections.ask(protocol.producers(places), leader) for leader, places in led.items())
    )
    found = [
        OpenTransaction(topic, number, producer_id, start, _time(last_write))
        for answer in answers
        for topic, partitions, _ in answer.topics
        for number, _, _, producers, _ in partitions
        for producer_id, _, _, last_write, _, start, _ in producers
        if start >= 0
    ]
    names = await _names(connections, patience, {each.producer_id for each in found}, brokers)
    return tuple(each._replace(transactional_id=names.get(each.producer_id)) for each in found)


async def _names(
    connections: Connections, patience: TimeLeft, producer_ids: set[int], brokers: Iterable[int]
) -> dict[int, str]:
    """The producers' transactional ids, as far as this client is told them."""
    if not producer_ids:
        return {}
    question = protocol.transactions_of(sorted(producer_ids))
    answers = await asyncio.gather(*(patience.attempt(partial(connections.ask, question, node)) for node in brokers))
    known = [answer for answer in answers if not isinstance(answer, Unread)]
    return {producer_id: name for answer in known for name, producer_id, *_ in answer.transactions}


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
