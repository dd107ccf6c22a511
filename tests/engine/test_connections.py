"""Connections that are cut, on the event loop that the worker runs on; and fetching that ends by itself."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
from aiokafka import conn
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from streams.engine.connections import Connection, mend_connections, still_fetching


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


def test_every_client_gets_such_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conn, "AIOKafkaConnection", conn.AIOKafkaConnection)
    mend_connections()
    assert conn.AIOKafkaConnection is Connection


async def test_fetching_that_ended_is_not_waited_for() -> None:
    running = asyncio.create_task(asyncio.sleep(10))
    still_fetching(SimpleNamespace(_fetcher=SimpleNamespace(_fetch_task=running)))
    running.cancel()
    await asyncio.wait([running])
    with pytest.raises(KafkaError, match="ended by itself"):
        still_fetching(SimpleNamespace(_fetcher=SimpleNamespace(_fetch_task=running)))
