"""The topics and their settings."""

import pytest

from streams.doctor import Facts, FindingState
from streams.doctor.facts import (
    OFFSETS_TOPIC,
    TRANSACTIONS_TOPIC,
    Twice,
)
from tests.doctor.healthy import (
    NO,
    PARTITIONS,
    covered,
    expect,
    facts,
    partition,
    trouble,
    with_config,
    with_topic,
)

FAULT, WARNING, UNKNOWN = FindingState.FAULT, FindingState.WARNING, FindingState.UNKNOWN
TOPIC_CASES = [
    (with_topic("reports.stored", partitions=()), FAULT, "topics", "there is no reports.stored", "meldingsvakt topics"),
    (
        with_topic("reports.sent", partitions=NO, config=NO),
        UNKNOWN,
        "topics",
        "may not describe reports.sent",
        "permissions",
    ),
    (with_topic("reports.sent", partitions=NO, config=NO), UNKNOWN, "partitions", "nothing to compare with", "topics"),
    (with_topic("reports.state", config=NO), UNKNOWN, "topic settings", "reports.state: Topic", "permissions"),
    (
        with_topic("reports.stored", partitions=(partition(0),)),
        FAULT,
        "partitions",
        "reports.stored has 1 partitions and reports.sent has 4",
        "reports.stored anew",
    ),
    (
        facts(coverage=Twice({}, {0: covered(0, partitions=3)})),
        FAULT,
        "partitions",
        "had 3 partitions and now have 4",
        "MELDINGSVAKT_PARTITIONS=4",
    ),
    (
        with_topic(
            "reports.state", partitions=tuple(partition(n, replicas=(1,), in_sync=(1,)) for n in range(PARTITIONS))
        ),
        FAULT,
        "replication",
        "1 of three copies",
        "kafka-reassign-partitions",
    ),
    (
        with_config("reports.state", min_insync_replicas="1"),
        FAULT,
        "replication",
        "min.insync.replicas=1",
        "min.insync.replicas=2",
    ),
    (
        with_config(TRANSACTIONS_TOPIC, min_insync_replicas="1"),
        FAULT,
        "replication",
        TRANSACTIONS_TOPIC,
        "min.insync.replicas=2",
    ),
    (
        with_config("reports.state", min_insync_replicas="3"),
        WARNING,
        "replication",
        "one broker down stops",
        "min.insync.replicas=2",
    ),
    (
        with_topic("reports.sent", partitions=tuple(partition(n, leader=1, in_sync=(1, 2)) for n in range(PARTITIONS))),
        WARNING,
        "replication",
        "copies that are behind: reports.sent 0, 1, 2, 3",
        "start or heal broker 3",
    ),
    (
        with_topic("reports.sent", partitions=tuple(partition(n, leader=1, in_sync=(1,)) for n in range(PARTITIONS))),
        FAULT,
        "replication",
        "fewer than 2 copies in sync",
        "--describe --under-replicated-partitions",
    ),
    (
        with_topic(
            "reports.sent", partitions=tuple(partition(n, leader=-1 if n == 2 else 1) for n in range(PARTITIONS))
        ),
        FAULT,
        "replication",
        "partition 2 has no leader",
        "--describe",
    ),
    (
        with_config("reports.sent", message_timestamp_type="CreateTime"),
        FAULT,
        "topic settings",
        "producers' clocks",
        "message.timestamp.type=LogAppendTime",
    ),
    (
        with_config("reports.sent", cleanup_policy="compact"),
        FAULT,
        "topic settings",
        "cleanup.policy=compact, but it must be delete",
        "cleanup.policy=delete",
    ),
    (
        with_config("reports.state", cleanup_policy="compact,delete"),
        FAULT,
        "topic settings",
        "rows would expire while",
        "cleanup.policy=compact",
    ),
    (
        with_config("reports.coverage", cleanup_policy="delete"),
        FAULT,
        "topic settings",
        "rows would expire",
        "cleanup.policy=compact",
    ),
    (
        with_config("reports.stored", unclean_leader_election_enable="true"),
        FAULT,
        "topic settings",
        "loses records",
        "unclean.leader.election.enable=false",
    ),
    (
        with_config(OFFSETS_TOPIC, unclean_leader_election_enable="true"),
        FAULT,
        "topic settings",
        OFFSETS_TOPIC,
        "=false",
    ),
    (
        with_config("reports.state", max_message_bytes="500000"),
        FAULT,
        "topic settings",
        "batches of up to 900000",
        "max.message.bytes=1048588",
    ),
    (
        with_config("reports.state", delete_retention_ms="60000"),
        WARNING,
        "topic settings",
        "miss that it was erased",
        "delete.retention.ms=86400000",
    ),
    (
        with_config("reports.state", max_compaction_lag_ms="86400000"),
        WARNING,
        "topic settings",
        "reads more",
        "max.compaction.lag.ms=3600000",
    ),
    (
        with_config("reports.coverage", segment_bytes="1073741824"),
        WARNING,
        "topic settings",
        "reads more",
        "segment.bytes=16777216",
    ),
]


@pytest.mark.parametrize(("seen", "state", "check", "found", "advice"), [*TOPIC_CASES])
def test_what_is_wrong_is_said_with_what_to_do(
    seen: Facts, state: FindingState, check: str, found: str, advice: str
) -> None:
    expect(seen, state, check, found, advice)


def test_two_copies_that_must_both_be_in_sync_stop_when_one_broker_does() -> None:
    shape = tuple(partition(n, replicas=(1, 2), in_sync=(1, 2), leader=1) for n in range(PARTITIONS))
    found = [each.found for each in trouble(with_topic("reports.sent", partitions=shape))]
    assert any("one broker down stops all writing" in each for each in found)


def test_an_input_that_begins_without_append_times_is_named_with_what_helps() -> None:
    expect(
        facts(undated={("reports.sent", 2): 17}), FindingState.WARNING, "append times",
        "reports.sent-2 begins (offset 17) with records that have no append time", "--reason no_append_time",
    )  # fmt: skip
    expect(facts(undated=NO), FindingState.UNKNOWN, "append times", NO.why, "permissions")
