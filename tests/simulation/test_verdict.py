"""The verdict finds each planted difference, and nothing where there is none."""

from typing import Any
from uuid import uuid4

import pytest

from streams.core.events import MISSING_TYPE, RECOVERED_TYPE
from streams.simulation.incident import compressed
from streams.simulation.script import Truth
from streams.simulation.verdict import Watched, judge

LOST = Truth("lost", "4601", "missing", "receipted_not_stored")
GONE = Truth("gone", "4204", "missing", "no_receipt")
FOUND = Truth("found", "1103", "recovered", "no_receipt", "stored_late")
FINE = Truth("fine", "0301", "stored")
OPEN = Truth("open", "0301", "pending")
TRUTH = [LOST, GONE, FOUND, FINE, OPEN]
AGAIN = Truth("again", "4601", "missing", "receipted_not_stored", lost_again=1)
BEHIND = Truth("behind", "0301", "stored", course="silent_feed")

Event = dict[str, Any]


def missing(truth: Truth, **other: Any) -> Event:
    event = {"type": MISSING_TYPE, "event_id": f"m-{truth.report_id}", "report_id": truth.report_id}
    return {**event, "reason": truth.reason, "episode": 1, **other}


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


def both(truth: Truth, **other: Any) -> list[Event]:
    """What has to be announced of who is lost twice."""
    return [missing(truth), missing(truth, **{"event_id": "second", "episode": 2, **other})]


def watched(*statuses: str) -> Watched:
    rows = Watched()
    for status in statuses:
        rows.see(BEHIND.report_id, status)
    return rows


def test_the_incidents_verdict() -> None:
    truth = compressed(100, 1).truth
    again = [each for each in truth if each.lost_again]
    events = announced(truth) + [missing(each, event_id=f"2-{each.report_id}", episode=2) for each in again]
    assert len(again) == 3
    assert str(judge(truth, events)) == (
        "63 of 63 lost reports announced, in 22 municipalities; 7 of 7 found again; no phantom."
    )


@pytest.mark.parametrize(
    ("extra", "difference"),
    [
        ([missing(FINE, reason="no_receipt")], {"phantom": ("fine",)}),
        ([missing(OPEN, reason="no_receipt")], {"phantom": ("open",)}),
        ([missing(LOST, report_id="never heard of")], {"phantom": ("never heard of",)}),
        ([missing(LOST)], {"announced_twice": ("lost",)}),
        ([missing(LOST, event_id=str(uuid4()), episode=2)], {"announced_twice": ("lost",)}),
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


def test_who_is_lost_twice_is_one_report_and_two_events() -> None:
    verdict = judge([AGAIN], both(AGAIN))
    assert verdict.exact
    assert (verdict.counts.lost_announced, verdict.counts.lost_again_announced) == (1, 1)


@pytest.mark.parametrize(
    ("events", "difference"),
    [
        ([missing(AGAIN)], "not_again"),
        ([missing(AGAIN), missing(AGAIN)], "not_again"),
        ([*both(AGAIN), missing(AGAIN, event_id="third", episode=3)], "announced_twice"),
        ([*both(AGAIN), missing(AGAIN)], "announced_twice"),
        (both(AGAIN, episode=1), "wrong_episode"),
        (both(AGAIN, reason="no_receipt"), "wrong_reason"),
    ],
)
def test_an_episode_too_few_too_many_or_untrue_is_found(events: list[Event], difference: str) -> None:
    assert judge([AGAIN], events).differences == {difference: ("again",)}


def test_one_event_too_many_of_who_was_lost_once_is_found() -> None:
    assert judge([LOST], both(LOST)).differences == {"announced_twice": ("lost",)}


def test_what_was_behind_a_silent_feed_is_told_in_one_line() -> None:
    verdict = judge([BEHIND, FINE], [], watched("pending", "undetermined", "stored"))
    assert verdict.exact
    assert verdict.silence == (
        "One feed fell silent for a day: 1 of 1 report undetermined meanwhile, none announced missing, "
        "all 1 stored when it spoke."
    )
    assert judge([FINE], [], Watched()).silence == ""


@pytest.mark.parametrize("statuses", [("pending", "stored"), ("undetermined",), ()])
def test_a_silence_that_was_not_seen_or_did_not_end_is_found(statuses: tuple[str, ...]) -> None:
    assert judge([BEHIND], [], watched(*statuses)).differences == {"not_undetermined": ("behind",)}


def test_undetermined_without_a_silent_feed_is_found() -> None:
    rows = watched("undetermined", "stored")
    assert judge([BEHIND._replace(course=None)], [], rows).differences == {"wrongly_undetermined": ("behind",)}


def test_announced_behind_a_silent_feed_is_a_phantom_and_said() -> None:
    event = missing(BEHIND, reason="no_receipt")
    verdict = judge([BEHIND], [event], watched("undetermined", "stored"))
    assert verdict.differences == {"phantom": ("behind",)}
    assert "meanwhile, 1 announced missing" in verdict.silence


@pytest.mark.parametrize(("course", "name"), [("letter", "letters"), ("service", "served")])
def test_letters_and_what_a_service_stored_are_counted(course: Any, name: str) -> None:
    truth = FINE._replace(course=course)
    counts = judge([truth], [missing(truth, reason="no_receipt")]).counts
    assert (getattr(counts, name), getattr(counts, f"{name}_announced")) == (1, 1)
