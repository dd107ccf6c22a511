"""Into Kafka: whatever waits goes into one transaction, and nobody is answered before it is committed."""

import asyncio
import logging
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import urlencode

from aiokafka.errors import InvalidProducerEpoch, KafkaError, ProducerFenced

from schemas.outputs import Access
from streams.access.tokens import Visitor
from streams.errors import ConfigurationError, InDoubt
from streams.intake.metrics import Written
from streams.kafka.denials import explained
from streams.kafka.partitioner import partition_of
from streams.kafka.topics import partition_counts
from streams.kafka.transaction import IN_DOUBT, TransactionalProducer, named_briefly
from streams.problems import Problem
from streams.records.record import Write
from streams.settings import KafkaSettings, Settings

log = logging.getLogger(__name__)

MOST_RECORDS = 20_000  # of one transaction; the last delivery in it comes whole
MOST_WAITING_RECORDS = 100_000
COMMIT_ANSWER_SECONDS = 15.0
AGAIN_SECONDS = 1.0
DELIVER = "deliver"
FENCED = (ProducerFenced, InvalidProducerEpoch)


class Delivered(NamedTuple):
    """Who delivered what, for the record of it: counts, and no id. `visitor` is None where nobody is asked."""

    visitor: Visitor | None
    kind: str
    feed: str | None
    counts: Counter[str]


class _Waiting(NamedTuple):
    """What somebody waits for."""

    records: Sequence[Write]
    delivered: Delivered
    done: "asyncio.Future[None]"


class Writer:
    """The intake's one transactional producer. It connects by itself, and anew after any doubt."""

    def __init__(self, kafka: KafkaSettings, settings: Settings, told: Written) -> None:
        self._kafka, self._settings, self._told = kafka, settings, told
        self._name = transactional_id(settings)
        self._waiting: deque[_Waiting] = deque()
        self._records_waiting = 0
        self._more = asyncio.Event()
        self._producer: TransactionalProducer | None = None
        self.partitions: int | None = None  # of every input; None until Kafka has been reached once
        self._explained: str | None = None
        self.trouble: str | None = "It has not reached Kafka yet."

    async def run(self) -> None:
        """Write on and on. Raises InDoubt when another process has taken its name."""
        try:
            while True:
                try:
                    producer = await self._connected()
                except (ConfigurationError, KafkaError, OSError, TimeoutError) as error:
                    self._tell(self._taken(), error)
                    await self._explain(error)
                    await asyncio.sleep(AGAIN_SECONDS)
                    continue
                await self._more.wait()
                await self._commit(producer, self._taken())
        finally:
            await self._disconnect()

    async def write(self, records: Sequence[Write], delivered: Delivered) -> None:
        """Come back when all of it, and the record of it, is committed. Raises Problem where that is not certain."""
        if self._records_waiting > MOST_WAITING_RECORDS:
            raise Problem(
                "too-much-waits",
                "More is being delivered than Kafka takes: send it again in a minute.",
                status=HTTPStatus.TOO_MANY_REQUESTS,
            )
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(records, delivered, done))
        self._records_waiting += len(records)
        self._more.set()
        try:
            async with asyncio.timeout(COMMIT_ANSWER_SECONDS):
                await done
        except TimeoutError:
            raise _not_certain() from None

    def input_partitions(self) -> int:
        """How many partitions the inputs have. Raises Problem where Kafka has not been reached yet."""
        if self.partitions is None:
            raise _not_certain()
        return self.partitions

    def _taken(self) -> list[_Waiting]:
        """What goes into the next transaction, in the order in which it came; who has gone is served all the same."""
        taken: list[_Waiting] = []
        size = 0
        while self._waiting and size < MOST_RECORDS:
            one = self._waiting.popleft()
            taken.append(one)
            size += len(one.records)
        self._records_waiting -= size
        if not self._waiting:
            self._more.clear()
        return taken

    async def _connected(self) -> TransactionalProducer:
        if self._producer is None:
            counts = await partition_counts(self._kafka, self._settings.inputs)
            self.partitions = counts[self._settings.facts[2]]
            producer = TransactionalProducer(self._kafka, self._settings, self._name)
            try:
                await producer.fence()
            except BaseException:
                await producer.abandon()
                raise
            self._producer = producer
            if self.trouble is not None:
                log.info("Writing to Kafka as %s.", self._name)
            self.trouble = self._explained = None
        return self._producer

    async def _commit(self, producer: TransactionalProducer, taken: list[_Waiting]) -> None:
        began = time.perf_counter()
        records = [record for one in taken for record in one.records]
        records += self._accounts(one.delivered for one in taken)
        try:
            if records:
                await producer.write(records)
        except (ConfigurationError, *IN_DOUBT) as error:
            self._tell(taken, error)
            await self._disconnect()
            await self._explain(error)
            if isinstance(error, FENCED):
                raise InDoubt(
                    f"Another process writes as {self._name}, or this one stood still for too long "
                    f"({named_briefly(error)}): ending. Give each intake a MELDINGSVAKT_INSTANCE_ID of its own, and "
                    "start it again."
                ) from error
            return
        self._told.committed(time.perf_counter() - began)
        for one in taken:
            if not one.done.done():
                one.done.set_result(None)

    def _accounts(self, delivered: Iterable[Delivered]) -> list[Write]:
        """The record of who delivered what: one for each sender, kind and feed of a transaction."""
        sums: dict[tuple[Visitor, str, str | None], Counter[str]] = {}
        for one in delivered:
            if one.visitor is not None:
                sums.setdefault((one.visitor, one.kind, one.feed), Counter()).update(one.counts)
        return [self._account(*whose, counts) for whose, counts in sums.items()]

    def _account(self, visitor: Visitor, kind: str, feed: str | None, counts: Counter[str]) -> Write:
        assert self.partitions is not None
        said = {"kind": kind} | ({"feed": feed} if feed else {}) | dict(sorted(counts.items()))
        account = Access(
            at=datetime.now(UTC),
            subject=visitor.subject,
            organisation=visitor.organisation,
            action=DELIVER,
            report_ids=[],
            question=urlencode(said),
        )
        key = visitor.subject.encode()
        topic = self._settings.output("access")
        return Write(topic, partition_of(key, self.partitions), key, account.model_dump_json().encode())

    def _tell(self, taken: list[_Waiting], error: BaseException) -> None:
        """Nobody knows whether it was written: who waits is told so, at once."""
        if self.trouble is None or taken:
            self.trouble = f"Kafka cannot be written to ({named_briefly(error)})."
        if taken:
            self._told.failed()
        for one in taken:
            if not one.done.done():
                one.done.set_exception(_not_certain())

    async def _explain(self, error: BaseException) -> None:
        """Say why, once for each reason: that may ask Kafka again."""
        why = str(error) if isinstance(error, ConfigurationError) else await explained(error, self._kafka, "Write")
        if why != self._explained:
            log.warning("Nothing can be written to Kafka, and it is tried again: %s", why)
        self.trouble = self._explained = why

    async def _disconnect(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()


def transactional_id(settings: Settings) -> str:
    """Of this process alone, and the same when it is started again: so it ends what it left open."""
    own = settings.instance_id or socket.gethostname()
    return f"{settings.app_id}-intake-{own}-{settings.intake_port or os.getpid()}"


def _not_certain() -> Problem:
    return Problem(
        "not-written",
        "Kafka has not confirmed that this was written: send the same again. What is said twice counts once, but for "
        "decisions without a decision_id; and of a report's receipts the last one counts.",
        status=HTTPStatus.SERVICE_UNAVAILABLE,
    )
