"""Certificates that change while a worker runs, on a real broker: nothing is lost, nothing is said twice."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from streams.kafka.permissions import worker_rights
from tests.engine.world import World
from tests.system.faults.proxy import Proxy
from tests.system.secure.cluster import SecuredKafka
from tests.system.secure.conftest import SecureWorld
from tests.system.secure.credentials import Mounted, chain_pem, issue, key_pem, principal_of

# Certificates and tokens of a few seconds: no start may hang on how long they live.
pytestmark = [pytest.mark.kafka, pytest.mark.alone]
SHORT, TOKEN_SECONDS = timedelta(seconds=8), 3
NEW = "new connections use the new ones"


async def stream(world: World, missing: list[str], stop: asyncio.Event) -> None:
    """Reports all the while; every other one is stored."""
    while not stop.is_set():
        kept = await world.sent()
        await world.stored(kept)
        missing.append(await world.sent())
        await asyncio.sleep(0.1)


async def test_a_worker_goes_on_with_new_certificates_when_the_old_ones_are_worth_nothing(
    secured: SecuredKafka, secure_world: SecureWorld
) -> None:
    name = "rotated"
    settings = secured.by_certificate(name, brokers=secured.through_proxy)
    mounted = Mounted(secured.folder / "short-lived")
    mounted.put_pair(issue(secured.authority, name), secured.authority)
    world = await secure_world(settings | mounted.settings())
    await secured.grant(principal_of(name), worker_rights(world.settings))
    proxy, stop = Proxy(lambda: secured.cut_port), asyncio.Event()
    missing: list[str] = []
    await proxy.start(secured.proxy_port)
    try:
        worker = world.worker()
        await worker.ready(partitions=2)
        streaming = asyncio.create_task(stream(world, missing, stop))
        # One that ends soon.
        mounted.put_pair(issue(secured.authority, name, SHORT), secured.authority)
        old_ends = datetime.now(UTC) + SHORT
        assert proxy.reset() > 0
        await wait_for(lambda: NEW in worker.output())
        # Half of the next change first: what is used stays, and it is said.
        mounted.put(
            tls_crt=chain_pem(issue(secured.next_authority, name)),
            tls_key=key_pem(issue(secured.authority, name)),
            ca_crt=secured.authority.cert_pem.bytes(),
        )
        assert proxy.reset() > 0
        await wait_for(lambda: "the former ones stay in use" in worker.output())
        # Then all of it, from another authority; the old certificate expires, and every connection is cut.
        said = len(worker.output())
        mounted.put_pair(issue(secured.next_authority, name), secured.authority)
        await asyncio.sleep(max(0.0, (old_ends - datetime.now(UTC)).total_seconds() + 1))
        assert proxy.reset() > 0
        await wait_for(lambda: NEW in worker.output()[said:])
        await asyncio.sleep(2)
        stop.set()
        await streaming
        assert worker.process.poll() is None, worker.output()[-3000:]
        await world.complete_beyond(datetime.now(UTC) + timedelta(seconds=2.5))
    finally:
        await proxy.stop()
    announced = Counter(value["report_id"] for value in await world.values("missing"))
    assert announced == Counter(missing)


@pytest.mark.long
async def test_a_worker_goes_on_when_the_brokers_end_its_session_with_its_token(
    secured: SecuredKafka, secure_world: SecureWorld
) -> None:
    file = secured.folder / "renewed-token"
    file.write_text(secured.issuer.token("renewed", seconds=TOKEN_SECONDS))
    world = await secure_world(secured.by_token_file(file))
    await secured.grant("User:renewed", worker_rights(world.settings))
    stop, missing = asyncio.Event(), list[str]()
    renewing = asyncio.create_task(renew(secured, file))  # it may take longer than a token's life until it is ready
    worker = world.worker()
    await worker.ready(partitions=2)
    streaming = asyncio.create_task(stream(world, missing, stop))
    await asyncio.sleep(5 * TOKEN_SECONDS)
    stop.set()
    await streaming
    await world.complete_beyond(datetime.now(UTC) + timedelta(seconds=2.5))
    renewing.cancel()
    assert worker.process.poll() is None, worker.output()[-3000:]
    assert Counter(value["report_id"] for value in await world.values("missing")) == Counter(missing)


async def renew(secured: SecuredKafka, file: Path) -> None:
    """What a sidecar does: a new token well before the old one ends, in one step."""
    while True:
        file.with_suffix(".new").write_text(secured.issuer.token("renewed", seconds=TOKEN_SECONDS))
        file.with_suffix(".new").replace(file)
        await asyncio.sleep(TOKEN_SECONDS / 4)


async def wait_for(true: Callable[[], bool], seconds: float = 20) -> None:
    """Until it is true."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.1)
