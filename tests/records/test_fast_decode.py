"""The quick way of reading against the models: the same fact, or none."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.facts import Fact, Place, Stored
from streams.records.decode import Intake, take_in
from streams.records.fast_decode import CleanReader
from streams.records.record import Record

REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"
OTHER = "00000000-0000-4000-8000-000000000001"
MOST_BYTES = 1024
PLACE = Place(datetime(2026, 1, 1, 12, tzinfo=UTC), "reports.sent", 0, 7)
RECEIVER = {"municipality": "0301", "district": "05", "unit_id": "unit-1", "org_number": "974760673"}
USUAL: dict[str, dict[str, Any]] = {
    "sent": {
        "report_id": REPORT, "sent_at": "2026-01-01T11:59:58.123456Z", "receiver": RECEIVER, "channel": "FIKS_IO",
        "case_system": "UKJENT", "case_system_version": "1.2.3", "message_id": OTHER, "form": "PRIVAT",
    },
    "receipt": {
        "report_id": REPORT, "receipt": "MOTTATT", "received_at": "2026-01-01T12:00:00Z", "message_id": OTHER,
    },
    "stored": {
        "report_id": REPORT, "stored_at": "2026-01-01T12:00:00.5Z", "evidence": "READ_BACK", "receiver": RECEIVER,
        "case_system": "UKJENT", "feed": "flyt-bergen",
    },
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, 0, 1, 301, 1.0, "", "0301", "00", "x", "PRIVAT", "MANUAL", "FEILET", "mottatt", [], ["0301"], {},
    {"municipality": "0301"}, {"municipality": "301"}, {"municipality": "0301", "extra": 1}, {"extra": "0301"},
    REPORT, REPORT.upper(), f"{{{REPORT}}}", f" {REPORT}", f"{REPORT}\n", REPORT.replace("-", ""), "12345678901",
    "a 12345678901", "a.12345678901", "0123456789abcdef", "12345678901a", ".abc", "a" * 64, "a" * 65,
    "2026-01-01T12:00:00Z", "2026-01-01T12:00:00", "2026-01-01t12:00:00z", "2026-02-30T12:00:00Z",
    "2026-01-01T24:00:00Z", "2026-01-01T12:00:60Z", "2026-01-01T12:00:00+01:00", "2026-W01-4T12:00:00.123456Z",
    "2026-01-01T12:00:00.1234567Z", "2026-01-01T12:00:00.Z", "2026-01-01T12:00:00,5Z", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "0000-01-01T00:00:00Z", "20260101T120000Z", "2026-01-01 12:00:00Z",
    "\u0662026-01-01T12:00:00Z", "\u00b2\u00b3", "\ud7ff",
)  # fmt: skip


def reader() -> CleanReader:
    """A reader that has seen the usual records, and some with other words."""
    known = CleanReader(MOST_BYTES)
    for kind, usual in USUAL.items():
        for changes in ({}, {"receiver": {"municipality": "4601"}}, {"case_system": "VISMA_FAMILIA"}):
            record = Record(kind, PLACE, REPORT.encode(), orjson.dumps(usual | changes))
            known.learn(record, take_in(record, MOST_BYTES))
    return known


def compare(known: CleanReader, kind: str, key: bytes | None, value: bytes | None) -> Fact | None:
    """What the quick way says of a record, which must be what the models say; None if it says nothing."""
    fact = known.by_kind[kind](key, value, PLACE)
    if fact is not None:
        intake = take_in(Record(kind, PLACE, key, value), MOST_BYTES)
        assert intake._replace(told=None) == Intake(fact)
        assert type(fact) is type(intake.fact)
    return fact


@pytest.mark.parametrize("kind", USUAL)
def test_the_usual_record_is_read_quickly(kind: str) -> None:
    assert compare(reader(), kind, REPORT.encode(), orjson.dumps(USUAL[kind])) is not None


@pytest.mark.parametrize("message_id", ["Kari Nordmann", "01020312345", "", "x" * 65, 7])
def test_a_receipt_about_a_message_that_cannot_be_read_is_left_to_the_models(message_id: Any) -> None:
    value = orjson.dumps(USUAL["receipt"] | {"message_id": message_id})
    assert compare(reader(), "receipt", REPORT.encode(), value) is None


def test_a_proof_says_whose_it_is() -> None:
    known = reader()
    for feed in ("flyt-bergen", None):
        value = orjson.dumps(USUAL["stored"] | {"feed": feed})
        record = Record("stored", PLACE, REPORT.encode(), value)
        known.learn(record, take_in(record, MOST_BYTES))
        fact = compare(known, "stored", record.key, value)
        assert isinstance(fact, Stored)
        assert fact.feed == feed
    assert compare(known, "stored", REPORT.encode(), orjson.dumps(USUAL["stored"] | {"feed": "Kari Nordmann"})) is None


@pytest.mark.parametrize(("kind", "field"), [("sent", "message_id"), ("receipt", "message_id")])
@pytest.mark.parametrize(
    "change", [lambda value, field: value.pop(field), lambda value, field: value.update({field: None})]
)
def test_so_is_one_without_a_message_id(kind: str, field: str, change: Callable[[dict[str, Any], str], None]) -> None:
    value = dict(USUAL[kind])
    change(value, field)
    assert compare(reader(), kind, REPORT.encode(), orjson.dumps(value)) is not None


@pytest.mark.parametrize("message_id", ["0123456789abcdef", "a" * 64, "1234567890"])
def test_so_is_one_with_a_message_id_that_is_no_uuid(message_id: str) -> None:
    value = orjson.dumps(USUAL["sent"] | {"message_id": message_id})
    assert compare(reader(), "sent", REPORT.encode(), value) is not None


@pytest.mark.parametrize("kind", ["sent", "stored"])
def test_words_that_the_models_have_not_read_are_left_to_them(kind: str) -> None:
    known = reader()
    value = orjson.dumps(USUAL[kind] | {"case_system": "NEVER_SEEN"})
    record = Record(kind, PLACE, REPORT.encode(), value)
    assert compare(known, kind, record.key, value) is None
    known.learn(record, take_in(record, MOST_BYTES))
    assert compare(known, kind, record.key, value) is not None


def test_nothing_is_learned_from_what_was_refused_or_had_more_in_it() -> None:
    known = CleanReader(MOST_BYTES)
    for changes in ({"extra": 1}, {"receiver": RECEIVER | {"extra": 1}}, {"receiver": {"municipality": "301"}}):
        record = Record("sent", PLACE, REPORT.encode(), orjson.dumps(USUAL["sent"] | changes))
        known.learn(record, take_in(record, MOST_BYTES))
        assert compare(known, "sent", record.key, record.value) is None


@pytest.mark.parametrize("kind", USUAL)
@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_one_odd_field_gives_the_models_answer_or_none(kind: str, odd: Any) -> None:
    known = reader()
    for field in [*USUAL[kind], "extra"]:
        value = orjson.dumps(USUAL[kind] | {field: odd})
        for key in (REPORT.encode(), str(odd).encode("utf-8", "replace"), None):
            compare(known, kind, key, value)
    for leaf in [*RECEIVER, "extra"]:
        value = orjson.dumps(USUAL[kind] | {"receiver": RECEIVER | {leaf: odd}})
        compare(known, kind, REPORT.encode(), value)


@pytest.mark.parametrize("kind", USUAL)
def test_bytes_that_are_no_plain_object_give_the_models_answer_or_none(kind: str) -> None:
    known, usual = reader(), orjson.dumps(USUAL[kind])
    twice = usual[:-1] + b',"report_id":"' + OTHER.encode() + b'"}'
    extra = b'{"report_id":"x",' + usual[1:]
    padded = usual[:-1] + b" " * MOST_BYTES + b"}"
    for value in (
        None, b"", b"null", b"[]", b'"x"', b"1", b"\0\0\0\0\1" + usual, b"\xef\xbb\xbf" + usual, usual[:-1],
        usual + b" ", usual + usual, b"[" + usual + b"]", twice, extra, padded, usual.replace(b"UKJENT", b"\xff"),
        usual.replace(b'"0301"', b"301"), usual.replace(b'"district":"05"', b'"district":5'),
        usual.replace(b":00Z", b"Z"), usual[:-1] + b',"x":NaN}', usual[:-1] + b',"x":"\\ud83d"}',
        orjson.dumps(usual.decode()), b'{"specversion":"1.0","data":' + usual + b"}",
        b'{"schema":null,"payload":' + usual + b"}",
        usual.replace(b"0301", b"\\u0030301"), usual.replace(b'"', b"'"), usual.replace(b"12:", b"NaN"),
    ):  # fmt: skip
        for key in (REPORT.encode(), OTHER.encode(), b"", None):
            compare(known, kind, key, value)
    assert compare(known, kind, REPORT.encode(), padded) is None
    assert compare(known, kind, OTHER.encode(), usual) is None


_odd = st.sampled_from(ODD) | st.text(max_size=40) | st.integers() | st.none()


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(sorted(USUAL)),
    changes=st.dictionaries(st.sampled_from(sorted({*USUAL["sent"], *USUAL["receipt"], *USUAL["stored"], "x"})), _odd),
    dropped=st.sets(st.sampled_from(sorted(USUAL["sent"])), max_size=2),
    levels=st.dictionaries(st.sampled_from([*RECEIVER, "x"]), _odd),
    order=st.randoms(use_true_random=False),
)
def test_any_mixture_gives_the_models_answer_or_none(
    kind: str, changes: dict[str, Any], dropped: set[str], levels: dict[str, Any], order: Any
) -> None:
    value = {"receiver": RECEIVER | levels} | {
        name: field for name, field in USUAL[kind].items() if name not in dropped
    }
    items = list((value | changes).items())
    order.shuffle(items)
    try:
        encoded = orjson.dumps(dict(items))
    except orjson.JSONEncodeError:  # a surrogate, or a number that JSON has no room for
        return
    known = reader()
    record = Record(kind, PLACE, REPORT.encode(), encoded)
    compare(known, kind, record.key, encoded)
    known.learn(record, take_in(record, MOST_BYTES))
    compare(known, kind, record.key, encoded)
