"""Permissions and clocks, and that all is well where nothing is wrong."""

from datetime import timedelta

import pytest

from streams.doctor import Facts, FindingState, findings
from streams.doctor.facts import (
    ConsumerGroup,
    Skew,
    Unread,
)
from streams.settings import KafkaSettings
from tests.doctor.healthy import (
    ALL,
    NO,
    NOW,
    SASL,
    brokers,
    expect,
    facts,
    trouble,
    with_topic,
)

FAULT, WARNING, UNKNOWN = FindingState.FAULT, FindingState.WARNING, FindingState.UNKNOWN
ACCESS_CASES = [
    (
        with_topic("reports.sent", operations=ALL - {"Write"}),
        FAULT,
        "permissions",
        "User:checker may not Write reports.sent",
        "--operation Write --topic reports.sent",
    ),
    (
        with_topic("reports.coverage", operations=frozenset({"Describe"})),
        FAULT,
        "permissions",
        "DescribeConfigs, Read, Write reports.coverage",
        "--operation Read --operation Write",
    ),
    (
        facts(group=ConsumerGroup("Stable", ("w",), frozenset({"Describe"}))),
        FAULT,
        "permissions",
        "may not Read the group reports",
        "--operation Read --group reports",
    ),
    (
        facts(group=Unread("[Error 30] GroupAuthorizationFailedError")),
        FAULT,
        "permissions",
        "may not Read the group",
        "--group reports",
    ),
    (facts(group=Unread("no answer within 4 s")), UNKNOWN, "permissions", "no answer", "--group reports"),
    (
        facts(may_transact=False),
        FAULT,
        "permissions",
        "transactional ids reports-*",
        "--transactional-id reports- --resource-pattern-type prefixed",
    ),
    (facts(may_transact=NO), UNKNOWN, "permissions", "transactional ids reports-*", "--transactional-id"),
    (
        facts(brokers=brokers(config={"authorizer.class.name": ""})),
        WARNING,
        "permissions",
        "no authoriser",
        "authorizer.class.name",
    ),
    (
        facts(kafka=SASL, principal="User:checker", may_transact=False),
        FAULT,
        "permissions",
        "User:checker may not",
        '--allow-principal "User:checker"',
    ),
]
NOW_SOON, NOW_GONE = NOW + timedelta(days=3), NOW - timedelta(seconds=1)
TOKEN = KafkaSettings(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER")
VALIDATOR = "org.apache.kafka.common.security.oauthbearer.DefaultJwtValidator"
LOGIN_CASES = [
    (facts(kafka=KafkaSettings()), WARNING, "login", "by PLAINTEXT: whoever is on the way", "SSL or SASL_SSL"),
    (facts(certificate_until=NOW_SOON), WARNING, "login", "expires 2026-03-04T12:00:00.000000Z", "renew it by then"),
    (facts(certificate_until=NOW_GONE), FAULT, "login", "has expired", "renew it"),
    (
        facts(kafka=TOKEN, brokers=brokers(config={"sasl.oauthbearer.jwt.validator.class": VALIDATOR})),
        WARNING,
        "login",
        "broker 1 has sasl.oauthbearer.jwt.validator.class",
        "BrokerJwtValidator",
    ),
]
CLOCK_CASES = [
    (facts(clocks=NO), UNKNOWN, "clocks", "TopicAuthorization", "meldingsvakt doctor --probe"),
    (facts(clocks={1: Skew(0, 0)}), UNKNOWN, "clocks", "broker 2 appended nothing", "--probe"),
    (
        facts(clocks=dict.fromkeys((1, 2, 3), Skew(2, 2.1))),
        WARNING,
        "clocks",
        "broker 1 is 2.0 s ahead of this machine",
        "chronyc",
    ),
    (
        facts(clocks=dict.fromkeys((1, 2, 3), Skew(-2.5, -2))),
        WARNING,
        "clocks",
        "broker 3 is 2.0 s behind this machine",
        "chronyc",
    ),
    (
        facts(clocks=dict.fromkeys((1, 2, 3), Skew(-400, -301))),
        FAULT,
        "clocks",
        "more than the smallest grace (300 s)",
        "chronyc",
    ),
    (
        facts(clocks={1: Skew(0.9, 0.9), 2: Skew(-0.9, -0.9), 3: Skew(0, 0)}),
        WARNING,
        "clocks",
        "two brokers' clocks are 1.8 s apart",
        "chronyc",
    ),
    (
        facts(clocks={1: Skew(200, 200), 2: Skew(-200, -200), 3: Skew(0, 0)}),
        FAULT,
        "clocks",
        "400.0 s apart",
        "chronyc",
    ),
]


@pytest.mark.parametrize(("seen", "state", "check", "found", "advice"), [*ACCESS_CASES, *LOGIN_CASES, *CLOCK_CASES])
def test_what_is_wrong_is_said_with_what_to_do(
    seen: Facts, state: FindingState, check: str, found: str, advice: str
) -> None:
    expect(seen, state, check, found, advice)


def test_a_certificate_that_is_good_for_long_and_a_broker_that_looks_at_tokens_are_right() -> None:
    validator = VALIDATOR.replace("Default", "Broker")
    seen = brokers(config={"sasl.oauthbearer.jwt.validator.class": validator})
    assert trouble(facts(kafka=TOKEN, brokers=seen, certificate_until=NOW + timedelta(days=60))) == []


def test_nothing_is_wrong_with_a_healthy_cluster() -> None:
    assert trouble(facts()) == []


def test_every_check_says_something() -> None:
    checks = {finding.check for finding in findings(facts())}
    assert checks == {
        "policy", "bootstrap", "login", "brokers", "versions", "broker settings", "topics", "partitions", "replication",
        "topic settings", "append times", "retention", "permissions", "workers", "coverage", "offsets",
        "transactional ids", "open transactions", "clocks",
    }  # fmt: skip


def test_no_secret_is_shown() -> None:
    assert "not to be seen" not in repr(findings(facts(kafka=SASL, may_transact=False, group=NO)))
