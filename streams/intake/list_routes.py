"""The address that takes lists."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from schemas.common import WrittenTime
from streams.intake.bodies import media_type
from streams.intake.delivery import accepted, caller_of, reports_of, vouched_by, write_proofs
from streams.intake.desk import Caller
from streams.intake.feed_marks import ensure_not_ahead
from streams.intake.items import ACCEPTED
from streams.intake.judged import Judged, nothing
from streams.intake.lists import (
    FORMATS,
    SUFFIXES,
    ListQuery,
    ListRows,
    ensure_zone,
    format_of,
    plan_of,
    query_of,
    read_list,
    save,
)
from streams.intake.proofs import Sender, judge
from streams.intake.routes import PROBLEMS, PROOF
from streams.problems import BadRequest
from streams.sources.plan import SourcePlan

SLICE_ROWS = 1_000  # judged at once, so that others are answered in between
WRITE_ROWS = 5_000  # in one transaction
MOST_SHOWN = 100

router = APIRouter(prefix="/intake/v1", responses=PROBLEMS)


class RefusedRow(BaseModel):
    """A row that was not taken."""

    line: int = Field(description="Its line in the list, the header included; of Parquet its row, from 1.")
    verdict: str


class ListTaken(BaseModel):
    """What became of a list. All of it is committed."""

    rows: int
    counts: dict[str, int] = Field(description="How many rows of each verdict.")
    refused: list[RefusedRow] = Field(description=f"The first {MOST_SHOWN} rows that were not taken.")
    warnings: list[str] = Field(
        description="What was noticed: cut_off (it vouches for nothing), encoding_mixed, norwegian_times, lines_above."
    )
    vouched_until: WrittenTime | None = Field(description="Until when the feed vouches by it, or null.")


_QUERY = [
    {"name": name, "in": "query", "schema": {"type": kind}, "description": text}
    for name, kind, text in (
        ("feed", "string", "The feed that brings it."),
        ("vouched_until", "string", "All that was stored until then in what the feed covers is in the list."),
        ("rows", "integer", "How many rows it has, so that one that was cut off is known."),
        ("insist", "boolean", "It is right that it has less than half the rows of the last one."),
        ("zone", "string", "The zone of times without one: Europe/Oslo."),
        ("times", "string", "How times are written: iso, norwegian, excel, excel1904."),
        ("delimiter", "string", "CSV: else found out by the header."),
        ("encoding", "string", "Else UTF-8 or UTF-16 by the mark, else line by line."),
        ("columns.report_id", "string", "What the list calls the report's id; likewise for every other column."),
        ("constants.municipality", "string", "What holds for every row; likewise for every other column."),
    )
]
EXAMPLES = {
    "text/csv": {
        "example": "report_id,stored_at,municipality\n0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f,2026-01-05T09:12:44Z,3907\n"
    }
}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {kind: {"schema": {"type": "string"}} | EXAMPLES.get(kind, {}) for kind in FORMATS},
}


@router.post(
    "/lists", status_code=202, response_model=ListTaken, openapi_extra={"requestBody": _BODY, "parameters": _QUERY}
)
async def lists(request: Request) -> Response:
    """A file of what is stored, with columns of its own: CSV, NDJSON or Parquet. Its rows are proofs.

    One that was cut off vouches for nothing. One that has less than half the rows of the last one is refused (409)
    unless the sender insists.
    """
    caller = caller_of(request)
    caller.ensure_scope(PROOF)
    query, mapping = query_of(request.query_params)
    sender = Sender(caller.own(), query.feed, None)
    _ensure_fits(caller, query)
    format_ = format_of(media_type(request.headers))
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    with caller.desk.lists.turn(caller.visitor.sharer if caller.visitor else None):
        with tempfile.TemporaryDirectory(prefix="meldingsvakt-list-") as folder:
            path = Path(folder) / f"list{SUFFIXES[format_]}"
            plan = plan_of(mapping, format_, path)
            await save(request.stream(), coding, path)
            listed = await asyncio.to_thread(read_list, plan)
        return accepted(await _deliver(caller, query, plan, listed, sender))


def _ensure_fits(caller: Caller, query: ListQuery) -> None:
    if query.feed is not None:
        caller.ensure_feed(query.feed)
    elif query.vouched_until is not None:
        raise BadRequest("no-feed", "vouched_until is a feed's word: say which feed's.", "feed")
    if query.vouched_until is not None:
        ensure_not_ahead(query.vouched_until, datetime.now(UTC))


async def _deliver(caller: Caller, query: ListQuery, plan: SourcePlan, listed: ListRows, sender: Sender) -> ListTaken:
    """Judge all of it first: what is refused as a whole has written nothing. The feed's word comes with the last."""
    sizes, feed, rows = caller.desk.list_sizes, query.feed, len(listed.rows)
    whole = listed.whole if query.rows is None else query.rows == rows and "cut_off" not in listed.warnings
    warnings = sorted({*listed.warnings, *(() if whole else ("cut_off",))})
    if feed is not None and query.vouched_until is not None:
        sizes.ensure_not_shrunk(feed, rows, insists=query.insist)
    judged = await _judged(caller, listed, sender._replace(zone=ZoneInfo(plan.zone) if plan.zone else None))
    ensure_zone(listed, judged.verdicts, plan.zone)
    wanted = query.vouched_until if whole else None
    until = vouched_by(caller, feed, wanted, judged)
    parts = range(0, max(1, len(judged.entries)), WRITE_ROWS)
    for begin in parts:
        entries = judged.entries[begin : begin + WRITE_ROWS]
        last = begin == parts[-1]
        part = judged._replace(entries=entries)
        part = part if last else part._replace(verdicts=[], known=[])
        await write_proofs(caller, "list", feed, part, until if last else None)
    if feed is not None and until is not None:
        sizes.took(feed, rows)
    refused = [
        RefusedRow(line=row.line, verdict=verdict)
        for row, verdict in zip(listed.rows, judged.verdicts, strict=True)
        if verdict != ACCEPTED
    ]
    return ListTaken(
        rows=rows, counts=judged.counts, refused=refused[:MOST_SHOWN], warnings=warnings, vouched_until=until
    )


async def _judged(caller: Caller, listed: ListRows, sender: Sender) -> Judged:
    whole = nothing()
    for begin in range(0, len(listed.rows), SLICE_ROWS):
        items = [row.item for row in listed.rows[begin : begin + SLICE_ROWS]]
        part = judge(items, sender, lambda ids: reports_of(caller, ids))
        whole.verdicts.extend(part.verdicts)
        whole.entries.extend(part.entries)
        whole.undelivered.extend(part.undelivered)
        whole.known.extend(part.known)
        await asyncio.sleep(0)
    return whole
