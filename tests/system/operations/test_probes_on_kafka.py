"""The worker's server while others do nothing but connect, on real sockets."""

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from streams.engine.health.server import MOST_PROBING
from tests.engine.conftest import MakeWorld
from tests.engine.world import Worker, World

pytestmark = [pytest.mark.kafka, pytest.mark.alone]

# The usual limit of a process, whatever this machine gives.
FEW_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
from streams.cli import main
main()
"""
IDLE = 1100
BEGINNINGS = (b"", b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")


@pytest.fixture(autouse=True)
async def enough_files() -> AsyncIterator[None]:
    """This process holds the other ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4 * IDLE), hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _occupy(worker: Worker) -> list[asyncio.StreamWriter]:
    """Connections that ask nothing, ask half of something, or take no notice of an answer."""
    writers = []
    for number in range(IDLE):
        _, writer = await asyncio.open_connection("127.0.0.1", worker.port)
        writer.write(BEGINNINGS[number % len(BEGINNINGS)])
        writers.append(writer)
    return writers


async def _probed(worker: Worker) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        began = time.monotonic()
        status, _ = await asyncio.wait_for(worker.get(path), 5)
        assert status == 200
        assert time.monotonic() - began < 2


async def test_probes_are_answered_while_over_a_thousand_connections_stand_idle(make_world: MakeWorld) -> None:
    world: World = await make_world(partitions=2)
    worker = world.worker(launcher=("-c", FEW_FILES))
    await worker.ready(60)
    writers = await _occupy(worker)
    try:
        for _ in range(3):
            await _probed(worker)
        assert len(list(Path(f"/proc/{worker.process.pid}/fd").iterdir())) < MOST_PROBING + 100
        async with world.announcements() as announced:
            report = await world.sent()
            assert (await announced.next())["report_id"] == report
        await _probed(worker)
    finally:
        for writer in writers:
            writer.close()
    assert worker.stop() == 0


async def test_only_what_there_is_to_ask_is_answered(make_world: MakeWorld) -> None:
    world: World = await make_world(partitions=1)
    worker = world.worker()
    await worker.ready(60)
    assert (await worker.get("/nothing"))[0] == 404
    assert (await worker.get("/metrics?x=1"))[0] == 200
    reader, writer = await asyncio.open_connection("127.0.0.1", worker.port)
    for request, status in ((b"HEAD /livez", b"200"), (b"POST /livez", b"405")):
        writer.write(request + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 " + status)
        if status == b"405":
            break
    writer.close()
