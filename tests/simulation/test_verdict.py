"""The verdict finds each planted difference, and nothing where there is none."""

from typing import Any
from uuid import uuid4

import pytest

from streams.core.events import MISSING_TYPE, RECOVERED_TYPE
from streams.simulation.incident import compressed
from streams.simulation.script import Truth
from streams.simulation.verdict import judge

LOST = Truth("lost", "4601", "missing", "receipted_not_stored")
GONE = Truth("gone", "4204", "missing", "no_receipt")
FOUND = Truth("found", "1103", "recovered", "no_receipt", "stored_late")
FINE = Truth("fine", "0301", "stored")
OPEN = Truth("open", "0301", "pending")
TRUTH = [LOST, GONE, FOUND, FINE, OPEN]

Event = dict[str, Any]


def missing(truth: Truth, **other: str) -> Event:
    event = {"type": MISSING_TYPE, "event_id": f"m-{truth.report_id}", "report_id": truth.report_id}
    return {**event, "reason": truth.reason, **other}


def recovered(truth: Truth, **other: str) -> Event:
    event = {"type": RECOVERED_TYPE, "event_id": f"r-{truth.report_id}", "report_id": truth.report_id}
    return {**event, "missing_event_id": f"m-{truth.report_id}", "cause": truth.cause, **other}


def announced(truth: list[Truth]) -> list[Event]:
    told = [each for each in truth if each.outcome in ("missing", "recovered")]
    found = [each for each in truth if each.outcome == "recovered"]
    return [missing(each) for each in told] + [recovered(each) for each in found]


def test_the_truth_and_nothing_else_is_exact() -> None:
    verdict = judge(TRUTH, announced(TRUTH))
    assert verdict.exact
    assert str(verdict) == ("2 of 2 lost reports announced, in 2 municipalities; 1 of 1 found again; no phantom.")


def test_the_incidents_verdict() -> None:
    truth = compressed(100, 1).truth
    assert str(judge(truth, announced(truth))) == (
        "63 of 63 lost reports announced, in 22 municipalities; 7 of 7 found again; no phantom."
    )


@pytest.mark.parametrize(
    ("extra", "difference"),
    [
        ([missing(FINE, reason="no_receipt")], {"phantom": ("fine",)}),
        ([missing(OPEN, reason="no_receipt")], {"phantom": ("open",)}),
        ([missing(LOST, report_id="never heard of")], {"phantom": ("never heard of",)}),
        ([missing(LOST)], {"announced_twice": ("lost",)}),
        ([missing(LOST, event_id=str(uuid4()))], {"announced_twice": ("lost",)}),
        ([recovered(FOUND)], {"announced_twice": ("found",)}),
        ([recovered(LOST, cause="stored_late")], {"wrongly_recovered": ("lost",)}),
        ([recovered(FINE, cause="stored_late")], {"wrongly_recovered": ("fine",)}),
        ([{"type": "something.else", "report_id": "fine"}], {}),
    ],
)
def test_what_is_too_much_is_found(extra: list[Event], difference: dict[str, tuple[str, ...]]) -> None:
    verdict = judge(TRUTH, announced(TRUTH) + extra)
    assert verdict.differences == difference
    assert verdict.exact == (not difference)


@pytest.mark.parametrize(
    ("number", "replacement", "difference"),
    [
        (0, [], {"lost": ("lost",)}),
        (0, [missing(LOST, reason="no_receipt")], {"wrong_reason": ("lost",)}),
        (2, [missing(FOUND, reason="rejected")], {"wrong_reason": ("found",)}),
        (2, [], {"lost": ("found",), "wrongly_recovered": ("found",)}),
        (3, [], {"not_recovered": ("found",)}),
        (3, [recovered(FOUND, cause="confirmed_late")], {"wrong_cause": ("found",)}),
        (3, [recovered(FOUND, missing_event_id="m-lost")], {"wrongly_recovered": ("found",)}),
    ],
)
def test_what_lacks_or_differs_is_found(
    number: int, replacement: list[Event], difference: dict[str, tuple[str, ...]]
) -> None:
    events = announced(TRUTH)
    events[number : number + 1] = replacement
    assert judge(TRUTH, events).differences == difference


def test_recovered_before_missing_is_wrong() -> None:
    events = announced(TRUTH)
    assert judge(TRUTH, events[::-1]).differences == {"wrongly_recovered": ("found",)}


def test_the_text_says_what_differs() -> None:
    events = [missing(LOST), missing(LOST), missing(FINE, reason="no_receipt")]
    assert str(judge(TRUTH, events)) == (
        "1 of 2 lost reports announced, in 1 of 2 municipalities; 0 of 1 found again; 1 phantom; "
        "2 never announced; 1 announced twice; 1 not found again."
    )


def test_one_is_singular() -> None:
    assert str(judge([LOST], [missing(LOST)])) == (
        "1 of 1 lost report announced, in 1 municipality; 0 of 0 found again; no phantom."
    )


def test_where_nothing_is_lost_silence_is_exact() -> None:
    assert judge([FINE], []).exact
    assert not judge([LOST], []).exact
