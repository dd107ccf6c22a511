"""A view with a real Kafka and a real worker behind it, and a browser in front of it."""

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest_asyncio
from playwright.async_api import Browser, Page

from tests.engine.world import World, free_port, receipt_value


class Viewing:
    """A view process over a world."""

    def __init__(self, world: World, **settings: str) -> None:
        port = free_port()
        self.world, self.address = world, f"http://127.0.0.1:{port}"
        self.reports: dict[str, str] = {}
        self._log = world.folder / f"view-{port}.log"
        self.process = world.process(("-m", "streams.cli", "view"), self._log, view_port=str(port), **settings)

    def output(self) -> str:
        """What it has said so far."""
        return self._log.read_text(errors="replace")

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask it."""
        return httpx.get(self.address + path, timeout=10, **options)

    def until(self, path: str, holds: Any, seconds: float = 30) -> Any:
        """Ask until an answer's JSON is as wanted; it."""
        deadline, said = time.monotonic() + seconds, None
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.output()
            try:
                said = self.get(path).json()
            except httpx.HTTPError:
                said = None
            if said is not None and holds(said):
                return said
            time.sleep(0.1)
        raise AssertionError(f"{path} says {said}\n{self.output()[-2000:]}")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(20)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def viewing(bootstrap: str) -> AsyncIterator[Viewing]:
    """A worker and a view over a few reports: three missing for different reasons, four stored."""
    world = World(bootstrap, partitions=2, allowance=1)
    await world.start()
    worker = world.worker()
    viewing = Viewing(world)
    try:
        await worker.ready()
        await _few_reports(viewing)
        viewing.until("/api/v1/summary", lambda said: said["total"]["missing"] == 3 and said["total"]["stored"] == 4)
        yield viewing
        assert viewing.stop() == 0, viewing.output()
    finally:
        if viewing.process.poll() is None:
            viewing.process.kill()
        await world.stop()


async def _few_reports(viewing: Viewing) -> None:
    world, reports = viewing.world, viewing.reports
    for number, municipality in enumerate(("0301", "4601", "1108", "5612")):
        reports[f"stored-{number}"] = await world.sent(receiver={"municipality": municipality}, form="PRIVAT")
        await world.stored(reports[f"stored-{number}"])
    reports["silent"] = await world.sent(receiver={"municipality": "4601", "district": "03"})
    reports["lied"] = await world.sent(receiver={"municipality": "1108"}, case_system_version="5.0.1")
    await world.put("receipt", receipt_value(reports["lied"], "MOTTATT"))
    reports["refused"] = await world.sent(receiver={"municipality": "1804"}, channel="SVARINN")
    await world.put("receipt", receipt_value(reports["refused"], "FEILET"))


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, viewing: Viewing) -> AsyncIterator[Page]:
    """An empty page that fails the test for every error it meets, and for every request to anywhere else."""
    context = await browser.new_context(base_url=viewing.address, locale="nb-NO", accept_downloads=True)
    opened = await context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    ours = (viewing.address, "data:", "blob:")
    opened.on("request", lambda request: None if request.url.startswith(ours) else faults.append(request.url))
    yield opened
    await context.close()
    assert not [fault for fault in faults if "404" not in fault and "422" not in fault], faults
