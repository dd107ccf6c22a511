"""A door: a process that answers over HTTP, and how far it is open."""

import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import uvicorn
from fastapi import FastAPI

from streams.access.connection_limits import MOST_CONNECTIONS, BoundedHttp
from streams.access.grants import Grants, grants_of
from streams.addresses import is_loopback
from streams.console import say
from streams.errors import ConfigurationError, InDoubt
from streams.exits import end
from streams.kafka.batches import read_batches_within
from streams.logs import set_up_logging
from streams.settings import Settings

Failed = Callable[[BaseException], None]
Application = Callable[[Failed, Grants], FastAPI]


class Door(NamedTuple):
    """`name` as sentences and the names of its settings have it: view, intake."""

    name: str
    host: str
    port: int
    unprotected: bool
    requests_a_minute: int
    most_body_bytes: Callable[[str], int | None]  # by path; None where the route itself reads within a bound
    protocol: type[BoundedHttp] = BoundedHttp

    @property
    def prefix(self) -> str:
        """Of its settings."""
        return f"MELDINGSVAKT_{self.name.upper()}_"


def serve_at(door: Door, settings: Settings, application: Application, unasked: str) -> None:
    """Serve until SIGTERM or Ctrl-C; `unasked` is said where nobody is asked for a token.

    Raises what the application's `failed` is told; ConfigurationError where the port is taken.
    """
    set_up_logging(settings)
    read_batches_within(settings.max_batch_bytes)
    grants = grants_of(settings)
    if grants.tokens is None:
        _ensure_on_loopback(door)
    with _listening(door) as listening:
        failures: list[BaseException] = []

        def failed(error: BaseException) -> None:
            failures.append(error)
            server.should_exit = True

        server = uvicorn.Server(
            uvicorn.Config(
                application(failed, grants), log_config=None, access_log=False, server_header=False,
                timeout_graceful_shutdown=5, http=door.protocol, ws="none", proxy_headers=False,
                limit_concurrency=MOST_CONNECTIONS,
            )
        )  # fmt: skip
        host, port = listening.getsockname()[:2]
        say(f"The {door.name} is at http://{host}:{port}/")
        if grants.tokens is None:
            say(unasked)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when it has stopped
        with suppress(KeyboardInterrupt):
            server.run([listening])
    for failure in failures:
        if isinstance(failure, InDoubt):
            end(str(failure))
        raise failure


def _ensure_on_loopback(door: Door) -> None:
    """Closed by default: where nobody is asked for a token, only this machine may ask."""
    if not is_loopback(door.host) and not door.unprotected:
        raise ConfigurationError(
            f"The {door.name} does not listen on {door.host} without tokens: set MELDINGSVAKT_VIEW_ISSUER, "
            f"MELDINGSVAKT_VIEW_AUDIENCE and MELDINGSVAKT_VIEW_JWKS, or {door.prefix}HOST to 127.0.0.1."
        )


def _listening(door: Door) -> socket.socket:
    """Bind first: a port that is taken is said before anything is read."""
    try:
        return socket.create_server((door.host, door.port), backlog=2048, reuse_port=False)
    except OSError as error:
        raise ConfigurationError(
            f"The {door.name} cannot listen on {door.host}:{door.port} ({error.strerror}): set {door.prefix}PORT to a "
            "free one."
        ) from None
