"""The published contract: generated files, examples, and what other tools make of them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError as SchemaError
from pydantic import ValidationError

from schemas.common import parse_time
from schemas.generate import CHANNELS, EVENTS, FOLDER, INPUTS, MODELS, OUTPUTS, asyncapi, example, generated, schema_of
from streams.commands.replay import Replay, read_script
from streams.core.rules import Rules
from streams.data import succession
from streams.policies import load_policy
from streams.records.events import event_headers, event_value, stamp


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(name), format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_files_are_what_the_models_generate() -> None:
    for path, text in generated().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run `make schemas`"
    assert {path.name for path in (FOLDER / "json").iterdir()} == {f"{name}.schema.json" for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_a_schema_is_valid_and_closed(name: str) -> None:
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    for model in [schema, *schema.get("$defs", {}).values()]:
        if model.get("type") == "object":
            assert model["additionalProperties"] is False


@pytest.mark.parametrize("name", [*INPUTS, *OUTPUTS])
def test_an_example_fits_model_and_schema(name: str) -> None:
    _validator(name).validate(example(name))
    MODELS[name].model_validate_json(json.dumps(example(name)))


@pytest.mark.parametrize("name", [*INPUTS, *OUTPUTS])
def test_an_unknown_property_is_refused_by_both(name: str) -> None:
    value = example(name) | {"navn": "x"}
    with pytest.raises(SchemaError):
        _validator(name).validate(value)
    with pytest.raises(ValidationError):
        MODELS[name].model_validate(value)


def _accepts(name: str, value: Any) -> bool:
    try:
        MODELS[name].model_validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def _ecma(value: Any) -> bool:
    """False for what Python's `$` and `\\d` read otherwise than the ECMA expressions of JSON Schema."""
    return "\\n" not in json.dumps(value)


@cache
def _patterns(name: str) -> list[tuple[str, str]]:
    """The text fields of a schema that have a pattern."""
    found = []
    for field, schema in schema_of(name)["properties"].items():
        for option in schema.get("anyOf", [schema]):
            if "pattern" in option:
                found.append((field, option["pattern"]))
    return found


@pytest.mark.parametrize("name", [*INPUTS, *EVENTS, "rejected"])
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_model_and_schema_agree_on_what_nearly_fits_a_pattern(name: str, data: st.DataObject) -> None:
    field, pattern = data.draw(st.sampled_from(_patterns(name)))
    text = data.draw(st.from_regex(pattern.replace("$", r"\Z"), alphabet=st.characters(codec="ascii")))
    value = example(name) | {field: text}
    if _ecma(value):
        assert _accepts(name, value) == _validator(name).is_valid(value), value


_LEAVES = st.one_of(
    st.none(), st.integers(), st.booleans(), st.text(max_size=12), st.just("01020312345"), st.just({}), st.just([]),
    st.sampled_from(["0301", "301", "FIKS_IO", "2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "1e9", "MOTTATT"]),
)  # fmt: skip


@pytest.mark.parametrize("name", INPUTS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_model_and_schema_agree_on_changed_examples(name: str, data: st.DataObject) -> None:
    value = json.loads(json.dumps(example(name)))
    field = data.draw(st.sampled_from(sorted(value)))
    if isinstance(value[field], dict) and data.draw(st.booleans()):
        value[field][data.draw(st.sampled_from(sorted(value[field])))] = data.draw(_LEAVES)
    elif data.draw(st.booleans()):
        value[field] = data.draw(_LEAVES)
    else:
        del value[field]
    if _ecma(value):
        assert _accepts(name, value) == _validator(name).is_valid(value), value


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    document = yaml.safe_load((FOLDER / "asyncapi.yaml").read_text(encoding="utf-8"))
    assert document == json.loads(json.dumps(asyncapi()))
    assert document["asyncapi"] == "3.1.0"
    references = list(_references(document))
    assert len(references) > 3 * len(CHANNELS)
    for reference in references:
        path, _, pointer = reference.partition("#")
        target = document if not path else json.loads((FOLDER / path).read_text(encoding="utf-8"))
        for part in filter(None, pointer.split("/")):
            target = target[part]


def _references(node: Any) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


ARRIVALS = {
    "2026-03-02T09:15:00.412Z": ("sent", "report-sent"),
    "2026-03-02T09:15:02.530Z": ("receipt", "report-receipt"),
    "2026-03-02T11:30:10.250Z": (None, "feed-mark"),
    "2026-03-02T12:30:00.730Z": ("decision", "report-decision"),
    "2026-03-03T08:00:05.120Z": ("stored", "report-stored"),
}
REOPENING = {"decision_id": "1f0e2d3c-4b5a-4697-8877-665544332211", "action": "reopen"}


def _example_history() -> tuple[Replay, list[bytes]]:
    """The examples of inputs in their order, under the policy that is an example; the alarm is opened anew, too."""
    lines = [
        {"at": at} | ({"topic": topic, "value": example(name)} if topic else example(name))
        for at, (topic, name) in ARRIVALS.items()
    ]
    reopened = example("report-decision") | REOPENING | {"outcome": None, "decided_at": "2026-03-02T13:10:00Z"}
    lines.insert(-1, {"at": "2026-03-02T13:10:00.640Z", "topic": "decision", "value": reopened})
    policy = load_policy(FOLDER / "examples" / "policy.toml")
    return Replay(Rules(policy, succession())), [json.dumps(line).encode() for line in lines]


def test_the_event_examples_are_what_the_checker_says_about_the_input_examples() -> None:
    replay, lines = _example_history()
    events = list(replay.run(read_script(lines)))
    assert [event_value(event) for event in events] == [
        example(f"report-{name}") for name in ("missing", "closed", "reopened", "recovered")
    ]
    assert json.loads(json.dumps(next(replay.states()))) == example("report-state")
    recorded = parse_time("2026-03-03T08:00:06Z")
    for event in events:
        value = event_value(event)
        headers = dict(event_headers(event, stamp(recorded).encode()))
        message = KafkaMessage(headers=headers, key=None, value=json.dumps(value).encode())
        read = from_binary(message, JSONFormat())
        assert read.get_id() == value["event_id"]
        assert read.get_type() == value["type"]
        assert read.get_source() == "/meldingsvakt"
        assert read.get_subject() == value["report_id"]
        assert read.get_specversion() == "1.0"
        assert read.get_time() == parse_time(value["alarm_at"] if "alarm_at" in value else value["arrived_at"])
        assert read.get_datacontenttype() == "application/json"
        assert read.get_data() == value


def test_nothing_generated_names_a_place_of_the_machine() -> None:
    assert not [path for path, text in generated().items() if str(Path.home()) in text]
