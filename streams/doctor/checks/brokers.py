"""The brokers: can they be reached, can they do what the checker needs, are their own settings safe?"""

from collections.abc import Iterator
from typing import Any

from aiokafka.protocol import commit, coordination, fetch, group, metadata, offset, produce, transaction

from streams.doctor.checks.permissions import allow
from streams.doctor.facts import Broker, BrokerAnswer, Facts, Unread
from streams.doctor.findings import (
    BOOTSTRAP,
    Finding,
    fault,
    in_server_properties,
    or_ok,
    set_on_brokers,
    unknown,
    unread,
    warning,
)
from streams.kafka.topics import SAFE_REPLICATION

# What the checker's clients send; aiokafka knows which versions of each it speaks.
REQUESTS: tuple[Any, ...] = (
    produce.ProduceRequest, fetch.FetchRequest, offset.OffsetRequest, metadata.MetadataRequest,
    coordination.FindCoordinatorRequest, group.JoinGroupRequest, group.SyncGroupRequest, group.HeartbeatRequest,
    commit.OffsetFetchRequest, transaction.InitProducerIdRequest, transaction.AddPartitionsToTxnRequest,
    transaction.AddOffsetsToTxnRequest, transaction.TxnOffsetCommitRequest, transaction.EndTxnRequest,
)  # fmt: skip
# Produce 3 and fetch 4 brought transactions and headers, fetch 5 where a log begins.
LEAST_VERSIONS = {0: 3, 1: 4}
# The level of metadata.version that each release began with: brokers do not tell their release themselves.
KAFKA_OF_METADATA = {1: "3.0", 4: "3.3", 8: "3.4", 9: "3.5", 12: "3.6", 15: "3.7", 20: "3.8", 21: "3.9", 22: "4.0",
                     26: "4.1"}  # fmt: skip
CHECK = "broker settings"


def bootstrap(facts: Facts) -> Iterator[Finding]:
    """Does every bootstrap address answer?"""
    silent = [
        warning(
            "bootstrap",
            f"{address} does not answer ({why}); the others do",
            f"start that broker, or take {address} out of KAFKA_BROKERS",
        )
        for address, why in facts.addresses.items()
        if why is not None
    ]
    yield from or_ok("bootstrap", silent, f"{', '.join(facts.addresses)}: all answer")


def reachable(facts: Facts) -> Iterator[Finding]:
    """Can every broker be reached where the cluster says that it is, and is there a controller?"""
    problems = [
        fault(
            "brokers",
            f"broker {broker.node_id} cannot be reached at {broker.address} ({broker.answer.why}), which is where the "
            "cluster sends clients",
            "start it, let the firewall pass it, or correct its advertised.listeners",
        )
        for broker in facts.brokers
        if isinstance(broker.answer, Unread)
    ]
    problems += [
        warning(
            "brokers",
            f"broker {node_id} holds copies of topics, but is not there",
            "start it",
        )
        for node_id in sorted(facts.absent())
    ]
    if facts.controller < 0:
        problems.append(
            fault(
                "brokers",
                "there is no controller: no leader is elected and no topic created",
                f"`kafka-metadata-quorum {BOOTSTRAP} describe --status`",
            )
        )
    number = facts.size()
    yield from or_ok("brokers", problems, f"cluster {facts.cluster_id}, {number} broker(s), a controller")
    if number < SAFE_REPLICATION:
        yield warning(
            "brokers",
            f"{number} broker(s): nothing can be kept in three copies: one disk or one restart can cost records or "
            "stop the checker",
            "run at least three brokers in production",
        )


def versions(facts: Facts) -> Iterator[Finding]:
    """Do the brokers speak the versions of Kafka's requests that the checker sends?"""
    for broker in facts.brokers:
        if isinstance(broker.answer, Unread):
            yield unknown("versions", f"broker {broker.node_id}: {broker.answer.why}", "ask again when it is reachable")
            continue
        problems = [
            fault(
                "versions",
                f"broker {broker.node_id} does not speak {name} as the checker does",
                "use Apache Kafka 3.3 or newer, and the aiokafka that requirements.lock names",
            )
            for name in _not_spoken(broker.answer, facts.settings.compression)
        ]
        yield from or_ok("versions", problems, f"broker {broker.node_id}: {_named(broker.answer)}")


