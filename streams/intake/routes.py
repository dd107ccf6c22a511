"""The addresses of the intake."""

from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Request, Response

from schemas.inputs import FeedId
from streams.intake.bodies import JSON, NDJSON, content_of, read_as
from streams.intake.desk import Caller
from streams.intake.feed_marks import ensure_not_ahead, marks, vouched
from streams.intake.items import ProofItem
from streams.intake.models import FeedState, Mark, Marked, Proofs, Verdicts
from streams.intake.proofs import Judged, Sender, judge
from streams.intake.writer import Delivered
from streams.kafka.partitioner import partition_of
from streams.problems import MEDIA_TYPE, BadRequest
from streams.records.record import Write

PROOF = "proof"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}}
    for code, text in (
        (400, "A body that cannot be read"),
        (401, "No token, or none that is good here"),
        (403, "Not within reach of this token"),
        (413, "More than may come at once"),
        (415, "Another media type, or packed otherwise"),
        (422, "A field that is unknown or cannot be read"),
        (429, "More than one organisation's share, or than Kafka takes"),
        (503, "Not confirmed by Kafka: send the same again"),
    )
}
_PROOFS_EXAMPLE = {
    "feed": "familia-3907",
    "items": [
        {"report_id": "0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f", "stored_at": "2026-01-05T09:12:44Z"},
        {"message_id": "7d1f4b4e-2a90-4d0c-8a3e-5f60718293a4", "municipality": "3907", "evidence": "READ_BACK"},
    ],
    "vouched_until": "2026-01-05T09:15:00Z",
}

router = APIRouter(prefix="/intake/v1", responses=PROBLEMS)


def _body(schema: dict[str, Any], example: dict[str, Any], item: dict[str, Any] | None = None) -> dict[str, Any]:
    """What a request's body may be, for the OpenAPI document."""
    content: dict[str, Any] = {JSON: {"schema": schema, "example": example}}
    if item is not None:
        content[NDJSON[0]] = {"schema": item, "example": example["items"][0]}
    return {"requestBody": {"required": True, "content": content}}


def _with_items(model: type[Proofs], item: type[ProofItem]) -> dict[str, Any]:
    schema = model.model_json_schema()
    schema["properties"]["items"]["items"] = item.model_json_schema()
    return schema


def caller_of(request: Request) -> Caller:
    """Whoever is at the door, as the gate let them in."""
    caller: Caller = request.state.seat
    return caller


@router.post(
    "/proofs",
    status_code=202,
    response_model=Verdicts,
    openapi_extra=_body(_with_items(Proofs, ProofItem), _PROOFS_EXAMPLE, ProofItem.model_json_schema()),
)
async def proofs(request: Request) -> Response:
    """Proofs that reports lie in a case system, and what their feed vouches for behind them: one transaction.

    As NDJSON each line is an item; feed, vouched_until and zone stand in the query then.
    """
    caller = caller_of(request)
    caller.ensure_scope(PROOF)
    asked = read_as(Proofs, await content_of(request))
    return await deliver(caller, asked)


async def deliver(caller: Caller, asked: Proofs) -> Response:
    """Judge the items, write those that are accepted and the feed's word, and answer when it is committed.

    Raises Problem.
    """
    own = caller.own()
    if asked.feed is not None:
        caller.ensure_feed(asked.feed)
    elif asked.vouched_until is not None:
        raise BadRequest("no-feed", "vouched_until is a feed's word: say which feed's.", "feed")
    if asked.vouched_until is not None:
        ensure_not_ahead(asked.vouched_until, datetime.now(UTC))
    zone = ZoneInfo(asked.zone) if asked.zone else None
    judged = judge(asked.items, Sender(own, asked.feed, zone), lambda ids: _reports(caller, ids))
    until = _vouched(caller, asked, judged)
    await _write(caller, asked.feed, judged, until)
    answer = Verdicts(verdicts=judged.verdicts, counts=judged.counts, vouched_until=until)
    return Response(answer.model_dump_json(), status_code=202, media_type=JSON)


def _reports(caller: Caller, message_ids: Any) -> dict[str, str]:
    return caller.desk.heard().messages.reports(message_ids) if message_ids else {}


def _vouched(caller: Caller, asked: Proofs, judged: Judged) -> datetime | None:
    """Until when the feed vouches. What was not taken is noted also where it does not vouch now."""
    feed = asked.feed
    if feed is None:
        return None
    held = [one.stored_at for one in judged.undelivered if caller.desk.not_delivered.holds(feed, one.what)]
    return None if asked.vouched_until is None else vouched(asked.vouched_until, held)


async def _write(caller: Caller, feed: str | None, judged: Judged, until: datetime | None) -> None:
    """Proofs first, then the feed's mark in every partition."""
    desk = caller.desk
    partitions = desk.writer.input_partitions()
    topic = desk.settings.facts[2]
    records = [
        Write(topic, partition_of(key, partitions), key, proof.value)
        for proof in judged.proofs
        for key in (proof.report_id.encode(),)
    ]
    if feed is not None and until is not None:
        records += marks(topic, partitions, feed, until)
    await desk.writer.write(records, Delivered(caller.visitor, "proofs", feed, judged.counts))
    desk.told.items("proof", judged.counts)
    if until is not None:
        desk.told.marked()


@router.post(
    "/feeds/{feed}/marks",
    status_code=202,
    response_model=Marked,
    openapi_extra=_body(Mark.model_json_schema(), {"vouched_until": "2026-01-05T09:15:00Z"}),
)
async def feed_marks(request: Request, feed: Annotated[FeedId, Path()]) -> Response:
    """A feed's word without proofs: that all that was stored until then has been delivered."""
    caller = caller_of(request)
    caller.ensure_scope(PROOF)
    caller.ensure_feed(feed)
    asked = read_as(Mark, await content_of(request))
    ensure_not_ahead(asked.vouched_until, datetime.now(UTC))
    await _write(caller, feed, Judged([], [], []), asked.vouched_until)
    answer = Marked(feed=feed, vouched_until=asked.vouched_until)
    return Response(answer.model_dump_json(), status_code=202, media_type=JSON)


@router.get("/feeds/{feed}", response_model=FeedState)
async def feed_state(request: Request, feed: Annotated[FeedId, Path()]) -> Response:
    """What the checker has heard of a feed, as its coverage says."""
    caller = caller_of(request)
    caller.ensure_scope(PROOF)
    caller.ensure_feed(feed)
    state = caller.desk.heard().feed(feed, caller.desk.writer.input_partitions())
    return Response(state.model_dump_json(), media_type=JSON)
