"""Everything that an audit reads, into the tables of its work folder, each source once."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from streams.audit.facts import NamesTable
from streams.audit.load.lines import Taking
from streams.audit.load.prefetch import ahead
from streams.audit.load.records import TakingRecords
from streams.audit.load.timestamps import microseconds
from streams.audit.progress import step
from streams.audit.topics.completeness import ReadingReach
from streams.audit.topics.reader import TopicBatch
from streams.audit.workspace import Work
from streams.core.policy import Policy
from streams.errors import ConfigurationError
from streams.records.record import DECISION, INPUT_KINDS
from streams.sources import OpenFile
from streams.sources.chunk import Kind
from streams.sources.plan import Covers

PORTAL_ZONE = "Europe/Oslo"  # of the portal's own times, which have none


_COUNTED = ("facts", "loose", "nameless", "decisions", "(FROM marks WHERE part IS NULL)")


class SourceUnfit(ConfigurationError):
    """What is in a source is not what was said: whoever mends that begins another audit."""


class Found(NamedTuple):
    """What was found in one source. `first`, `last`: microseconds since 1970, None where there is no fact.

    `since` and `to`: between which times everything is there, for certain (microseconds; since None: since ever);
    only of topics, whose offsets tell it. `to` is None where nothing tells, of decisions where none is missing.
    """

    number: int
    kind: Kind
    name: str
    format: str
    records: int
    facts: int
    ignored: int
    has_arrival: bool
    first: int | None
    last: int | None
    warnings: list[str]
    certain: bool = False
    since: int | None = None
    to: int | None = None
    covers: Covers | None = None


def read_file(work: Work, number: int, file: OpenFile, max_value_bytes: int) -> Found:
    """Read a file. Raises SourceUnfit where nothing in it is what it should be."""
    stage = f"read:{number}"
    known = work.found(stage)
    if known is None:
        with work.stage(stage) as keep, step(f"Reading {file.name}") as progress:
            names = NamesTable(work.connection)
            zone = file.source.zone or (PORTAL_ZONE if file.kind == "portal" else None)
            taking = Taking(work.connection, names, number, zone, max_value_bytes)
            for chunk in ahead(file.chunks()):
                taking.take(file.kind, chunk)
                progress.to(chunk.done, taking.records)
                if taking.without_zone:
                    raise SourceUnfit(
                        f"{file.name} has times without a zone: say in a mapping which zone they are in, such as "
                        'zone = "Europe/Oslo".'
                    )
            counted = _counted(work, number)
            if not counted["facts"]:
                raise SourceUnfit(
                    f"None of the {taking.records} lines of {file.name} can be read as {file.kind}: mend the mapping."
                )
            known = counted | {
                "kind": file.kind, "name": file.name, "format": file.format, "records": taking.records,
                "ignored": taking.ignored, "warnings": sorted(file.warnings | taking.warnings),
            }  # fmt: skip
            keep(known)
    return Found(number=number, covers=file.source.covers, **known)


async def read_kafka(
    work: Work,
    number: int,
    batches: AsyncIterator[TopicBatch],
    topics: Sequence[str],
    partitions: int,
    most_bytes: int,
    policy: Policy,
) -> list[Found]:
    """Read the input topics as sources, the first of them `number`."""
    known = work.found("read:kafka")
    if known is None:
        with work.stage("read:kafka") as keep, step("Reading the topics") as progress:
            names = NamesTable(work.connection)
            numbers = {kind: number + at for at, kind in enumerate(INPUT_KINDS)}
            taking = TakingRecords(work.connection, names, numbers, partitions, most_bytes, policy)
            reach: ReadingReach | None = None
            async for batch in batches:
                taking.take(batch.records)
                taking.leave_out(batch.holes)
                progress.to(batch.done, sum(taking.records.values()))
                reach = batch.reach
            taking.finish()
            assert reach is not None
            _keep_losses(work, reach)
            known = [
                _counted(work, numbers[kind]) | _certain(reach, kind) | {
                    "kind": kind, "name": topic, "format": "kafka", "records": taking.records[kind], "ignored": 0,
                    "warnings": _warnings(reach, topic, kind, taking),
                }
                for kind, topic in zip(INPUT_KINDS, topics, strict=True)
            ]  # fmt: skip
            keep(known)
    return [Found(number=number + at, **each) for at, each in enumerate(known)]


def _keep_losses(work: Work, reach: ReadingReach) -> None:
    for partition, losses in reach.losses.items():
        for lost in losses:
            row = [partition, microseconds(lost.since), _us(lost.until)]
            work.connection.execute("INSERT INTO losses VALUES (?, ?, ?)", row)


def _counted(work: Work, number: int) -> dict[str, Any]:
    every = " UNION ALL ".join(f"SELECT source, arrived, by_event FROM {table}" for table in _COUNTED)
    first, last, facts, arrivals = work.connection.execute(
        "SELECT min(arrived), max(arrived), count(*), count(*) FILTER (NOT by_event) "
        f"FROM ({every}) WHERE source = ?", [number],
    ).fetchall()[0]  # fmt: skip
    return {"first": first, "last": last, "facts": facts, "has_arrival": facts == arrivals}


def _certain(reach: ReadingReach, kind: str) -> dict[str, Any]:
    to = reach.decisions_until if kind == DECISION else reach.complete_until
    return {"certain": True, "since": _us(reach.begins.get(kind)), "to": _us(to)}


def _warnings(reach: ReadingReach, topic: str, kind: str, taking: TakingRecords) -> list[str]:
    found = {name for name in ("not_copied", "misplaced_again") if taking.counts[name]}
    if taking.holes[kind]:
        found.add("batches_unreadable")
    if any(spot[0] == topic for spot in reach.deleted):
        found.add("records_deleted")
    return sorted(found)


def _us(time: datetime | None) -> int | None:
    return None if time is None else microseconds(time)
