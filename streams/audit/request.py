"""From what was asked for on the command line to an audit: every mistake is told before anything is read."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from schemas.common import parse_time
from streams.audit.load.load import Found, read_kafka
from streams.audit.run import Asked
from streams.audit.topics.completeness import Spot
from streams.audit.topics.reader import AskedSpan, read_topics
from streams.audit.workspace import Work
from streams.core.policy import Policy
from streams.core.rules import Limits
from streams.errors import ConfigurationError
from streams.kafka.topics import partition_counts
from streams.policies import load_policy
from streams.settings import KafkaSettings, Settings
from streams.sources import OpenFile, open_source
from streams.sources.chunk import Kind
from streams.sources.mapping import load_plan, plain
from streams.sources.plan import Covers, SourcePlan

FOR_GOOD = timedelta(days=365_000)  # who looks back on everything has nothing to forget


class Files(NamedTuple):
    """Files with our own columns, by kind, and a mapping file for all others."""

    by_kind: Mapping[Kind, Sequence[Path]]
    mapping: Path | None = None
    all_receivers: bool = False


class Topics(NamedTuple):
    """The input topics, and which part of them."""

    kafka: KafkaSettings
    span: AskedSpan


def asked_for(
    files: Files, topics: Topics | None, settings: Settings, *, policy: Path | None, until: datetime | None
) -> Asked:
    """An audit of these sources. Raises ConfigurationError in one sentence."""
    opened = [file for source in _sources(files) for file in open_source(source)]
    if not opened and topics is None:
        raise ConfigurationError(
            "There is nothing to audit: name files with --sent, --receipt, --stored, --portal or --mapping, or the "
            "topics with --kafka."
        )
    if topics is None:
        _refuse_lacking(opened)
    loaded = load_policy(policy or settings.policy)
    limits = Limits(FOR_GOOD, settings.unexpected_after)
    reading = None if topics is None else partial(_read_topics, topics, settings, loaded)
    return Asked(opened, policy or settings.policy, limits, settings.max_value_bytes, until, reading)


def work_for(out: Path, asked: Asked, topics: Topics | None) -> Work:
    """The work folder of an audit beside its result; it knows the same audit again by all that decides its result."""
    files = [
        (str(file.path.absolute()), file.path.stat().st_size, file.path.stat().st_mtime_ns) for file in asked.files
    ]
    specs = [(file.kind, file.source.model_dump(mode="json", by_alias=True)) for file in asked.files]
    policy = None if asked.policy is None else asked.policy.read_text(encoding="utf-8")
    span = None if topics is None else (topics.kafka.brokers, repr(topics.span))
    about = (files, specs, policy, repr(asked.limits), asked.max_value_bytes, asked.until, span)
    return Work(out.with_name(f"{out.name}.work"), about)


def span_of(since: str | None, to: str | None, inputs: Sequence[str]) -> AskedSpan:
    """Which part of the topics: times, or offsets such as `sent-0=12,stored-3=7`. Raises ConfigurationError."""
    first, last = _bound("--from", since, inputs), _bound("--to", to, inputs)
    times = [bound if isinstance(bound, datetime) else None for bound in (first, last)]
    offsets = [{} if isinstance(bound, datetime) else bound for bound in (first, last)]
    return AskedSpan(times[0], times[1], offsets[0], offsets[1])


def time_of(option: str, text: str | None) -> datetime | None:
    """A time given for an option. Raises ConfigurationError."""
    try:
        return None if text is None else parse_time(text)
    except ValueError:
        raise ConfigurationError(f"{option} {text} is no time: write it like 2026-01-01T12:00:00Z.") from None


def _sources(files: Files) -> Iterator[SourcePlan]:
    for kind, paths in files.by_kind.items():
        if paths:
            source = plain(kind, paths)
            everybody = kind == "stored" and files.all_receivers
            yield source.model_copy(update={"covers": Covers(receivers="all")}) if everybody else source
    if files.mapping is not None:
        yield from load_plan(files.mapping).source


def _refuse_lacking(opened: Sequence[OpenFile]) -> None:
    kinds = {file.kind for file in opened}
    if not kinds & {"sent", "portal"}:
        raise ConfigurationError("Nothing tells what was sent: name a source with --sent or --portal.")
    if "stored" not in kinds:
        raise ConfigurationError("Nothing proves that anything was stored: name a source with --stored.")


def _bound(option: str, text: str | None, inputs: Sequence[str]) -> datetime | dict[Spot, int]:
    if text is None or "=" not in text:
        return time_of(option, text) or {}
    known = {topic.rsplit(".", 1)[-1]: topic for topic in inputs} | {topic: topic for topic in inputs}
    offsets: dict[Spot, int] = {}
    for part in text.split(","):
        spot, _, offset = part.strip().partition("=")
        topic, _, partition = spot.rpartition("-")
        if topic not in known or not partition.isdecimal() or not offset.isdecimal():
            raise ConfigurationError(f"{option} {text} names no offsets: write them like sent-0=12,stored-3=7.")
        offsets[known[topic], int(partition)] = int(offset)
    return offsets


def _read_topics(topics: Topics, settings: Settings, policy: Policy, work: Work, number: int) -> list[Found]:
    async def read() -> list[Found]:
        counts = await partition_counts(topics.kafka, settings.inputs)
        batches = read_topics(topics.kafka, settings, topics.span)
        partitions, most = min(counts.values()), settings.max_value_bytes
        return await read_kafka(work, number, batches, settings.inputs, partitions, most, policy)

    return asyncio.run(read())
