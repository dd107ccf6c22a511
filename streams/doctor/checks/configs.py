"""The topics' settings, each with what it would cost to have it otherwise."""

from collections.abc import Iterator

from streams.doctor.checks.retention import unread_settings
from streams.doctor.facts import OFFSETS_TOPIC, TRANSACTIONS_TOPIC, Facts, TopicSeen
from streams.doctor.findings import Finding, fault, ok, set_on_topic, warning
from streams.kafka.topics import MOST_BATCH_BYTES, Topic, wanted_topics

CHECK = "topic settings"
ROOM_FOR_BATCH_BYTES = 1_048_588  # Kafka's own default
HOUR_MS = 3_600_000


def settings(facts: Facts) -> Iterator[Finding]:
    """Is each topic set as the contract says?"""
    right = 0
    for wanted in wanted_topics(facts.settings):
        topic = facts.topics[wanted.name]
        problems = [*_required(wanted, topic), *_unclean(topic), *_batches(topic), *_compacted(wanted, topic)]
        yield from problems
        right += bool(topic.settings()) and not problems
    for internal in (OFFSETS_TOPIC, TRANSACTIONS_TOPIC):
        yield from _unclean(facts.topics[internal])
    yield from unread_settings(facts)
    if right:
        yield ok(CHECK, f"{right} topic(s) are set as they should be")


def _required(wanted: Topic, topic: TopicSeen) -> Iterator[Finding]:
    for name, value in wanted.required.items():
        found = topic.settings().get(name, value)
        if found != value:
            yield fault(
                CHECK,
                f"{topic.name} has {name}={found}, but it must be {value}: {_why(name, found, value)}",
                set_on_topic(topic.name, **{name: value}),
            )


def _why(name: str, found: str, wanted: str) -> str:
    if name == "message.timestamp.type":
        return "its times are the producers' clocks, which can hide a report or invent an alarm"
    if wanted == "delete":
        return "compaction removes all but the last record of a report, and keeps what should have been deleted"
    if "compact" in found:
        return "rows would expire while their reports are still open"
    return "rows would expire, and no older value of a report would ever be cleared away"


def _unclean(topic: TopicSeen) -> Iterator[Finding]:
    if topic.settings().get("unclean.leader.election.enable") == "true":
        yield fault(
            CHECK,
            f"{topic.name} allows unclean leader election, which loses records silently",
            set_on_topic(topic.name, unclean_leader_election_enable="false"),
        )


def _batches(topic: TopicSeen) -> Iterator[Finding]:
    most = int(topic.settings().get("max.message.bytes", ROOM_FOR_BATCH_BYTES))
    if most < MOST_BATCH_BYTES:
        yield fault(
            CHECK,
            f"{topic.name} has max.message.bytes={most}, but the worker writes batches of up to {MOST_BATCH_BYTES} "
            "bytes: its commit would be refused and the worker end",
            set_on_topic(topic.name, max_message_bytes=ROOM_FOR_BATCH_BYTES),
        )


def _compacted(wanted: Topic, topic: TopicSeen) -> Iterator[Finding]:
    config = topic.settings()
    if wanted.required["cleanup.policy"] != "compact" or not config:
        return
    if int(config.get("delete.retention.ms", HOUR_MS)) < HOUR_MS:
        yield warning(
            CHECK,
            f"{topic.name} has delete.retention.ms={config['delete.retention.ms']}: a slow restore may see a row and "
            "miss that it was erased",
            set_on_topic(topic.name, delete_retention_ms=24 * HOUR_MS),
        )
    for name in ("max.compaction.lag.ms", "segment.bytes"):
        suggested = wanted.suggested[name]
        if int(config.get(name, suggested)) > int(suggested):
            yield warning(
                CHECK,
                f"{topic.name} has {name}={config[name]}: a restart reads more than it needs to",
                set_on_topic(topic.name, **{name: suggested}),
            )
