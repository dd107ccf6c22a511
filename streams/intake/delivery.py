"""From what was judged to an answer: written to Kafka, counted, and only then said."""

from collections.abc import Iterable
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from streams.intake.bodies import JSON, NDJSON
from streams.intake.desk import Caller
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


def reports_of(caller: Caller, message_ids: Any) -> dict[str, str]:
    """The reports of messages. Raises Problem where some are asked for and they have not been read yet."""
    return caller.desk.heard().messages.reports(message_ids) if message_ids else {}


def accepted(answer: BaseModel) -> Response:
    """What became of it."""
    return Response(answer.model_dump_json(), status_code=202, media_type=JSON)


def described(model: type[BaseModel], example: dict[str, Any], item: type[BaseModel] | None = None) -> dict[str, Any]:
    """What a request's body may be, for the OpenAPI document; with items also as NDJSON."""
    schema = model.model_json_schema()
    content: dict[str, Any] = {JSON: {"schema": schema, "example": example}}
    if item is not None:
        schema["properties"]["items"]["items"] = one = item.model_json_schema()
        schema["$defs"] = schema.get("$defs", {}) | one.pop("$defs", {})
        content[NDJSON[0]] = {"schema": item.model_json_schema(), "example": example["items"][0]}
    return {"requestBody": {"required": True, "content": content}}
