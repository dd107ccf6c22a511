"""An audit from its sources to the tables of its result; each stage is kept, so that an interrupted one goes on."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from streams.audit.facts import FactKind
from streams.audit.judge.context import ground_of, keep, until_of
from streams.audit.judge.coverage import Stretch
from streams.audit.judge.measure import EVER, stretches
from streams.audit.judge.pool import Task, judge_all
from streams.audit.judge.ranges import REPORTS_A_RANGE, ranges
from streams.audit.load.join import bring_together
from streams.audit.load.load import Found, read_file
from streams.audit.load.second_look import look_again
from streams.audit.load.timestamps import microseconds, time_of
from streams.audit.progress import step
from streams.audit.result.rollup import tell
from streams.audit.schema import Audited
from streams.audit.workspace import Work
from streams.core.rules import Limits
from streams.data import succession
from streams.errors import ConfigurationError
from streams.policies import load_policy
from streams.sources import OpenFile
from streams.sources.chunk import Kind

_TELLING_TIME = frozenset({"sent", "receipt", "stored", "portal"})  # how far what happened is known
_EVIDENCE: dict[Kind, FactKind] = {
    "receipt": FactKind.RECEIPT, "portal": FactKind.RECEIPT, "stored": FactKind.STORED,
}  # fmt: skip


class Asked(NamedTuple):
    """What is to be audited.

    `topics` reads the input topics as sources from a number on, or None. `until`: where time ends; else with the last
    that any file tells of, and where the topics are complete.
    """

    files: Sequence[OpenFile]
    policy: Path | None
    limits: Limits
    max_value_bytes: int
    until: datetime | None = None
    topics: Callable[[Work, int], list[Found]] | None = None


def audit(work: Work, asked: Asked) -> Audited:
    """Run what is not done yet. Raises ConfigurationError."""
    found = [read_file(work, number, file, asked.max_value_bytes) for number, file in enumerate(asked.files)]
    if asked.topics is not None:
        found += asked.topics(work, len(found))
    with step("Sorting", known=False):
        look_again(work, asked.files)
        bring_together(work)
    _measure(work, asked.until, found)
    _judge(work, asked)
    with step("Adding up", known=False):
        tell(work, _sources(work, found), succession())
    versions = tuple(version.id for version in load_policy(asked.policy).versions)
    known = _decisions_known(found)
    return Audited(work.connection, until_of(work.connection), versions, datetime.now(UTC), *known)


def _decisions_known(found: Sequence[Found]) -> tuple[datetime | None, datetime | None]:
    """Between which times all decisions are known: see Audited."""
    for one in found:
        if one.kind == "decision" and one.certain:
            return time_of(one.since or microseconds(EVER)), None if one.to is None else time_of(one.to)
    return None, None


def _measure(work: Work, until: datetime | None, found: Sequence[Found]) -> None:
    """What the evidence covers, and where time ends."""
    if work.found("measured") is not None:
        return
    with work.stage("measured"):
        covered: list[tuple[int, FactKind, Stretch]] = []
        for one in found:
            kind = _EVIDENCE.get(one.kind)
            if kind is not None:
                covered += [(one.number, kind, stretch) for stretch in stretches(work.connection, kind, one, until)]
        ends = [stretch.to for _, kind, stretch in covered if kind is FactKind.STORED]
        ends += [time_of(one.last) for one in found if one.last is not None and _tells_time(one)]
        if not any(one.kind == "stored" and (one.facts or one.certain) for one in found):
            raise ConfigurationError("Nothing proves that anything was stored: name a source with --stored.")
        if until is None and not ends:
            raise ConfigurationError(
                "Nothing tells until when the topics are complete: say with --until up to when everything has arrived."
            )
        keep(work.connection, covered, until or max(ends))


def _tells_time(one: Found) -> bool:
    """True for a file with facts: what was decided, and what feeds said, may be known for longer."""
    return not one.certain and one.kind in _TELLING_TIME


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
    with work.stage("judged"):
        pass


def _sources(work: Work, found: Sequence[Found]) -> Iterator[tuple[Any, ...]]:
    """The rows of SOURCES."""
    for one in found:
        receivers, everybody, since, to = work.connection.execute(
            "SELECT count(DISTINCT COALESCE(today, municipality)), count(*) FILTER (municipality IS NULL), min(since), "
            "max(until) FROM stretches LEFT JOIN todays ON code = municipality WHERE source = ?", [one.number],
        ).fetchall()[0]  # fmt: skip
        (rejected,) = work.connection.execute(
            "SELECT count(*) FROM rejects WHERE source = ?", [one.number]
        ).fetchall()[0]  # fmt: skip
        declared = one.certain or (one.covers is not None and one.covers.receivers is not None)
        since = None if since == microseconds(EVER) else since
        times = (None if at is None else time_of(at) for at in (one.first, one.last, since, to))
        first, last, covers_from, covers_to = times
        yield (
            one.number, one.kind, one.name, one.format, one.records, one.facts, rejected, one.ignored, one.has_arrival,
            first, last, declared, None if everybody else receivers, covers_from, covers_to, one.warnings,
        )  # fmt: skip
