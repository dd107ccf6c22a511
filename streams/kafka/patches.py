"""What is private to aiokafka and we rest on, all in one place; importing `streams.kafka` applies it.

Connections on uvloop and in the log, batches that no parser may end a worker by, and tasks, none of which may end
without a word. tests/real_kafka/test_patches.py says of each when ours can go.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, conn
from aiokafka.consumer import fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.protocol.admin import SaslAuthenticateRequest

from streams.kafka.batches import BatchRecords, Fetched
from streams.records.record import KafkaRecord

ABANDON_SECONDS = 5.0


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


class FetchResult(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka has no types for us
    """What was fetched of one partition: handed out many records at once instead of one by one."""

    _partition_records: Any

    def getall(self, max_records: int | None = None) -> list[KafkaRecord]:
        """The next records; fewer than there are where they would take too much memory at once."""
        if not self.check_assignment(self._topic_partition) or not self.has_more():
            return []
        records: list[KafkaRecord] = self._partition_records.take(max_records)
        self._update_position()
        if self._partition_records.over:
            self._partition_records = None
        return records


# Of what reads a fetch, by aiokafka's names.
OURS: dict[str, Any] = {"MemoryRecords": Fetched, "PartitionRecords": BatchRecords, "FetchResult": FetchResult}
THEIRS: dict[str, Any] = {name: getattr(fetcher, name) for name in OURS}


def apply() -> None:
    """From now on, every client of this process has such connections, and reads batches so."""
    conn.AIOKafkaConnection = Connection
    for name, own in OURS.items():
        setattr(fetcher, name, own)


class Consumer(AIOKafkaConsumer):  # type: ignore[misc]
    """A consumer that raises KafkaError in place of waiting for records that nobody fetches any more."""

    async def getone(self, *partitions: Any) -> Any:
        """The next record."""
        ensure_working(self)
        return await super().getone(*partitions)

    async def getmany(self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        """The next records."""
        ensure_working(self)
        return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)


def ensure_working(client: Any) -> None:
    """Raise KafkaError if a task has ended without which a consumer or producer waits for ever.

    aiokafka says so of some, and of none that was cancelled, which it does itself now and then; of its coordination it
    then says it as if whoever reads had been cancelled.
    """
    for doing, task, may_end in _tasks(client):
        if task is None or not task.done():
            continue
        error = None if task.cancelled() else task.exception()
        if isinstance(error, KafkaError):
            raise error
        if task.cancelled() or error is not None or not may_end:
            raise KafkaError(f"the client's {doing} has ended by itself") from error


def end_told_since(consumer: Any, tp: Any, since: float) -> int | None:
    """Where a partition ends, if a fetch has told after `since` (monotonic seconds); None if none has."""
    told = consumer.last_poll_timestamp(tp)
    if told is None or time.time() - told / 1000 > time.monotonic() - since:
        return None
    end: int | None = consumer.highwater(tp)
    return end


def _tasks(client: Any) -> Iterator[tuple[str, Any, bool]]:
    """What each task does, and whether it may end when its work is done."""
    if isinstance(client, AIOKafkaConsumer):
        coordinator = client._coordinator
        yield "fetching", client._fetcher._fetch_task, False
        if isinstance(coordinator, GroupCoordinator):
            yield "coordination with its group", coordinator._coordination_task, False
            yield "sending of heartbeats", coordinator._heartbeat_task, True
            yield "looking for committed offsets", coordinator._commit_refresh_task, True
        else:
            yield "looking for its partitions", coordinator._reset_committed_task, False
        yield "looking for leaders", client._client._sync_task, False
    else:
        yield "sending", client._sender.sender_task, False
        yield "looking for leaders", client.client._sync_task, False


async def close_connections(client: Any) -> None:
    """Close the connections of a consumer that does not stop."""
    await client._client.close()


async def abandon(producer: AIOKafkaProducer) -> None:
    """End a producer that is in doubt without waiting for its brokers, for which its own end would wait.

    What it has not committed is aborted when its successor begins, or by Kafka in time.
    """
    producer._closed = True
    task = producer._sender.sender_task
    if task is not None:
        task.cancel()
    await producer.client.close()
    if task is not None:
        await asyncio.wait({task}, timeout=ABANDON_SECONDS)
        if task.done() and not task.cancelled():
            task.exception()  # whoever was to be told of it has given up
    producer._message_accumulator.fail_all(KafkaError("the client was given up"))
    await producer.client.close()  # what it connected to meanwhile
