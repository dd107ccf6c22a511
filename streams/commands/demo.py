"""The incident of 2020-2023 as a demo: on real Kafka in two minutes, or through the core on a virtual clock."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple
from uuid import uuid4

import orjson
import requests
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from rich.text import Text

from schemas.policy import parse_policy
from streams.broker import EmbeddedKafka
from streams.broker.process import GuardedProcess
from streams.commands.demo_story import Seen, Teller
from streams.commands.replay import PlayedLine, Replay
from streams.console import messages, say
from streams.core.events import MISSING_TYPE
from streams.core.rules import Rules
from streams.data import succession
from streams.errors import ConfigurationError
from streams.kafka.client import client_options
from streams.kafka.topics import ensure_topics
from streams.policies import policy_of
from streams.records.events import event_value
from streams.settings import KafkaSettings, Settings, load_settings
from streams.simulation.incident import Compressed, compressed, virtual
from streams.simulation.kafka import play
from streams.simulation.script import ScriptLine
from streams.simulation.verdict import Comparison, Watched, judge

SEED = 2020
LIVE_REPORTS = 4_000
VIRTUAL_REPORTS = 20_000
LIVE_SECONDS = 100.0
READY_SECONDS = 60
SETTLE_SECONDS = 15.0
DEMO_STOP_SECONDS = 30.0


class Result(NamedTuple):
    """What the demo found. `delays_seconds`: from alarm_at to the event being visible; empty on a virtual clock.

    `example`: the id of a report that was announced missing.
    """

    verdict: Comparison
    reports: int
    events: int
    delays_seconds: tuple[float, ...] = ()
    example: str | None = None

    def value(self) -> dict[str, Any]:
        """The result as JSON."""
        counts = self.verdict.counts
        return {
            "exact": self.verdict.exact,
            "verdict": str(self.verdict),
            "silence": self.verdict.silence,
            "reports": self.reports,
            "events": self.events,
            "counts": {name: getattr(counts, name) for name in counts.__slots__},
            "differences": {name: list(ids) for name, ids in self.verdict.differences.items()},
            "delay_seconds": self._delays(),
        }

    def _delays(self) -> dict[str, float] | None:
        if len(self.delays_seconds) < 2:
            return None
        cuts = quantiles(self.delays_seconds, n=100, method="inclusive")
        return {"p50": round(cuts[49], 3), "p99": round(cuts[98], 3), "max": round(max(self.delays_seconds), 3)}


def run_virtual(reports: int = VIRTUAL_REPORTS, seed: int = SEED) -> Result:
    """The three years in their own times and allowances, through the core, without Kafka."""
    story = virtual(reports, seed)
    rules = Rules(policy_of(parse_policy(story.policy_toml)), succession())
    lines = (PlayedLine(line.at, line.topic, orjson.dumps(line.value), _key(line)) for line in story.lines)
    watched = Watched()
    replay = Replay(rules, watch=watched.see)
    events = [event_value(event, positions=False) for event in replay.run(lines, story.until)]
    return Result(judge(story.truth, events, watched), len(story.truth), len(events))


def _key(line: ScriptLine) -> bytes:
    """As `replay` reads it: the report's id, or the feed whose mark it is."""
    key: str = line.value["feed" if line.topic == "feed" else "report_id"]
    return key.encode()


async def run_live(reports: int = LIVE_REPORTS, seed: int = SEED) -> Result:
    """The three years in two minutes, on real Kafka, through the worker that runs."""
    story = compressed(reports, seed, LIVE_SECONDS)
    kafka, settings = load_settings()
    async with _following(kafka, settings) as seen:
        say(
            f"Playing the years 2020 to 2023 in {story.settled_seconds:.0f} s: {len(story.truth)} reports, and a case "
            "system that confirms some of them without storing them."
        )
        await _play(kafka, settings, story, seen)
        values = [value for _, value in seen.events]
    delays = [at - _time(v["alarm_at"]) for at, v in seen.events if v["type"] == MISSING_TYPE]
    example = next((truth.report_id for truth in story.truth if truth.outcome == "missing"), None)
    return Result(judge(story.truth, values, seen.rows), len(story.truth), len(values), tuple(delays), example)


def _time(written: str) -> float:
    return datetime.fromisoformat(written).timestamp()


