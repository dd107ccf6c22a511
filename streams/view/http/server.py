"""`meldingsvakt view`: the web server around one desk."""

import signal
import socket
import sys
from contextlib import suppress

import uvicorn

from streams.access.grants import grants_of
from streams.addresses import is_loopback
from streams.console import say
from streams.errors import ConfigurationError, InDoubt
from streams.exits import end
from streams.kafka.batches import read_batches_within
from streams.logs import set_up_logging
from streams.settings import KafkaSettings, Settings
from streams.view.http.application import application
from streams.view.http.connection_limits import MOST_CONNECTIONS, BoundedHttp
from streams.view.services import Desk


def serve(kafka: KafkaSettings, settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConfigurationError, also while it runs, when what is read is not ours."""
    set_up_logging(settings)
    read_batches_within(settings.max_batch_bytes)
    grants = grants_of(settings)
    if grants.tokens is None:
        _ensure_on_loopback(settings)
    with _listening(settings) as listening:
        failures: list[BaseException] = []

        def failed(error: BaseException) -> None:
            failures.append(error)
            server.should_exit = True

        app = application(Desk(kafka, settings), failed, grants)
        server = uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5,
                http=BoundedHttp, ws="none", proxy_headers=False, limit_concurrency=MOST_CONNECTIONS,
            )
        )  # fmt: skip
        host, port = listening.getsockname()[:2]
        say(f"The view is at http://{host}:{port}/")
        if grants.tokens is None:
            say("It asks nobody for a token: whoever can reach this address sees all that it shows.")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises it again when it has stopped
        with suppress(KeyboardInterrupt):
            server.run([listening])
    for failure in failures:
        if isinstance(failure, InDoubt):
            end(str(failure))
        raise failure


def _ensure_on_loopback(settings: Settings) -> None:
    """Closed by default: where nobody is asked for a token, only this machine may ask."""
    if not is_loopback(settings.view_host) and not settings.view_unprotected:
        raise ConfigurationError(
            f"The view does not listen on {settings.view_host} without tokens: set MELDINGSVAKT_VIEW_ISSUER, "
            "MELDINGSVAKT_VIEW_AUDIENCE and MELDINGSVAKT_VIEW_JWKS, or MELDINGSVAKT_VIEW_HOST to 127.0.0.1."
        )


def _listening(settings: Settings) -> socket.socket:
    """Bind first: a port that is taken is said before anything is read."""
    try:
        return socket.create_server((settings.view_host, settings.view_port), backlog=2048, reuse_port=False)
    except OSError as error:
        raise ConfigurationError(
            f"The view cannot listen on {settings.view_host}:{settings.view_port} ({error.strerror}): set "
            "MELDINGSVAKT_VIEW_PORT to a free one."
        ) from None
