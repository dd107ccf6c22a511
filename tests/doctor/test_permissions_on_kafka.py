"""Permissions, on a broker that asks who one is and allows nothing by itself."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from streams.broker import EmbeddedKafka
from streams.doctor import FindingState, examine
from streams.errors import ConfigurationError
from streams.kafka.permissions import Right
from streams.kafka.topics import ensure_topics
from streams.settings import KafkaSettings, Settings
from tests.broker.rights import allow

pytestmark = pytest.mark.kafka
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
SETTINGS = Settings(partitions=2)
CHECKER = "User:checker"


@pytest.fixture(scope="module")
def secured() -> Iterator[EmbeddedKafka]:
    """A broker with an authoriser; whoever uses its internal listener may do everything."""
    with EmbeddedKafka(
        protocol="SASL_PLAINTEXT",
        settings={
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.client.scram-sha-512.sasl.jaas.config": LOGIN,
        },
        format_arguments=["--add-scram", "SCRAM-SHA-512=[name=checker,password=secret]"],
    ) as kafka:
        yield kafka


def checker(kafka: EmbeddedKafka, password: str = "secret") -> KafkaSettings:
    return KafkaSettings(
        brokers=kafka.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_username="checker",
        sasl_password=SecretStr(password),
    )


def needed() -> list[Right]:
    both = [*SETTINGS.inputs, SETTINGS.output("state"), SETTINGS.output("coverage")]
    written = [SETTINGS.output(name) for name in ("messages", "missing", "rejected")]
    return [
        *(Right("topic", name, frozenset({"Read", "Write", "DescribeConfigs"})) for name in both),
        *(Right("topic", name, frozenset({"Write", "DescribeConfigs"})) for name in written),
        Right("topic", SETTINGS.output("access"), frozenset({"Describe", "DescribeConfigs"})),
        Right("group", SETTINGS.app_id, frozenset({"Read"})),
    ]


async def faults(kafka: KafkaSettings) -> list[Any]:
    return [
        each
        for each in await examine(kafka, SETTINGS)
        if each.check == "permissions" and each.state is FindingState.FAULT
    ]


async def test_what_is_not_allowed_is_named_until_it_is(secured: EmbeddedKafka) -> None:
    inside = KafkaSettings(brokers=secured.internal_bootstrap)
    await ensure_topics(inside, SETTINGS, create=True)
    nothing = await faults(checker(secured))
    assert {each.found.rpartition(" ")[2] for each in nothing} >= {"reports.sent", "reports.state", "reports-*"}
    commands = "\n".join(each.advice for each in nothing)
    assert '--add --allow-principal "User:checker" --operation Read --group reports' in commands

    await allow(inside, CHECKER, needed())
    (transactions,) = await faults(checker(secured))
    assert transactions.found == "User:checker may not Write by the transactional ids reports-*"

    await allow(inside, CHECKER, [Right("transactional-id", "reports-", frozenset({"Write"}), prefixed=True)])
    assert await faults(checker(secured)) == []


async def test_a_wrong_password_is_said_in_one_sentence_without_it(secured: EmbeddedKafka) -> None:
    with pytest.raises(ConfigurationError, match="the broker does not know User:checker by this password") as raised:
        await asyncio.wait_for(examine(checker(secured, "not this one"), SETTINGS), 15)
    assert "not this one" not in str(raised.value)
