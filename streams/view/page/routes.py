"""The pages. Every one exists in three languages; what it shows is in its address."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ConfigDict, Field, ValidationError

from schemas.common import canonical_report_id
from streams.presentation.times import norwegian_day
from streams.problems import BadRequest, NotFound, Problem, invalid_request
from streams.view.lookups import confirmation_of, published_of, report_of, statement_of
from streams.view.page import overview
from streams.view.page.addresses import ensure_rows, known, on
from streams.view.page.charts import bars, durations_chart
from streams.view.page.count_table import count_table, summed, with_rate
from streams.view.page.guide import steps
from streams.view.page.links import Here, values
from streams.view.page.render import PageReader, page, reader_of
from streams.view.page.saved import QUESTIONS
from streams.view.page.sql_table import SqlTable, columns_of, page_of, sql_table
from streams.view.page.trust import trust
from streams.view.queries import queries
from streams.view.queries.alike import alike, is_nobody_else
from streams.view.queries.filters import Cursor, Order, ReportFilter
from streams.view.queries.grounds import says_of, says_of_list
from streams.view.queries.missing_now import to_the_minute
from streams.view.queries.published import PUBLISHED_COLUMNS
from streams.view.queries.search import name_meant
from streams.view.queries.statement import MONTH, first_day
from streams.view.queries.trends import allowances
from streams.view.responses import seat_of
from streams.view.sandbox import Refused
from streams.view.session import Seat
from streams.view.store.cache import Answer
from streams.view.store.tables import PUBLISHED

router = APIRouter(include_in_schema=False)
everywhere = on(router)
CHART_BARS = 12
WORTH_A_LOOK = ("missing", "recovered", "undetermined", "unexpected")
RECEIVER_COLUMNS = (
    "reports", "missing", "rate", "recovered", "pending", "stored", "unproven", "undetermined", "unexpected",
)  # fmt: skip
BOOKS_WORTH_A_LOOK = ("difference", *WORTH_A_LOOK)
BOOK_COLUMNS = (
    "sent", "pending", "stored", "missing", "recovered", "unproven", "undetermined", "erased", "difference",
    "unexpected",
)  # fmt: skip


class PageQuery(ReportFilter):
    """The address of a list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    order: Order = Field("-sent_at")
    cursor: str | None = Field(None, max_length=500)
    utc: bool = False


@everywhere("/")
async def home(request: Request) -> Response:
    """How things stand: the sentence, the last thirty days, and what is missing now."""
    seat, reader = seat_of(request), reader_of(request)
    today = norwegian_day(reader.now)
    if not seat.shows_rows:
        counts = await published_of(seat)
        shown = overview.Standing(counts.found.total, None, [])
        says = says_of(seat.picture(counts.coverage, reader.now), shown.counts)
        return await page(
            request, reader, "overview.html", counts,
            standing=shown, says=says, listed=None, query=None, today=today, receivers=[], recent=None,
        )  # fmt: skip
    watch, now = await seat.watch(reader.now), to_the_minute(reader.now)
    unit = overview.unit_of(watch, reader.now)
    answer = await seat.answer(("lead", now, unit), lambda cursor: overview.lead(cursor, today, now, unit))
    lead: overview.Lead = answer.found
    query = _query(reader.here, order="alarm_at")
    query = query.model_copy(update={"status": ["missing"]})
    listed = await _listed(seat, query)
    picture, numbers = seat.picture(answer.coverage, reader.now), lead.standing.counts
    return await page(
        request, reader, "overview.html", answer,
        **lead._asdict(), watch=watch, says=says_of(picture, numbers),
        list_says=says_of_list(picture, listed.found.total, numbers, filtered=_is_filtered(reader.here)),
        listed=listed.found, query=query, today=today, fixed="missing",
    )  # fmt: skip


@everywhere("/reports")
async def reports(request: Request) -> Response:
    """Any selection of reports."""
    seat, reader = seat_of(request), reader_of(request)
    ensure_rows(seat, reader)
    query = _query(reader.here)
    listed = await _listed(seat, query)
    nothing = dict.fromkeys(queries.COUNTS, 0)  # where nothing is filtered, an empty list is of all there is
    says = says_of_list(
        seat.picture(listed.coverage, reader.now), listed.found.total, nothing, filtered=_is_filtered(reader.here)
    )
    return await page(
        request, reader, "reports.html", listed, listed=listed.found, list_says=says, query=query, fixed=None
    )


