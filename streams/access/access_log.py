"""The record of who looked at which report, on the access topic, because the law asks for one.

Nothing is shown before the record of it is safely in Kafka. Where Kafka cannot be reached, counts are still answered
and single reports are not.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
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
QUESTION_CHARACTERS = 20_000


class AccessRecord:
    """Writes the record. Connects when it is first needed, and again when that failed."""

    def __init__(self, kafka: KafkaSettings, settings: Settings) -> None:
        self._kafka, self._settings = kafka, settings
        self._topic = settings.output("access")
        self._producer: AIOKafkaProducer | None = None
        self._connecting = asyncio.Lock()

    async def write(self, visitor: Visitor, action: str, report_ids: Sequence[str], question: str | None) -> None:
        """One record a report, or one for the question alone. Raises Problem unless all of them are in Kafka."""
        if question and len(question) > QUESTION_CHARACTERS:
            raise Problem(
                "question-too-long",
                f"A question of more than {QUESTION_CHARACTERS} characters cannot be recorded: shorten it.",
                status=HTTPStatus.BAD_REQUEST,
            )
        ids: Sequence[str | None] = report_ids or (None,)
        made = [
            Access(
                at=datetime.now(UTC),
                subject=visitor.subject,
                organisation=visitor.organisation,
                action=action,
                report_id=report_id,
                question=question or None,
            )
            for report_id in ids
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

    async def close(self) -> None:
        """Disconnect."""
        if self._producer is not None:
            await self._producer.stop()

    async def _append(self, key: bytes, values: Iterable[bytes]) -> None:
        producer = await self._connected()
        waiting = [await producer.send(self._topic, value, key=key) for value in values]
        await asyncio.gather(*waiting)

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
