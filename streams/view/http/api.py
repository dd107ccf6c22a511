"""The API: lists, single reports, counts, coverage, books and SQL, as JSON and as files."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from schemas.common import Municipality, ReportId, Time
from schemas.outputs import Reason
from streams.presentation.municipality_names import known_today, named
from streams.presentation.words import Language
from streams.problems import BadRequest, not_found
from streams.view.http import coverage_models, formats, models
from streams.view.http.for_people import words_of
from streams.view.http.formats import MEDIA_TYPES, Format, as_json
from streams.view.lookups import confirmation_of, published_of, report_of, statement_of
from streams.view.queries import queries
from streams.view.queries.feeds import feeds
from streams.view.queries.filters import MOST_PAGE_ROWS, Condition, Cursor, Order, ReportFilter
from streams.view.queries.grounds import says_of, says_of_feed
from streams.view.queries.published import ensure_unfiltered
from streams.view.queries.queries import By, Listing
from streams.view.queries.statement import MONTH, StatementAnswer, first_day
from streams.view.responses import PROBLEMS, TurnedStream, headers_of, json_answer, known, seat_of, tagged
from streams.view.sandbox import Refused
from streams.view.store.cache import Answer
from streams.view.store.freshness import coverage_of
from streams.view.store.tables import EventKind

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)

Month = Annotated[str, Path(pattern=MONTH, description="A year and a month: 2026-10.")]
PAGE_ROWS = 100
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The list", "content": {media: {} for media in MEDIA_TYPES.values()}}
}


class Paging(BaseModel):
    """How a list is cut into pages, and for whom a file is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int | None = Field(
        None,
        ge=1,
        le=2**31,
        description=f"At most {MOST_PAGE_ROWS} in a JSON page ({PAGE_ROWS} unless given); all in a file.",
    )
    cursor: str | None = Field(None, max_length=500, description="Where the last page ended: its `next`. JSON only.")
    excel: bool = Field(
        False, description="A CSV file for people with Norwegian Excel: fewer columns, words for codes, local times."
    )
    language: Language = Field("nb", description="The language of a file for Excel.")


class ReportQuery(ReportFilter, Paging):
    """A list of reports."""

    order: Order = Field("-sent_at", description="The time that sorts it; with a minus the latest comes first.")


class SummaryQuery(ReportFilter):
    """Counts in groups."""

    reach: Literal["national"] | None = Field(
        None, description="Of the whole country, for those whose token also has its own receivers."
    )

    by: list[By] = Field([], max_length=3, description="What to group by; up to three.")


