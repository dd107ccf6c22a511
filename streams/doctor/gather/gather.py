"""Asks a cluster for everything that the checks judge. Nothing is created or changed.

The one exception is asked for by name: the probe appends marks, which concern nobody.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiokafka.protocol.admin import DescribeConfigsRequest

from streams.doctor.checks.login import VALIDATOR
from streams.doctor.facts import (
    OFFSETS_TOPIC,
    TRANSACTIONS_TOPIC,
    Broker,
    BrokerAnswer,
    Facts,
    PartitionMetadata,
    TopicSeen,
    Unread,
)
from streams.doctor.gather.cluster import Look
from streams.doctor.gather.connections import Connections, TimeLeft, refuse
from streams.errors import ConfigurationError
from streams.kafka import protocol
from streams.kafka.certificates import expires
from streams.kafka.client import principal
from streams.kafka.denials import why
from streams.kafka.topics import wanted_topics
from streams.policies import load_policy
from streams.settings import KafkaSettings, Settings

MOST_SECONDS = 16.0
TOPIC, BROKER = 2, 4  # the kinds of resources whose settings can be asked for
UNKNOWN_TOPIC, TOPIC_FORBIDDEN = 3, 29
BROKER_SETTINGS = (
    "authorizer.class.name", "unclean.leader.election.enable", "transaction.max.timeout.ms",
    "group.min.session.timeout.ms", "group.max.session.timeout.ms", "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor", "transaction.state.log.min.isr", VALIDATOR,
)  # fmt: skip
TOPIC_SETTINGS = (
    "cleanup.policy", "message.timestamp.type", "retention.ms", "retention.bytes", "segment.ms", "segment.bytes",
    "min.insync.replicas", "unclean.leader.election.enable", "max.message.bytes", "delete.retention.ms",
    "max.compaction.lag.ms",
)  # fmt: skip


async def gather(kafka: KafkaSettings, settings: Settings, *, probe: bool) -> Facts:
    """Everything that could be learnt in time. Raises ConfigurationError when no broker answers at all."""
    patience = TimeLeft(MOST_SECONDS)
    connections = Connections(kafka, patience)
    try:
        return await _gather(kafka, settings, connections, patience, probe=probe)
    finally:
        connections.close()


async def _gather(
    kafka: KafkaSettings, settings: Settings, connections: Connections, patience: TimeLeft, *, probe: bool
) -> Facts:
    addresses = await connections.bootstrap()
    names = [*(topic.name for topic in wanted_topics(settings)), OFFSETS_TOPIC, TRANSACTIONS_TOPIC]
    metadata = await patience.attempt(
        partial(connections.ask, protocol.metadata(names)), explain=partial(why, kafka=kafka)
    )
    if isinstance(metadata, Unread):
        raise ConfigurationError(f"Kafka at {kafka.brokers} does not tell its brokers and topics ({metadata.why}).")
    unreached = await connections.connect([(broker[0], broker[1], broker[2]) for broker in metadata.brokers])
    configs, brokers = await asyncio.gather(
        _topic_configs(connections, patience, _existing(metadata)),
        asyncio.gather(*(_broker(connections, patience, broker, unreached) for broker in metadata.brokers)),
    )
    topics = {topic[1]: _topic(topic, configs) for topic in metadata.topics}
    # A client that tries a dead address first would lose the time that is there.
    answering = ",".join(address for address, why in addresses.items() if why is None)
    look = Look(kafka.model_copy(update={"brokers": answering}), settings, connections, patience, topics)
    return Facts(
        kafka,
        await principal(kafka),
        expires(kafka.ssl_certfile) if kafka.ssl_certfile else None,
        settings,
        _policy(settings),
        addresses=addresses,
        cluster_id=metadata.cluster_id,
        controller=metadata.controller_id,
        brokers=tuple(sorted(brokers)),
        topics=topics,
        **await look.over(probe=probe, brokers=[broker.node_id for broker in brokers]),
        now=datetime.now(UTC),
    )


def _policy(settings: Settings) -> Any:
    try:
        return load_policy(settings.policy)
    except ConfigurationError as error:
        return Unread(str(error))


def _existing(metadata: Any) -> list[str]:
    return [name for code, name, *_ in metadata.topics if code not in (UNKNOWN_TOPIC, TOPIC_FORBIDDEN)]


def _topic(found: Any, configs: Mapping[str, Mapping[str, str] | Unread]) -> TopicSeen:
    code, name, _, partitions, bits = found
    if code == UNKNOWN_TOPIC:
        return TopicSeen(name, ())
    if code == TOPIC_FORBIDDEN:
        hidden = Unread("this client may not describe it")
        return TopicSeen(name, hidden, config=hidden)
    shape = tuple(
        sorted(
            PartitionMetadata(number, leader, tuple(replicas), tuple(in_sync))
            for _, number, leader, _, replicas, in_sync, _ in partitions
        )
    )
    return TopicSeen(name, shape, protocol.operations(bits), configs[name])


async def _topic_configs(
    connections: Connections, patience: TimeLeft, names: list[str]
) -> dict[str, Mapping[str, str] | Unread]:
    resources = [(TOPIC, name, list(TOPIC_SETTINGS)) for name in names]
    answers = await patience.attempt(partial(_configs, connections, resources))
    return dict.fromkeys(names, answers) if isinstance(answers, Unread) else answers


async def _broker(connections: Connections, patience: TimeLeft, found: Any, unreached: Mapping[int, str]) -> Broker:
    node_id, host, port, *_ = found
    if node_id in unreached:
        silent = Unread(unreached[node_id])
        return Broker(node_id, f"{host}:{port}", silent, silent)
    answer, configs = await asyncio.gather(
        patience.attempt(partial(_answer, connections, node_id)),
        patience.attempt(partial(_configs, connections, [(BROKER, str(node_id), list(BROKER_SETTINGS))], node_id)),
    )
    config = configs if isinstance(configs, Unread) else configs[str(node_id)]
    return Broker(node_id, f"{host}:{port}", answer, config)


async def _answer(connections: Connections, node_id: int) -> BrokerAnswer:
    response = await connections.ask(protocol.versions(), node_id)
    refuse(response.error_code)
    return BrokerAnswer(
        {key: (least, most) for key, least, most, _ in response.api_versions}, protocol.features(response)
    )


async def _configs(
    connections: Connections, resources: list[Any], node_id: int | None = None
) -> dict[str, Mapping[str, str] | Unread]:
    response = await connections.ask(DescribeConfigsRequest(resources), node_id)
    return {
        name: Unread(message or f"error {code}") if code else {entry[0]: entry[1] or "" for entry in entries}
        for code, message, _, name, entries in response.resources
    }
