"""Permissions, on a broker that asks who one is and allows nothing by itself."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.protocol.admin import CreateAclsRequest
from pydantic import SecretStr

from streams.broker import EmbeddedKafka
from streams.doctor import FindingState, examine
from streams.doctor.gather.connections import Connections, TimeLeft
from streams.errors import ConfigurationError
from streams.kafka.topics import ensure_topics
from streams.settings import KafkaSettings, Settings

pytestmark = pytest.mark.kafka
LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
SETTINGS = Settings(partitions=2)
TOPIC, GROUP, TRANSACTIONAL_ID = 2, 3, 5
READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS = 3, 4, 8, 10
LITERAL, PREFIXED, ALLOW = 3, 4, 3


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


async def allow(kafka: KafkaSettings, *allowed: tuple[int, str, int, int]) -> None:
    connections = Connections(kafka, TimeLeft(10))
    try:
        await connections.bootstrap()
        for kind, name, pattern, operation in allowed:
            request = CreateAclsRequest(kind, name, pattern, "User:checker", "*", operation, ALLOW)
            await connections.ask(request)
    finally:
        connections.close()


def needed() -> list[tuple[int, str, int, int]]:
    both = [*SETTINGS.inputs, SETTINGS.output("state"), SETTINGS.output("coverage")]
    written = [SETTINGS.output(name) for name in ("messages", "missing", "rejected")]
    return [
        *((TOPIC, name, LITERAL, operation) for name in both for operation in (READ, WRITE, DESCRIBE_CONFIGS)),
        *((TOPIC, name, LITERAL, operation) for name in written for operation in (WRITE, DESCRIBE_CONFIGS)),
        *((TOPIC, SETTINGS.output("access"), LITERAL, operation) for operation in (DESCRIBE, DESCRIBE_CONFIGS)),
        (GROUP, SETTINGS.app_id, LITERAL, READ),
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

    await allow(inside, *needed())
    (transactions,) = await faults(checker(secured))
    assert transactions.found == "User:checker may not Write by the transactional ids reports-*"

    await allow(inside, (TRANSACTIONAL_ID, "reports-", PREFIXED, WRITE))
    assert await faults(checker(secured)) == []


async def test_a_wrong_password_is_said_in_one_sentence_without_it(secured: EmbeddedKafka) -> None:
    with pytest.raises(ConfigurationError, match="the broker does not know User:checker by this password") as raised:
        await asyncio.wait_for(examine(checker(secured, "not this one"), SETTINGS), 15)
    assert "not this one" not in str(raised.value)
