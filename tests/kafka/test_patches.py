"""Connections that are cut, on the event loop that the worker runs on."""

import asyncio
import contextlib
import gc
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import trustme
import uvloop
from aiokafka import conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from streams.kafka.patches import Connection


def told(connection_class: Any) -> type[BaseException] | None:
    """What a request over a connection that is closed is told, on uvloop."""

    async def send() -> type[BaseException] | None:
        server = await asyncio.start_server(lambda reader, writer: writer.transport.abort(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.abort()
        await asyncio.sleep(0.05)
        connection = connection_class("127.0.0.1", port)
        connection._versions, connection._writer = {3: (0, 1)}, writer
        try:
            connection.send(MetadataRequest([]), expect_response=False)
        except Exception as error:  # noqa: BLE001 - which it is, is the question
            return type(error)
        finally:
            server.close()
            await server.wait_closed()
            await asyncio.sleep(0.05)
        return None

    found: type[BaseException] | None = uvloop.run(send())
    return found


def test_a_connection_that_was_cut_is_an_error_that_passes() -> None:
    assert told(Connection) is KafkaConnectionError


def test_aiokafkas_own_would_end_its_fetching() -> None:
    """If this fails, aiokafka has learned it, and ours can go."""
    assert told(Connection.__base__) is RuntimeError


def test_every_client_gets_such_connections() -> None:
    assert conn.AIOKafkaConnection is Connection


AUTHORITY = trustme.CA()


@pytest.fixture
def silent_server() -> Iterator[tuple[int, threading.Event]]:
    """A TLS server that shakes hands and then neither reads nor closes, and what ends it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError), context.wrap_socket(listening.accept()[0], server_side=True):
                ended.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], ended
        ended.set()
        thread.join()


class Unasked:
    """A connection that does not ask the peer what it can do."""

    async def _do_version_lookup(self) -> None:
        pass


def tls_connection(connection_class: Any, port: int) -> Any:
    """A connection over TLS to the server at a port."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    made = type("Made", (Unasked, connection_class), {})
    return made("127.0.0.1", port, security_protocol="SSL", ssl_context=context)


async def seconds_to_close(connection_class: Any, port: int) -> float:
    """How long whoever closes a connection over TLS waits, up to five seconds."""
    connection = tls_connection(connection_class, port)
    await connection.connect()
    began = time.monotonic()
    await asyncio.wait([connection.close()], timeout=5)
    return time.monotonic() - began


@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_a_peer_that_does_not_say_goodbye_is_not_waited_for(
    run: Any, silent_server: tuple[int, threading.Event]
) -> None:
    assert run(seconds_to_close(Connection, silent_server[0])) < 1


def test_aiokafkas_own_would_wait_for_it(silent_server: tuple[int, threading.Event]) -> None:
    """If this fails, aiokafka has learned it, and ours can go."""
    port, ended = silent_server

    async def waited() -> float:
        seconds = await seconds_to_close(Connection.__base__, port)
        ended.set()
        await asyncio.sleep(0.2)
        return seconds

    assert uvloop.run(waited()) >= 5


@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_goodbye_is_said_over_tls(run: Any) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            # An end without a goodbye would be an error here.
            with context.wrap_socket(listening.accept()[0], server_side=True, suppress_ragged_eofs=False) as peer:
                heard.append(peer.recv(1))

        thread = threading.Thread(target=listen)
        thread.start()

        async def come_and_go() -> None:
            connection = tls_connection(Connection, listening.getsockname()[1])
            await connection.connect()
            await connection.close()

        run(come_and_go())
        thread.join()
    assert heard == [b""]


def left_open(connection_class: Any, port: int) -> list[str]:
    """What Python says is still open after a loop has ended in whose last moment a connection was closed."""

    async def close_and_leave() -> None:
        connection = tls_connection(connection_class, port)
        await connection.connect()
        connection.close()

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(close_and_leave())
        gc.collect()
    return [str(each.message) for each in said]


def test_a_connection_closed_as_the_loop_ends_is_closed(silent_server: tuple[int, threading.Event]) -> None:
    assert left_open(Connection, silent_server[0]) == []


def test_aiokafkas_own_stays_open(silent_server: tuple[int, threading.Event]) -> None:
    """If this fails, aiokafka has learned it, and ours can go."""
    assert left_open(Connection.__base__, silent_server[0])