def _not_spoken(answer: BrokerAnswer, compression: str) -> Iterator[str]:
    for request in REQUESTS:
        least, most = answer.versions.get(request.API_KEY, (0, -1))
        ours = [version.API_VERSION for version in request._CLASSES]
        wanted = LEAST_VERSIONS.get(request.API_KEY, 0)
        if request is produce.ProduceRequest and compression == "zstd":
            wanted = 7
        if not any(max(least, wanted) <= version <= most for version in ours):
            yield str(request.__name__.removesuffix("Request"))


def _named(answer: BrokerAnswer) -> str:
    level = answer.features.get("metadata.version", 0)
    release = max((least for least in KAFKA_OF_METADATA if least <= level), default=None)
    features = ", ".join(f"{name} {most}" for name, most in sorted(answer.features.items()))
    kafka = "its release is not told" if release is None else f"Kafka {KAFKA_OF_METADATA[release]} or newer"
    return f"{kafka} ({features or 'no features'})"


def settings(facts: Facts) -> Iterator[Finding]:
    """Are the brokers' own settings safe, and do they allow the checker's time-outs?"""
    for broker in facts.brokers:
        if isinstance(broker.config, Unread):
            yield unread(
                CHECK, f"broker {broker.node_id}: {broker.config.why}", allow(facts, "DescribeConfigs", "--cluster")
            )
            continue
        problems = [*_elections(broker), *_time_outs(facts, broker), *_internal_topics(facts, broker)]
        told = "elections are clean, the time-outs fit"
        yield from or_ok(CHECK, problems, f"broker {broker.node_id}: {told}")


def _elections(broker: Broker) -> Iterator[Finding]:
    if _value(broker, "unclean.leader.election.enable") == "true":
        yield fault(
            CHECK,
            f"broker {broker.node_id} allows unclean leader election: offsets and transactions that were committed can "
            "be lost silently",
            set_on_brokers("unclean.leader.election.enable", "false"),
        )


def _time_outs(facts: Facts, broker: Broker) -> Iterator[Finding]:
    session = int(facts.settings.session_timeout.total_seconds() * 1000)
    request = int(facts.settings.request_timeout.total_seconds() * 1000)
    bounds = (
        ("group.min.session.timeout.ms", session, False, "MELDINGSVAKT_SESSION_TIMEOUT"),
        ("group.max.session.timeout.ms", session, True, "MELDINGSVAKT_SESSION_TIMEOUT"),
        ("transaction.max.timeout.ms", request, True, "MELDINGSVAKT_REQUEST_TIMEOUT"),
    )
    for name, ours, is_most, setting in bounds:
        theirs = int(_value(broker, name) or ours)
        if ours > theirs if is_most else ours < theirs:
            yield fault(
                CHECK,
                f"broker {broker.node_id} has {name}={theirs}, but {setting} is {ours} ms: it refuses the worker",
                f"set `{setting}=PT{theirs / 1000:g}S`, or {in_server_properties(name, ours)}",
            )


def _internal_topics(facts: Facts, broker: Broker) -> Iterator[Finding]:
    """What new internal topics would be like; those that exist are looked at themselves."""
    if facts.size() < SAFE_REPLICATION:
        return
    wanted = (
        ("__consumer_offsets", "offsets.topic.replication.factor", 3),
        ("__transaction_state", "transaction.state.log.replication.factor", 3),
        ("__transaction_state", "transaction.state.log.min.isr", 2),
    )
    for topic, name, least in wanted:
        value = int(_value(broker, name) or least)
        if value < least and topic in facts.topics and not facts.topics[topic].shape():
            yield warning(
                CHECK,
                f"broker {broker.node_id} has {name}={value}: one broker would keep what {topic} says alone",
                in_server_properties(name, least),
            )


def _value(broker: Broker, name: str) -> str:
    return "" if isinstance(broker.config, Unread) else broker.config.get(name, "")
