"""A verdict for each item, and the records that the accepted ones become."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.inputs import ReportStored
from streams.access.scope import ReceiverScope
from streams.intake.items import UnreadableItem
from streams.intake.judged import EVER, Entry
from streams.intake.proofs import Sender, judge
from streams.intake.receivers import Whose, whose

REPORT, OTHER = "0b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f", "1b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f"
OSLO = Sender(frozenset({ReceiverScope("0301")}), "flyt-oslo")
ANYBODY = Sender(None, None)
KNOWN = {"message-1": OTHER}
AT = "2026-01-05T09:12:44Z"


def lookup(message_ids: Sequence[str]) -> dict[str, str]:
    """One message is known."""
    return {name: KNOWN[name] for name in message_ids if name in KNOWN}


def verdict(item: Any, sender: Sender = OSLO) -> str:
    """Of one item."""
    [said] = judge([item], sender, lookup).verdicts
    return said


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"report_id": REPORT}, "accepted"),
        ({"report_id": REPORT.upper()}, "accepted"),
        ({"report_id": REPORT, "stored_at": AT, "municipality": "0301", "district": "03"}, "accepted"),
        ({"message_id": "message-1"}, "accepted"),
        ({"message_id": "message-2"}, "unknown_id"),
        ({"message_id": "message-2", "report_id": REPORT}, "accepted"),
        ({"report_id": REPORT, "municipality": "4601"}, "not_yours"),
        ({"message_id": "message-2", "municipality": "4601"}, "not_yours"),
        ({"report_id": "12"}, "unreadable:report_id"),
        ({"report_id": 12}, "unreadable:report_id"),
        ({}, "unreadable:report_id"),
        ({"report_id": REPORT, "stored_at": "2026-01-05T09:12:44"}, "unreadable:stored_at"),
        ({"report_id": REPORT, "stored_at": 1767604364}, "unreadable:stored_at"),
        ({"report_id": REPORT, "municipality": 301}, "unreadable:municipality"),
        ({"report_id": REPORT, "municipality": "301"}, "unreadable:municipality"),
        ({"report_id": REPORT, "evidence": "Kari Nordmann"}, "unreadable:evidence"),
        ({"report_id": REPORT, "case_system": "01010112345"}, "unreadable:case_system"),
        ({"message_id": "Kari Nordmann"}, "unreadable:message_id"),
        ({"report_id": REPORT, "child": "Kari Nordmann"}, "accepted"),  # and dropped
        ([], "unreadable:item"),
        (None, "unreadable:item"),
        (UnreadableItem("json"), "unreadable:json"),
    ],
)
def test_each_item_has_its_verdict(item: Any, said: str) -> None:
    assert verdict(item) == said


def test_a_proof_is_the_record_that_the_contract_has() -> None:
    item = {"message_id": "message-1", "stored_at": "2026-01-05 10:12+01", "child": "Kari", "case_system": "UKJENT"}
    judged = judge([item, {"report_id": REPORT, "evidence": "READ_BACK"}], OSLO, lookup)
    assert [orjson.loads(proof.value) for proof in judged.entries] == [
        {
            "report_id": OTHER, "stored_at": "2026-01-05T09:12:00.000000Z", "evidence": "RECONCILIATION",
            "receiver": {"municipality": "0301"}, "case_system": "UKJENT", "feed": "flyt-oslo",
        },
        {
            "report_id": REPORT, "evidence": "READ_BACK", "receiver": {"municipality": "0301"}, "feed": "flyt-oslo",
        },
    ]  # fmt: skip
    for proof in judged.entries:
        assert ReportStored.model_validate_json(proof.value).report_id == proof.report_id


def test_one_bad_item_among_a_thousand_is_the_only_one_that_is_refused() -> None:
    items = [{"report_id": str(UUID(int=number))} for number in range(1000)]
    items[500] = {"report_id": "none", "stored_at": AT}
    judged = judge(items, OSLO, lookup)
    assert judged.counts == {"accepted": 999, "unreadable": 1}
    assert judged.verdicts[500] == "unreadable:report_id"
    assert [one.stored_at for one in judged.undelivered] == [datetime(2026, 1, 5, 9, 12, 44, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("municipality", "district", "own", "found"),
    [
        (None, None, ["0301"], Whose("0301")),
        (None, "03", ["0301"], Whose("0301", "03")),
        (None, "00", ["0301"], Whose("0301")),
        (None, None, ["0301/03"], Whose("0301", "03")),
        (None, "04", ["0301/03"], "not_yours"),
        (None, None, ["0301", "1103"], "unreadable:municipality"),
        (None, None, [], "unreadable:municipality"),
        ("1103", None, ["0301", "1103"], Whose("1103")),
        ("1201", None, ["4601"], Whose("1201")),  # Bergen's former number, as the case system has it
        ("4601", None, ["1103"], "not_yours"),
        ("0301", None, ["0301/03", "0301/04"], "unreadable:district"),
        ("0301", "04", ["0301/03", "0301/04"], Whose("0301", "04")),
        ("0301", "05", ["0301/03", "0301/04"], "not_yours"),
        ("0301", None, ["0301", "0301/04"], Whose("0301")),
        ("5001", None, ["5001//unit"], Whose("5001", None, "unit")),
    ],
)
def test_a_proof_carries_a_receiver_that_is_the_senders(
    municipality: str | None, district: str | None, own: list[str], found: Whose | str
) -> None:
    scopes = [ReceiverScope(*(part or None for part in (one + "//").split("/")[:3])) for one in own]  # type: ignore[arg-type]  # the first is there
    assert whose(municipality, district, frozenset(scopes)) == found


def test_where_nobody_is_asked_who_it_is_the_item_names_its_receiver() -> None:
    assert verdict({"report_id": REPORT}, ANYBODY) == "unreadable:municipality"
    assert verdict({"report_id": REPORT, "municipality": "4601"}, ANYBODY) == "accepted"


@pytest.mark.parametrize(
    ("stored_at", "written"),
    [
        ("2026-01-05T10:12:44", "2026-01-05T09:12:44.000000Z"),
        ("2026-07-05 10:12", "2026-07-05T08:12:00.000000Z"),
        ("2026-07-05T10:12:00Z", "2026-07-05T10:12:00.000000Z"),
        ("2026-10-25T02:30:00", None),  # it comes twice
        ("2026-10-25T03:00:00", "2026-10-25T02:00:00.000000Z"),
    ],
)
def test_a_local_time_is_read_in_the_senders_zone(stored_at: str, written: str | None) -> None:
    item = {"report_id": REPORT, "stored_at": stored_at}
    [proof] = judge([item], OSLO._replace(zone=ZoneInfo("Europe/Oslo")), lookup).entries
    assert orjson.loads(proof.value).get("stored_at") == written


def test_a_local_time_that_never_was_is_unreadable() -> None:
    item = {"report_id": REPORT, "stored_at": "2026-03-29T02:30:00"}
    assert verdict(item, OSLO._replace(zone=ZoneInfo("Europe/Oslo"))) == "unreadable:stored_at"


def test_what_was_not_taken_is_told_with_its_time() -> None:
    items = [
        {"message_id": "message-2", "stored_at": AT}, {"message_id": "message-3"}, {"report_id": REPORT},
        {"report_id": REPORT, "municipality": "4601"}, {"report_id": "x", "stored_at": "yesterday"}, 7,
        {"message_id": "message-2", "municipality": "4601", "stored_at": AT},
    ]  # fmt: skip
    judged = judge(items, OSLO, lookup)
    at = datetime(2026, 1, 5, 9, 12, 44, tzinfo=UTC)
    assert [one.stored_at for one in judged.undelivered] == [at, EVER, EVER, EVER, EVER, at]
    assert [one.unknown for one in judged.undelivered] == [True, True, False, False, False, False]


ITEMS = st.fixed_dictionaries(
    {"report_id": st.integers(0, 5).map(lambda number: str(UUID(int=number)))},
    optional={
        "stored_at": st.sampled_from([AT, "2026-01-05T10:00:00+01:00", "soon"]),
        "municipality": st.sampled_from(["0301", "4601"]),
        "evidence": st.sampled_from(["READ_BACK", "MANUAL"]),
    },
)


@given(st.data())
def test_any_split_repetition_and_order_of_the_same_proofs_gives_the_same_records(data: st.DataObject) -> None:
    items = data.draw(st.lists(ITEMS, min_size=1, max_size=12))
    again = data.draw(st.permutations(items + data.draw(st.lists(st.sampled_from(items), max_size=8))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(again)), max_size=4)))
    parts = [again[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(again)], strict=True)]
    whole: set[Entry] = set(judge(items, OSLO, lookup).entries)
    split = {proof for part in parts for proof in judge(part, OSLO, lookup).entries}
    assert split == whole
