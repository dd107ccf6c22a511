"""aiokafka's connections on uvloop, and its fetching, which must not end without a word."""

from typing import Any

from aiokafka import conn
from aiokafka.errors import KafkaConnectionError, KafkaError


class Connection(conn.AIOKafkaConnection):  # type: ignore[misc]  # aiokafka has no types for us
    """A connection that was cut is an error that passes.

    asyncio raises OSError or nothing when something is written to a connection that is closed, which aiokafka expects;
    uvloop raises RuntimeError, which ends the task that fetches, and nobody is told.
    """

    def send(self, request: Any, expect_response: bool = True) -> Any:
        """Send a request. Raises KafkaConnectionError when the connection is closed."""
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
