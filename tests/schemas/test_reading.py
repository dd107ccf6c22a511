"""Reading is tolerant, total, and quotes nothing."""

from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.common import canonical_report_id
from schemas.generate import example
from schemas.reading import RECEIPT, SENT, STORED, Reader, Unreadable, report_id_of

NATIONAL_ID = "01020312345"
READERS: dict[str, Reader[Any]] = {"report-sent": SENT, "report-receipt": RECEIPT, "report-stored": STORED}
REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"


def _sent(**changes: Any) -> bytes:
    return orjson.dumps(example("report-sent") | changes)


@pytest.mark.parametrize("name", READERS)
def test_an_example_is_read(name: str) -> None:
    event, extras = READERS[name].read(orjson.dumps(example(name)))
    assert event.report_id == REPORT
    assert extras == []


@pytest.mark.parametrize(
    ("given_time", "read"),
    [
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01t12:00:00z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01T12:00:00.123456789Z", "2026-01-01T12:00:00.123456+00:00"),
        ("2026-01-01T12:00:00+01:00", "2026-01-01T11:00:00+00:00"),
        ("2026-07-01T00:30:00.5-11:30", "2026-07-01T12:00:00.500000+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("2099-12-31T23:59:59Z", "2099-12-31T23:59:59+00:00"),
    ],
)
def test_a_time_with_a_zone_is_read_as_utc(given_time: str, read: str) -> None:
    assert SENT.read(_sent(sent_at=given_time))[0].sent_at.isoformat() == read


@pytest.mark.parametrize(
    "given_time",
    [
        "2026-01-01T12:00:00",
        "2026-01-01 12:00:00Z",
        "2026-01-01",
        "2026-02-30T12:00:00Z",
        "2026-01-01T12:00:60Z",
        "2026-01-01T24:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "1767225600",
        "",
    ],
)
def test_a_time_that_is_none_is_unreadable(given_time: str) -> None:
    with pytest.raises(Unreadable) as refused:
        SENT.read(_sent(sent_at=given_time))
    assert (refused.value.stage, refused.value.reason) == ("schema", "bad_value:sent_at")


@pytest.mark.parametrize(
    "written",
    [REPORT, REPORT.upper(), f"{{{REPORT}}}", f"urn:uuid:{REPORT}", REPORT.replace("-", ""), f" {REPORT}"],
)
def test_a_report_id_is_made_canonical(written: str) -> None:
    assert SENT.read(_sent(report_id=written))[0].report_id == REPORT
    assert canonical_report_id(written) == REPORT


@pytest.mark.parametrize(
    ("key", "expected"),
    [(REPORT.upper().encode(), REPORT), (None, None), (b"", None), (b"\xff" * 36, None), (b"x" * 9999, None)],
)
def test_a_key_is_read_or_is_none(key: bytes | None, expected: str | None) -> None:
    assert report_id_of(key) == expected


@pytest.mark.parametrize(
    ("value", "stage", "reason"),
    [
        (b"", "json", "not_json"),
        (b"\xc3\x28", "encoding", "not_utf8"),
        (b"\xef\xbb\xbf{}", "json", "not_json"),
        (b"nul", "json", "not_json"),
        (b"null", "json", "not_an_object"),
        (b'"x"', "json", "not_an_object"),
        (b"[" * 100_000, "json", "not_json"),
        (b'{"report_id":"\\ud800"}', "json", "not_json"),
        (b"{}", "schema", "missing_field:report_id"),
        (_sent(report_id=7), "schema", "wrong_type:report_id"),
        (_sent(report_id="seven"), "schema", "bad_value:report_id"),
        (_sent(receiver={"municipality": 301}), "schema", "wrong_type:receiver.municipality"),
        (_sent(receiver={"municipality": "301"}), "schema", "bad_value:receiver.municipality"),
        (_sent(receiver={}), "schema", "missing_field:receiver.municipality"),
        (_sent(receiver="0301"), "schema", "wrong_type:receiver"),
        (_sent(message_id=NATIONAL_ID), "schema", "bad_value:message_id"),
        (_sent(case_system_version=f"v-{NATIONAL_ID}"), "schema", "bad_value:case_system_version"),
        (_sent(form="HEMMELIG"), "schema", "bad_value:form"),
    ],
)
def test_what_cannot_be_read_gets_a_stage_and_a_reason(value: bytes, stage: str, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        SENT.read(value)
    assert (refused.value.stage, refused.value.reason) == (stage, reason)


def test_a_registry_frame_is_read_past() -> None:
    assert SENT.read(b"\0\0\0\1\2" + _sent())[0].report_id == REPORT


def test_unknown_properties_are_dropped_and_only_harmless_names_are_told() -> None:
    receiver = example("report-sent")["receiver"] | {"navn": NATIONAL_ID}
    event, extras = SENT.read(_sent(fritekst=NATIONAL_ID, receiver=receiver, **{NATIONAL_ID: 1, "Ola Nordmann": 1}))
    assert sorted(extras) == ["fritekst", "navn", "other", "other"]
    known = event.model_dump(include=set(type(event).model_fields) - {"receiver"})
    assert NATIONAL_ID not in repr(known)


def test_a_sent_is_salvaged_field_by_field() -> None:
    salvaged = SENT.salvage(_sent(sent_at="soon", receiver={"municipality": "0301", "district": "x"}, form=4))
    assert salvaged is not None
    assert salvaged.report_id == REPORT
    assert salvaged.unreadable == ("sent_at", "receiver.district", "form")
    assert salvaged.fields["sent_at"] is None
    assert salvaged.fields["channel"] == "FIKS_IO"
    assert salvaged.fields["receiver"].municipality == "0301"
    assert salvaged.fields["receiver"].district is None


@pytest.mark.parametrize("value", [b"\xff", b"[]", b"{}", b'{"report_id": 4}', b""])
def test_without_a_report_id_there_is_nothing_to_salvage(value: bytes) -> None:
    assert SENT.salvage(value) is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_reading_is_total(name: str, data: st.DataObject) -> None:
    value = example(name)
    if data.draw(st.booleans()):
        value[data.draw(st.sampled_from([*value, "ny"]))] = data.draw(_JSON)
    given_bytes = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS) if _encodable(value) else b"{}"
    position = data.draw(st.integers(0, len(given_bytes)))
    changed = given_bytes[:position] + data.draw(st.binary(max_size=6)) + given_bytes[position:]
    for candidate in (given_bytes, changed, data.draw(st.binary(max_size=60))):
        with suppress(Unreadable):  # the only way to refuse
            event, _ = READERS[name].read(candidate)
            assert len(event.report_id) == 36
        salvaged = READERS[name].salvage(candidate)
        assert salvaged is None or len(salvaged.report_id) == 36


def _encodable(value: Any) -> bool:
    try:
        orjson.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
