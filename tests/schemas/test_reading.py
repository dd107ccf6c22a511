"""Reading is tolerant, total, and quotes nothing."""

import json
import time
import timeit
from base64 import b64encode
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.common import canonical_report_id
from schemas.content import MOST_LAYERS, Unreadable, content_of
from schemas.generate import example
from schemas.reading import DECISION, MOST_COUNTED, RECEIPT, SENT, STORED, Reader, Told, report_id_of

NATIONAL_ID = "01020312345"
READERS: dict[str, Reader] = {
    "report-sent": SENT,
    "report-receipt": RECEIPT,
    "report-stored": STORED,
    "report-decision": DECISION,
}
REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"


def _sent(**changes: Any) -> bytes:
    return orjson.dumps(example("report-sent") | changes)


def _stored(**changes: Any) -> bytes:
    return orjson.dumps(example("report-stored") | changes)


def _refused(told: Told) -> tuple[str, str] | None:
    return (told.refused.stage, told.refused.reason) if told.refused else None


@pytest.mark.parametrize("name", READERS)
def test_an_example_is_read(name: str) -> None:
    told = READERS[name].read(orjson.dumps(example(name)))
    assert (told.report_id, told.unreadable, told.refused, told.extras) == (REPORT, (), None, 0)


@pytest.mark.parametrize(
    ("given_time", "read"),
    [
        ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01t12:00:00z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01T12:00:00.123456789Z", "2026-01-01T12:00:00.123456+00:00"),
        ("2026-01-01T12:00:00.1+01:00", "2026-01-01T11:00:00.100000+00:00"),
        ("2026-01-01T12:00:00,5Z", "2026-01-01T12:00:00.500000+00:00"),
        ("2026-07-01T00:30:00.5-11:30", "2026-07-01T12:00:00.500000+00:00"),
        ("2026-01-01T12:00Z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01T13:05+01:00", "2026-01-01T12:05:00+00:00"),
        ("2026-01-01T12:00:00+01", "2026-01-01T11:00:00+00:00"),
        ("2026-01-01T12:00:00-0130", "2026-01-01T13:30:00+00:00"),
        ("2026-01-01 12:00:00Z", "2026-01-01T12:00:00+00:00"),
        ("2026-01-01 12:00+02", "2026-01-01T10:00:00+00:00"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00+00:00"),
        ("2099-12-31T23:59:59Z", "2099-12-31T23:59:59+00:00"),
    ],
)
def test_a_time_with_a_zone_is_read_as_utc(given_time: str, read: str) -> None:
    assert SENT.read(_sent(sent_at=given_time)).fields["sent_at"].isoformat() == read


@pytest.mark.parametrize(
    "given_time",
    [
        "2026-01-01T12:00:00",
        "2026-01-01 12:00",
        "2026-01-01",
        "2026-01-01Z",
        "2026-01-01T12Z",
        "20260101T120000Z",
        "2026-W01-4T12:00:00Z",
        "2026-001T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-01T12:00:60Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T12:00:00.Z",
        "2026-01-01T12:00:00.1234567890Z",
        "2026-01-01T12:00:00 Z",
        "2026-01-01T12:00:00+1",
        "2026-01-01T12:00:00+00:99",
        "2026-01-01T12:00:00+24:00",
        "2026-01-01x12:00:00Z",
        "\u0662026-01-01T12:00:00Z",
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
        "1767225600",
        "",
    ],
)
def test_a_time_that_is_none_is_unreadable(given_time: str) -> None:
    told = SENT.read(_sent(sent_at=given_time))
    assert (told.fields["sent_at"], told.unreadable) == (None, ("sent_at",))
    assert _refused(told) == ("schema", "bad_value:sent_at")


@pytest.mark.parametrize(
    "written",
    [
        REPORT,
        REPORT.upper(),
        f"{{{REPORT}}}",
        f"urn:uuid:{REPORT}",
        f"URN:UUID:{REPORT.upper()}",
        REPORT.replace("-", ""),
        f" {REPORT}",
        f"{REPORT}\n",
    ],
)
def test_a_report_id_is_made_canonical(written: str) -> None:
    assert SENT.read(_sent(report_id=written)).report_id == REPORT
    assert canonical_report_id(written) == REPORT


@pytest.mark.parametrize(
    "written",
    [
        "0x" + REPORT.replace("-", "")[2:],
        "+" + REPORT.replace("-", "")[1:],
        "-" + REPORT.replace("-", "")[1:],
        REPORT.replace("-", "")[:15] + "_" + REPORT.replace("-", "")[16:],
        "3f2b_8c1-5a4d-4e0b-9c1a-7d2e6f8a9b10",
        REPORT.replace("-", " "),
        f"{REPORT[:8]} {REPORT[8:]}",
        REPORT.replace("3", "\u0663"),
        REPORT.replace("2", "\uff12"),
        f"{{{REPORT}",
        f"{REPORT}}}",
        f"uuid:{REPORT}",
        f"urn:{REPORT}",
        "3f2b8c1e5a4d-4e0b-9c1a-7d2e6f8a9b10",
        "3f2b-8c1e5a4d4e0b9c1a7d2e6f8a9b10",
        REPORT[:-1],
        REPORT + "0",
        "",
    ],
)
def test_what_python_would_take_for_another_reports_id_is_none(written: str) -> None:
    assert canonical_report_id(written) is None
    with pytest.raises(Unreadable, match="bad_value:report_id"):
        STORED.read(_stored(report_id=written))


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
        (b"nul", "json", "not_json"),
        (b"null", "json", "not_an_object"),
        (b'"x"', "json", "not_json"),
        (b"[]", "json", "not_an_object"),
        (b"[" * 100_000, "json", "not_json"),
        (b'{"a":' * 100_000, "json", "not_json"),
        (b"{}", "schema", "missing_field:report_id"),
        (b'{"report_id":"\\ud800"}', "schema", "bad_value:report_id"),
        (_sent(report_id=7), "schema", "wrong_type:report_id"),
        (_sent(report_id="seven"), "schema", "bad_value:report_id"),
    ],
)
def test_without_a_report_id_there_is_a_stage_and_a_reason(value: bytes, stage: str, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        SENT.read(value)
    assert (refused.value.stage, refused.value.reason) == (stage, reason)


@pytest.mark.parametrize(
    ("changes", "unreadable", "reason"),
    [
        ({"receiver": {"municipality": True}}, "receiver", "wrong_type:receiver.municipality"),
        ({"receiver": {"municipality": 30}}, "receiver", "wrong_type:receiver.municipality"),
        ({"receiver": {"municipality": 301.5}}, "receiver", "wrong_type:receiver.municipality"),
        ({"receiver": {"municipality": "301"}}, "receiver", "bad_value:receiver.municipality"),
        ({"receiver": {}}, "receiver", "missing_field:receiver.municipality"),
        ({"receiver": "0301"}, "receiver", "wrong_type:receiver"),
        ({"receiver": None}, "receiver", "wrong_type:receiver"),
        ({"message_id": NATIONAL_ID}, "message_id", "bad_value:message_id"),
        ({"case_system_version": f"v-{NATIONAL_ID}"}, "case_system_version", "bad_value:case_system_version"),
        ({"form": "HEMMELIG"}, "form", "bad_value:form"),
        ({"channel": "fiks io"}, "channel", "bad_value:channel"),
        ({"channel": "12345678901"}, "channel", "bad_value:channel"),
        ({"case_system": "Visma Familia"}, "case_system", "bad_value:case_system"),
    ],
)
def test_a_field_that_cannot_be_read_is_named_and_leaves_the_others(
    changes: dict[str, Any], unreadable: str, reason: str
) -> None:
    told, whole = SENT.read(_sent(**changes)), SENT.read(_sent())
    assert (told.unreadable, _refused(told)) == ((unreadable,), ("schema", reason))
    assert told.fields == whole.fields | {unreadable: None}


def test_a_sent_is_read_field_by_field() -> None:
    told = SENT.read(_sent(sent_at="soon", receiver={"municipality": "0301", "district": "x"}, form=4))
    assert told.report_id == REPORT
    assert told.unreadable == ("sent_at", "receiver.district", "form")
    assert told.fields["sent_at"] is None
    assert told.fields["channel"] == "FIKS_IO"
    assert told.fields["receiver"].municipality == "0301"
    assert told.fields["receiver"].district is None


def test_the_report_may_be_told_by_the_key_of_a_sent_whose_value_has_none() -> None:
    told = SENT.read(_sent(report_id=None, form="HEMMELIG"), REPORT)
    assert (told.report_id, told.unreadable) == (REPORT, ("form",))
    assert told.fields["receiver"].municipality == "4601"
    assert _refused(told) == ("schema", "wrong_type:report_id")


@pytest.mark.parametrize(
    ("changes", "unreadable"),
    [
        ({"stored_at": "yesterday"}, ("stored_at",)),
        ({"evidence": "an archive check"}, ("evidence",)),
        ({"case_system": "Visma Familia"}, ("case_system",)),
        ({"receiver": {"municipality": "0301", "district": ""}}, ("receiver.district",)),
        ({"receiver": {"municipality": "0301", "unit_id": "Barnevernet", "org_number": "1"}}, ("receiver.org_number",)),
        ({"stored_at": 5, "evidence": "5 %", "case_system": 5}, ("stored_at", "evidence", "case_system")),
    ],
)
def test_a_proof_needs_no_field_but_its_report_and_whom_it_names(
    changes: dict[str, Any], unreadable: tuple[str, ...]
) -> None:
    told = STORED.read(_stored(**changes))
    assert (told.report_id, told.unreadable) == (REPORT, unreadable)
    assert told.refused is not None


@pytest.mark.parametrize(
    "changes", [{"evidence": "ARCHIVE_CHECK"}, {"stored_at": None}, {"receiver": None}, {"receiver": {"navn": "x"}}]
)
def test_a_proof_with_a_new_word_or_without_a_time_or_a_receiver_is_read(changes: dict[str, Any]) -> None:
    told = STORED.read(_stored(**changes))
    assert (told.unreadable, told.refused) == ((), None)


@pytest.mark.parametrize(
    ("receiver", "reason"),
    [
        ("0301", "wrong_type:receiver"),
        ({"municipality": "Oslo"}, "bad_value:receiver.municipality"),
        ({"municipality": ""}, "bad_value:receiver.municipality"),
        ({"district": "03"}, "missing_field:receiver.municipality"),
    ],
)
def test_a_proof_whose_receiver_cannot_be_read_proves_nothing(receiver: Any, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        STORED.read(_stored(receiver=receiver, stored_at="yesterday"))
    assert (refused.value.stage, refused.value.reason) == ("schema", reason)


@pytest.mark.parametrize("evidence", [None, "", 5, False, []])
def test_what_names_no_evidence_is_no_proof(evidence: Any) -> None:
    with pytest.raises(Unreadable, match=":evidence"):
        STORED.read(_stored(evidence=evidence))


@pytest.mark.parametrize("name", ["report-sent", "report-receipt"])
def test_a_record_of_another_kind_is_no_proof(name: str) -> None:
    with pytest.raises(Unreadable, match="missing_field:evidence"):
        STORED.read(orjson.dumps(example(name)))


@pytest.mark.parametrize(
    ("given_receiver", "read"),
    [
        ({"municipality": 301}, ("0301", None, None)),
        ({"municipality": 301.0, "district": 3, "org_number": 974778874}, ("0301", "03", "974778874")),
        ({"municipality": 4601, "district": 0}, ("4601", "00", None)),
    ],
)
def test_numbers_in_place_of_text_are_read_with_the_zeros_that_they_lost(
    given_receiver: dict[str, Any], read: tuple[str | None, ...]
) -> None:
    receiver = STORED.read(_stored(receiver=given_receiver)).fields["receiver"]
    assert (receiver.municipality, receiver.district, receiver.org_number) == read


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("MOTTATT", "MOTTATT"),
        ("no.ks.fiks.bekymringsmelding.mottatt.v1", "MOTTATT"),
        ("no.ks.fiks.bekymringsmelding.feilet.v1", "FEILET"),
        ("no.ks.fiks.kvittering.tidsavbrudd", "TIDSAVBRUDD"),
        ("no.ks.fiks.kvittering.serverfeil.v1", "SERVERFEIL"),
        ("no.ks.fiks.bekymringsmelding.mottatt.v2", "MOTTATT"),
    ],
)
def test_a_receipt_is_read_by_its_code_and_by_ks_name_of_it(written: str, code: str) -> None:
    told = RECEIPT.read(orjson.dumps(example("report-receipt") | {"receipt": written}))
    assert (told.fields["receipt"], told.refused) == (code, None)


