"""Feed marks and decisions: all of one is read, or nothing; whatever the bytes are, there is an answer."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.generate import example
from streams.core.facts import Action, Decision, FeedMark, Outcome, Place, Receipt, ReceiptCode, Receiver, Stored
from streams.records.decode import TOO_LARGE, take_in, take_in_decision, take_in_mark
from streams.records.record import Record, Refusal

MOST_BYTES = 4_000
AT = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)
PLACE = Place(AT, "reports.stored", 3, 7)
MARK, DECISION = example("feed-mark"), example("report-decision")
FEED = MARK["feed"].encode()
MISSING_EVENT = DECISION["missing_event_id"]
ODD = st.sampled_from(
    [None, True, -1, 0, 1.5, "", "close", "lost", "flyt-bergen", "2026-01-01T12:00:00", "2026-01-01T12:00:00Z", [], {},
     "01020312345", "Kari Nordmann", {"municipality": "0301"}, {"subject": "x", "name": "y"}, "x" * 300, MISSING_EVENT]
) | st.text(max_size=20) | st.integers()  # fmt: skip


def _mark(value: bytes | None, feed: bytes = FEED) -> FeedMark | Refusal:
    return take_in_mark(Record("stored", PLACE, b"", value), feed, MOST_BYTES)


def _decision(value: bytes | None) -> Decision | Refusal:
    read = take_in_decision(Record("decision", PLACE, DECISION["report_id"].encode(), value), MOST_BYTES)
    assert (read.fact is None) == (read.refusal is not None)
    told = read.fact or read.refusal
    assert told is not None
    return told


def test_a_mark_is_read() -> None:
    until = datetime(2026, 3, 2, 11, 30, tzinfo=UTC)
    assert _mark(orjson.dumps(MARK)) == FeedMark("flyt-bergen", PLACE, until, 0)
    unsaid = {"vouched_until": "2026-03-02 12:30+01", "more": 1}
    assert _mark(orjson.dumps(unsaid)) == FeedMark("flyt-bergen", PLACE, until, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vouched_until": None}, "wrong_type:vouched_until"),
        ({"vouched_until": "2026-03-02T11:30:00"}, "bad_value:vouched_until"),
        ({"proofs": -1}, "bad_value:proofs"),
        ({"proofs": "3"}, "wrong_type:proofs"),
        ({"proofs": True}, "wrong_type:proofs"),
        ({"feed": "another"}, "bad_value:feed"),
        ({"feed": None}, "wrong_type:feed"),
    ],
)
def test_a_mark_of_which_anything_is_unreadable_is_none(changes: dict[str, Any], reason: str) -> None:
    assert _mark(orjson.dumps(MARK | changes)) == Refusal("schema", reason)


@pytest.mark.parametrize("feed", [b"", b"\xff", b"Kari Nordmann", b"another"])
def test_a_mark_is_of_the_feed_that_its_header_names(feed: bytes) -> None:
    assert _mark(orjson.dumps(MARK), feed) == Refusal("schema", "bad_value:feed")
    assert isinstance(_mark(orjson.dumps(MARK), FEED), FeedMark)


def test_a_decision_is_read() -> None:
    decision = _decision(orjson.dumps(DECISION | {"actor": DECISION["actor"] | {"mood": "calm"}}))
    assert decision == Decision(
        DECISION["decision_id"], DECISION["report_id"], PLACE, MISSING_EVENT, Action.CLOSE,
        datetime(2026, 3, 2, 12, 30, tzinfo=UTC), Outcome.HANDLED, Receiver("4601"),
    )  # fmt: skip


def test_a_decision_to_erase_may_name_the_report_alone() -> None:
    value = DECISION | {"action": "erase"}
    for name in ("missing_event_id", "outcome", "receiver", "reference"):
        del value[name]
    decision = _decision(orjson.dumps(value))
    assert isinstance(decision, Decision)
    told = decision.action, decision.missing_event_id, decision.outcome, decision.receiver
    assert told == (Action.ERASE, None, None, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"decision_id": "x"}, "bad_value:decision_id"),
        ({"report_id": None}, "wrong_type:report_id"),
        ({"action": "forget"}, "bad_value:action"),
        ({"outcome": "eaten"}, "bad_value:outcome"),
        ({"receiver": {}}, "bad_value:receiver"),
        ({"receiver": {"municipality": "46"}}, "bad_value:receiver.municipality"),
        ({"receiver": {"municipality": "4601", "district": "x"}}, "bad_value:receiver.district"),
        ({"actor": None}, "wrong_type:actor"),
        ({"decided_at": "today"}, "bad_value:decided_at"),
        ({"until": "soon"}, "bad_value:until"),
    ],
)
def test_a_decision_of_which_anything_is_unreadable_is_none(changes: dict[str, Any], reason: str) -> None:
    assert _decision(orjson.dumps(DECISION | changes)) == Refusal("schema", reason)


@given(value=st.none() | st.binary(max_size=200), feed=st.binary(max_size=30))
def test_any_bytes_have_an_answer(value: bytes | None, feed: bytes) -> None:
    for told in (_mark(value, feed), _decision(value)):
        assert isinstance(told, Refusal)
        assert told.stage in ("encoding", "json", "schema", "size")


@given(
    changes=st.dictionaries(st.sampled_from([*MARK, *DECISION, "more"]), ODD),
    dropped=st.sets(st.sampled_from([*DECISION])),
)
def test_so_has_whatever_nearly_fits(changes: dict[str, Any], dropped: set[str]) -> None:
    for example_, read in ((MARK, _mark), (DECISION, _decision)):
        value = {name: given for name, given in example_.items() if name not in dropped} | changes
        try:
            encoded = orjson.dumps(value)
        except orjson.JSONEncodeError:  # a surrogate, or a number that JSON has no room for
            return
        told = read(encoded)
        assert isinstance(told, Refusal | FeedMark | Decision)
        if isinstance(told, Refusal):
            assert told.reason.partition(":")[2].split(".")[0] in {"", *MARK, *DECISION}, "a reason quotes no input"


def test_what_is_too_large_is_not_looked_at() -> None:
    value = orjson.dumps(MARK | DECISION) + b" " * MOST_BYTES
    assert _mark(value) == _decision(value) == TOO_LARGE


def test_a_receipt_tells_its_message_and_a_proof_its_feed() -> None:
    receipt = take_in(Record("receipt", PLACE, None, orjson.dumps(example("report-receipt"))), MOST_BYTES).fact
    assert isinstance(receipt, Receipt)
    assert (receipt.receipt, receipt.message_id) == (ReceiptCode.MOTTATT, example("report-receipt")["message_id"])
    unreadable = example("report-receipt") | {"message_id": "Kari Nordmann"}
    intake = take_in(Record("receipt", PLACE, None, orjson.dumps(unreadable)), MOST_BYTES)
    assert isinstance(intake.fact, Receipt)
    assert (intake.fact.message_id, intake.refusal) == (None, Refusal("schema", "bad_value:message_id"))
    proof = take_in(Record("stored", PLACE, None, orjson.dumps(example("report-stored"))), MOST_BYTES).fact
    assert isinstance(proof, Stored)
    assert proof.feed == "flyt-bergen"