class EventFilter(BaseModel):
    """Which announcements, and whose."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: list[EventKind] = Field([], description="Which of the four.")
    receiver: list[Municipality] = Field([], description="Municipality number, as in the list of reports.")

    def conditions(self) -> list[Condition]:
        """What must hold of a row of `announcements`."""
        found = ReportFilter(receiver=self.receiver).conditions()
        if self.type:
            found.append(Condition(f"type IN ({', '.join('?' * len(self.type))})", tuple(self.type)))
        return found


class AnnouncementQuery(EventFilter, Paging):
    """A list of announcements, in the order in which they were made."""

    reason: list[Reason] = Field([], description="Why a report is missing.")
    report_id: ReportId | None = Field(None, description="Those of one report.")
    recorded_from: Time | None = Field(None, description="Made at this time or later.")
    recorded_to: Time | None = Field(None, description="Made before this time.")
    order: Literal["recorded_at", "-recorded_at"] = Field("recorded_at", description="Oldest or latest first.")

    def conditions(self) -> list[Condition]:
        """What must hold of a row of `announcements`."""
        found = [*super().conditions(), *ReportFilter(reason=self.reason).conditions()]
        if self.report_id is not None:
            found.append(Condition("report_id = CAST(? AS UUID)", (self.report_id,)))
        if self.recorded_from is not None:
            found.append(Condition("recorded_at >= ?", (self.recorded_from,)))
        if self.recorded_to is not None:
            found.append(Condition("recorded_at < ?", (self.recorded_to,)))
        return found


@router.get("/reports", responses={200: {"model": models.ReportList}})
async def reports(request: Request, query: Annotated[ReportQuery, Query()]) -> Response:
    """Reports, newest first unless another order is asked for; as JSON or by `Accept` as a file."""
    return await _list(request, "reports", queries.report_listing(query, query.order), query)


@router.get("/reports.{suffix}", responses=_FILE)
async def reports_file(request: Request, suffix: Format, query: Annotated[ReportQuery, Query()]) -> Response:
    """The same list in the format that the suffix names."""
    return await _list(request, "reports", queries.report_listing(query, query.order), query, suffix)


@router.get("/reports/{report_id}", responses={200: {"model": models.ReportAnswer}})
async def report(request: Request, report_id: ReportId) -> Response:
    """One report with its time line: each deciding fact with topic, partition, offset and arrival."""
    seat = seat_of(request)
    seat.ensure_rows()
    found = await report_of(seat, report_id)
    if found is None:
        not_found("report with this id")
    await seat.record("read_report", [report_id])
    return json_answer(request, found.answer, report=orjson.Fragment(found.text), timeline=found.moments)


@router.get("/announcements", responses={200: {"model": models.AnnouncementList}})
async def announcements(request: Request, query: Annotated[AnnouncementQuery, Query()]) -> Response:
    """What was announced, missing, recovered, closed and reopened, in order; as JSON or by `Accept` as a file."""
    listing = queries.announcement_listing(query.order, query.conditions())
    return await _list(request, "announcements", listing, query)


@router.get("/announcements.{suffix}", responses=_FILE)
async def announcements_file(
    request: Request, suffix: Format, query: Annotated[AnnouncementQuery, Query()]
) -> Response:
    """The same list in the format that the suffix names."""
    listing = queries.announcement_listing(query.order, query.conditions())
    return await _list(request, "announcements", listing, query, suffix)


@router.get("/summary", responses={200: {"model": models.Summary}})
async def summary(request: Request, query: Annotated[SummaryQuery, Query()]) -> Response:
    """How many reports of each status there are: in all, and in groups."""
    seat = seat_of(request)
    seat.within_reach(*query.receiver)

    if not seat.shows_rows:
        ensure_unfiltered(query)
        answer = await published_of(seat)
        groups = formats.json_list(named(answer.found.by(query.by)))
        return await _summed(request, answer, query, answer.found.total, None, groups)

    def counted(cursor: Any) -> tuple[Any, Any, bytes]:
        groups = queries.summary(cursor, query.by, query)  # one without a name where nothing is asked for
        shown = formats.json_list(named(groups if query.by else []))
        return queries.added_up(groups), queries.alarms(cursor, query), shown

    answer = await seat.answer(("summary", query.model_dump_json()), counted)
    return await _summed(request, answer, query, *answer.found)


async def _summed(
    request: Request, answer: Answer, query: SummaryQuery, total: Any, alarms: Any, groups: bytes
) -> Response:
    """Counts with what they allow to say: of a part that is not there nothing but that."""
    seat = seat_of(request)
    of_all = not query.model_dump(exclude_defaults=True, exclude={"by", "reach"})
    says = says_of(seat.picture(answer.coverage), total) if of_all else "found" if total["reports"] else "nothing_found"
    watch = await seat.watch()
    return json_answer(
        request, answer, says=says if says != "found" else None, watched_since=watch.since, total=total,
        alarms=alarms, groups=orjson.Fragment(groups),
    )  # fmt: skip


@router.get("/confirmation-times", responses={200: {"model": models.Confirmation}})
async def confirmation_times(request: Request, query: Annotated[SummaryQuery, Query()]) -> Response:
    """How long it took from sent to the arrival of the proof: p50, p95 and p99 in groups."""
    seat = seat_of(request)
    seat.within_reach(*query.receiver)
    answer = await confirmation_of(seat, query.by, query)
    groups = await seat.desk.pages.once(lambda: formats.json_list(named(answer.found)))
    return json_answer(request, answer, groups=orjson.Fragment(groups))


@router.get("/coverage", responses={200: {"model": coverage_models.CoverageAnswer}})
async def coverage(request: Request) -> Response:
    """How far each partition is complete, where the checker cannot see, what was lost, and what the feeds have said."""
    seat = seat_of(request)
    answer = await seat.answer(
        "coverage_and_feeds", lambda cursor: (queries.partitions(cursor), feeds(cursor, shows_rows=seat.shows_rows))
    )
    (partitions, losses), (words, by_partition) = answer.found
    picture = seat.picture(answer.coverage)
    said = [feed | {"says": says_of_feed(picture, feed)} for feed in words]
    return json_answer(request, answer, partitions=partitions, losses=losses, feeds=said, feed_words=by_partition)


@router.get("/books", responses={200: {"model": coverage_models.BooksAnswer}})
async def books(request: Request) -> Response:
    """The books by receiver: sent = pending + stored + missing + recovered + unproven + undetermined + erased.

    Where single reports may not be seen: whether they balance.
    """
    seat = seat_of(request)
    answer = await seat.answer("books", queries.books)
    rows = answer.found
    balanced = not any(row["difference"] for row in rows)
    return json_answer(request, answer, balanced=balanced, books=rows if seat.shows_rows else [])


@router.get("/statements/{municipality}/{month}", responses={200: {"model": StatementAnswer}})
async def statement_file(request: Request, municipality: Municipality, month: Month) -> Response:
    """A receiver's statement for one month, with its checksum."""
    today = known_today(municipality)
    if today is None:
        not_found("municipality with this number")
    seat = seat_of(request)
    answer, made = await statement_of(seat, today, first_day(month), datetime.now(UTC))
    headers = headers_of(seat.picture(answer.coverage)) | {
        "Content-Disposition": f'attachment; filename="statement-{today}-{month}.json"'
    }
    return tagged(request, as_json(made.model_dump(mode="json")), "application/json", headers)