@pytest.mark.parametrize("written", ["mottatt", "no.ks.fiks.bekymringsmelding.privat.v1", "x.mottatt.v1", 1, None])
def test_a_receipt_that_cannot_be_told_is_refused(written: Any) -> None:
    with pytest.raises(Unreadable, match=":receipt"):
        RECEIPT.read(orjson.dumps(example("report-receipt") | {"receipt": written}))


def test_a_receipt_needs_neither_its_time_nor_a_message_id() -> None:
    told = RECEIPT.read(orjson.dumps({"report_id": REPORT, "receipt": "FEILET", "message_id": "a b"}))
    assert (told.fields["receipt"], told.unreadable) == ("FEILET", ("received_at", "message_id"))


def _structured(inner: Any) -> Any:
    return {"specversion": "1.0", "id": "e1", "source": "/familia", "type": "stored", "data": inner}


_PLAIN = _stored()
_OBJECT = orjson.loads(_PLAIN)


@pytest.mark.parametrize(
    "value",
    [
        b"\0\0\0\1\2" + _PLAIN,
        b"\xef\xbb\xbf" + _PLAIN,
        b"\0\0\0\1\2\xef\xbb\xbf" + _PLAIN,
        b"\xff\xfe" + _PLAIN.decode().encode("utf-16-le"),
        b"\xfe\xff" + _PLAIN.decode().encode("utf-16-be"),
        _PLAIN + b"\r\n",
        orjson.dumps(_PLAIN.decode()),
        orjson.dumps(_structured(_OBJECT)),
        orjson.dumps(_structured(_PLAIN.decode())),
        orjson.dumps(_structured(None) | {"data_base64": b64encode(_PLAIN).decode()}),
        orjson.dumps({"schema": {"type": "struct", "optional": False}, "payload": _OBJECT}),
        orjson.dumps({"schema": {"type": "string"}, "payload": _PLAIN.decode()}),
        orjson.dumps({"schema": None, "payload": _structured(_OBJECT)}),
        orjson.dumps(orjson.dumps({"schema": None, "payload": _OBJECT}).decode()),
        b'{"score":NaN,"most":Infinity,"least":-Infinity,' + _PLAIN[1:],
        b'{"note":"cut \\ud83d","other":"\\udc00\\ud800",' + _PLAIN[1:],
        b'{"big":' + b"9" * 5_000 + b',"huge":1e999,' + _PLAIN[1:],
        b'{"report_id":"00000000-0000-4000-8000-000000000001",' + _PLAIN[1:],
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_others_put_around_an_event_is_read_past(value: bytes) -> None:
    assert STORED.read(value)._replace(extras=0) == STORED.read(_PLAIN)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (_structured(None), "missing_field:report_id"),
        (_structured(5), "not_an_object"),
        (_structured("not json"), "not_json"),
        (_structured(None) | {"data_base64": "%"}, "not_base64"),
        ({"schema": {}, "payload": None}, "missing_field:report_id"),
        ({"schema": {}, "payload": [_OBJECT]}, "not_an_object"),
        ({"payload": _OBJECT}, "missing_field:report_id"),
        ({"data": _OBJECT}, "missing_field:report_id"),
    ],
)
def test_an_envelope_that_holds_no_event_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        STORED.read(orjson.dumps(value))


