"""One contender, one round: start it, watch its committed offsets and its costs, end it, read what it announced."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from tests.programs.bench.apps.timing import FILE
from tests.programs.bench.contender import ROOT, Contender, Job
from tests.programs.bench.log import Log, batches_to_ends
from tests.programs.bench.measure import Cores, Sample, on_core, sample, spent
from tests.programs.bench.truth import Mistakes, Truth, mistakes

LOOK_SECONDS = 0.05
QUIET_SECONDS = 3.0
END_SECONDS = 15


class RunOutcome(NamedTuple):
    """What one round measured. Seconds count from the group's first assignment; `events` are those that it read.

    `seconds` end with the commit that reached the log's end, or with the last announcement if that came later;
    `committed_seconds` end with the commit.
    """

    contender: str
    log_events: int
    events: int
    startup_seconds: float
    seconds: float
    committed_seconds: float
    cpu_seconds: float
    broker_cpu_seconds: float
    peak_bytes: int
    finished: bool
    mistakes: Mistakes | None

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0


class Place(NamedTuple):
    """Where a round takes place."""

    bootstrap: str
    broker_pid: int | None
    cores: Cores
    folder: Path
    most_seconds: float


@dataclass
class _Watched:
    """What was seen of a running contender; times are seconds since 1970."""

    started: float
    assigned: float | None = None
    committed: float | None = None
    position: int = 0
    samples: list[Sample] = field(default_factory=list)
    broker: list[Sample] = field(default_factory=list)


async def run(place: Place, contender: Contender, log: Log, truth: Truth, app_id: str) -> RunOutcome:
    """Run a contender over the log to its end, or until it has taken too long."""
    folder = place.folder / app_id
    folder.mkdir(parents=True)
    job = Job(place.bootstrap, log.prefix, app_id, log.partitions, folder)
    await contender.prepare(job)
    process = _start(place, contender, job)
    try:
        watched = await _watch(place, contender, job, log, process)
    finally:
        _end(process)
    announced, last = await _announced(contender, job)
    outcome = _outcome(contender, log, watched, last, mistakes(truth, announced) if contender.announces else None)
    outcome = _timed_by_itself(outcome, folder / FILE, watched)
    shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _timed_by_itself(outcome: RunOutcome, file: Path, watched: _Watched) -> RunOutcome:
    """A limit's own times, which are exact."""
    if not file.exists():
        return outcome
    own = json.loads(file.read_text(encoding="utf-8"))
    return outcome._replace(
        startup_seconds=own["begin"] - watched.started,
        seconds=own["end"] - own["begin"],
        committed_seconds=own["end"] - own["begin"],
        cpu_seconds=own["cpu_seconds"],
        broker_cpu_seconds=spent(watched.broker, own["begin"], own["end"]),
    )


def _start(place: Place, contender: Contender, job: Job) -> "subprocess.Popen[bytes]":
    environment = os.environ | contender.environment(job) | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    with (job.folder / "output.log").open("wb") as output, on_core(place.cores.contender):
        return subprocess.Popen(contender.command(job), env=environment, stdout=output, stderr=output, cwd=job.folder)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def _watch(
    place: Place, contender: Contender, job: Job, log: Log, process: "subprocess.Popen[bytes]"
) -> _Watched:
    watched, ends = _Watched(time.time()), log.ends_of(contender.reads)
    admin = AIOKafkaAdminClient(bootstrap_servers=place.bootstrap)
    await admin.start()
    try:
        while watched.committed is None and time.time() < watched.started + place.most_seconds:
            if _failed(contender, job, process):
                break
            _look(place, process, watched)
            if watched.assigned is None and await _is_assigned(admin, job.app_id):
                watched.assigned = time.time()
            if watched.assigned is not None:
                watched.position = await _position(admin, job.app_id, ends)
                if watched.position >= sum(ends.values()):
                    watched.committed = time.time()
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await admin.close()
    await _until_quiet(place, contender, job, process, watched)
    return watched


def _failed(contender: Contender, job: Job, process: "subprocess.Popen[bytes]") -> bool:
    """True when it has ended with an error; its last words are told. (A limit ends by itself, with 0.)"""
    if process.poll() in (None, 0):
        return False
    tail = (job.folder / "output.log").read_text(errors="replace")[-2000:]
    print(f"{contender.label} ended with exit code {process.returncode}:\n{tail}", file=sys.stderr, flush=True)
    return True


def _look(place: Place, process: "subprocess.Popen[bytes]", watched: _Watched) -> None:
    if process.poll() is None:
        watched.samples.append(sample(process.pid))
    if place.broker_pid is not None:
        watched.broker.append(sample(place.broker_pid))


async def _is_assigned(admin: Any, group: str) -> bool:
    """True once every member knows its partitions: from here on it can read."""
    try:
        (response,) = await admin.describe_consumer_groups([group])
    except KafkaError:
        return False
    return any(state == "Stable" and members for _, _, state, _, _, members, *_ in response.groups)


async def _position(admin: Any, group: str, ends: Mapping[TopicPartition, int]) -> int:
    """How much of the log is committed."""
    try:
        offsets = await admin.list_consumer_group_offsets(group)
    except KafkaError:
        return 0
    return sum(min(end, max(0, offsets[tp].offset)) for tp, end in ends.items() if tp in offsets)


async def _until_quiet(
    place: Place, contender: Contender, job: Job, process: "subprocess.Popen[bytes]", watched: _Watched
) -> None:
    """Wait until its output has not grown for a while."""
    topic = contender.output(job)
    if topic is None:
        return
    consumer = AIOKafkaConsumer(bootstrap_servers=place.bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        tps = [TopicPartition(topic, p) for p in range(job.partitions)]
        before: dict[TopicPartition, int] = {}
        since = time.time()
        while time.time() < since + QUIET_SECONDS:
            _look(place, process, watched)
            ends = await consumer.end_offsets(tps)
            if ends != before:
                before, since = ends, time.time()
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await consumer.stop()


async def _announced(contender: Contender, job: Job) -> tuple[list[bytes], float]:
    """Who was announced, and when the last announcement was appended (seconds since 1970, 0 if there is none)."""
    topic = contender.output(job)
    if topic is None:
        return [], 0.0
    consumer = AIOKafkaConsumer(bootstrap_servers=job.bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(topic, p) for p in range(job.partitions)])
    finally:
        await consumer.stop()
    keys: list[bytes] = []
    last = 0.0
    async for _, records in batches_to_ends(job.bootstrap, ends):
        keys.extend(contender.announced(records))
        last = max(last, *(record.timestamp / 1000 for record in records))
    return keys, last


def _outcome(
    contender: Contender, log: Log, watched: _Watched, last_announcement: float, wrong: Mistakes | None
) -> RunOutcome:
    begin = watched.assigned if watched.assigned is not None else watched.started
    committed = watched.committed or watched.samples[-1].at
    end = committed if watched.committed is None else max(committed, last_announcement)
    return RunOutcome(
        contender=contender.name,
        log_events=sum(log.events.values()),
        events=watched.position,
        startup_seconds=begin - watched.started,
        seconds=end - begin,
        committed_seconds=committed - begin,
        cpu_seconds=spent(watched.samples, begin, end),
        broker_cpu_seconds=spent(watched.broker, begin, end),
        peak_bytes=max((one.resident_bytes for one in watched.samples), default=0),
        finished=watched.committed is not None,
        mistakes=wrong,
    )
