"""aiokafka's connections on uvloop and in its log, and its fetching, which must not end without a word."""

from typing import Any

from aiokafka import conn
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.admin import SaslAuthenticateRequest


class QuietLogin(SaslAuthenticateRequest):  # type: ignore[misc]  # aiokafka has no types for us
    """aiokafka writes every request into its debug log, passwords and tokens included: not this one."""

    def build(self, request_struct_class: Any) -> Any:
        """The request as it is sent, which shows nothing of itself."""
        quiet = type("QuietLogin", (request_struct_class,), {"__repr__": lambda _: "SaslAuthenticateRequest(***)"})
        return quiet(self._payload)


class TokenLogin(conn.OAuthAuthenticator):  # type: ignore[misc]
    """A broker that refuses a token says so in an answer that is no error yet: aiokafka takes it for success."""

    async def step(self, payload: bytes | None) -> Any:
        """RFC 7628, 3.2.3: whoever is told why sends one byte, and is then refused."""
        if self._token_sent and payload:
            return b"\x01", True
        return await super().step(payload)


class Connection(conn.AIOKafkaConnection):  # type: ignore[misc]
    """A connection that was cut is an error that passes, and what logs in is not logged.

    asyncio raises OSError or nothing when something is written to a connection that is closed, which aiokafka expects;
    uvloop raises RuntimeError, which ends the task that fetches, and nobody is told.
    """

    def authenticator_oauth(self) -> TokenLogin:
        """What logs in with a token."""
        return TokenLogin(sasl_oauth_token_provider=self._sasl_oauth_token_provider)

    def close(self, reason: Any = None, exc: BaseException | None = None) -> Any:
        """Close it; over TLS say goodbye and do not wait for the peer's.

        That wait is up to 30 s, in which a restore stands still, and a loop that ends meanwhile leaves the socket open.
        Nothing is lost: whoever waits for an answer is told that the connection is closed, goodbye or not.
        """
        transport = self._writer.transport if self._writer is not None else None
        closed = super().close(reason, exc)
        if transport is not None and self._ssl_context is not None:
            transport.abort()
        return closed

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """Send a request. Raises KafkaConnectionError when the connection is closed."""
        if isinstance(request, SaslAuthenticateRequest):
            request = QuietLogin(request._payload)
        try:
            return super().send(request, expect_response)
        except RuntimeError as error:
            self.close(reason=conn.CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error


def mend_connections() -> None:
    """From now on, every client of this process makes such connections."""
    conn.AIOKafkaConnection = Connection


def still_fetching(consumer: Any) -> None:
    """Raise KafkaError if a consumer's fetching has ended: it would wait for records for ever."""
    if consumer._fetcher._fetch_task.done():
        raise KafkaError("the client's fetching has ended by itself")