def test_envelopes_in_envelopes_come_to_an_end() -> None:
    value = _PLAIN
    for _ in range(MOST_LAYERS + 1):
        value = orjson.dumps({"schema": None, "payload": orjson.loads(value)})
    with pytest.raises(Unreadable, match="missing_field:report_id"):
        STORED.read(value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(value=st.dictionaries(st.text(), _JSON))
def test_the_two_parsers_read_alike_what_both_can_read(value: dict[str, Any]) -> None:
    written = json.dumps(value)
    try:
        by_orjson = orjson.loads(written)
    except ValueError:
        return
    assert json.loads(json.dumps(by_orjson), parse_int=float) == json.loads(written, parse_int=float)


def test_unknown_properties_are_dropped_and_counted_without_their_names() -> None:
    receiver = example("report-sent")["receiver"] | {"navn": NATIONAL_ID}
    told = SENT.read(_sent(fritekst=NATIONAL_ID, receiver=receiver, **{NATIONAL_ID: 1, "Ola Nordmann": 1}))
    assert (told.extras, told.refused) == (4, None)
    assert NATIONAL_ID not in repr(told)
    assert "navn" not in repr(told)


def test_they_are_counted_up_to_a_bound_and_quickly() -> None:
    many = orjson.dumps(example("report-receipt") | {f"p{number}": 0 for number in range(28_000)})
    few = orjson.dumps(example("report-receipt") | {f"p{number}": 0 for number in range(280)})
    assert RECEIPT.read(many).extras == RECEIPT.read(few).extras == MOST_COUNTED
    parsed, read = (
        min(timeit.repeat(lambda: function(many), timer=time.process_time, number=1, repeat=20))  # noqa: B023
        for function in (orjson.loads, RECEIPT.read)
    )  # not by the clock: others compute at the same time
    assert read < 3 * parsed, "17 times as long before"


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_reading_is_total(name: str, data: st.DataObject) -> None:
    value = example(name)
    if data.draw(st.booleans()):
        value[data.draw(st.sampled_from([*value, "ny"]))] = data.draw(_JSON)
    given_bytes = json.dumps(value).encode()
    position = data.draw(st.integers(0, len(given_bytes)))
    changed = given_bytes[:position] + data.draw(st.binary(max_size=6)) + given_bytes[position:]
    for candidate in (given_bytes, changed, data.draw(st.binary(max_size=60))):
        with suppress(Unreadable):  # the only way to refuse
            told = READERS[name].read(candidate)
            assert len(told.report_id) == 36
            assert {name.split(".")[0] for name in told.unreadable} <= set(told.fields)
            assert (told.refused is None) == (told.unreadable == ())
        with suppress(Unreadable):
            assert isinstance(content_of(candidate), dict)
