"""The doctor on a broker with locks: it knows who it is, and sees what is right and wrong with that."""

from pathlib import Path

import pytest

from streams.doctor import FindingState, findings
from streams.doctor.checks.login import VALIDATOR
from streams.doctor.gather.gather import gather
from streams.kafka.permissions import Right, worker_rights
from tests.system.secure.cluster import SecuredKafka, kafka_settings
from tests.system.secure.conftest import SecureWorld
from tests.system.secure.credentials import principal_of

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("secured broker")]
SEE_BROKERS = Right("cluster", "kafka-cluster", frozenset({"DescribeConfigs"}))


async def test_the_least_rights_are_enough_for_the_doctor_too(
    secured: SecuredKafka, secure_world: SecureWorld, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(secured.issuer.token("examined"))
    settings = secured.by_token_file(tmp_path / "token")
    world = await secure_world(settings)
    await secured.grant("User:examined", [*worker_rights(world.settings), SEE_BROKERS])
    facts = await gather(kafka_settings(settings), world.settings, probe=False)
    found = findings(facts)
    assert [each for each in found if each.state is FindingState.FAULT] == []
    (login,) = (each for each in found if each.check == "login")
    assert (login.state, login.found) == (FindingState.OK, "User:examined by SASL_SSL with OAUTHBEARER")
    (validator,) = facts.broker_setting(VALIDATOR).values()
    assert validator.endswith(".BrokerJwtValidator")


async def test_it_names_a_certificate_as_the_brokers_do(secured: SecuredKafka, secure_world: SecureWorld) -> None:
    settings = secured.by_certificate("looked-at")
    world = await secure_world(settings)
    facts = await gather(kafka_settings(settings), world.settings, probe=False)
    # Allowing it what is missing by that very name is what makes it disappear.
    missing = [each for each in findings(facts) if each.check == "permissions" and each.state is FindingState.FAULT]
    assert missing
    assert all(principal_of("looked-at") in each.found for each in missing)
    await secured.grant(facts.principal, worker_rights(world.settings))
    again = findings(await gather(kafka_settings(settings), world.settings, probe=False))
    assert [each for each in again if each.check == "permissions" and each.state is FindingState.FAULT] == []
    (login,) = (each for each in again if each.check == "login")
    assert (login.state, "expires" in login.found) == (FindingState.WARNING, True)
