"""How far the tables can be trusted: until when they are complete, and what stands in the way of more."""

from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

import duckdb
from pydantic import BaseModel, Field

from schemas.common import Count, Word, WrittenTime
from streams.view.store.feed import Progress

# Why a picture is behind, the first that holds: it is still being read for the first time; Kafka is gone; what is read
# cannot be put into the tables; there is much to read; the checker itself says nothing new.
Behind = Literal["building", "kafka_unreachable", "stuck", "reading", "checker_silent"]
MUCH = 1000


class PartitionGap(BaseModel):
    """The checker cannot see one partition."""

    partition: Count
    since: WrittenTime
    cause: Word


class Picture(BaseModel):
    """How far what is answered can be trusted; every answer carries one."""

    complete_until: WrittenTime | None = Field(
        description="Everything that arrived before it is in here and has been judged; null where that is not known."
    )
    behind: Behind | None = Field(description="Why the picture is older than it should be; null where it is not.")
    records_left: Count | None = Field(description="Records in Kafka that are not in here yet, as last heard.")
    unreachable_since: WrittenTime | None = Field(description="Since when Kafka has not answered; null where it does.")
    trouble: str | None = Field(description="What keeps the tables from moving, in a sentence.")
    gaps: list[PartitionGap] = Field(description="Where the checker says that it cannot see.")
    losses: Count = Field(description="Ranges of input records that were gone before anybody read them.")

    @property
    def whole(self) -> bool:
        """True if nothing stands in the way: what is said is said of everything until `complete_until`."""
        return self.behind is None and not self.gaps and self.complete_until is not None


class CoverageNow(NamedTuple):
    """What the coverage tables say at one moment. `complete_until` is None unless every partition has one."""

    complete_until: datetime | None
    gaps: tuple[tuple[int, datetime, str], ...]
    losses: int


def coverage_of(cursor: duckdb.DuckDBPyConnection) -> CoverageNow:
    """Read it in the same transaction as what it is said of."""
    ((complete_until, losses),) = cursor.execute("SELECT complete_until, losses FROM trust").fetchall()
    gaps = cursor.execute(
        'SELECT "partition", gap_since, gap_cause FROM coverage WHERE gap_since IS NOT NULL ORDER BY gap_since'
    ).fetchall()
    return CoverageNow(complete_until, tuple(gaps), losses)


def picture_of(
    coverage: CoverageNow, progress: Progress, silent_after: timedelta, now: datetime | None = None
) -> Picture:
    """The picture as it is now: time alone can put it behind."""
    now = now or datetime.now(UTC)
    until = coverage.complete_until
    age = None if until is None else now - until
    return Picture(
        complete_until=until,
        behind=_behind(age, progress, silent_after),
        records_left=progress.records_left,
        unreachable_since=progress.unreachable_since,
        trouble=progress.trouble,
        gaps=[PartitionGap(partition=number, since=since, cause=cause) for number, since, cause in coverage.gaps],
        losses=coverage.losses,
    )


def _behind(age: timedelta | None, progress: Progress, silent_after: timedelta) -> Behind | None:
    if progress.unreachable_since is not None:
        return "kafka_unreachable"
    if progress.trouble:
        return "stuck"
    if age is None:
        return "building"
    if age <= silent_after:
        return None
    return "reading" if progress.records_left is None or progress.records_left > MUCH else "checker_silent"
