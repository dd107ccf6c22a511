"""The record of who looked at which report, on the access topic, because the law asks for one.

Nothing is shown before the record of it is safely in Kafka. Where Kafka cannot be reached, counts are still answered
and single reports are not.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.outputs import Access
from streams.access.tokens import Visitor
from streams.errors import sentence_of
from streams.kafka.client import client_options
from streams.kafka.denials import named
from streams.kafka.patches import ensure_working
from streams.problems import Problem
from streams.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

WAIT_SECONDS = 5.0
MOST_IDS = 1000
SQL_CHARACTERS, FILTER_CHARACTERS = 20_000, 4_000
# A page that is open asks again and again: for so long it is the same look.
SAME_LOOK_SECONDS, MOST_LOOKS = 600.0, 10_000
LOOKS = frozenset({"list", "read_events", "read_report", "read_statement"})


class AccessRecord:
    """Writes the record. Connects when it is first needed, and again when that failed."""

    def __init__(self, kafka: KafkaSettings, settings: Settings) -> None:
        self._kafka, self._settings = kafka, settings
        self._topic = settings.output("access")
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()
        self._looks: OrderedDict[int, float] = OrderedDict()

    async def write(self, visitor: Visitor, action: str, report_ids: Sequence[str], question: str | None) -> None:
        """Records of a thousand reports each, or of the question alone. Raises Problem unless they are in Kafka.

        Who looks at the same once more within some minutes is in the record already.
        """
        _ensure_short(action, question)
        look = hash((visitor, action, tuple(report_ids), question))
        if action in LOOKS and time.monotonic() - self._looks.get(look, -SAME_LOOK_SECONDS) < SAME_LOOK_SECONDS:
            return
        made = [
            Access(
                at=datetime.now(UTC),
                subject=visitor.subject,
                organisation=visitor.organisation,
                action=action,
                report_ids=list(report_ids[begin : begin + MOST_IDS]),
                question=(question or None) if begin == 0 else None,
            )
            for begin in range(0, max(1, len(report_ids)), MOST_IDS)
        ]
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._append(visitor.subject.encode(), [one.model_dump_json().encode() for one in made])
        except (KafkaError, OSError, TimeoutError) as error:
            log.error(
                "Who looked cannot be recorded, so single reports are not shown: %s",
                await named(error, self._kafka, "Write"),
            )
            raise Problem(
                "access-not-recorded",
                "Single reports are shown only when it can be recorded who looks, and Kafka cannot be written to: try "
                "again, or ask for counts.",
                status=HTTPStatus.SERVICE_UNAVAILABLE,
            ) from None

        self._looks[look] = time.monotonic()
        self._looks.move_to_end(look)
        if len(self._looks) > MOST_LOOKS:
            self._looks.popitem(last=False)

    async def close(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def _append(self, key: bytes, values: Sequence[bytes]) -> None:
        producer = await self._connected()
        await asyncio.gather(*[await producer.send(self._topic, value, key=key) for value in values])

    async def _leave_what_has_ended(self) -> None:
        """A client of which a task has ended would never write again."""
        producer = self._producer
        if producer is None:
            return
        try:
            ensure_working(producer)
        except KafkaError as error:
            log.warning("The record of who looked is connected anew: %s.", sentence_of(error))
            self._producer = None
            await producer.stop()

    async def _connected(self) -> AIOKafkaProducer:
        async with self._connecting:
            await self._leave_what_has_ended()
            if self._producer is None:
                producer = AIOKafkaProducer(
                    **client_options(self._kafka), acks="all", enable_idempotence=True, linger_ms=2,
                    request_timeout_ms=int(WAIT_SECONDS * 1000),
                )  # fmt: skip
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer


def _ensure_short(action: str, question: str | None) -> None:
    most = SQL_CHARACTERS if action == "query" else FILTER_CHARACTERS
    if question and len(question) > most:
        raise Problem(
            "question-too-long",
            f"A question of more than {most} characters cannot be recorded: shorten it.",
            status=HTTPStatus.BAD_REQUEST,
        )
