"""An audit needs leave to read the inputs and nothing else; without it one sentence says what is missing."""

import pytest

from streams.audit.topics.announcements import announced_live
from streams.audit.topics.reader import read_topics
from streams.errors import ConfigurationError
from streams.kafka.permissions import audit_rights
from tests.system.secure.cluster import SecuredKafka, kafka_settings
from tests.system.secure.conftest import SecureWorld
from tests.system.secure.credentials import principal_of

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("secured broker")]


async def test_the_least_rights_are_enough_and_without_one_it_is_named(
    secured: SecuredKafka, secure_world: SecureWorld
) -> None:
    kafka = kafka_settings(secured.by_certificate("auditor"))
    world = await secure_world({})
    await world.sent()
    rights = audit_rights(world.settings)
    inputs = [right for right in rights if right.name in world.settings.inputs]
    await secured.grant(
        principal_of("auditor"), [right._replace(operations=frozenset({"Describe"})) for right in inputs]
    )
    with pytest.raises(ConfigurationError, match=rf"may not Read the topic {world.name}\.sent: allow it"):
        [batch async for batch in read_topics(kafka, world.settings)]
    await secured.grant(principal_of("auditor"), inputs)
    batches = [batch async for batch in read_topics(kafka, world.settings)]
    assert sum(len(batch.records) for batch in batches) == 1
    with pytest.raises(ConfigurationError, match=rf"may not Describe the topic {world.name}\.missing"):
        await announced_live(kafka, world.settings)
    await secured.grant(principal_of("auditor"), rights)
    assert (await announced_live(kafka, world.settings)).table.num_rows == 0
