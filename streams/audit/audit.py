"""An audit from its sources to the tables of its result; each stage is kept, so that an interrupted one goes on."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from streams.audit.chunks import Chunk, Kind
from streams.audit.coverage import Stretch
from streams.audit.facts import FactKind, NamesTable
from streams.audit.grounds import ground_of, keep, until_of
from streams.audit.judging import REPORTS_A_RANGE, ranges
from streams.audit.measured import Reach, stretches, time
from streams.audit.plan import Source
from streams.audit.pool import Task, judge_all
from streams.audit.progress import step
from streams.audit.tables import Audited
from streams.audit.taking import Taking
from streams.audit.tell import tell
from streams.audit.together import bring_together
from streams.audit.work import Work
from streams.core.fold import Limits
from streams.data import succession
from streams.errors import ConfigurationError
from streams.policies import load_policy

PORTAL_ZONE = "Europe/Oslo"


class SourceFile(Protocol):
    """One file of a source."""

    name: str
    kind: Kind
    format: str
    source: Source
    warnings: set[str]

    def chunks(self) -> Iterator[Chunk]:
        """Its lines."""


class Asked(NamedTuple):
    """What is to be audited. `until`: where time ends, else where the evidence of storage does."""

    files: Sequence[SourceFile]
    policy: Path | None
    limits: Limits
    until: datetime | None = None


def audit(work: Work, asked: Asked) -> Audited:
    """Run what is not done yet. Raises ConfigurationError."""
    found = [_read(work, number, file) for number, file in enumerate(asked.files)]
    bring_together(work)
    _measure(work, asked, found)
    _judge(work, asked)
    tell(work, _sources(work, asked, found), succession())
    versions = tuple(version.id for version in load_policy(asked.policy).versions)
    return Audited(work.connection, until_of(work.connection), versions, datetime.now(UTC))


def _read(work: Work, number: int, file: SourceFile) -> dict[str, Any]:
    stage, found = f"read:{number}", dict[str, Any]()
    known = work.found(stage)
    if known is not None:
        file.warnings.update(known["warnings"])
        return dict(known)
    with work.stage(stage, found), step(f"Reading {file.name}") as progress:
        names = NamesTable(work.connection)
        zone = file.source.zone or (PORTAL_ZONE if file.kind == "portal" else None)
        taking = Taking(work.connection, names, number, zone)
        for chunk in file.chunks():
            taking.take(file.kind, chunk)
            progress.to(chunk.done, taking.records)
            if taking.without_zone and zone is None:
                raise ConfigurationError(
                    f"{file.name} has times without a zone: say in the mapping which zone they are in, such as "
                    'zone = "Europe/Oslo".'
                )
        first, last, facts, arrivals = work.connection.execute(
            "SELECT min(arrived), max(arrived), count(*), count(*) FILTER (NOT by_event) "
            "FROM (FROM facts UNION ALL FROM loose UNION ALL FROM nameless) WHERE source = ?", [number],
        ).fetchall()[0]  # fmt: skip
        if not facts:
            raise ConfigurationError(
                f"{file.name} has {taking.records} lines, none of which can be read as {file.kind}: check the mapping."
            )
        found.update(
            records=taking.records, facts=facts, rejected=taking.odd.rejected, ignored=taking.ignored,
            has_arrival=arrivals == facts, first=first, last=last, warnings=sorted(file.warnings),
        )  # fmt: skip
    return found


def _reaches(file: SourceFile, number: int, found: dict[str, Any]) -> Reach:
    return Reach(number, time(found["first"]), time(found["last"]), file.source.covers, "cut_off" in file.warnings)


_EVIDENCE: dict[Kind, FactKind] = {
    "receipt": FactKind.RECEIPT, "portal": FactKind.RECEIPT, "stored": FactKind.STORED,
}  # fmt: skip


def _measure(work: Work, asked: Asked, found: Sequence[dict[str, Any]]) -> None:
    """What the evidence covers, and where time ends."""
    if work.found("measured") is not None:
        return
    with work.stage("measured", {}):
        covered: list[tuple[int, FactKind, Stretch]] = []
        for number, (file, its) in enumerate(zip(asked.files, found, strict=True)):
            kind = _EVIDENCE.get(file.kind)
            if kind is not None:
                reach = _reaches(file, number, its)
                covered += [(number, kind, one) for one in stretches(work.connection, kind, reach)]
        ends = [one.to for _, kind, one in covered if kind is FactKind.STORED]
        if asked.until is None and not ends:
            raise ConfigurationError(
                "No source proves that anything was stored: name one (--stored), or nothing can be told."
            )
        keep(work.connection, covered, asked.until or max(ends))


def _judge(work: Work, asked: Asked) -> None:
    if work.found("judged") is not None:
        return
    facts, reports = work.connection.sql("SELECT count(*), approx_count_distinct(report_id) FROM sorted").fetchall()[0]
    todo = list(ranges(work.connection, facts * REPORTS_A_RANGE // max(1, reports)))
    work.close()
    task = Task(work.database, work.verdicts, partial(ground_of, policy=asked.policy, limits=asked.limits))
    with step("Judging") as progress:
        done = 0

        def one_more() -> None:
            nonlocal done
            done += 1
            progress.to(done / len(todo), facts * done // len(todo))

        judge_all(task, todo, one_more)
    work.connect()
    with work.stage("judged", {}):
        pass


def _sources(work: Work, asked: Asked, found: Sequence[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    """The rows of SOURCES."""
    for number, (file, its) in enumerate(zip(asked.files, found, strict=True)):
        receivers, everybody, since, to = work.connection.execute(
            "SELECT count(DISTINCT municipality), count(*) FILTER (municipality IS NULL), min(since), max(until) "
            "FROM stretches WHERE source = ?", [number],
        ).fetchall()[0]  # fmt: skip
        rejected = work.connection.execute("SELECT count(*) FROM rejects WHERE source = ?", [number]).fetchall()[0][0]
        covers = file.source.covers
        yield (
            number, file.kind, file.name, file.format, its["records"], its["facts"], rejected, its["ignored"],
            its["has_arrival"], time(its["first"]), time(its["last"]),
            covers is not None and covers.receivers is not None, None if everybody else receivers,
            None if since is None else time(since), None if to is None else time(to), sorted(file.warnings),
        )  # fmt: skip
