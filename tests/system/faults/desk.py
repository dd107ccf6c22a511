"""Somebody who reads what is announced and decides what becomes of it: at once, wrongly, twice."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams.core.events import MISSING_TYPE, written
from streams.core.facts import Outcome

DECIDED_SHARE = 0.3  # of what is announced missing
LOOK_SECONDS = 0.1


class Desk:
    """Nothing is erased here: what that leaves depends on when a decision that hung comes into sight."""

    def __init__(self, bootstrap: str, prefix: str, rng: Random) -> None:
        self._bootstrap, self._topic, self._rng = bootstrap, f"{prefix}decision", rng
        self.decided = 0

    async def run(self, seen: Sequence[Any], wrong_home: Callable[[bytes], int]) -> None:
        """Decide on what is seen, as long as this runs."""
        known: set[str] = set()
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all", linger_ms=5) as producer:
            while True:
                for event in [one.event for one in seen if one.event["event_id"] not in known]:
                    known.add(event["event_id"])
                    if event["type"] == MISSING_TYPE and self._rng.random() < DECIDED_SHARE:
                        await self._decide(producer, event, wrong_home)
                await asyncio.sleep(LOOK_SECONDS)

    def decision(self, event: dict[str, Any], action: str, **changes: Any) -> dict[str, Any]:
        """A decision about a missing event."""
        value = {
            "decision_id": self._id(), "report_id": event["report_id"], "missing_event_id": event["event_id"],
            "action": action, "actor": {"subject": "someone"}, "decided_at": written(datetime.now(UTC)),
        }  # fmt: skip
        return value | changes

    async def _decide(self, producer: Any, event: dict[str, Any], wrong_home: Callable[[bytes], int]) -> None:
        close = self.decision(event, "close", outcome=self._rng.choice(list(Outcome)).value)
        more = self._rng.choice((
            close, self.decision(event, "reopen"), self.decision(event, "acknowledge"),
            self.decision(event, "reopen", missing_event_id=self._id()), {"report_id": event["report_id"]},
        ))  # fmt: skip
        for value in (close, more):
            key = event["report_id"].encode()
            partition = wrong_home(key) if self._rng.random() < 0.1 else None
            with suppress(KafkaError):  # whoever decides finds that out, and nobody else waits for it
                await producer.send_and_wait(self._topic, orjson.dumps(value), key=key, partition=partition)
                self.decided += 1

    def _id(self) -> str:
        return str(UUID(int=self._rng.getrandbits(128), version=4))
