"""A desk and a client a test: the real application over real tables, not connected to any Kafka."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from streams.settings import KafkaSettings, Settings
from streams.view.http.application import application
from streams.view.services import Desk
from streams.view.store.store import Store

MEMORY, LONG = "200MB", timedelta(days=3650)
NOWHERE = KafkaSettings(brokers="127.0.0.1:1")


@pytest.fixture
def store() -> Iterator[Store]:
    """Tables in memory."""
    made = Store(None, MEMORY, threads=1)
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where tables may be kept."""
    return tmp_path / "view.duckdb"


def failed(error: BaseException) -> None:
    """The feed is not started in these tests."""
    raise AssertionError from error


def asking(desk: Desk) -> httpx.AsyncClient:
    """A client of the real application; what it does not foresee comes out as an error of the test."""
    transport = httpx.ASGITransport(app=application(desk, failed))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


def desk_with(**settings: object) -> Desk:
    """A desk whose feed is not started."""
    given = {"keep": LONG, **settings}  # the reports of the tests are some months old
    return Desk(NOWHERE, Settings(view_memory=MEMORY, **given))  # type: ignore[arg-type]  # as the settings are


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A desk that shows rows, over empty tables."""
    made = desk_with()
    yield made
    await made.stop()


@pytest.fixture
async def counting() -> AsyncIterator[Desk]:
    """A desk that shows counts only."""
    made = desk_with(view_rows=False)
    yield made
    await made.stop()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """Asks the desk."""
    async with asking(desk) as made:
        yield made
