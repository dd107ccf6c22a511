"""What a request brings: JSON, or NDJSON with one item a line, packed or not, and never more than it may."""

import zlib
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from streams.intake.items import UnreadableItem
from streams.problems import BadRequest, Problem, invalid_request

MOST_ITEMS = 1_000
OPENAPI = "/intake/v1/openapi.json"
MOST_DELIVERED_BYTES = 1 << 20
JSON, NDJSON = "application/json", ("application/x-ndjson", "application/ndjson", "application/jsonl")
T = TypeVar("T", bound=BaseModel)


def unpacked(body: bytes, headers: Headers, most_bytes: int) -> bytes:
    """The body as it was before it was packed. Raises Problem where it is more than may be, or not what it says."""
    coding = headers.get("content-encoding", "identity").strip().lower()
    if coding == "identity":
        return body
    if coding != "gzip":
        raise Problem(
            "packed-otherwise",
            "The body is packed in a way that is not read here: send it as it is, or with gzip.",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    unpacking = zlib.decompressobj(wbits=31)
    try:
        content = unpacking.decompress(body, most_bytes + 1)
    except zlib.error:
        raise BadRequest("not-gzip", "The body is said to be gzip and is not: pack it again.") from None
    if len(content) > most_bytes:
        raise too_long(most_bytes)
    if not unpacking.eof or unpacking.unused_data:
        raise BadRequest("not-gzip", "The gzip body ends too early, or not where it should: send it again.")
    return content


def too_long(most_bytes: int) -> Problem:
    """A body that is more than may be."""
    return Problem(
        "body-too-large",
        f"The body is more than {most_bytes} bytes: send it in parts.",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def media_type(headers: Headers) -> str:
    """What the body is said to be."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


async def content_of(request: Request) -> dict[str, Any]:
    """The body's content as one JSON object; of NDJSON the lines are its `items`, and the query has the rest.

    Raises Problem where it is neither, or has too many items. A line that is no JSON is an item that cannot be read.
    """
    try:
        packed = await request.body()
    except ClientDisconnect:
        raise BadRequest("body-cut-off", "The body did not come to its end: send it again.") from None
    body = unpacked(packed, request.headers, MOST_DELIVERED_BYTES)
    kind = media_type(request.headers)
    if kind == JSON:
        content = _json(body)
        if not isinstance(content, dict):
            raise BadRequest("not-an-object", 'The body is no JSON object: write the items in a list, {"items": […]}.')
    elif kind in NDJSON:
        content = {**request.query_params, "items": [_line(line) for line in body.splitlines() if line.strip()]}
    else:
        raise Problem(
            "other-media-type",
            f"Say what the body is: Content-Type: {JSON}, or {NDJSON[0]} with one item a line.",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        )
    items = content.get("items")
    if isinstance(items, list) and len(items) > MOST_ITEMS:
        raise Problem(
            "too-many-items",
            f"There are more than {MOST_ITEMS} items: send them in parts.",
            "items",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        )
    return content


def read_as(model: type[T], content: dict[str, Any]) -> T:
    """The content as a model. Raises Problem that repeats nothing of it."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise invalid_request([{**one, "loc": ("body", *one["loc"])} for one in error.errors()], OPENAPI) from None


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("not-json", "The body is no JSON: is it whole, and UTF-8?") from None


def _line(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        return UnreadableItem("json")
