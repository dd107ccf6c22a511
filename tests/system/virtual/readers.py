"""The bytes that the engine reads and writes: a log of records, its outputs, and a consumer that reads both."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
from aiokafka import TopicPartition

from streams.engine.restore import Restorer
from streams.records.record import HEADER
from streams.settings import KafkaSettings, Settings
from tests.system.virtual.kafka import START, TOPICS, Committed, Kafka
from tests.system.virtual.shrink import value_of

SETTINGS = Settings()
INPUTS = dict(zip(TOPICS, SETTINGS.inputs, strict=True))
KINDS = {name: kind for kind, name in INPUTS.items()}
START_MS = round(START.timestamp() * 1000)
STATE, COVERAGE, MESSAGES = (SETTINGS.output(name) for name in ("state", "coverage", "messages"))


class Record(NamedTuple):
    """A record as a consumer gets it."""

    offset: int
    timestamp: int
    key: bytes
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_type: int = 1
    topic: str = ""
    partition: int = 0


@dataclass(slots=True)
class Kept(Committed):
    """What survives a crash, as bytes: by output topic the last value of each key. The rest is read from them."""

    topics: dict[str, dict[bytes, bytes | None]] = field(
        default_factory=lambda: {name: {} for name in (STATE, COVERAGE, MESSAGES)}
    )
    losses: list[tuple[str, int, int]] = field(default_factory=list)  # topic, from, to: published, or before the start
    # By topic and offset behind a loss: until when it was complete at the restart that found it.
    floors: dict[tuple[str, int], int] = field(default_factory=dict)
    # By topic that the first start did not find whole, the offset of the first record that it found; committed by then.
    begun: dict[str, int] = field(default_factory=dict)

    @property
    def first_start(self) -> list[tuple[str, int, int]]:
        """What the first start did not find any more of each input: the first losses."""
        return self.losses[: len(TOPICS)]


class ByteKafka(Kafka):
    """A log whose inputs lose their oldest records, and whose outputs are bytes."""

    committed: Kept

    def __init__(self, runner: asyncio.Runner) -> None:
        super().__init__()
        self.runner = runner
        self.begin = dict.fromkeys(TOPICS, 0)
        self.committed = Kept()
        self._values: dict[tuple[str, int], bytes] = {}

    def records(self, topic: str, start: int, end: int) -> list[Record]:
        """What a reader gets of these offsets: neither control records nor what was aborted."""
        entries = enumerate(self.logs[topic][start:end], start)
        return [self._record(topic, n) for n, entry in entries if entry.fact is not None or entry.mark is not None]

    def _record(self, topic: str, offset: int) -> Record:
        entry = self.logs[topic][offset]
        if entry.fact is None:
            assert entry.mark is not None
            return Record(offset, START_MS + entry.at, b"", None, ((HEADER, entry.mark),))
        value = self._values.get((topic, offset))
        if value is None:
            value = self._values[topic, offset] = orjson.dumps(value_of(entry.fact))
        return Record(offset, START_MS + entry.at, entry.fact.report_id.encode(), value)


class Reader:
    """As much of a consumer as restoring uses; inputs end at the last stable offset."""

    def __init__(self, kafka: ByteKafka) -> None:
        self._kafka = kafka
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()

    async def __aenter__(self) -> "Reader":
        return self

    async def __aexit__(self, *_error: object) -> None:
        return

    def assign(self, tps: Sequence[TopicPartition]) -> None:
        """Read these."""
        self._positions = dict.fromkeys(tps, 0)

    def seek(self, tp: TopicPartition, offset: int) -> None:
        """Go on at an offset."""
        self._positions[tp] = offset

    def pause(self, *tps: TopicPartition) -> None:
        """Not yet."""
        self._paused |= set(tps)

    def resume(self, *tps: TopicPartition) -> None:
        """Now."""
        self._paused -= set(tps)

    async def position(self, tp: TopicPartition) -> int:
        """The next offset."""
        return self._positions[tp]

    async def beginning_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the inputs begin; nothing is ever deleted from the outputs."""
        return {tp: self._kafka.begin[KINDS[tp.topic]] if tp.topic in KINDS else 0 for tp in tps}

    async def end_offsets(self, tps: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """Where they end."""
        kept = self._kafka.committed.topics
        return {tp: len(kept[tp.topic]) if tp.topic in kept else self._kafka.end(KINDS[tp.topic]) for tp in tps}

    async def getmany(self, **_how: Any) -> Mapping[TopicPartition, list[Record]]:
        """All that is left of the output topics."""
        found: dict[TopicPartition, list[Record]] = {}
        for tp, position in self._positions.items():
            if tp in self._paused:
                continue
            kept = list(self._kafka.committed.topics[tp.topic].items())
            found[tp] = [Record(n, 0, *kept[n], topic=tp.topic) for n in range(position, len(kept))]
            self._positions[tp] = len(kept)
        return found

    async def getone(self, tp: TopicPartition) -> Record:
        """The record at the position of an input."""
        position = self._positions[tp]
        return self._kafka.records(KINDS[tp.topic], position, position + 1)[0]


class VirtualRestorer(Restorer):
    """The engine's own, with readers in memory."""

    def __init__(self, kafka: ByteKafka) -> None:
        super().__init__(KafkaSettings(), SETTINGS)
        self._memory = kafka

    def _consumer(self, isolation: str) -> Any:
        return Reader(self._memory)
