"""The view's record of who looked, with the least rights and without them."""

import logging

import pytest

from streams.access.access_log import AccessRecord
from streams.access.tokens import Visitor
from streams.kafka.permissions import view_rights
from streams.problems import Problem
from tests.system.secure.cluster import SecuredKafka, kafka_settings
from tests.system.secure.conftest import SecureWorld
from tests.system.secure.credentials import principal_of

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("secured broker")]


async def test_who_looked_is_recorded_with_the_least_rights_and_without_them_it_is_said_which_is_missing(
    secured: SecuredKafka, secure_world: SecureWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world = await secure_world({})
    kafka = kafka_settings(secured.by_certificate("recording"))
    visitor, principal = Visitor("nurse-7", "912345678", frozenset()), principal_of("recording")
    *reading, access = view_rights(world.settings)
    await secured.grant(principal, [access._replace(operations=frozenset({"Describe"}))])
    refused, record = AccessRecord(kafka, world.settings), AccessRecord(kafka, world.settings)
    try:
        with caplog.at_level(logging.ERROR), pytest.raises(Problem):
            await refused.write(visitor, "summary", [], None)
        assert f"{principal} may not Write any topic: allow it" in caplog.text
        await secured.grant(principal, [*reading, access])
        await record.write(visitor, "list", ["00000000-0000-4000-8000-000000000000"], None)
    finally:
        await refused.close()
        await record.close()
    assert [value["subject"] for value in await world.values("access")] == ["nurse-7"]
