"""A decision is for a receiver of who decides, and whole, or not taken."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from schemas.inputs import ReportDecision
from streams.access.scope import ReceiverScope
from streams.access.tokens import Visitor
from streams.intake.decisions import NOBODY, Decider, judge_decisions
from streams.intake.routes import DECISION_EXAMPLE
from tests.view.access.issuer import BERGEN

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
[ITEM] = DECISION_EXAMPLE["items"]
ID = "c2f7a3c4-1d2e-4f60-8a9b-0c1d2e3f4a5b"
ITS_OWN = Decider(Visitor("kari", BERGEN, frozenset()), frozenset({ReceiverScope("3907")}))


def test_a_decision_is_the_record_that_the_contract_has() -> None:
    item = {**ITEM, "decision_id": ID, "reference": "sak-12", "note": "Kari Nordmann"}
    judged = judge_decisions([item], ITS_OWN, NOW)
    assert judged.verdicts == ["accepted"]
    [entry] = judged.entries
    assert orjson.loads(entry.value) == {
        "decision_id": ID, "report_id": ITEM["report_id"], "missing_event_id": ITEM["missing_event_id"],
        "action": "close", "outcome": "found", "actor": {"subject": "kari", "organisation": BERGEN},
        "receiver": {"municipality": "3907"}, "decided_at": "2026-01-05T12:00:00.000000Z", "reference": "sak-12",
    }  # fmt: skip
    assert ReportDecision.model_validate_json(entry.value).decision_id == ID


def test_one_without_an_id_gets_a_new_one() -> None:
    ids = {orjson.loads(entry.value)["decision_id"] for entry in judge_decisions([ITEM] * 3, ITS_OWN, NOW).entries}
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"municipality": "4601"}, "not_yours"),
        ({"municipality": None}, "accepted"),
        ({"outcome": None}, "unreadable:outcome"),
        ({"outcome": "gone"}, "unreadable:outcome"),
        ({"action": "reopen"}, "unreadable:outcome"),
        ({"action": "reopen", "outcome": None}, "accepted"),
        ({"action": "forget"}, "unreadable:action"),
        ({"action": "acknowledge", "outcome": None, "until": "2026-01-05T13:00:00Z"}, "accepted"),
        ({"action": "acknowledge", "outcome": None, "until": "2026-01-05T11:00:00Z"}, "unreadable:until"),
        ({"until": "2026-01-05T13:00:00Z"}, "unreadable:until"),
        ({"missing_event_id": None}, "unreadable:missing_event_id"),
        ({"missing_event_id": None, "action": "erase", "outcome": None}, "accepted"),
        ({"report_id": None}, "unreadable:report_id"),
        ({"reference": "01010112345"}, "unreadable:reference"),
        ({"decision_id": "1"}, "unreadable:decision_id"),
    ],
)
def test_each_decision_has_its_verdict(change: dict[str, Any], said: str) -> None:
    assert judge_decisions([{**ITEM, **change}], ITS_OWN, NOW).verdicts == [said]


def test_where_nobody_is_asked_who_it_is_a_decision_may_be_for_all() -> None:
    [entry] = judge_decisions([{**ITEM, "municipality": None}], Decider(NOBODY, None), NOW).entries
    assert "receiver" not in orjson.loads(entry.value)


def test_what_is_no_decision_is_unreadable() -> None:
    assert judge_decisions([7, None, []], ITS_OWN, NOW).verdicts == ["unreadable:item"] * 3
