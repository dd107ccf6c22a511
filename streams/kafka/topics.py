"""The topics: created as the contract says, or verified; what is unsafe is refused with the reason."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from streams.errors import ConfigurationError
from streams.kafka.client import client_options
from streams.kafka.denials import Denied, naming_denials, unreachable
from streams.kafka.permissions import Right
from streams.kafka.propagation import wait_until_known
from streams.kafka.protocol import metadata, operations
from streams.kafka.retention import ensure_retention
from streams.settings import KafkaSettings, Settings

# Below the brokers' default limit for one record batch (message.max.bytes, 1 MiB), framing included.
MOST_BATCH_BYTES = 900_000
SAFE_REPLICATION = 3
EVENTS_RETENTION = timedelta(days=730)  # what was announced, and what could not be read: nothing is kept for ever
# A topic that was made a moment ago is not known to every broker yet: up to 10 s.
ASK_AGAIN, ASK_EXISTING_AGAIN, ASK_AGAIN_SECONDS = 50, 10, 0.2


class Topic(NamedTuple):
    """A topic as it has to be: `required` settings are verified, `suggested` ones only given to new topics."""

    name: str
    required: dict[str, str]
    suggested: dict[str, str]


def wanted_topics(settings: Settings) -> list[Topic]:
    """Every topic of the contract, the inputs first."""
    retention_ms = _milliseconds(settings.retention)
    inputs = [
        Topic(
            name,
            {"message.timestamp.type": "LogAppendTime", "cleanup.policy": "delete"},
            {"retention.ms": retention_ms},
        )
        for name in settings.inputs
    ]
    compacted = {
        "segment.bytes": str(16 << 20),
        "segment.ms": "3600000",
        "max.compaction.lag.ms": "3600000",
        "min.cleanable.dirty.ratio": "0.1",
    }
    state = [
        Topic(settings.output(name), {"cleanup.policy": "compact"}, compacted)
        for name in ("state", "coverage", "messages")
    ]
    kept = [
        Topic(settings.output(name), {"cleanup.policy": "delete"}, {"retention.ms": retention})
        for name, retention in (
            ("missing", _milliseconds(EVENTS_RETENTION)),
            ("rejected", _milliseconds(EVENTS_RETENTION)),
            ("access", _milliseconds(settings.access_retention)),
        )
    ]
    return inputs + state + kept


def _milliseconds(duration: timedelta) -> str:
    return str(int(duration.total_seconds() * 1000))


async def ensure_topics(kafka: KafkaSettings, settings: Settings, *, create: bool) -> list[str]:
    """Create what is missing (or refuse to) and verify the rest. Gives the names of the created topics.

    Raises ConfigurationError with one sentence for the first thing that is wrong.
    """
    async with _admin(kafka) as admin:
        return await _ensure(admin, settings, create=create)


async def ensure_allowed(kafka: KafkaSettings, rights: Sequence[Right]) -> None:
    """Refuse to start without a right on a topic that may be needed much later only: state is read at a restart.

    Raises ConfigurationError that names what is lacking.
    """
    wanted = {right.name: right.holding() for right in rights if right.kind == "topic"}
    async with _admin(kafka) as admin:
        found = await admin._send_request(metadata(list(wanted)))
        allowed = {name: operations(bits) for _, name, _, _, bits in found.topics}
        for name, needed in wanted.items():
            lacking = needed - allowed[name]
            if allowed[name] and lacking:  # a broker of before Kafka 2.3 does not tell
                raise Denied(" and ".join(sorted(lacking)), f"the topic {name}")


async def partition_counts(kafka: KafkaSettings, topics: Sequence[str]) -> dict[str, int]:
    """How many partitions each topic has. Raises ConfigurationError for one that does not exist."""
    async with _admin(kafka) as admin:
        existing = await _existing(admin, list(topics), create=False)
        await _refuse_hidden(admin, [topic for topic in topics if topic not in existing])
        for topic in topics:
            if topic not in existing:
                raise ConfigurationError(f"The topic {topic} does not exist: run `meldingsvakt topics` to create it.")
        return await _partition_counts(admin, list(topics))


async def cluster_id(kafka: KafkaSettings) -> str:
    """The name that a cluster was given when its storage was made. Raises ConfigurationError."""
    async with _admin(kafka) as admin:
        return str((await admin.describe_cluster())["cluster_id"])


async def topic_setting(kafka: KafkaSettings, topic: str, name: str) -> str | None:
    """One setting of a topic, as it is in force. Raises ConfigurationError."""
    async with _admin(kafka) as admin:
        return (await _configurations(admin, [topic]))[topic].get(name)


@asynccontextmanager
async def _admin(kafka: KafkaSettings) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=10_000)
    try:
        await admin.start()
        async with naming_denials(kafka, "Describe"):
            yield admin
    except KafkaConnectionError:
        raise ConfigurationError(await unreachable(kafka)) from None
    except KafkaError as error:
        raise ConfigurationError(f"Kafka at {kafka.brokers} refused: {type(error).__name__} {error}") from None
    finally:
        await admin.close()


async def _ensure(admin: Any, settings: Settings, *, create: bool) -> list[str]:
    wanted = wanted_topics(settings)
    brokers = len((await admin.describe_cluster())["brokers"])
    existing = await _existing(admin, [topic.name for topic in wanted], create=create)
    missing = [topic for topic in wanted if topic.name not in existing]
    await _refuse_hidden(admin, [topic.name for topic in missing])
    if missing and not create:
        raise ConfigurationError(f"The topic {missing[0].name} does not exist: run `meldingsvakt topics` to create it.")
    present = [topic.name for topic in wanted if topic.name in existing]
    counts = await _partition_counts(admin, present)
    if missing:
        partitions = counts.get(settings.inputs[0], settings.partitions)
        await _create(admin, missing, partitions, brokers)
        counts |= await _partition_counts(admin, [topic.name for topic in missing])
    await wait_until_known(admin, counts)
    _ensure_same_counts(counts, settings)
    found = await _verify(admin, wanted, brokers)
    ensure_retention(settings, found)
    return [topic.name for topic in missing]


async def _existing(admin: Any, names: list[str], *, create: bool) -> set[str]:
    """Which of the topics exist. One broker's no is asked again: it may not have heard of a new topic yet."""
    existing: set[str] = set()
    for _ in range(ASK_EXISTING_AGAIN):
        existing |= set(await admin.list_topics())
        if existing.issuperset(names) or (create and existing.isdisjoint(names)):
            break
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    return existing


