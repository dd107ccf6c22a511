"""HTTP connections with bounds: on the length of headers, on how long a client may take, and on how many may wait.

uvicorn bounds none of these by itself: a client that sends a byte a minute keeps a connection for ever.
"""

import asyncio
import fcntl
import socket
import struct
import termios
from collections import OrderedDict
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES = 32 * 1024
BODY_BYTES = 128 * 1024  # with all that is around its chunks; what is in them has a bound of its own
HEAD_SECONDS = 10.0
# A reader that takes nothing for so long has gone, and holds what it was to be given; one that takes for longer than
# any answer needs holds a state of the tables that has long passed.
STALLED_SECONDS, LONGEST_SECONDS = 30.0, 3600.0
SENT_BYTES = 256 * 1024  # that the kernel holds for a reader
# Connections that ask nothing at the moment. One more closes the one that has waited longest.
MOST_WAITING = 500
MOST_CONNECTIONS = 1500  # connections in all; whoever asks on one more is told to come again


class BoundedHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1, with these bounds."""

    most_body_bytes: ClassVar[int] = BODY_BYTES
    _waiting: ClassVar["OrderedDict[BoundedHttp, None]"] = OrderedDict()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head, self._head_bytes, self._field_bytes, self._body_bytes = False, 0, 0, 0
        self._timer: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._longest: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the one above
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        _socket(transport).setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_BYTES)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._heard()
        self._answered()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the head of a request gets too long."""
        if self._timer is None and self._idle():
            self._wait()  # the next request on a connection that is kept
        if self._in_head:
            self._head_bytes += len(data)
        elif not self._idle():
            self._body_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif self._body_bytes > self.most_body_bytes:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        """The head of a request. One that comes while the one before is still being answered is refused: nobody needs
        it, and there would be no end to how many wait.
        """
        if not self._idle():
            raise ValueError
        self._in_head, self._head_bytes, self._field_bytes = True, 0, 0
        if self._timer is None:
            self._wait()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field, also one that follows a body."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head has come: its time no longer counts."""
        self._heard()
        self._longest = self.loop.call_later(LONGEST_SECONDS, self.transport.abort)
        self._in_head, self._head_bytes, self._body_bytes = False, 0, 0
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Answered: the connection is kept, as one of those that wait."""
        super().on_response_complete()
        self._answered()
        if not self.transport.is_closing():
            self._one_more_waits()

    def pause_writing(self) -> None:
        """The client does not read fast enough; one that reads nothing at all is given up."""
        super().pause_writing()
        if self._stalled is None:
            self._look_again(self._untaken())

    def resume_writing(self) -> None:
        """The client reads on."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def _look_again(self, before: int) -> None:
        self._stalled = self.loop.call_later(STALLED_SECONDS, self._look_at_reader, before)

    def _look_at_reader(self, before: int) -> None:
        """Slow is not gone, as long as something is taken."""
        left = self._untaken()
        if left >= before:
            self.transport.abort()
        else:
            self._look_again(left)

    def _untaken(self) -> int:
        """The bytes that the reader has not taken, here and in the kernel."""
        ours = int(self.transport.get_write_buffer_size())
        (kernels,) = struct.unpack("i", fcntl.ioctl(_socket(self.transport).fileno(), termios.TIOCOUTQ, bytes(4)))
        return ours + int(kernels)

    def _count(self, more: int) -> None:
        """An error in here ends the request as one that cannot be read."""
        self._field_bytes += more
        if self._field_bytes > HEAD_BYTES:
            raise ValueError

    def _idle(self) -> bool:
        return self.cycle is None or bool(self.cycle.response_complete)

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT)
        self._one_more_waits()

    def _one_more_waits(self) -> None:
        self._waiting[self] = None
        self._waiting.move_to_end(self)
        if len(self._waiting) > MOST_WAITING:
            longest = next(iter(self._waiting))
            longest._heard()
            longest.transport.abort()

    def _heard(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._waiting.pop(self, None)

    def _answered(self) -> None:
        if self._longest is not None:
            self._longest.cancel()
            self._longest = None

    def _refuse(self, status: HTTPStatus) -> None:
        self._heard()
        if not self.transport.is_closing():
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode())
            self.transport.close()


def _socket(transport: asyncio.Transport) -> socket.socket:
    found: socket.socket = transport.get_extra_info("socket")
    return found
