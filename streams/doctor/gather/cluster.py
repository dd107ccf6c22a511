"""What moves: the group and its offsets, transactions, coverage, the ends of the inputs, the brokers' clocks."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from aiokafka import TopicPartition
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.protocol.offset import OffsetRequest

from streams.doctor.facts import (
    OFFSETS_TOPIC,
    TRANSACTIONS_TOPIC,
    ConsumerGroup,
    Ends,
    OpenTransaction,
    Place,
    Skew,
    TopicSeen,
    Transaction,
    Twice,
    Unread,
    stuck,
)
from streams.doctor.gather import clocks, coverage, transactions
from streams.doctor.gather.connections import Connections, TimeLeft, refuse
from streams.errors import ConfigurationError
from streams.kafka import protocol
from streams.kafka.append_times import undated
from streams.records.coverage import Coverage
from streams.settings import KafkaSettings, Settings

WATCH_SECONDS = 3.0  # how long something must stand still to be called that
CLOCKS_SECONDS = 12.0
AFTER_SECONDS = 3.0  # kept for the second look
BEGIN, END, READ_UNCOMMITTED, READ_COMMITTED = -2, -1, 0, 1

T = TypeVar("T")


class Look:
    """One look at a cluster whose topics are known already."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: Settings,
        connections: Connections,
        patience: TimeLeft,
        topics: Mapping[str, TopicSeen],
    ) -> None:
        self._kafka, self._settings, self._topics = kafka, settings, topics
        self._connections, self._patience = connections, patience
        self._leaders: dict[Place, int] = {
            (name, partition.number): partition.leader
            for name in settings.inputs
            for partition in topics[name].shape()
            if partition.leader >= 0
        }

    async def over(self, *, probe: bool, brokers: Iterable[int]) -> dict[str, Any]:
        """The facts that are named like what is returned."""
        attempt = self._patience.attempt
        before, ends_before, group = await asyncio.gather(
            attempt(self._coverage), attempt(self._ends), attempt(self._group)
        )
        works = not isinstance(group, Unread) and bool(group.members)
        committed, transactions, may_transact, undated, skews, _ = await asyncio.gather(
            attempt(self._committed),
            attempt(self._transactions),
            attempt(self._may_transact),
            attempt(self._undated),
            attempt(partial(self._clocks, probe=probe, works=works), CLOCKS_SECONDS + 1),
            asyncio.sleep(min(WATCH_SECONDS, self._patience.left()) if works or _held_back(ends_before) else 0),
        )
        after, ends_after = await asyncio.gather(attempt(self._coverage), attempt(self._ends))
        ends = _twice(ends_before, ends_after)
        return {
            "group": group,
            "committed": committed,
            "transactions": transactions,
            "may_transact": may_transact,
            "clocks": skews,
            "undated": undated,
            "coverage": _twice(before, after),
            "ends": ends,
            "open_transactions": ends
            if isinstance(ends, Unread)
            else await attempt(partial(self._open_transactions, stuck(ends), brokers)),
        }

    async def _coverage(self) -> Mapping[int, Coverage] | Unread:
        topic = self._topics[self._settings.output("coverage")]
        if isinstance(topic.partitions, Unread):
            return topic.partitions
        return await coverage.coverage(self._kafka, topic.name, [partition.number for partition in topic.partitions])

    async def _ends(self) -> Mapping[Place, Ends]:
        """By partition, of those whose leader answers. Raises what was wrong when none does."""
        led = self._by_leader(self._leaders)
        answers = await asyncio.gather(*(self._ends_at(*each) for each in led.items()), return_exceptions=True)
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        if failures and len(failures) == len(answers):
            raise failures[0]
        return {place: ends for answer in answers if isinstance(answer, dict) for place, ends in answer.items()}

    async def _ends_at(self, leader: int, places: list[Place]) -> dict[Place, Ends]:
        begin, stable, end = await asyncio.gather(
            self._offsets(leader, places, BEGIN, READ_UNCOMMITTED),
            self._offsets(leader, places, END, READ_COMMITTED),
            self._offsets(leader, places, END, READ_UNCOMMITTED),
        )
        return {place: Ends(begin[place], stable[place], end[place]) for place in places}

    async def _offsets(self, leader: int, places: list[Place], which: int, isolation: int) -> dict[Place, int]:
        answer = await self._connections.ask(OffsetRequest(-1, isolation, _by_topic(places, which)), leader)
        found: dict[Place, int] = {}
        for topic, partitions in answer.topics:
            for number, code, _, offset, *_ in partitions:
                refuse(code, f"{topic}-{number}")
                found[topic, number] = offset
        return found

    def _by_leader(self, places: Iterable[Place]) -> dict[int, list[Place]]:
        led: dict[int, list[Place]] = defaultdict(list)
        for place in places:
            led[self._leaders[place]].append(place)
        return led

    async def _group(self) -> ConsumerGroup:
        if self._topics[OFFSETS_TOPIC].missing:  # to ask for a coordinator would create it
            return ConsumerGroup("Dead", (), frozenset())
        node = await transactions.coordinator(self._connections, self._settings.app_id, transactions.GROUP)
        answer = await self._connections.ask(protocol.groups(self._settings.app_id), node)
        code, _, state, _, _, members, bits = answer.groups[0]
        refuse(code)
        names = (f"{instance or client}@{host.lstrip('/')}" for _, instance, client, host, *_ in members)
        return ConsumerGroup(state, tuple(names), protocol.operations(bits))

    async def _committed(self) -> dict[Place, int]:
        if self._topics[OFFSETS_TOPIC].missing:
            return {}
        node = await transactions.coordinator(self._connections, self._settings.app_id, transactions.GROUP)
        places = [(name, [number for _, number in some]) for name, some in _grouped(self._leaders).items()]
        answer = await self._connections.ask(OffsetFetchRequest(self._settings.app_id, places), node)
        refuse(answer.error_code)
        found: dict[Place, int] = {}
        for topic, partitions in answer.topics:
            for number, offset, _, code in partitions:
                refuse(code, f"{topic}-{number}")
                if offset >= 0:
                    found[topic, number] = offset
        return found

    async def _transactions(self) -> tuple[Transaction, ...]:
        if self._topics[TRANSACTIONS_TOPIC].missing:
            return ()
        partitions = max(len(self._topics[name].shape()) for name in self._settings.inputs)
        return await transactions.own(self._connections, self._settings.app_id, partitions)

    async def _may_transact(self) -> bool | Unread:
        if self._topics[TRANSACTIONS_TOPIC].missing:
            return Unread("nobody ever made a transaction on this cluster, so that there is nobody to ask")
        return await transactions.may_transact(self._connections, self._settings.app_id)

    async def _undated(self) -> Mapping[Place, int] | Unread:
        try:
            found = await undated(self._kafka, [TopicPartition(*place) for place in self._leaders])
        except ConfigurationError as error:
            return Unread(str(error))
        return {(tp.topic, tp.partition): offset for tp, offset in found.items()}

    async def _open_transactions(self, places: list[Place], brokers: Iterable[int]) -> tuple[OpenTransaction, ...]:
        return await transactions.on_inputs(self._connections, self._patience, self._by_leader(places), brokers)

    async def _clocks(self, *, probe: bool, works: bool) -> Mapping[int, Skew] | Unread:
        led = self._by_leader(self._leaders)
        if not led:
            return Unread("no input that has a leader can be seen")
        if probe:
            return await clocks.probe(self._kafka, led)
        if not works:
            return Unread("no worker runs, so that nothing is appended for certain")
        # The second look needs its time too, or the answer would be late.
        return await clocks.watch(self._kafka, led, min(CLOCKS_SECONDS, self._patience.left() - AFTER_SECONDS))


def _held_back(seen: Mapping[Place, Ends] | Unread) -> bool:
    return not isinstance(seen, Unread) and any(ends.stable < ends.end for ends in seen.values())


def _twice(before: T | Unread, after: T | Unread) -> Twice[T] | Unread:
    if isinstance(before, Unread):
        return before
    return after if isinstance(after, Unread) else Twice(before, after)


def _grouped(places: Iterable[Place]) -> dict[str, list[Place]]:
    by_topic: dict[str, list[Place]] = defaultdict(list)
    for place in places:
        by_topic[place[0]].append(place)
    return by_topic


def _by_topic(places: Iterable[Place], which: int) -> list[Any]:
    return [(topic, [(number, which) for _, number in some]) for topic, some in _grouped(places).items()]
