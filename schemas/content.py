"""What an input record's bytes hold: one JSON object, out of whatever was put around it."""

import base64
import json
from typing import Any

import orjson

FRAME_BYTES = 5  # a schema registry's framing: a zero byte and a 4-byte schema id
MOST_LAYERS = 8  # of envelopes around an event; two are met with


class Unreadable(Exception):
    """A record cannot be read. `stage` is encoding, json or schema; `reason` names the field, never its content."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason


def content_of(value: bytes) -> dict[str, Any]:
    """The event's own properties. Read past are a schema registry's frame, byte-order marks, JSON within a JSON string,
    CloudEvents in structured mode and Kafka Connect's schema and payload. Raises Unreadable.
    """
    given: Any = value[FRAME_BYTES:] if value[:1] == b"\0" and len(value) > FRAME_BYTES else value
    for _ in range(MOST_LAYERS):
        if isinstance(given, bytes | str):
            given = _parsed(given)
        elif isinstance(given, dict) and "report_id" not in given and (inner := _wrapped(given)) is not None:
            given = inner
        else:
            break
    if not isinstance(given, dict):
        raise Unreadable("json", "not_an_object")
    return given


def _parsed(given: bytes | str) -> Any:
    """JSON as producers write it; NaN, and half a surrogate in free text, only the second parser takes."""
    try:
        return orjson.loads(given)
    except ValueError:
        pass
    try:
        return json.loads(given, parse_int=float)  # an int is bounded, and no field of ours is a number
    except UnicodeDecodeError:
        raise Unreadable("encoding", "not_utf8") from None
    except (ValueError, RecursionError):
        raise Unreadable("json", "not_json") from None


def _wrapped(given: dict[str, Any]) -> Any:
    """What an envelope holds; None if it is none."""
    if "specversion" in given:
        if isinstance(encoded := given.get("data_base64"), str):
            return _decoded(encoded)
        return given.get("data")
    return given.get("payload") if "schema" in given else None


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError:
        raise Unreadable("encoding", "not_base64") from None
