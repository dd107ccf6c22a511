"""The addresses of the intake."""

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response

from schemas.inputs import FeedId, ReportReceipt, ReportSent
from streams.intake.bodies import JSON, content_of, read_as
from streams.intake.decisions import NOBODY, Decider, DecisionItem, judge_decisions
from streams.intake.delivery import accepted, caller_of, described, reports_of, vouched_by, whole, write, write_proofs
from streams.intake.desk import Caller
from streams.intake.feed_marks import ensure_not_ahead
from streams.intake.items import ProofItem
from streams.intake.judged import Judged, nothing
from streams.intake.models import FeedState, Items, Mark, Marked, Proofs, Taken, Verdicts
from streams.intake.portal import judge_receipts, judge_sent
from streams.intake.proofs import Sender, judge
from streams.intake.writer import Delivered
from streams.problems import MEDIA_TYPE, BadRequest, ProblemDocument

PROOF, PORTAL, DECIDE = "proof", "portal", "decide"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"description": text, "content": {MEDIA_TYPE: {"schema": whole(ProblemDocument)}}}
    for code, text in (
        (400, "A body that cannot be read"),
        (401, "No token, or none that is good here"),
        (403, "Not within reach of this token"),
        (408, "A body that does not come"),
        (409, "A list that has shrunk"),
        (413, "More than may come at once"),
        (415, "Another media type, or packed otherwise"),
        (422, "A field that is unknown or cannot be read"),
        (429, "More than one organisation's share, or than Kafka takes"),
        (503, "Not confirmed by Kafka: send the same again"),
    )
}
PROOFS_EXAMPLE: dict[str, Any] = {
    "feed": "familia-3907",
    "items": [
        {"report_id": "0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f", "stored_at": "2026-01-05T09:12:44Z"},
        {"message_id": "7d1f4b4e-2a90-4d0c-8a3e-5f60718293a4", "municipality": "3907", "evidence": "READ_BACK"},
    ],
    "vouched_until": "2026-01-05T09:15:00Z",
}

SENT_EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "report_id": "0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f",
            "sent_at": "2026-01-05T09:10:00Z",
            "receiver": {"municipality": "3907"},
            "channel": "FIKS_IO",
            "case_system": "VISMA_FAMILIA",
            "message_id": "7d1f4b4e-2a90-4d0c-8a3e-5f60718293a4",
        }
    ]
}
RECEIPT_EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "report_id": "0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f",
            "receipt": "MOTTATT",
            "received_at": "2026-01-05T09:10:03Z",
            "message_id": "7d1f4b4e-2a90-4d0c-8a3e-5f60718293a4",
        }
    ]
}
DECISION_EXAMPLE: dict[str, Any] = {
    "items": [
        {
            "report_id": "0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f",
            "missing_event_id": "b2f7a3c4-1d2e-5f60-8a9b-0c1d2e3f4a5b",
            "action": "close",
            "outcome": "found",
            "municipality": "3907",
        }
    ]
}

router = APIRouter(prefix="/intake/v1", responses=PROBLEMS)


@router.post(
    "/proofs",
    status_code=202,
    response_model=Verdicts,
    openapi_extra=described(Proofs, PROOFS_EXAMPLE, ProofItem),
)
async def proofs(request: Request) -> Response:
    """Proofs that reports lie in a case system, and what their feed vouches for behind them: one transaction.

    As NDJSON each line is an item; feed, vouched_until and zone stand in the query then.
    """
    caller = caller_of(request)
    caller.ensure_scope(PROOF)
    asked = read_as(Proofs, await content_of(request))
    return accepted(await deliver(caller, asked))


