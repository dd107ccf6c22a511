"""A small TCP proxy in front of each broker: it can be slow, hang, or cut every connection."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

CHUNK_BYTES = 64 << 10
NO_LINGER = struct.pack("ii", 1, 0)  # close() then sends a reset, not an orderly end


class Proxy:
    """Listens on a free port of 127.0.0.1 and forwards to `target()`, which may change while it runs."""

    def __init__(self, target: Callable[[], int]) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.latency_seconds = 0.0
        self.port = 0
        self.delayed_chunks = 0
        self.cut = 0

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stall(self) -> None:
        """Take what comes and pass nothing on, as a network that drops every packet."""
        self._flowing.clear()

    def flow(self) -> None:
        """Pass everything on again."""
        self._flowing.set()
        self.latency_seconds = 0.0

    def reset(self) -> int:
        """Cut every connection with a reset; how many there were."""
        cut = 0
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
            writer.transport.abort()
            cut += 1
        self.cut += cut
        return cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the broker is down, or we are: the client sees its connection end
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target())
        self._writers.add(onward_writer)
        ways = [
            asyncio.create_task(self._pass_on(reader, onward_writer)),
            asyncio.create_task(self._pass_on(onward_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._writers.discard(onward_writer)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            onward_writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self.latency_seconds:
                self.delayed_chunks += 1
                await asyncio.sleep(self.latency_seconds)
            if not self._flowing.is_set():
                self.delayed_chunks += 1
                await self._flowing.wait()
            writer.write(data)
            await writer.drain()
