"""Nothing is kept longer than it is needed, and nothing that is missing is forgotten."""

import pytest

from streams.core.facts import ReceiptCode, Receiver
from streams.core.fold import Step
from streams.core.row import Status
from tests.core.world import OSLO, OTHER, REPORT, Story, names

KEPT = "2026-06-30T10:05"  # 120 days after the alarm
GONE = "2026-06-30T10:05:00.000001"


@pytest.mark.parametrize(("until", "erased"), [(KEPT, False), (GONE, True), ("2030-01-01T00:00", True)])
@pytest.mark.parametrize("restarted", [True, False])
def test_it_is_erased_when_the_keeping_time_after_its_alarm_has_passed(
    until: str, erased: bool, restarted: bool
) -> None:
    story = Story()
    story.sent("08:00")
    story.stored("09:00")
    if restarted:
        story.restart()
    passed = story.tick(until)
    assert [one.status for one in passed] == ([None] if erased else [])
    assert (story.checker.rows.get(REPORT) is None) is erased
    assert (story.book().stored, story.book().erased) == (not erased, erased)


@pytest.mark.parametrize(
    ("last_fact", "kept", "gone"),
    [
        ("10:00", KEPT, GONE),
        ("10:05", KEPT, GONE),
        ("2026-03-20T12:00", "2026-07-18T12:00", "2026-07-18T12:00:00.000001"),
    ],
)
def test_it_counts_the_keeping_time_from_the_last_fact_too(last_fact: str, kept: str, gone: str) -> None:
    story = Story()
    story.sent("08:00")
    story.stored("09:00")
    story.tick("10:30")
    story.sent(last_fact, message="m2")
    assert story.tick(kept) == []
    assert [one.status for one in story.tick(gone)] == [None]


@pytest.mark.parametrize(
    "again",
    [
        lambda story: story.sent("2026-03-20T12:00"),
        lambda story: story.sent("2026-03-20T12:00", message=None),
        lambda story: story.receipt("2026-03-20T12:00", ReceiptCode.FEILET),
        lambda story: story.stored("2026-03-20T12:00"),
        lambda story: story.stored("2026-03-20T12:00", Receiver("4601")),
    ],
)
def test_it_is_not_kept_longer_for_a_fact_that_changed_nothing(again: object) -> None:
    assert callable(again)
    story = Story()
    story.sent("08:00")
    story.stored("09:00")
    again(story)
    assert [one.status for one in story.tick(GONE)] == [None]


def test_it_keeps_a_missing_report_until_it_is_recovered() -> None:
    story = Story()
    story.receipt("07:00")
    story.sent("08:00")
    story.tick("10:06")
    assert story.tick("2030-01-01T00:00") == []
    assert story.row.status is Status.MISSING
    story.stored("2030-01-01T00:00")
    assert story.tick("2030-05-01T00:00") == []
    assert [one.status for one in story.tick("2030-05-01T00:00:00.000001")] == [None]
    assert (story.book().recovered, story.book().erased) == (0, 1)


def test_it_erases_a_report_that_recovered_at_the_decision() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("2026-03-03T00:00")
    story.tick("2026-03-03T00:00:00.000001")
    assert story.tick("2026-07-01T00:00") == []
    assert [one.status for one in story.tick("2026-07-01T00:00:00.000001")] == [None]


def test_it_erases_an_unproven_report() -> None:
    story = Story()
    story.sent("08:00", names(Receiver("1507")))
    story.tick("10:06")
    assert story.tick(KEPT) == []
    assert [one.status for one in story.tick(GONE)] == [None]
    assert story.book("1507").erased == 1


def test_it_erases_an_unexpected_report_and_counts_it_nowhere() -> None:
    story = Story()
    story.stored("08:00", OSLO)
    story.tick("2026-03-04T00:00")
    assert story.tick("2026-06-30T08:00") == []
    assert [one.status for one in story.tick("2026-06-30T08:00:00.000001")] == [None]
    assert (story.book().unexpected, story.book().erased) == (0, 0)


def test_it_erases_receipts_to_which_no_sent_came() -> None:
    story = Story()
    story.receipt("08:00")
    story.receipt("09:00", ReceiptCode.FEILET)
    assert story.tick("2026-06-30T09:00") == []
    assert [one.status for one in story.tick("2026-06-30T09:00:00.000001")] == [None]
    assert story.checker.books.by_receiver == {}


def test_it_decides_and_erases_in_one_advance_if_need_be() -> None:
    story = Story()
    story.stored("08:00", report=OTHER)
    story.sent("08:00", names(Receiver("1507")))
    passed = story.tick("2030-01-01T00:00")
    assert [(one.report_id, one.status) for one in passed] == [
        (REPORT, Status.UNPROVEN),
        (OTHER, Status.UNEXPECTED),
        (OTHER, None),
        (REPORT, None),
    ]


def test_it_erases_a_report_with_several_entries_in_the_index_once() -> None:
    story = Story()
    story.receipt("07:00")
    story.sent("08:00")
    story.stored("09:00")
    assert [one.status for one in story.tick("2030-01-01T00:00")] == [None]
    assert len(story.checker.deadlines) == 0


def test_it_takes_a_new_sent_of_an_erased_report_as_a_new_report() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("09:00")
    story.tick(GONE)
    assert story.sent("2026-07-01T08:00", sent_at="08:00").step is Step.TOO_OLD
    assert story.sent("2026-07-01T08:00").step is Step.OPENED
    assert (story.book().sent, story.book().erased, story.book().pending) == (2, 1, 1)