async def deliver(caller: Caller, asked: Proofs) -> Verdicts:
    """Judge the items, write those that are accepted and the feed's word, and come back when it is committed.

    Raises Problem.
    """
    own = caller.own()
    if asked.feed is not None:
        caller.ensure_feed(asked.feed)
    elif asked.vouched_until is not None:
        raise BadRequest("no-feed", "vouched_until is a feed's word: say which feed's.", "feed")
    if asked.vouched_until is not None:
        ensure_not_ahead(asked.vouched_until, datetime.now(UTC))
    judged = judge(asked.items, Sender(own, asked.feed, _zone(asked)), lambda ids: reports_of(caller, ids))
    until = vouched_by(caller, asked.feed, asked.vouched_until, judged)
    await write_proofs(caller, "proof", asked.feed, judged, until)
    return Verdicts(verdicts=judged.verdicts, counts=judged.counts, vouched_until=until)


def _zone(asked: Items) -> ZoneInfo | None:
    return ZoneInfo(asked.zone) if asked.zone else None


@router.post(
    "/feeds/{feed}/marks",
    status_code=202,
    response_model=Marked,
    openapi_extra=described(Mark, {"vouched_until": "2026-01-05T09:15:00Z"}),
)
async def feed_marks(request: Request, feed: Annotated[FeedId, Path()]) -> Response:
    """A feed's word without proofs: that all that was stored until then has been delivered."""
    caller = caller_of(request)
    caller.ensure_scope(PROOF)
    caller.ensure_feed(feed)
    asked = read_as(Mark, await content_of(request))
    ensure_not_ahead(asked.vouched_until, datetime.now(UTC))
    until = vouched_by(caller, feed, asked.vouched_until, nothing())
    await write_proofs(caller, "mark", feed, nothing(), until)
    return accepted(Marked(feed=feed, vouched_until=until))


@router.get("/feeds/{feed}", response_model=FeedState)
async def feed_state(request: Request, feed: Annotated[FeedId, Path()]) -> Response:
    """What the checker has heard of a feed, as its coverage says."""
    caller = caller_of(request)
    caller.ensure_scope(PROOF)
    caller.ensure_feed(feed)
    state = caller.desk.heard().feed(feed, caller.desk.writer.input_partitions())
    return Response(state.model_dump_json(), media_type=JSON)


@router.post("/sent", status_code=202, response_model=Taken, openapi_extra=described(Items, SENT_EXAMPLE, ReportSent))
async def sent(request: Request) -> Response:
    """Reports that the portal handed over. One is taken if its id can be read, whatever else cannot."""
    caller, asked = await _asked(request, PORTAL)
    return await _taken(caller, "sent", judge_sent(asked.items, _zone(asked)))


@router.post(
    "/receipts", status_code=202, response_model=Taken, openapi_extra=described(Items, RECEIPT_EXAMPLE, ReportReceipt)
)
async def receipts(request: Request) -> Response:
    """What receivers claim: by the report's id, or by that of the message alone."""
    caller, asked = await _asked(request, PORTAL)
    return await _taken(
        caller, "receipt", judge_receipts(asked.items, _zone(asked), lambda ids: reports_of(caller, ids))
    )


@router.post(
    "/decisions",
    status_code=202,
    response_model=Taken,
    openapi_extra=described(Items, DECISION_EXAMPLE, DecisionItem),
)
async def decisions(request: Request) -> Response:
    """What people decide of alarms. Accepted is what is whole; whether it fits the checker says when it reads it."""
    caller, asked = await _asked(request, DECIDE)
    decider = Decider(caller.visitor or NOBODY, caller.own())
    return await _taken(caller, "decision", judge_decisions(asked.items, decider, datetime.now(UTC)))


async def _asked(request: Request, scope: str) -> tuple[Caller, Items]:
    caller = caller_of(request)
    caller.ensure_scope(scope)
    return caller, read_as(Items, await content_of(request))


async def _taken(caller: Caller, kind: str, judged: Judged) -> Response:
    topic = f"{caller.desk.settings.input_prefix}{kind}"
    await write(caller, Delivered(caller.visitor, kind, None, judged.counts), topic, judged)
    return accepted(Taken(verdicts=judged.verdicts, counts=judged.counts, unread=judged.unread))