@everywhere("/reports/{report_id}")
async def report(request: Request, report_id: str) -> Response:
    """One report with its time line and evidence."""
    seat, reader = seat_of(request), reader_of(request)
    ensure_rows(seat, reader)
    canonical = canonical_report_id(report_id)
    if canonical is None:
        raise NotFound("unknown-report", reader.words("report.not_found_help"))
    found = await report_of(seat, canonical)
    if found is None:
        raise NotFound("unknown-report", reader.words("report.not_found_help"))
    await seat.record("read_report", [canonical])
    sees_all, others, nobody_else = seat.reach.receivers is None, {}, False
    if found.row["status"] == "missing":
        asked = await seat.answer(("alike", canonical), lambda cursor: alike(cursor, found.row))
        others = asked.found
        nobody_else = is_nobody_else(seat.picture(asked.coverage, reader.now), others, sees_all=sees_all)
    return await page(
        request, reader, "report.html", found.answer, report=found.row, moments=found.moments, word=found.word,
        steps=steps(found.row, reader.now, is_receiver=not sees_all), alike=others, nobody_else=nobody_else,
    )  # fmt: skip


@everywhere("/receivers")
async def receivers(request: Request) -> Response:
    """Every receiver with its counts, in any order, with a chart of those where most is missing."""
    seat, reader = seat_of(request), reader_of(request)
    given = dict(reader.here.pairs)
    q, sort = (given.get("q") or "").strip()[:60] or None, given.get("sort", "missing")
    if sort.removeprefix("-") not in ("name", *RECEIVER_COLUMNS):
        raise BadRequest("unknown-order", f"There is no order by {sort}.", "sort")
    if seat.shows_rows:
        answer = await seat.answer("receivers", overview.receivers)
        everybody, total = answer.found, queries.added_up(answer.found)
    else:
        answer = await published_of(seat)
        everybody, total = overview.with_names(answer.found.tables["receiver"]), answer.found.total
    rows = [with_rate(row) for row in overview.searched(everybody, q)]
    columns = tuple(name for name in RECEIVER_COLUMNS if seat.shows_rows or name != "rate")
    worst = sorted((row for row in everybody if row["missing"]), key=lambda row: (-row["missing"], row["name"] or ""))
    return await page(
        request, reader, "receivers.html", answer,
        table=count_table(
            rows, columns, sort, total=with_rate(total) if q is None else None,
            worth=WORTH_A_LOOK if seat.shows_rows and q is None else (),
        ),
        q=q or "", bars=bars([_bar(row, seat, reader) for row in worst[:CHART_BARS]]), having=len(worst),
        says=says_of(seat.picture(answer.coverage, reader.now), total), likely=name_meant(q) if not rows else None,
        suppressed=not (everybody or seat.shows_rows) and total["reports"] != 0,
    )  # fmt: skip


def _bar(row: Mapping[str, Any], seat: Seat, reader: PageReader) -> tuple[str, int, str | None]:
    """A receiver's bar, which leads to its home."""
    name = row["name"] or row["municipality"] or reader.words("receivers.unknown")
    return name, row["missing"], f"/receivers/{row['municipality']}" if row["name"] and seat.shows_rows else None


@everywhere("/receivers/{municipality}/{month}")
async def statement_page(request: Request, municipality: str, month: str) -> Response:
    """A receiver's statement for a month."""
    seat, reader = seat_of(request), reader_of(request)
    municipality = known(municipality, reader)
    if not re.fullmatch(MONTH, month):
        raise NotFound("not-found", reader.words("error.not_found"))
    refusal = (await seat.watch(reader.now)).refusal_of(first_day(month), reader.now)
    if refusal is not None:
        seat.whole_within_reach(municipality)
        raise Problem("month-refused", reader.words(f"statement.{refusal}"), status=HTTPStatus.CONFLICT)
    answer, made = await statement_of(seat, municipality, first_day(month), reader.now)
    return await page(
        request, reader, "statement.html", answer,
        statement=made.statement, made=made.made, sha256=made.sha256, rows=answer.found.rows,
    )  # fmt: skip