@router.post("/sql", responses={200: {"model": models.QueryAnswer}})
async def sql(request: Request, query: models.Query) -> Response:
    """One SELECT over the public tables and views, read-only, limited in rows, memory and time."""
    seat = seat_of(request)
    try:
        found, rows = await seat.query(query.query, lambda found: (found, formats.json_rows(found)))
    except Refused as refused:
        raise BadRequest(f"sql-{refused.kind.replace('_', '-')}", str(refused), "query") from None
    picture = seat.picture(await seat.once(coverage_of))
    body = as_json(
        {
            "picture": picture.model_dump(mode="json"),
            "columns": found.table.column_names,
            "rows": orjson.Fragment(rows),
            "truncated": found.truncated,
            "seconds": round(found.seconds, 3),
        }
    )
    return Response(body, media_type="application/json", headers=headers_of(picture))


async def _list(request: Request, name: str, listing: Listing, query: Any, suffix: Format | None = None) -> Response:
    seat = seat_of(request)
    seat.ensure_rows()
    seat.within_reach(*query.receiver)
    wanted = suffix or formats.wanted(request.headers.get("accept"))
    if wanted is not Format.JSON:
        return await _file(request, name, listing, query, wanted)
    limit = query.limit or PAGE_ROWS
    if limit > MOST_PAGE_ROWS:
        raise BadRequest(
            "page-too-large", f"A page has at most {MOST_PAGE_ROWS} rows: follow `next`, or ask for NDJSON.", "limit"
        )
    at = Cursor.read(query.cursor, query.order) if query.cursor else None
    question = (name, query.model_dump_json())
    answer = await seat.answer(question, lambda cursor: queries.page(cursor, listing, limit, at))
    await seat.record("list", answer.found.report_ids(), request.url.query)
    rows = [orjson.Fragment(row) for row in answer.found.rows]
    says = {"says": "found" if rows or at else "nothing_found"} if name == "reports" else {}
    return json_answer(request, answer, **says, **{name: rows}, next=answer.found.following)


async def _file(request: Request, name: str, listing: Listing, query: Any, wanted: Format) -> Response:
    if query.cursor:
        raise BadRequest("bad-cursor", "A file holds the whole list: leave the cursor out.", "cursor")
    seat = seat_of(request)
    tag = f'"{seat.tag}-{wanted.value}"'  # read first: what changes meanwhile makes the file newer, never older
    picture = seat.picture(await seat.once(coverage_of))
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = headers_of(picture) | {
        "Content-Disposition": f'attachment; filename="{name}-{moment}.{wanted.value}"',
        "ETag": f"W/{tag}",
    }
    if known(request, tag):
        return Response(status_code=304, headers=headers)
    asked = f"{name}.{wanted.value}?{request.url.query}"
    reading = seat.reading
    if wanted is Format.NDJSON:
        content = formats.ndjson(reading, listing, query.limit)
    elif wanted is Format.CSV and query.excel:
        content = formats.excel_csv(reading, listing, query.limit, words_of(query.language))
    elif wanted is Format.CSV:
        content = formats.csv(reading, listing, query.limit)
    else:
        about = {"complete_until": headers["X-Complete-Until"], "behind": picture.behind or ""}
        content = formats.parquet(reading, listing, query.limit, about)
    turn = seat.desk.files.turn(seat.sharer or "everybody")
    return TurnedStream(
        content, turn, lambda: seat.record("read_file", question=asked), media_type=MEDIA_TYPES[wanted],
        headers=headers,
    )  # fmt: skip