@contextmanager
def own_kafka() -> Iterator[dict[str, str]]:
    """The settings of the demo, for whoever wants to ask about it: an embedded Kafka unless KAFKA_BROKERS is set.

    Raises BrokerUnavailable.
    """
    with tempfile.TemporaryDirectory(prefix="meldingsvakt-demo-") as folder:
        policy = Path(folder) / "policy.toml"
        policy.write_text(compressed(0, SEED, LIVE_SECONDS).policy_toml, encoding="utf-8")
        chosen = {"MELDINGSVAKT_POLICY": str(policy), "MELDINGSVAKT_HTTP_PORT": str(_free_port(0))}
        if "MELDINGSVAKT_VIEW_PORT" not in os.environ:
            chosen["MELDINGSVAKT_VIEW_PORT"] = str(_free_port(Settings.model_fields["view_port"].default))
        if os.environ.get("KAFKA_BROKERS"):
            name = f"demo-{uuid4().hex[:8]}"  # another checker's topics must not be touched
            asked = {"MELDINGSVAKT_APP_ID": name, "MELDINGSVAKT_INPUT_PREFIX": f"{name}."}
            os.environ.update(chosen | asked)
            yield {"KAFKA_BROKERS": os.environ["KAFKA_BROKERS"], "MELDINGSVAKT_POLICY": str(policy)} | asked
            return
        say("Starting Apache Kafka.")
        with EmbeddedKafka() as kafka:
            asked = {"KAFKA_BROKERS": kafka.bootstrap, "MELDINGSVAKT_PARTITIONS": "6"}
            os.environ.update(chosen | asked)
            yield asked | {"MELDINGSVAKT_POLICY": str(policy)}


def _free_port(wanted: int) -> int:
    """The port that is wanted if it is free, else any that is."""
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            free.bind(("127.0.0.1", wanted))
        except OSError:
            free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def worker_and_view() -> Iterator[str]:
    """A worker and a view, as anybody would start them, once both are ready: the page's address.

    Raises ConfigurationError.
    """
    kafka, settings = load_settings()
    asyncio.run(ensure_topics(kafka, settings, create=True))
    page = f"http://{settings.view_host}:{settings.view_port}"
    with (
        _running("worker", f"http://{settings.http_host}:{settings.http_port}/readyz"),
        _running("view", f"{page}/readyz"),
    ):
        yield f"{page}/"


@contextmanager
def _running(name: str, ready: str) -> Iterator[None]:
    """A command in a process of its own until the block ends; its log goes to a file that is named."""
    folder = Path(tempfile.mkdtemp(prefix=f"meldingsvakt-{name}-"))
    log = folder / f"{name}.log"
    command = [sys.executable, "-m", "streams.cli", name]
    process = GuardedProcess(command, folder=folder, console=log, remove_folder=None)
    say(f"The {name} writes its log to {log}.")
    try:
        _wait_until_ready(process, ready, f"The {name} did not become ready: {log} says why.")
        yield
    finally:
        process.signal(signal.SIGTERM)
        process.wait(DEMO_STOP_SECONDS)


def _wait_until_ready(process: GuardedProcess, url: str, else_: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.exit_code() is None:
        with suppress(requests.RequestException):
            if requests.get(url, timeout=5).ok:
                return
        time.sleep(0.1)
    raise ConfigurationError(else_)


@asynccontextmanager
async def _following(kafka: KafkaSettings, settings: Settings) -> AsyncIterator[Seen]:
    """What a consumer downstream sees until the block ends."""
    missing, state = settings.output("missing"), settings.output("state")
    consumer = AIOKafkaConsumer(
        missing,
        state,
        **client_options(kafka),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    seen = Seen([], Watched())

    async def follow() -> None:
        async for record in consumer:
            if record.topic == missing:
                seen.events.append((time.time(), orjson.loads(record.value)))
            elif record.value is not None:
                row = orjson.loads(record.value)
                seen.rows.see(row["report_id"], row["status"])

    await consumer.start()
    following = asyncio.create_task(follow())
    try:
        yield seen
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await consumer.stop()


async def _play(kafka: KafkaSettings, settings: Settings, story: Compressed, seen: Seen) -> None:
    """Produce everything in its rhythm, then wait until the last alarm is surely out."""
    producer = AIOKafkaProducer(**client_options(kafka), acks="all", linger_ms=5)
    await producer.start()
    began = time.monotonic()
    try:
        playing = asyncio.create_task(play(producer, settings.input_prefix, story.steps))
        teller = Teller(seen, LIVE_SECONDS)
        with messages.status("") as status:
            while not playing.done() or time.monotonic() - began < story.settled_seconds + SETTLE_SECONDS:
                left = max(0.0, story.settled_seconds + SETTLE_SECONDS - (time.monotonic() - began))
                after = time.monotonic() - began
                for sentence in teller.news(after):
                    say(sentence)
                status.update(Text(teller.now(after, left)))
                if playing.done():
                    playing.result()
                await asyncio.sleep(0.5)
        await playing
    finally:
        await producer.stop()
