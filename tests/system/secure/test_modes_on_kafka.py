"""Every way to log in, from settings to an announcement, on a broker that allows nothing by itself."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from streams.errors import ConfigurationError
from streams.kafka.client import client_options
from streams.kafka.permissions import consumer_rights, topics_rights, worker_rights
from streams.kafka.topics import partition_counts
from tests.engine.world import World
from tests.examples import first
from tests.system.secure.cluster import SecuredKafka, kafka_settings
from tests.system.secure.conftest import SecureWorld
from tests.system.secure.credentials import principal_of

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("secured broker")]
MODES = ("mTLS", "OAUTHBEARER", "SCRAM-SHA-512", "PLAIN", "SCRAM-SHA-256")


def login(secured: SecuredKafka, mode: str, folder: Path) -> tuple[str, dict[str, str]]:
    """Who one is, and the settings."""
    if mode == "mTLS":
        return principal_of("mutual"), secured.by_certificate("mutual")
    if mode == "OAUTHBEARER":
        (folder / "token").write_text(secured.issuer.token("checker"))
        return "User:checker", secured.by_token_file(folder / "token")
    return "User:checker", secured.by_password(mode)


@pytest.mark.parametrize("mode", first(2, MODES))
async def test_a_worker_with_the_least_rights_announces_what_is_missing(
    mode: str, secured: SecuredKafka, secure_world: SecureWorld, tmp_path: Path
) -> None:
    principal, settings = login(secured, mode, tmp_path)
    await secured.revoke_all(principal)
    world = await secure_world(settings)
    await secured.grant(principal, worker_rights(world.settings))
    worker = world.worker()
    await worker.ready(partitions=2)
    stored, missing = await world.sent(), await world.sent()
    await world.stored(stored)
    async with world.announcements() as announced:
        assert (await announced.next())["report_id"] == missing
        await announced.none_for(0.5)
    assert {row["report_id"]: row["status"] for row in (await world.rows()).values()} == {
        stored: "stored",
        missing: "missing",
    }
    assert worker.stop() == 0


async def test_who_may_only_create_topics_creates_them(secured: SecuredKafka, secure_world: SecureWorld) -> None:
    principal = principal_of("maker")
    world = World(secured.inside.brokers, partitions=2)
    world.environment |= secured.by_certificate("maker")
    try:
        await secured.grant(principal, topics_rights(world.settings))
        done = await asyncio.to_thread(world.run, "topics")
        again = await asyncio.to_thread(world.run, "topics")
    finally:
        await world.stop()
    assert (done.returncode, done.stdout.count("created")) == (0, 10), done.stderr
    assert (again.returncode, again.stdout.count("verified")) == (0, 10), again.stderr


async def test_who_may_not_create_topics_is_told_so(secured: SecuredKafka) -> None:
    principal = principal_of("seer")
    world = World(secured.inside.brokers, partitions=2)
    world.environment |= secured.by_certificate("seer")
    seeing = [each._replace(operations=each.operations - {"Create"}) for each in topics_rights(world.settings)]
    try:
        await secured.grant(principal, seeing)
        done = await asyncio.to_thread(world.run, "topics")
    finally:
        await world.stop()
    assert done.returncode == 2
    assert done.stderr.startswith(f"meldingsvakt: {principal} may not Create the topic {world.name}.")
    assert len(done.stderr.splitlines()) == 1


async def test_a_consumer_with_the_least_rights_reads_announcements_and_nothing_else(
    secured: SecuredKafka, secure_world: SecureWorld
) -> None:
    kafka = kafka_settings(secured.by_certificate("consumer"))
    world = await secure_world({})
    await secured.grant(principal_of("consumer"), consumer_rights(world.settings, f"{world.name}-readers"))
    await world.put("missing", {"report_id": "announced"})
    options = client_options(kafka) | {"isolation_level": "read_committed", "auto_offset_reset": "earliest"}
    async with AIOKafkaConsumer(f"{world.name}.missing", group_id=f"{world.name}-readers", **options) as consumer:
        async with asyncio.timeout(15):
            assert b"announced" in (await consumer.getone()).value
        await consumer.commit()
    with pytest.raises(ConfigurationError, match=rf"may not Describe the topic {world.name}\.state"):
        await partition_counts(kafka, [f"{world.name}.state"])
