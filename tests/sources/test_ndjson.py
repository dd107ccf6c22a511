"""NDJSON: ours as on the topics, flat, others', and the lines of the simulation."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.common import parse_time
from streams.core.facts import Place
from streams.records.decode import Intake, take_in
from streams.records.record import Record
from streams.sources.chunk import RECEIVER, TIMES
from streams.sources.text import as_text
from tests.sources.files import ID, NATIONAL_ID, OTHER, SENT, SENT_AT, Read, legible, ndjson, read, source_of, written

FLAT = {
    "report_id": ID, "sent_at": SENT_AT, "municipality": "0301", "district": "04", "channel": "FIKS_IO",
    "case_system": "VISMA_FAMILIA",
}  # fmt: skip
STRANGE = [
    SENT | {"report_id": 5}, SENT | {"receiver": "0301"}, SENT | {"receiver": {"municipality": 301}},
    SENT | {"receiver": None}, SENT | {"receiver": []}, SENT | {"channel": ["FIKS_IO"]}, SENT | {"sent_at": 12.5},
    SENT | {"form": True}, {"sent_at": SENT_AT}, [], 5, "text", None, SENT | {"message_id": {"a": 1}},
]  # fmt: skip


def text_of(tmp_path: Path, content: str | bytes, **told: Any) -> Read:
    return read(source_of(written(tmp_path, "sent.ndjson", content), **told))


@pytest.mark.parametrize("name", ["sent.ndjson", "sent.jsonl", "SENT.NDJSON", "sent.ndjson.gz"])
def test_records_as_on_the_topic_are_columns(tmp_path: Path, name: str) -> None:
    found = read(source_of(written(tmp_path, name, ndjson(SENT, SENT | {"report_id": OTHER}))))
    assert found.rows == [{"line": 1, **FLAT}, {"line": 2, **FLAT, "report_id": OTHER}]
    assert not found.odd
    assert not found.warnings


def test_flat_columns_do_as_well(tmp_path: Path) -> None:
    assert text_of(tmp_path, ndjson(FLAT)).rows == [{"line": 1, **FLAT}]


def test_a_receiver_of_its_own_comes_before_flat_columns(tmp_path: Path) -> None:
    both = SENT | {"municipality": "4601", "district": "01"}
    assert text_of(tmp_path, ndjson(both, FLAT)).rows == [{"line": 1, **FLAT}, {"line": 2, **FLAT}]


def test_what_is_unknown_is_dropped_and_never_seen_again(tmp_path: Path) -> None:
    extra = SENT | {"free_text": NATIONAL_ID, "receiver": {"municipality": "0301", "contact": NATIONAL_ID}}
    found = text_of(tmp_path, ndjson(extra, extra | {"channel": 5}))
    assert NATIONAL_ID not in repr(found)
    assert [line for line, _ in found.values] == [2]


def test_empty_lines_are_no_records_but_count_as_lines(tmp_path: Path) -> None:
    found = text_of(tmp_path, f"\n{ndjson(SENT)}  \r\n\r\n{ndjson(SENT)}\n")
    assert [row["line"] for row in found.rows] == [2, 5]
    assert not found.odd


def test_two_objects_on_a_line_are_no_record(tmp_path: Path) -> None:
    one = json.dumps(SENT)
    found = text_of(tmp_path, f"{one}{one}\n\n{one}\n")
    assert found.refused == [(1, "json:not_json")]
    assert [row["line"] for row in found.rows] == [3]


def test_an_object_over_several_lines_is_no_record(tmp_path: Path) -> None:
    found = text_of(tmp_path, ndjson(SENT) + json.dumps(SENT, indent=1) + "\n" + ndjson(SENT))
    lines = [row["line"] for row in found.rows]
    assert (lines[0], len(lines)) == (1, 2)
    assert {reason for _, reason in found.refused} == {"json:not_json"}


@pytest.mark.parametrize("columns", [{}, {"report_id": "report_id"}])
@pytest.mark.parametrize(
    "text",
    ['"\xe5"'.encode("latin-1"), b'"\\ud800"', b'"a\tb\x01"', b"NaN", b'"' + b"lorem ipsum " * 90_000 + b'"'],
    ids=["no UTF-8", "half a surrogate", "control characters", "no number", "a megabyte"],
)
def test_free_text_is_no_reason_to_refuse_a_line(tmp_path: Path, text: bytes, columns: dict[str, str]) -> None:
    bad = json.dumps(SENT).encode()[:-1] + b', "x": ' + text + b"}\n"
    found = text_of(tmp_path, ndjson(SENT).encode() + bad + ndjson(SENT).encode(), columns=columns)
    assert [row["line"] for row in found.rows] == [1, 2, 3]
    assert not found.odd
    assert found.warnings <= {"encoding_mixed"}


def test_what_is_no_text_in_a_column_of_ours_costs_that_column(tmp_path: Path) -> None:
    bad = json.dumps(SENT | {"channel": "?"}).replace('"?"', '"\\ud800"')
    found = text_of(tmp_path, ndjson(SENT) + bad + "\n")
    assert [row["channel"] for row in found.rows] == ["FIKS_IO", "?"]


def test_a_line_that_is_no_json_still_tells_its_report(tmp_path: Path) -> None:
    for broken in (json.dumps(SENT)[:-1], json.dumps(SENT).replace(",", "", 1), json.dumps(SENT) + "}"):
        (found,) = legible(source_of(written(tmp_path, "sent.ndjson", ndjson(SENT) + broken + "\n")))
        assert (found.reports, found.certain) == ((ID,), True)


def test_another_encoding_can_be_declared(tmp_path: Path) -> None:
    content = json.dumps(SENT | {"x": "å"}, ensure_ascii=False).encode("cp1252") + b"\n"
    assert text_of(tmp_path, content, encoding="cp1252").rows == [{"line": 1, **FLAT}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_mark_at_the_beginning_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    assert text_of(tmp_path, ndjson(SENT).encode(encoding)).rows == [{"line": 1, **FLAT}]


def test_a_last_line_that_was_cut_is_told_apart(tmp_path: Path) -> None:
    found = text_of(tmp_path, ndjson(SENT, SENT)[:-20])
    assert found.refused == [(2, "json:cut_off")]
    assert found.warnings == {"cut_off"}


def test_a_last_line_that_only_lacks_its_newline_is_whole(tmp_path: Path) -> None:
    found = text_of(tmp_path, ndjson(SENT, SENT)[:-1])
    assert len(found.rows) == 2
    assert not found.warnings


def test_a_broken_line_with_a_newline_was_not_cut(tmp_path: Path) -> None:
    found = text_of(tmp_path, ndjson(SENT) + '{"report_id": \n')
    assert found.refused == [(2, "json:not_json")]
    assert not found.warnings


def test_others_columns_are_found_through_their_objects(tmp_path: Path) -> None:
    theirs = {"id": ID, "meta": {"tid": SENT_AT}, "mottaker": {"kommune": {"nr": 301}}, "kanal": "fiks", "a.b": "X"}
    columns = {
        "report_id": "id", "sent_at": "meta.tid", "municipality": "mottaker.kommune.nr", "channel": "kanal",
        "case_system_version": "a.b",
    }  # fmt: skip
    found = text_of(tmp_path, ndjson(theirs), columns=columns, values={"channel": {"fiks": "FIKS_IO"}})
    assert found.rows == [
        {
            "line": 1, "report_id": ID, "sent_at": SENT_AT, "municipality": "0301", "channel": "FIKS_IO",
            "case_system": "UKJENT", "case_system_version": "X",
        }
    ]  # fmt: skip


def test_an_odd_line_of_others_is_told_in_our_shape(tmp_path: Path) -> None:
    theirs = {"id": [5], "tid": "04.03.2022 06:06", "nr": "301", "kanal": "fiks", "notat": NATIONAL_ID}
    found = text_of(
        tmp_path, ndjson(theirs | {"id": ID}, theirs), times="norwegian", zone="Europe/Oslo",
        columns={"report_id": "id", "sent_at": "tid", "municipality": "nr", "channel": "kanal"},
        values={"channel": {"fiks": "FIKS_IO"}}, constants={"case_system": "VISMA_FAMILIA"},
    )  # fmt: skip
    assert [row["line"] for row in found.rows] == [1]
    assert found.values == [
        (2, {
            "report_id": [5], "sent_at": "2022-03-04T05:06:00+00:00", "receiver": {"municipality": "0301"},
            "channel": "FIKS_IO", "case_system": "VISMA_FAMILIA",
        })
    ]  # fmt: skip


def test_lines_of_the_simulation_tell_their_arrival(tmp_path: Path) -> None:
    line = {"at": "2022-03-04T05:07:00Z", "topic": "sent", "value": SENT}
    assert text_of(tmp_path, ndjson(line)).rows == [{"line": 1, **FLAT, "arrived": "2022-03-04T05:07:00Z"}]


def test_lines_of_another_topic_ticks_and_tombstones_are_odd(tmp_path: Path) -> None:
    line = {"at": SENT_AT, "topic": "sent", "value": SENT}
    tick = {"at": SENT_AT, "tick": True}
    receipt = {"at": SENT_AT, "topic": "receipt", "value": {"report_id": ID}}
    found = text_of(tmp_path, ndjson(line, tick, receipt, line))
    assert [row["line"] for row in found.rows] == [1, 4]
    assert found.refused == [(2, "schema:bad_value:topic"), (3, "schema:bad_value:topic")]
    assert text_of(tmp_path, ndjson(line, line | {"value": None})).refused == [(2, "json:tombstone")]


def test_a_record_with_a_key_of_its_own_keeps_it(tmp_path: Path) -> None:
    line = {"at": SENT_AT, "topic": "sent", "value": SENT, "key": OTHER}
    (odd,) = text_of(tmp_path, ndjson(line)).odd
    assert (odd.key, odd.arrived) == (OTHER.encode(), SENT_AT)


def judged(value: bytes | None) -> Intake[Any]:
    return take_in(Record("sent", Place(parse_time(SENT_AT), "", 0, 0), None, value), 262_144)


def cause(intake: Intake[Any]) -> tuple[str, str] | None:
    """Why it was refused, and for which field; a column cannot tell what is null or empty from what is missing."""
    if intake.refusal is None:
        return None
    reason = intake.refusal.reason
    return intake.refusal.stage, reason.partition(":")[2].partition(".")[0] or reason


def as_record(row: dict[str, object]) -> bytes:
    plain = {name: value for name, value in row.items() if name not in (*RECEIVER, "line")}
    receiver = {name: row[name] for name in RECEIVER if name in row}
    return json.dumps(plain | ({"receiver": receiver} if receiver else {})).encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "municipality"]), inner),
    max_leaves=4,
)
names = st.sampled_from(["report_id", "sent_at", "receiver", "channel", "case_system", "form", "message_id", "extra"])
records = st.one_of(
    st.sampled_from(STRANGE),
    st.dictionaries(names, json_values).map(lambda changes: SENT | changes),
    st.dictionaries(names, json_values),
    json_values,
)


def broken(value: object, at: float, what: str) -> bytes:
    """A record with something in it that does not belong there, or something gone."""
    text = json.dumps(value)
    place = int(at * len(text))
    return (text[:place] + what + text[place + (not what) :]).encode()


def as_it_should_be(line: bytes) -> bytes:
    """The same with what is no UTF-8, and what no JSON may hold, written as it should be."""
    return json.dumps(json.loads(as_text(line), strict=False)).encode()


lines = st.one_of(
    records.map(lambda value: json.dumps(value).encode()),
    st.builds(
        broken, st.just(SENT | {"extra": {"a": [1, "x"]}}), st.floats(0, 1),
        st.sampled_from(["", "{", "}", '"', ",", ":", "\\ud800", "\x01", "NaN", "1", "-", "null", "//", " ", "\t"]),
    ),
    st.binary(max_size=30),
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.lists(lines, max_size=8))
def test_whatever_stands_on_a_line_is_judged_as_on_the_topic(tmp_path: Path, given_lines: list[bytes]) -> None:
    flat = [line.replace(b"\n", b" ").replace(b"\r", b" ") for line in given_lines]
    found = text_of(tmp_path, ndjson(SENT).encode() + b"".join(line + b"\n" for line in flat))
    read_as = {row["line"]: judged(as_record(row)) for row in found.rows}
    read_as |= {
        odd.line: Intake(None, odd.refusal, key_fits=True)
        if odd.value is None
        else judged(odd.value if isinstance(odd.value, bytes) else json.dumps(odd.value).encode())
        for odd in found.odd
    }
    refused = {odd.line for odd in found.odd if odd.refusal}
    for number, line in enumerate(flat, start=2):
        if line.strip():
            expected, actual = judged(line), read_as[number]
            if expected.refusal and expected.refusal.stage in ("json", "encoding") and number not in refused:
                expected = judged(as_it_should_be(line))  # in a file, free text is no reason to refuse a line
            assert actual.fact == expected.fact
            # Whether bytes are no text or no JSON is told by guesses at what they are.
            assert number in refused or cause(actual) == cause(expected)
        else:
            assert number not in read_as


def test_times_stay_as_they_stand_there(tmp_path: Path) -> None:
    assert text_of(tmp_path, ndjson(SENT | {"sent_at": "yesterday"})).rows[0]["sent_at"] == "yesterday"
    assert "sent_at" in TIMES


def test_a_second_reading_reads_the_same_again_in_blocks_of_any_size(tmp_path: Path) -> None:
    content = ndjson(*[SENT | {"message_id": f"m{number}"} for number in range(50)], SENT | {"form": 5}, SENT)[:-3]
    source = source_of(written(tmp_path, "sent.ndjson", content))
    whole = read(source)
    assert [read(source, size) for size in (1, 100, 1000)] == [whole] * 3
