"""What a result shows: the summary and the tables, and the same with small numbers hidden."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from streams.audit.result.counts import (
    books,
    by_code,
    by_month,
    by_receiver,
    by_version,
    with_rest,
    without_groups,
)
from streams.audit.result.summary import AuditSummary, SourceRead, summary
from streams.audit.schema import TERMS, Audited
from streams.presentation.joint_tables import Table, hidden
from streams.presentation.small_numbers import LEAST_SHOWN
from streams.presentation.times import OSLO


class Shown(NamedTuple):
    """The numbers of a result; its tables are `books`, `receivers`, `months`, `versions`, `reasons`, `outcomes`
    and `untold`.
    """

    summary: AuditSummary
    tables: Mapping[str, Table]
    suppressed: bool


def shown(audited: Audited, *, suppress_small: bool) -> Shown:
    """What the result of an audit shows."""
    whole, connection = summary(audited), audited.connection
    tables = {
        "books": books(connection),
        "receivers": by_receiver(connection),
        "months": by_month(connection),
        "versions": by_version(connection),
        "reasons": by_code(whole.reasons, "missing"),
        "outcomes": by_code(whole.outcomes, "missing"),
        "untold": by_code(whole.untold, "undetermined"),
    }
    if not suppress_small:
        return Shown(whole, tables, suppressed=False)
    variants = {key: [table] for key, table in tables.items()} | {
        "receivers": [with_rest(by_receiver(connection, LEAST_SHOWN))],
        "months": [with_rest(tables["months"]), with_rest(by_month(connection, 0))],
        "versions": [with_rest(by_version(connection, LEAST_SHOWN))],
    }
    published = hidden({key: [*some, without_groups(some[0])] for key, some in variants.items()})
    return Shown(_without_small(whole, published), published, suppressed=True)


def _without_small(whole: AuditSummary, tables: Mapping[str, Table]) -> AuditSummary:
    """The summary with what the tables hide, and of other numbers only those that are large or none."""
    total = tables["books"].total
    terms = {term: total[term] for term in TERMS}
    return replace(
        whole,
        first_sent_at=_month(whole.first_sent_at), last_sent_at=_month(whole.last_sent_at),
        sent=total["sent"], terms=terms,
        difference=whole.difference if None not in total.values() or whole.difference == 0 else None,
        unexpected=_large(whole.unexpected),
        # Parts of other numbers: what is left of those would be told with them.
        confirmed_late=_none(whole.confirmed_late), uncertain=_none(whole.uncertain),
        candidates=_none(whole.candidates),
        by_event_time=whole.by_event_time if whole.by_event_time in (0, whole.sent) else None,
        receivers_with_missing=None if terms["missing"] is None else whole.receivers_with_missing,
        reasons=_by_code(tables["reasons"]), outcomes=_by_code(tables["outcomes"]),
        untold=_by_code(tables["untold"]),
        contradictions={code: _large(number) for code, number in whole.contradictions.items()},
        sources=tuple(_source(source) for source in whole.sources),
    )  # fmt: skip


def _by_code(table: Table) -> dict[str, int | None]:
    return {group.label[0]: group.counts[table.whole] for group in table.groups}


def _large(number: int | None) -> int | None:
    return None if number is not None and 0 < number < LEAST_SHOWN else number


def _none(number: int | None) -> int | None:
    return 0 if number == 0 else None


def _month(time: datetime | None) -> datetime | None:
    """The beginning of its month: the time of the first report is that of a single one."""
    start = time and time.astimezone(OSLO).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return start and start.astimezone(UTC)


def _source(source: SourceRead) -> SourceRead:
    """A source may be of one receiver; its numbers are about each other, so they are shown all or not at all."""
    numbers = (source.records, source.facts, source.rejected, source.ignored, *source.reject_reasons.values())
    if all(number == _large(number) for number in numbers):
        return replace(source, first=None, last=None)
    return replace(
        source, records=None, facts=None, rejected=None, ignored=None, reject_reasons={}, first=None, last=None
    )  # fmt: skip
