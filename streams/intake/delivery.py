"""From what was judged to an answer: written to Kafka, counted, and only then said."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from streams.intake.bodies import JSON, NDJSON
from streams.intake.desk import Caller
from streams.intake.feed_marks import marks, vouched
from streams.intake.judged import Judged
from streams.intake.writer import Delivered
from streams.kafka.partitioner import partition_of
from streams.records.record import Write


def caller_of(request: Request) -> Caller:
    """Whoever is at the door, as the gate let them in."""
    caller: Caller = request.state.seat
    return caller


async def write(caller: Caller, delivered: Delivered, topic: str, judged: Judged, behind: Iterable[Write] = ()) -> None:
    """Write what was accepted, each into its report's partition, and what comes `behind`. Raises Problem."""
    desk = caller.desk
    partitions = desk.writer.input_partitions()
    keyed = ((entry.report_id.encode(), entry.value) for entry in judged.entries)
    records = [Write(topic, partition_of(key, partitions), key, value) for key, value in keyed]
    await desk.writer.write([*records, *behind], delivered)
    desk.told.items(delivered.kind, delivered.counts)


async def write_proofs(caller: Caller, kind: str, feed: str | None, judged: Judged, until: datetime | None) -> None:
    """Proofs first, then the feed's mark in every partition. Raises Problem."""
    desk, topic = caller.desk, caller.desk.settings.facts[2]
    behind: Iterable[Write] = ()
    if feed is not None and until is not None:
        behind = marks(topic, desk.writer.input_partitions(), feed, until)
    await write(caller, Delivered(caller.visitor, kind, feed, judged.counts), topic, judged, behind)
    if feed is not None:
        desk.not_delivered.delivered(feed, judged.known)
    if until is not None:
        desk.told.marked()


def vouched_by(caller: Caller, feed: str | None, wanted: datetime | None, judged: Judged) -> datetime | None:
    """Until when the feed vouches. What was not taken is noted also where it does not vouch now."""
    if feed is None:
        return None
    held = caller.desk.not_delivered.holding(feed, judged)
    return None if wanted is None else vouched(wanted, held)


def reports_of(caller: Caller, message_ids: Any) -> dict[str, str]:
    """The reports of messages. Raises Problem where some are asked for while the topics cannot be read."""
    return caller.desk.current().messages.reports(message_ids) if message_ids else {}


def accepted(answer: BaseModel) -> Response:
    """What became of it."""
    return Response(answer.model_dump_json(), status_code=202, media_type=JSON)


def described(model: type[BaseModel], example: dict[str, Any], item: type[BaseModel] | None = None) -> dict[str, Any]:
    """What a request's body may be, for the OpenAPI document; with items also as NDJSON."""
    schema = whole(model)
    content: dict[str, Any] = {JSON: {"schema": schema, "example": example}}
    if item is not None:
        schema["properties"]["items"]["items"] = one = whole(item)
        content[NDJSON[0]] = {"schema": one, "example": example["items"][0]}
    return {"requestBody": {"required": True, "content": content}}


def whole(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema with all that it refers to in its place: in the document its references would lead nowhere."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def put(node: Any) -> Any:
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            rest = {key: put(value) for key, value in node.items() if key != "$ref"}
            return put(parts[name]) | rest if name else rest
        return [put(one) for one in node] if isinstance(node, list) else node

    made: dict[str, Any] = put(schema)
    return made