async def _refuse_hidden(admin: Any, names: list[str]) -> None:
    """A topic that this client may not see is not in the list: that is no reason to create it. Raises Denied."""
    if names:
        found = await admin._send_request(metadata(names))
        for code, name, *_ in found.topics:
            if code == TopicAuthorizationFailedError.errno:
                raise Denied("Describe", f"the topic {name}")


async def _create(admin: Any, topics: list[Topic], partitions: int, brokers: int) -> None:
    copies = min(SAFE_REPLICATION, brokers)
    in_sync = {"min.insync.replicas": "2"} if copies == SAFE_REPLICATION else {}
    safe = {"unclean.leader.election.enable": "false"} | in_sync
    response = await admin.create_topics(
        [
            NewTopic(topic.name, partitions, copies, topic_configs=topic.required | topic.suggested | safe)
            for topic in topics
        ]
    )
    for name, code, *message in response.topic_errors:
        if code in (TopicAuthorizationFailedError.errno, ClusterAuthorizationFailedError.errno):
            raise Denied("Create", f"the topic {name}")
        if code not in (0, TopicAlreadyExistsError.errno):  # somebody else was quicker: it is verified all the same
            reason = message[0] if message and message[0] else for_code(code).__name__
            raise ConfigurationError(f"The topic {name} cannot be created: {reason}")


async def _partition_counts(admin: Any, names: list[str]) -> dict[str, int]:
    """How many partitions each topic has; one that was made a moment ago may seem to have none."""
    for _ in range(ASK_AGAIN):
        described = await admin.describe_topics(names) if names else []
        counts = {topic["topic"]: len(topic["partitions"]) for topic in described}
        if all(counts.get(name) for name in names):
            return counts
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    raise ConfigurationError(f"The partitions of {names} cannot be read: is every broker up?")


def _ensure_same_counts(counts: dict[str, int], settings: Settings) -> None:
    expected = counts[settings.inputs[0]]
    for topic in wanted_topics(settings):
        if counts[topic.name] != expected:
            raise ConfigurationError(
                f"{topic.name} has {counts[topic.name]} partitions and {settings.inputs[0]} has {expected}: all must "
                "have the same number, because a report lives in the same partition of each; make the topic anew."
            )


async def _verify(admin: Any, wanted: list[Topic], brokers: int) -> dict[str, dict[str, str]]:
    found = await _configurations(admin, [topic.name for topic in wanted])
    for topic in wanted:
        for name, value in topic.required.items():
            if found[topic.name].get(name) != value:
                raise ConfigurationError(
                    f"{topic.name} has {name}={found[topic.name].get(name)}, but it must be {value}: set it with "
                    f"`kafka-configs --alter --topic {topic.name} --add-config {name}={value}`."
                )
        _ensure_safe(topic.name, found[topic.name], brokers)
    return found


async def _configurations(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    """Each topic's settings. A broker that has not heard of a new topic yet is asked again."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    for _ in range(ASK_AGAIN):
        found: dict[str, dict[str, str]] = {}
        for response in await admin.describe_configs(resources):
            for code, _message, _kind, name, entries, *_ in response.resources:
                if code == TopicAuthorizationFailedError.errno:
                    raise Denied("DescribeConfigs", f"the topic {name}")
                if code == 0 and entries:
                    found[name] = {entry[0]: entry[1] for entry in entries}
        if unknown := [name for name in names if name not in found]:
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            continue
        return found
    raise ConfigurationError(f"The settings of {unknown[0]} cannot be read: is every broker up?")


def _ensure_safe(name: str, config: dict[str, str], brokers: int) -> None:
    if config.get("unclean.leader.election.enable") == "true":
        raise ConfigurationError(
            f"{name} allows unclean leader election, which loses records silently: set "
            "unclean.leader.election.enable=false on it."
        )
    if brokers >= SAFE_REPLICATION and int(config.get("min.insync.replicas", "1")) < 2:
        raise ConfigurationError(
            f"{name} has min.insync.replicas={config.get('min.insync.replicas')}, so that one broker's disk may be "
            "the only copy: set it to 2."
        )
