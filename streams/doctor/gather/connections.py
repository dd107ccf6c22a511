"""Connections to the brokers, each within its time, and why one could not be had."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Any, TypeVar

from aiokafka.conn import create_conn
from aiokafka.errors import KafkaError, for_code

from streams.doctor.facts import Unread
from streams.errors import ConfigurationError
from streams.kafka.client import addresses, client_options
from streams.kafka.denials import nobody_answers, why
from streams.settings import KafkaSettings

STEP_SECONDS = 4.0
AGAIN, AGAIN_SECONDS = 4, 0.3

T = TypeVar("T")


class TimeLeft:
    """The time that is left for everything: a slow broker makes findings unknown, never the answer late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until the answer must be given."""
        return max(0.0, self._ends - time.monotonic())

    async def attempt(
        self,
        ask: Callable[[], Awaitable[T]],
        seconds: float = STEP_SECONDS,
        explain: Callable[[BaseException], str] | None = None,
    ) -> T | Unread:
        """The answer, or why there is none. What may be better in a moment, as during an election, is asked again."""
        seconds = min(seconds, self.left())
        try:
            async with asyncio.timeout(seconds):
                for _ in range(AGAIN):
                    try:
                        return await ask()
                    except KafkaError as error:
                        if not error.retriable:
                            raise
                    await asyncio.sleep(AGAIN_SECONDS)
                return await ask()
        except TimeoutError as error:
            return Unread(explain(error) if explain else f"no answer within {seconds:.0f} s")
        # NotImplementedError and ValueError: a broker whose version of the answer is none that we know.
        except (KafkaError, OSError, NotImplementedError, ValueError) as error:
            return Unread((explain or reason)(error))


def reason(error: BaseException) -> str:
    """What went wrong, in a few words on one line and without what was sent."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    name = type(error).__name__
    text = str(error).split("\n", maxsplit=1)[0].removeprefix(f"[Error {getattr(error, 'errno', '')}] ")
    return text if name in text else f"{name}: {text}" if text else name


def refuse(code: int, what: str = "") -> None:
    """Raise the error that a broker's code stands for; 0 is none."""
    if code:
        raise for_code(code)(*([what] if what else []))


class Connections:
    """One connection a broker, by its id; `ask` raises KafkaError or OSError."""

    def __init__(self, kafka: KafkaSettings, patience: TimeLeft) -> None:
        self._patience = patience
        self._options = client_options(kafka)
        del self._options["bootstrap_servers"]
        self._addresses = addresses(kafka)
        self._why = partial(why, kafka=kafka)
        self._nodes: dict[int, Any] = {}
        self._first: Any = None

    async def bootstrap(self) -> Mapping[str, str | None]:
        """Try each bootstrap address on its own; why one does not answer. Raises ConfigurationError if none does."""
        opened = await asyncio.gather(
            *(
                self._patience.attempt(partial(self._open, *place), explain=self._why)
                for place in self._addresses.values()
            )
        )
        reasons: dict[str, str | None] = {}
        for address, connection in zip(self._addresses, opened, strict=True):
            reasons[address] = connection.why if isinstance(connection, Unread) else None
            if isinstance(connection, Unread):
                continue
            if self._first is None:
                self._first = connection
            else:
                connection.close()
        if self._first is None:
            raise ConfigurationError(nobody_answers({address: said or "" for address, said in reasons.items()}))
        return reasons

    async def connect(self, brokers: Iterable[tuple[int, str, int]]) -> Mapping[int, str]:
        """Connect to every broker where the cluster says that it is; why one cannot be reached."""
        several = list(brokers)
        opened = await asyncio.gather(
            *(self._patience.attempt(partial(self._open, host, port)) for _, host, port in several)
        )
        reasons: dict[int, str] = {}
        for (node_id, *_), connection in zip(several, opened, strict=True):
            if isinstance(connection, Unread):
                reasons[node_id] = connection.why
            else:
                self._nodes[node_id] = connection
        return reasons

    async def ask(self, request: Any, node_id: int | None = None) -> Any:
        """A broker's answer; of the one that answered first unless one is named. Raises KafkaError or OSError."""
        connection = self._first if node_id is None else self._nodes.get(node_id)
        if connection is None:
            raise ConnectionError(f"broker {node_id} cannot be reached")
        return await connection.send(request)

    def close(self) -> None:
        """Close them all."""
        for connection in filter(None, [self._first, *self._nodes.values()]):
            connection.close()

    async def _open(self, host: str, port: int) -> Any:
        return await create_conn(
            host, port, client_id="meldingsvakt-doctor", request_timeout_ms=int(STEP_SECONDS * 1000), **self._options
        )