@everywhere("/confirmation")
async def confirmation(request: Request) -> Response:
    """How long confirmation takes, month by month, for each case system."""
    seat, reader = seat_of(request), reader_of(request)
    answer = await confirmation_of(seat, ("case_system", "month"), ReportFilter())
    allowed = (await seat.answer("allowances", allowances)).found if seat.shows_rows else {}
    groups = answer.found
    months = sorted({group["month"] for group in groups if group["month"]})
    systems = []
    for system in sorted({group["case_system"] or "" for group in groups}):
        rows = {
            group["month"]: group | {"allowance": allowed.get((system or None, group["month"]))}
            for group in groups if (group["case_system"] or "") == system and group["month"]
        }  # fmt: skip
        series = {
            name: [rows[month][name] if month in rows else None for month in months]
            for name in ("p50_seconds", "p95_seconds", "p99_seconds", "allowance")
        }
        systems.append((system, durations_chart(months, series), [rows[month] for month in months if month in rows]))
    return await page(request, reader, "confirmation.html", answer, systems=systems)


@everywhere("/books")
async def books(request: Request) -> Response:
    """Do the books balance, and how far is each partition complete?"""
    seat, reader = seat_of(request), reader_of(request)
    sort = dict(reader.here.pairs).get("sort", "missing")
    if sort.removeprefix("-") not in ("name", *BOOK_COLUMNS):
        raise BadRequest("unknown-order", f"There is no order by {sort}.", "sort")
    answer = await seat.answer("trust", lambda cursor: trust(cursor, shows_rows=seat.shows_rows))
    rows = overview.with_names(answer.found["books"])
    table = count_table(rows, BOOK_COLUMNS, sort, total=summed(rows, BOOK_COLUMNS), worth=BOOKS_WORTH_A_LOOK)
    return await page(request, reader, "books.html", answer, table=table, **answer.found)


@everywhere("/sql")
async def sql(request: Request) -> Response:
    """The analysts' box: a question is part of the address, as everything else."""
    seat, reader = seat_of(request), reader_of(request)
    given = dict(reader.here.pairs)
    query, start = given.get("query", "").strip(), given.get("start", "0")
    if not re.fullmatch("[0-9]{1,6}", start):
        raise BadRequest("invalid-parameter", "The parameter start is a number of rows.", "start")
    found: SqlTable | None = None
    refused: Refused | None = None
    if query:
        try:
            found = await seat.query(query, lambda found: sql_table(found, int(start)))
        except Refused as error:
            refused = error
    kept_tables = tuple(name for name in seat.tables if name != PUBLISHED)
    coverage = await seat.answer("columns", lambda cursor: columns_of(cursor, kept_tables))
    columns = {name: coverage.found.get(name) or list(PUBLISHED_COLUMNS) for name in seat.tables}
    return await page(
        request, reader, "sql.html", coverage,
        kept=not query, query=query, found=found, refused=refused,
        questions=QUESTIONS if seat.shows_rows else {}, tables=columns, page_of=page_of,
    )  # fmt: skip


@everywhere("/accessibility")
async def accessibility(request: Request) -> Response:
    """The accessibility statement: what is asked of the pages, how it was looked at, and what is known to be amiss."""
    seat, reader = seat_of(request), reader_of(request)
    coverage = await seat.answer("coverage", queries.partitions)
    owner, contact = seat.settings.view_owner, seat.settings.view_contact
    return await page(request, reader, "accessibility.html", coverage, owner=owner, contact=contact)


async def _listed(seat: Seat, query: PageQuery) -> Answer:
    at = Cursor.read(query.cursor, query.order) if query.cursor else None
    seat.within_reach(*query.receiver)
    answer = await seat.answer(
        ("listed", query.model_dump_json(exclude={"utc"})),
        lambda cursor: overview.listed(cursor, query, query.order, at),
    )
    await seat.record("list", [row["report_id"] for row in answer.found.rows], query.model_dump_json())
    return answer


def _query(here: Here, order: str | None = None) -> PageQuery:
    given: dict[str, Any] = {
        name: some if name in _LISTS else some[-1] for name, some in values(here.pairs).items() if any(some)
    }
    if order is not None:
        given.setdefault("order", order)
    try:
        return PageQuery.model_validate(given)
    except ValidationError as error:
        found = [dict(one, loc=("query", *one["loc"])) for one in error.errors(include_url=False)]
        raise invalid_request(found) from None


_LISTS = {name for name, field in ReportFilter.model_fields.items() if field.default == []}


def _is_filtered(here: Here) -> bool:
    """True where the address asks for a part of the reports."""
    return any(name not in ("order", "cursor", "utc") for name, _ in here.pairs)
