"""The brokers."""

import pytest

from streams.doctor import Facts, FindingState
from streams.doctor.facts import (
    TRANSACTIONS_TOPIC,
    BrokerAnswer,
    Skew,
    TopicSeen,
    Unread,
)
from tests.doctor.healthy import (
    PARTITIONS,
    VERSIONS,
    brokers,
    expect,
    facts,
    partition,
    trouble,
)

FAULT, WARNING, UNKNOWN = FindingState.FAULT, FindingState.WARNING, FindingState.UNKNOWN
BROKER_CASES = [
    (
        facts(addresses={"a:1": None, "b:2": "Connection refused"}),
        WARNING,
        "bootstrap",
        "b:2 does not answer (Connection refused)",
        "take b:2 out",
    ),
    (
        facts(brokers=brokers(answer=Unread("no answer within 4 s"))),
        FAULT,
        "brokers",
        "broker 1 cannot be reached at kafka-1:9092 (no answer within 4 s)",
        "advertised.listeners",
    ),
    (facts(controller=-1), FAULT, "brokers", "no controller", "kafka-metadata-quorum"),
    (facts(brokers=brokers()[:2]), WARNING, "brokers", "broker 3 holds copies", "start it"),
    (
        facts(brokers=brokers(answer=BrokerAnswer(VERSIONS | {22: (9, 9)}, {}))),
        FAULT,
        "versions",
        "broker 1 does not speak InitProducerId",
        "3.3 or newer",
    ),
    (facts(brokers=brokers(answer=BrokerAnswer(VERSIONS | {0: (0, 2)}, {}))), FAULT, "versions", "Produce", "3.3"),
    (
        facts(brokers=brokers(config={"unclean.leader.election.enable": "true"})),
        FAULT,
        "broker settings",
        "unclean",
        "--entity-default",
    ),
    (
        facts(brokers=brokers(config={"transaction.max.timeout.ms": "5000"})),
        FAULT,
        "broker settings",
        "transaction.max.timeout.ms=5000",
        "MELDINGSVAKT_REQUEST_TIMEOUT=PT5S",
    ),
    (
        facts(brokers=brokers(config={"group.min.session.timeout.ms": "7000"})),
        FAULT,
        "broker settings",
        "group.min.session.timeout.ms=7000",
        "MELDINGSVAKT_SESSION_TIMEOUT=PT7S",
    ),
    (
        facts(brokers=brokers(config={"group.max.session.timeout.ms": "5500"})),
        FAULT,
        "broker settings",
        "group.max",
        "PT5.5S",
    ),
]


@pytest.mark.parametrize(("seen", "state", "check", "found", "advice"), [*BROKER_CASES])
def test_what_is_wrong_is_said_with_what_to_do(
    seen: Facts, state: FindingState, check: str, found: str, advice: str
) -> None:
    expect(seen, state, check, found, advice)


def test_internal_topics_that_exist_are_looked_at_themselves() -> None:
    alone = brokers(config={"transaction.state.log.replication.factor": "1"})
    assert trouble(facts(brokers=alone)) == []
    topics = dict(facts().topics) | {TRANSACTIONS_TOPIC: TopicSeen(TRANSACTIONS_TOPIC, ())}
    (first, *_) = trouble(facts(brokers=alone, topics=topics))
    assert "one broker would keep what __transaction_state says alone" in first.found


def test_one_broker_alone_has_warnings_and_no_fault() -> None:
    topics = {
        name: seen._replace(
            partitions=tuple(partition(n, replicas=(1,), in_sync=(1,)) for n in range(PARTITIONS)),
            config={**seen.settings(), "min.insync.replicas": "1"},
        )
        for name, seen in facts().topics.items()
    }
    alone = trouble(facts(brokers=brokers()[:1], topics=topics, clocks={1: Skew(0, 0)}))
    assert [(each.check, each.state) for each in alone] == [("brokers", FindingState.WARNING)]
