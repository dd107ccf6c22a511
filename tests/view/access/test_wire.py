"""Clients that mean no good, against a real server on a real port."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import psutil
import pytest

from streams.access import connection_limits
from streams.access.connection_limits import BoundedHttp
from streams.view.services import OPEN_PAGES_OF_ONE, Desk
from tests.view.access.issuer import BERGEN, NATIONAL, OSLO, SEVERAL, SQL, Issuer, Recorded
from tests.view.conftest import desk_with
from tests.view.serving import listening
from tests.view.stock import changes, state

SUMMARY = b"GET /api/v1/summary HTTP/1.1\r\nHost: localhost\r\n"

HIDDEN = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Raw:
    """A connection, byte by byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send; a connection that is closed meanwhile is what some tests wait for."""
        with suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def all(self, seconds: float = 10) -> bytes:
        """Everything until the server closes."""
        found = b""
        with suppress(ConnectionError):
            async with asyncio.timeout(seconds):
                while part := await self.reader.read(65536):
                    found += part
        return found

    async def status(self) -> int:
        """The status of the next answer; 0 where the connection was closed instead."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
            lines = head.lower().split(b"\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
            await self.reader.readexactly(length)
            return int(head.split(b" ")[1])
        return 0


class Served:
    """A server at work."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.opened: list[Raw] = []

    async def open(self) -> Raw:
        """A new connection."""
        self.opened.append(Raw(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.opened[-1]

    async def works(self) -> bool:
        """True if somebody else is answered, and soon."""
        began = time.monotonic()
        raw = await self.open()
        await raw.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return await raw.status() == 200 and time.monotonic() - began < 2


@asynccontextmanager
async def serving(desk: Desk) -> AsyncIterator[Served]:
    """The real application under the server that `meldingsvakt view` runs."""
    async with listening(desk) as port:
        served = Served(port)
        try:
            yield served
        finally:
            for raw in served.opened:
                raw.writer.close()


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    desk = desk_with()
    async with serving(desk) as made:
        yield made
    await desk.stop()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEAD_SECONDS", 0.4)
    monkeypatch.setattr(connection_limits, "STALLED_SECONDS", 0.4)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("drip", [b"", b"G", b"\r\n", SUMMARY, SUMMARY + b"X-More: "])
async def test_a_client_that_does_not_come_to_the_point_is_cut_off(served: Served, drip: bytes) -> None:
    raw = await served.open()
    began = time.monotonic()
    dripping = asyncio.create_task(_drip(raw, drip))
    answer = await raw.all()
    dripping.cancel()
    assert time.monotonic() - began < 2
    assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
    assert await served.works()


async def _drip(raw: Raw, first: bytes) -> None:
    await raw.send(first)
    while True:
        await asyncio.sleep(0.1)
        await raw.send(b"x" if first.endswith(b": ") else b"\r\n" if first == b"\r\n" else b"")


@pytest.mark.usefixtures("hasty")
async def test_a_connection_that_is_kept_is_not_kept_by_drops(served: Served) -> None:
    raw = await served.open()
    await raw.send(SUMMARY + b"\r\n")
    assert await raw.status() == 200
    dripping = asyncio.create_task(_drip(raw, b"\r\n"))
    began = time.monotonic()
    await raw.all()
    dripping.cancel()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "head",
    [
        b"GET /api/v1/summary?" + b"x" * 40_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        SUMMARY + b"X-Long: " + b"x" * 40_000 + b"\r\n\r\n",
        SUMMARY + b"".join(b"X-%d: y\r\n" % n for n in range(5_000)) + b"\r\n",
        SUMMARY + b"x" * 40_000,
    ],
)
async def test_a_head_that_is_too_long_is_refused(served: Served, head: bytes) -> None:
    raw = await served.open()
    for at in range(0, len(head), 1000):
        await raw.send(head[at : at + 1000])
        await asyncio.sleep(0.002)  # so that it comes in pieces
    answer = await raw.all(5)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 431 ", b"HTTP/1.1 400 "))  # a reset can overtake it
    assert await served.works()


async def test_requests_behind_one_that_is_not_answered_yet_are_refused(served: Served) -> None:
    """There would be no end to how many wait."""
    raw = await served.open()
    await raw.send(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"event: state" in await raw.reader.readuntil(b"\n\n")
    await raw.send(HIDDEN * 100)
    answer = await raw.all(5)
    assert answer == b"" or b"HTTP/1.1 400 " in answer
    assert b'"alive":true' not in answer
    assert await served.works()


async def test_endless_fields_behind_a_body_are_refused(served: Served) -> None:
    raw = await served.open()
    await raw.send(b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    for _ in range(60):
        await raw.send(b"X-More: " + b"x" * 1000 + b"\r\n")
    assert (await raw.all()).startswith(b"HTTP/1.1 400 ")
    assert await served.works()


SMUGGLED = {
    "length and chunked": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"Content-Length: 0\r\nContent-Length: 37\r\n\r\n" + HIDDEN,
    "a length with a sign": b"Content-Length: +0\r\n\r\n" + HIDDEN,
    "a length in words": b"Content-Length: 0x25\r\n\r\n" + HIDDEN,
    "chunked, otherwise": b"Transfer-Encoding: xchunked\r\n\r\n" + HIDDEN,
    "chunked twice": b"Transfer-Encoding: chunked, identity\r\n\r\n" + HIDDEN,
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a folded line": b"X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "a chunk with a sign": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + HIDDEN,
    "a NUL in a name": b"X\0A: b\r\n\r\n" + HIDDEN,
}


@pytest.mark.parametrize("how", SMUGGLED)
async def test_no_request_is_hidden_in_another(served: Served, how: str) -> None:
    raw = await served.open()
    await raw.send(b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\n" + SMUGGLED[how])
    answers = await raw.all(3)
    assert b'"alive":true' not in answers
    assert answers.count(b"HTTP/1.1 ") <= 1
    assert await served.works()


async def test_a_body_that_never_ends_is_given_up(keys: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.access.gate.BODY_SECONDS", 0.4)
    desk = keys.desk()
    async with serving(desk) as served:
        raw = await served.open()
        head = f"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {keys.token(NATIONAL, SQL)}\r\n"
        await raw.send(head.encode() + b"Content-Length: 1000\r\n\r\n{")
        assert await raw.status() == 408
        assert await served.works()
    await desk.stop()


@pytest.mark.usefixtures("hasty")
async def test_a_reader_that_takes_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_with()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    monkeypatch.setattr("streams.view.page.live._states", lambda seat: endless())
    async with serving(desk) as served:
        raw = await served.open()
        await raw.send(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await asyncio.sleep(1.5)
        assert await served.works()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(raw.reader.readexactly(2**30), 20)
    await desk.stop()


@pytest.mark.usefixtures("hasty")
async def test_a_reader_that_is_slow_but_steady_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, size = desk_with(), 6 << 20

    async def long() -> AsyncIterator[bytes]:
        for _ in range(size >> 16):
            yield b"x" * 65536

    monkeypatch.setattr("streams.view.page.live._states", lambda seat: long())
    async with serving(desk) as served:
        raw = await served.open()
        await raw.send(b"GET /live HTTP/1.0\r\nHost: localhost\r\n\r\n")
        await raw.reader.readuntil(b"\r\n\r\n")
        taken, began = 0, time.monotonic()
        while part := await raw.reader.read(65536):
            taken += len(part)
            await asyncio.sleep(0.03)
        assert taken >= size
        assert time.monotonic() - began > 5 * connection_limits.STALLED_SECONDS
        assert await served.works()
    await desk.stop()


@pytest.mark.usefixtures("hasty")
async def test_no_answer_is_taken_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "LONGEST_SECONDS", 1.0)
    desk = desk_with()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    monkeypatch.setattr("streams.view.page.live._states", lambda seat: endless())
    async with serving(desk) as served:
        raw = await served.open()
        await raw.send(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        began = time.monotonic()
        await raw.all(20)  # it reads all the time
        assert 0.9 < time.monotonic() - began < 10
    await desk.stop()


async def test_downloads_that_nobody_reads_hold_little_and_are_few(keys: Issuer) -> None:
    desk = keys.desk()
    desk.record = Recorded()  # type: ignore[assignment]
    desk.store.apply(changes([state(number) for number in range(500)]))
    desk.store.connection.execute(
        "INSERT INTO reports BY NAME SELECT r.* REPLACE (uuid() AS report_id) FROM reports r, range(40) t(i)"
    )
    process = psutil.Process()

    def ours() -> int:
        """What the process holds beside the database, which has a limit of its own."""
        ((held,),) = desk.store.connection.execute("SELECT sum(memory_usage_bytes) FROM duckdb_memory()").fetchall()
        return int(process.memory_info().rss - held)

    async with serving(desk) as served:
        head = "GET /api/v1/reports.{} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n"
        held: list[int] = []
        statuses: list[int] = []
        for organisation in (OSLO, BERGEN, SEVERAL):
            token = keys.token(NATIONAL, organisation=organisation)
            for suffix in ("ndjson", "csv", "ndjson"):
                raw = await served.open()
                await raw.send(head.format(suffix, token).encode())
                statuses.append(int((await raw.reader.readuntil(b"\r\n\r\n")).split(b" ")[1]))
            await asyncio.sleep(0.5)
            held.append(ours())
        assert statuses == [200, 200, 429] * 3
        assert (held[-1] - held[0]) >> 20 < 4 * 20
        assert await served.works()
    await desk.stop()


async def test_one_organisation_takes_not_all_live_streams(keys: Issuer) -> None:
    desk = keys.desk()
    async with serving(desk) as served:
        head = "GET /live HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n"

        async def opened(organisation: str) -> tuple[Raw, int]:
            raw = await served.open()
            await raw.send(head.format(keys.token(NATIONAL, organisation=organisation)).encode())
            return raw, int((await raw.reader.readuntil(b"\r\n\r\n")).split(b" ")[1])

        mine = [await opened(OSLO) for _ in range(OPEN_PAGES_OF_ONE + 1)]
        assert [status for _, status in mine] == [200] * OPEN_PAGES_OF_ONE + [429]
        assert (await opened(BERGEN))[1] == 200
        mine[0][0].writer.close()
        await asyncio.sleep(1.5)
        assert (await opened(OSLO))[1] == 200
    await desk.stop()


async def test_a_thousand_connections_that_say_nothing_keep_nobody_out(served: Served) -> None:
    for _ in range(1000):
        await served.open()
    for _ in range(3):
        assert await served.works()
    assert len(BoundedHttp._waiting) <= connection_limits.MOST_WAITING


async def test_endless_marks_between_the_pieces_of_a_body_are_refused(served: Served) -> None:
    raw = await served.open()
    await raw.send(b"POST /api/v1/sql HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;")
    for _ in range(200):
        await raw.send(b"x" * 1000)
        await asyncio.sleep(0)
    answer = await raw.all(5)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 "))
    assert await served.works()
