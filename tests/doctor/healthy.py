"""A cluster and a checker with nothing wrong, to be changed by tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from streams.core.policy import Policy, Version
from streams.doctor import Facts, Finding, FindingState, findings
from streams.doctor.facts import (
    OFFSETS_TOPIC,
    TRANSACTIONS_TOPIC,
    Broker,
    BrokerAnswer,
    ConsumerGroup,
    Ends,
    PartitionMetadata,
    Place,
    Skew,
    TopicSeen,
    Transaction,
    Twice,
    Unread,
)
from streams.kafka.topics import wanted_topics
from streams.records.coverage import Applied, Coverage
from streams.settings import KafkaSettings, Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTINGS = Settings()
NO = Unread("TopicAuthorizationFailedError")
SASL = KafkaSettings(security_protocol="SASL_SSL", sasl_username="checker", sasl_password=SecretStr("not to be seen"))
ALL = frozenset({"Read", "Write", "Describe", "DescribeConfigs"})
BROKER_CONFIG = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "unclean.leader.election.enable": "false",
    "transaction.max.timeout.ms": "900000",
    "group.min.session.timeout.ms": "6000",
    "group.max.session.timeout.ms": "1800000",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
}
TOPIC_CONFIG = {
    "retention.ms": "7776000000",
    "retention.bytes": "-1",
    "segment.ms": "604800000",
    "segment.bytes": "1073741824",
    "min.insync.replicas": "2",
    "unclean.leader.election.enable": "false",
    "max.message.bytes": "1048588",
    "delete.retention.ms": "86400000",
    "max.compaction.lag.ms": "9223372036854775807",
}
POLICY = Policy((Version("a", timedelta(minutes=5), timedelta(days=12)),))
PARTITIONS = 4
VERSIONS = dict.fromkeys(range(100), (0, 20))


def partition(number: int, leader: int = 1, **changes: Any) -> PartitionMetadata:
    """One partition with three copies in sync."""
    return PartitionMetadata(number, leader, (1, 2, 3), (1, 2, 3))._replace(**changes)


def topic(name: str, **config: str) -> TopicSeen:
    """A topic with usual settings."""
    shape = tuple(partition(number, leader=number % 3 + 1) for number in range(PARTITIONS))
    return TopicSeen(name, shape, ALL, TOPIC_CONFIG | config)


def healthy_topics() -> dict[str, TopicSeen]:
    """All topics as `meldingsvakt topics` makes them."""
    ours = [topic(wanted.name, **wanted.suggested, **wanted.required) for wanted in wanted_topics(SETTINGS)]
    return {each.name: each for each in (*ours, topic(OFFSETS_TOPIC), topic(TRANSACTIONS_TOPIC))}


def covered(number: int, **changes: Any) -> Coverage:
    """What a partition published a moment ago."""
    applied = {name: Applied(100) for name in SETTINGS.inputs}
    until = NOW - timedelta(seconds=5)
    known = Coverage(number, PARTITIONS, applied, until, NOW, policy=POLICY.judged_by(until))
    return replace(known, **changes)


def places() -> list[Place]:
    """Every partition of the inputs."""
    return [(name, number) for name in SETTINGS.inputs for number in range(PARTITIONS)]


def twice(**changes: Any) -> Twice[Any]:
    """All partitions' coverage, that of partition 0 changed."""
    known = {number: covered(number, **(changes if number == 0 else {})) for number in range(PARTITIONS)}
    return Twice(known, known)


def ends(before: Ends = Ends(0, 100, 100), after: Ends = Ends(0, 101, 101)) -> Twice[Any]:  # noqa: B008  # frozen
    """The ends of all inputs."""
    return Twice(dict.fromkeys(places(), before), dict.fromkeys(places(), after))


def brokers(config: dict[str, str] | None = None, answer: Any = None) -> tuple[Broker, ...]:
    """Three brokers."""
    told = BrokerAnswer(VERSIONS, {"metadata.version": 27}) if answer is None else answer
    return tuple(Broker(n, f"kafka-{n}:9092", told, BROKER_CONFIG | (config or {})) for n in (1, 2, 3))


def facts(**changes: Any) -> Facts:
    """Everything as it should be, but for the changes."""
    healthy = Facts(
        kafka=SASL,
        principal="User:checker",
        certificate_until=None,
        settings=SETTINGS,
        policy=POLICY,
        now=NOW,
        addresses={"kafka-1:9092": None, "kafka-2:9092": None},
        cluster_id="c",
        controller=1,
        brokers=brokers(),
        topics=healthy_topics(),
        group=ConsumerGroup("Stable", ("worker@10.0.0.1",), ALL),
        committed=dict.fromkeys(places(), 100),
        coverage=twice(),
        ends=ends(),
        transactions=(Transaction("reports-0", "CompleteCommit", 10_000, None),),
        open_transactions=(),
        may_transact=True,
        clocks={n: Skew(-0.01, 0.01) for n in (1, 2, 3)},
        undated={},
    )
    return replace(healthy, **changes)


def with_config(name: str, **config: str) -> Facts:
    """One topic's settings changed; an underscore stands for a dot."""
    topics = healthy_topics()
    changes = {setting.replace("_", "."): value for setting, value in config.items()}
    topics[name] = topics[name]._replace(config={**topics[name].settings(), **changes})
    return facts(topics=topics)


def with_topic(name: str, **changes: Any) -> Facts:
    """One topic changed."""
    topics = healthy_topics()
    topics[name] = topics[name]._replace(**changes)
    return facts(topics=topics)


def trouble(seen: Facts) -> list[Finding]:
    """What is not ok."""
    return [finding for finding in findings(seen) if finding.state is not FindingState.OK]


def expect(seen: Facts, state: FindingState, check: str, found: str, advice: str) -> None:
    """The check says that, in that state, with what to do; and whatever else is not ok says what to do too."""
    said = trouble(seen)
    named = [each for each in said if each.check == check and found in each.found and advice in each.advice]
    assert named, said
    assert {each.state for each in named} == {state}
    assert all(each.advice for each in said)
