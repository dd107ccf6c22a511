"""What the API and the page both give of one thing: a report with its time line, a statement, confirmation times."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import orjson

from streams.presentation.times import norwegian_day
from streams.view.queries import queries
from streams.view.queries.feeds import word_for
from streams.view.queries.filters import ReportFilter
from streams.view.queries.published import ensure_measured, ensure_unfiltered, published
from streams.view.queries.statement import Stated, StatementAnswer, ensure_watched, signed, stated, statement
from streams.view.queries.timeline import timeline
from streams.view.session import Seat
from streams.view.store.cache import Answer


class Report(NamedTuple):
    """One report: as JSON text, as a dict, its moments in order, and the word of the feed that it waits for."""

    answer: Answer
    text: str
    row: dict[str, Any]
    moments: list[dict[str, Any]]
    word: dict[str, Any] | None


async def report_of(seat: Seat, report_id: str) -> Report | None:
    """A report by its canonical id; None if it is not here."""

    def looked_up(cursor: Any) -> tuple[Any, ...] | None:
        found = queries.report(cursor, report_id)
        if found is None:
            return None
        row = orjson.loads(found[0])
        return (row, *found, word_for(cursor, row))

    answer = await seat.answer(("report", report_id), looked_up)
    if answer.found is None:
        return None
    row, text, events, word = answer.found
    return Report(answer, text, row, timeline(row, events, seat.settings.output("missing"), word), word)


async def statement_of(seat: Seat, municipality: str, month: date, now: datetime) -> tuple[Answer, StatementAnswer]:
    """A receiver's statement, by today's number and the first day of its month, as it is given out at `now`.

    Raises Problem where single reports may not be seen, for a month of a small municipality is one report, and where
    nothing can be certified.
    """
    seat.whole_within_reach(municipality)
    seat.ensure_rows()
    ensure_watched(await seat.watch(now), month, now)
    answer = await seat.answer(("statement", municipality, month), lambda cursor: stated(cursor, municipality, month))
    found: Stated = answer.found
    ids = [*found.numbers["missing_reports"], *found.numbers["recovered_reports"]]
    await seat.record("read_statement", ids, f"{municipality}/{month:%Y-%m}")
    made = statement(municipality, month, found.numbers, norwegian_day(now))
    return answer, signed(made, seat.picture(answer.coverage, now), now)


async def confirmation_of(seat: Seat, by: Sequence[queries.By], chosen: ReportFilter) -> Answer:
    """Confirmation times in groups. Raises Problem where they are asked of a part of what may only be counted."""
    if not seat.shows_rows:
        ensure_unfiltered(chosen)
        ensure_measured(by)

    def measured(cursor: Any) -> list[dict[str, Any]]:
        groups = queries.confirmation_times(cursor, by, chosen)
        return groups if seat.shows_rows else queries.without_counts(groups)

    filters = chosen.model_dump_json(exclude={"by"}, exclude_defaults=True)
    return await seat.answer(("confirmation", tuple(by), filters), measured)


async def published_of(seat: Seat) -> Answer:
    """The counts for who may see no single report."""
    return await seat.answer("published", published)
