"""What the portal says is passed on as far as it can be read."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from schemas.reading import SENT
from streams.intake.portal import judge_receipts, judge_sent
from streams.intake.routes import RECEIPT_EXAMPLE, SENT_EXAMPLE

[ITEM] = SENT_EXAMPLE["items"]
[RECEIPT] = RECEIPT_EXAMPLE["items"]
REPORT, OTHER = ITEM["report_id"], "1b7f3d52-6c1e-4f4e-9d0a-1c2b3a4d5e6f"


def lookup(message_ids: Sequence[str]) -> dict[str, str]:
    """One message is known."""
    return {name: OTHER for name in message_ids if name == "m-1"}


def test_a_sent_is_the_record_that_the_contract_has() -> None:
    judged = judge_sent([{**ITEM, "child": "Kari Nordmann"}], None)
    assert (judged.verdicts, judged.unread) == (["accepted"], {})
    [entry] = judged.entries
    assert (entry.report_id, orjson.loads(entry.value)) == (REPORT, {**ITEM, "sent_at": "2026-01-05T09:10:00.000000Z"})


@pytest.mark.parametrize(
    ("change", "unread"),
    [
        ({"sent_at": "yesterday"}, ["sent_at"]),
        ({"channel": "by hand, Kari Nordmann"}, ["channel"]),
        ({"receiver": None}, ["receiver"]),
        ({"receiver": {"municipality": "3907", "district": "Kari"}}, ["receiver.district"]),
        ({"case_system_version": "Kari Nordmann"}, ["case_system_version"]),
        ({"sent_at": 1, "channel": 1, "case_system": 1}, ["sent_at", "channel", "case_system"]),
    ],
)
def test_no_report_is_unseen_because_of_one_field(change: dict[str, Any], unread: list[str]) -> None:
    judged = judge_sent([ITEM, {**ITEM, **change}], None)
    assert (judged.verdicts, judged.unread) == (["accepted", "accepted"], {1: unread})
    value = judged.entries[1].value
    assert b"Kari" not in value
    told = SENT.read(value)
    assert (told.report_id, list(told.unreadable)) == (REPORT, unread)


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({**ITEM, "report_id": "7"}, "unreadable:report_id"),
        ({}, "unreadable:report_id"),
        (7, "unreadable:item"),
        (None, "unreadable:item"),
    ],
)
def test_without_its_id_there_is_no_report(item: Any, said: str) -> None:
    judged = judge_sent([item], None)
    assert (judged.verdicts, judged.entries) == ([said], [])


def test_local_times_of_the_portal_are_read_in_its_zone() -> None:
    oslo = ZoneInfo("Europe/Oslo")
    [entry] = judge_sent([{**ITEM, "sent_at": "2026-01-05T10:10:00"}], oslo).entries
    assert orjson.loads(entry.value)["sent_at"] == "2026-01-05T09:10:00.000000Z"
    twice = judge_sent([{**ITEM, "sent_at": "2026-10-25T02:30:00"}], oslo)
    assert (twice.verdicts, twice.unread) == (["accepted"], {0: ["sent_at"]})


@pytest.mark.parametrize(
    ("item", "said", "report"),
    [
        (RECEIPT, "accepted", REPORT),
        ({**RECEIPT, "report_id": None, "message_id": "m-1"}, "accepted", OTHER),
        ({**RECEIPT, "report_id": None, "message_id": "m-2"}, "unknown_id", None),
        ({**RECEIPT, "receipt": "no.ks.fiks.bekymringsmelding.mottatt.v1"}, "accepted", REPORT),
        ({**RECEIPT, "report_id": None, "message_id": "Kari Nordmann"}, "unreadable:message_id", None),
        ({**RECEIPT, "receipt": "read by Kari"}, "unreadable:receipt", None),
        ({**RECEIPT, "report_id": None, "message_id": None}, "unreadable:report_id", None),
        ("x", "unreadable:item", None),
    ],
)
def test_a_receipt_is_of_a_report_or_of_the_message_that_it_answers(item: Any, said: str, report: str | None) -> None:
    judged = judge_receipts([item], None, lookup)
    assert (judged.verdicts, [entry.report_id for entry in judged.entries]) == ([said], [report] if report else [])
