"""What is made on one broker is waited for on the others. No broker here: each says what it is told to say."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NodeNotReadyError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from streams.kafka import propagation
from streams.kafka.propagation import wait_until_known

Answer = tuple[int, list[object]]  # the error's number, and the partitions

KNOWN: Answer = (0, [object()])
UNKNOWN: Answer = (UnknownTopicOrPartitionError.errno, [])
WITHOUT_PARTITIONS: Answer = (0, [])
HIDDEN: Answer = (TopicAuthorizationFailedError.errno, [])


class Brokers:
    """Stands for an admin client: each broker's answers, one after the other; the last one stays."""

    def __init__(self, **answers: list[Answer | Exception]) -> None:
        self.answers = {int(name.removeprefix("b")): given for name, given in answers.items()}
        self.asked = dict.fromkeys(self.answers, 0)

    async def describe_cluster(self) -> dict[str, Any]:
        return {"brokers": [{"node_id": broker} for broker in self.answers]}

    async def _send_request(self, request: Any, broker: int) -> Any:
        given = self.answers[broker]
        answer = given[min(self.asked[broker], len(given) - 1)]
        self.asked[broker] += 1
        if isinstance(answer, Exception):
            raise answer
        code, partitions = answer
        return SimpleNamespace(topics=[(code, "a.sent", False, partitions, 0)])


async def test_every_broker_is_waited_for_until_it_knows_the_partitions() -> None:
    brokers = Brokers(b1=[KNOWN], b2=[UNKNOWN, WITHOUT_PARTITIONS, KNOWN], b3=[UNKNOWN, KNOWN])
    await wait_until_known(brokers, ["a.sent"])
    assert brokers.asked == {1: 1, 2: 3, 3: 2}


async def test_one_that_does_not_answer_or_may_not_tell_is_not_waited_for() -> None:
    brokers = Brokers(b1=[KNOWN], b2=[NodeNotReadyError()], b3=[HIDDEN])
    await wait_until_known(brokers, ["a.sent"])
    assert brokers.asked == {1: 1, 2: 1, 3: 1}


async def test_one_that_never_hears_of_it_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(propagation, "PATIENCE_SECONDS", 0.3)
    with caplog.at_level(logging.WARNING):
        await wait_until_known(Brokers(b1=[KNOWN], b2=[UNKNOWN]), ["a.sent"])
    assert "The brokers [2] do not know every topic yet" in caplog.text
