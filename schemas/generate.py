"""Write the JSON Schemas and the AsyncAPI document: `python -m schemas.generate`; the examples are kept by hand."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from schemas import coverage, inputs, outputs, policy

FOLDER = Path(__file__).parent
DIALECT = "https://json-schema.org/draft/2020-12/schema"

INPUTS: dict[str, type[BaseModel]] = {
    "report-sent": inputs.ReportSent,
    "report-receipt": inputs.ReportReceipt,
    "report-stored": inputs.ReportStored,
    "feed-mark": inputs.FeedMark,
    "report-decision": inputs.ReportDecision,
}
EVENTS: dict[str, type[BaseModel]] = {
    "report-missing": outputs.ReportMissing,
    "report-recovered": outputs.ReportRecovered,
    "report-closed": outputs.ReportClosed,
    "report-reopened": outputs.ReportReopened,
}
OUTPUTS: dict[str, type[BaseModel]] = EVENTS | {
    "report-state": outputs.ReportState,
    "coverage": coverage.Coverage,
    "books": coverage.Books,
    "message": outputs.Message,
    "rejected": outputs.Rejected,
    "access": outputs.Access,
}
POLICY = {"policy": policy.PolicyFile}
MODELS = INPUTS | OUTPUTS | POLICY

_DELETE = {"cleanup.policy": ["delete"], "retention.ms": 90 * 24 * 3600 * 1000}
_TWO_YEARS = _DELETE | {"retention.ms": 730 * 24 * 3600 * 1000}
_COMPACT = {"cleanup.policy": ["compact"]}
# channel: address, messages, topic settings, what its key is
CHANNELS: dict[str, tuple[str, list[str], dict[str, Any], str]] = {
    "sent": ("reports.sent", ["report-sent"], _DELETE, "The report id."),
    "receipt": ("reports.receipt", ["report-receipt"], _DELETE, "The report id."),
    "stored": ("reports.stored", ["report-stored", "feed-mark"], _DELETE, "The report id."),
    "decision": ("reports.decision", ["report-decision"], _DELETE, "The report id."),
    "missing": ("{app}.missing", [*EVENTS], _TWO_YEARS, "The report id."),
    "state": ("{app}.state", ["report-state"], _COMPACT, "The report id; a null value erases the row."),
    "coverage": ("{app}.coverage", ["coverage", "books"], _COMPACT, "partition, or partition/municipality."),
    "messages": (
        "{app}.messages",
        ["message"],
        _COMPACT,
        "message_id/report_id, in the report's partition; a null value takes it back.",
    ),
    "rejected": ("{app}.rejected", ["rejected"], _TWO_YEARS, "topic/partition/offset."),
    "access": ("{app}.access", ["access"], _TWO_YEARS, "The subject."),
}


def schema_of(name: str) -> dict[str, Any]:
    """The published JSON Schema (2020-12, closed) of one model."""
    return {"$schema": DIALECT, "$id": f"urn:meldingsvakt:schema:{name}:v1", **MODELS[name].model_json_schema()}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.1 document: every topic with its messages, keys and Kafka settings."""
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "meldingsvakt",
            "version": "1.0.0",
            "description": "Announces every report of concern whose proof of storage did not arrive in time. Consumers "
            "read with isolation.level=read_committed and drop an event id that they have seen.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name) for name in CHANNELS},
        "operations": {f"{_action(name)}-{name}": _operation(name) for name in CHANNELS},
        "components": {"messages": {name: _message(name) for name in (*INPUTS, *OUTPUTS)}},
    }


def _action(channel: str) -> str:
    return "receive" if channel in ("sent", "receipt", "stored", "decision") else "send"


def _channel(name: str) -> dict[str, Any]:
    address, messages, settings, _ = CHANNELS[name]
    channel: dict[str, Any] = {
        "address": address,
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in messages},
        "bindings": {"kafka": {"topicConfiguration": settings, "bindingVersion": "0.5.0"}},
    }
    if "{app}" in address:
        channel["parameters"] = {"app": {"description": "The application id.", "default": "reports"}}
    if _action(name) == "receive":
        channel["description"] = "message.timestamp.type must be LogAppendTime; partitioned by murmur2 of the key."
    return channel


def _operation(name: str) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/{name}/messages/{message}"} for message in CHANNELS[name][1]]
    return {"action": _action(name), "channel": {"$ref": f"#/channels/{name}"}, "messages": messages}


def _message(name: str) -> dict[str, Any]:
    key = next(key for _, messages, _, key in CHANNELS.values() if name in messages)
    if name == "feed-mark":
        key = "The feed's id; it says nothing: a mark goes into every partition."
    message: dict[str, Any] = {
        "name": name,
        "contentType": "application/json",
        "payload": {"$ref": f"json/{name}.schema.json"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
        "examples": [{"name": name, "payload": example(name)}],
    }
    if name == "feed-mark":
        feed = {"type": "string", "description": "The feed's id: what makes the record a mark."}
        message["headers"] = {"type": "object", "required": ["mv-feed"], "properties": {"mv-feed": feed}}
    if name in EVENTS:
        message["headers"] = _cloudevents_headers(MODELS[name].model_fields["type"].annotation.__args__[0])  # type: ignore[union-attr]
    return message


def _cloudevents_headers(event_type: str) -> dict[str, Any]:
    """CloudEvents 1.0, Kafka binary mode."""
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time"],
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {**text, "format": "uuid"},
            "ce_source": {"const": "/meldingsvakt"},
            "ce_type": {"const": event_type},
            "ce_subject": {**text, "format": "uuid"},
            "ce_time": {**text, "format": "date-time"},
            "ce_recordedtime": {**text, "format": "date-time", "description": "When it was noticed: differs by run."},
            "content-type": {"const": "application/json"},
        },
    }


def example(name: str) -> Any:
    """The example of one message."""
    return json.loads((FOLDER / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def generated() -> dict[Path, str]:
    """Every generated file and what must stand in it."""
    files = {
        FOLDER / "json" / f"{name}.schema.json": json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n"
        for name in MODELS
    }
    plain = json.loads(json.dumps(asyncapi()))  # no object twice, or YAML would write it as an alias
    files[FOLDER / "asyncapi.yaml"] = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
    return files


def main() -> None:
    """Write all of them."""
    for path, text in generated().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
