"""Clocks of producers are not trusted: the broker's arrival bounds what they claim."""

from datetime import timedelta

import pytest

from streams.core.facts import Place, Stored
from streams.core.fold import Step
from streams.core.rules import Limits
from tests.core.world import OSLO, REPORT, RULES, Story, at


@pytest.mark.parametrize(
    ("sent_at", "trusted", "flags"),
    [
        ("07:00", "07:00", set()),
        ("08:00", "08:00", set()),
        ("08:00:00.000001", "08:00", set()),
        ("08:05", "08:00", set()),
        ("08:05:00.000001", "08:00", {"clock_ahead"}),
        ("2099-01-01T00:00", "08:00", {"clock_ahead"}),
        ("2025-11-02T08:00", "2025-11-02T08:00", set()),  # 120 days before
        ("2025-01-26T07:59:59.999999", "08:00", {"clock_behind"}),  # 400 days before, and a microsecond
        ("1970-01-01T00:00", "08:00", {"clock_behind"}),
    ],
)
def test_it_never_takes_sent_at_later_than_the_arrival_nor_from_years_before(
    sent_at: str, trusted: str, flags: set[str]
) -> None:
    story = Story()
    assert story.sent("08:00", sent_at=sent_at).step is Step.OPENED
    assert story.row.sent_at == at(trusted)
    assert story.row.flags == flags


@pytest.mark.parametrize(
    ("sent_at", "step"),
    [
        ("2025-11-02T08:00", Step.OPENED),
        ("2025-11-02T07:59:59.999999", Step.TOO_OLD),
        ("2025-06-01T00:00", Step.TOO_OLD),
        ("2025-01-26T08:00", Step.TOO_OLD),
        ("2025-01-26T07:59:59.999999", Step.OPENED),
    ],
)
def test_it_refuses_a_sent_from_beyond_the_keeping_time_unless_its_clock_is_years_behind(
    sent_at: str, step: Step
) -> None:
    story = Story()
    assert story.sent("08:00", sent_at=sent_at).step is step
    assert (story.checker.rows.get("0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d") is None) is (step is Step.TOO_OLD)
    assert story.book().sent_records == (step is Step.OPENED)


@pytest.mark.parametrize(
    ("sent_at", "trusted", "flags"),
    [
        ("2025-01-26T08:00", "2025-01-26T08:00", set()),  # 400 days before
        ("2025-01-26T07:59:59.999999", "08:00", {"clock_behind"}),
    ],
)
def test_it_trusts_a_clock_400_days_back_where_rows_are_kept_that_long(
    sent_at: str, trusted: str, flags: set[str]
) -> None:
    story = Story(RULES._replace(limits=Limits(keep=timedelta(days=500))))
    assert story.sent("08:00", sent_at=sent_at).step is Step.OPENED
    assert story.row.sent_at == at(trusted)
    assert story.row.flags == flags


def test_it_does_not_refuse_a_sent_whose_time_could_not_be_trusted_anyway() -> None:
    story = Story()
    assert story.sent("08:00", unreadable=["sent_at"]).step is Step.OPENED
    assert story.row.sent_at == at("08:00")
    assert story.row.flags == {"unreadable_sent_at"}


def test_it_refuses_a_sent_from_long_ago_of_which_another_field_could_not_be_read() -> None:
    assert Story().sent("08:00", sent_at="2025-06-01T00:00", unreadable=["form"]).step is Step.TOO_OLD


def test_it_opens_with_the_next_sent_after_one_that_was_too_old() -> None:
    story = Story()
    story.sent("08:00", sent_at="2025-06-01T00:00", message="old")
    assert story.sent("09:00", message="new").step is Step.OPENED
    assert (story.row.sent_at, story.row.message_ids) == (at("09:00"), ["new"])
    assert (story.book().sent_records, story.book().resends) == (1, 0)


def test_it_takes_an_old_sent_of_a_known_report_as_a_resend() -> None:
    story = Story()
    story.sent("08:00")
    assert story.sent("09:00", sent_at="2025-06-01T00:00", message="m2").step is Step.RESENT
    assert story.row.sent_at == at("08:00")


@pytest.mark.parametrize("too_old_sent_at", ["2025-06-01T00:00"])
def test_it_lets_a_sent_that_is_too_old_leave_what_is_held_alone(too_old_sent_at: str) -> None:
    story = Story()
    story.stored("07:00")
    assert story.sent("08:00", sent_at=too_old_sent_at).step is Step.TOO_OLD
    assert (story.row.sent, story.row.touched) == (None, at("07:00"))
    assert len(story.row.held_stored) == 1


@pytest.mark.parametrize(
    ("stored_at", "trusted", "flags"),
    [
        ("1970-01-01T00:00", "1970-01-01T00:00", set()),
        ("09:00", "09:00", set()),
        ("09:05", "09:00", set()),
        ("09:05:00.000001", "09:00", {"clock_ahead"}),
        ("2099-01-01T00:00", "09:00", {"clock_ahead"}),
    ],
)
@pytest.mark.parametrize("sent_first", [True, False])
def test_it_never_takes_stored_at_later_than_the_arrival(
    stored_at: str, trusted: str, flags: set[str], sent_first: bool
) -> None:
    story = Story()
    if sent_first:
        story.sent("08:00")
    story.stored("09:00", stored_at=stored_at)
    if not sent_first:
        story.sent("08:00")
    assert story.row.proof is not None
    assert story.row.proof.stored_at == at(trusted)
    assert story.row.flags == flags


def test_it_takes_over_everything_but_the_time_of_proof_from_a_clock_that_is_ahead() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("09:00", OSLO, stored_at="09:01")
    assert story.row.proof == Stored(REPORT, Place(at("09:00"), "reports.stored", 0, 0), at("09:00"), "READ_BACK", OSLO)


@pytest.mark.parametrize(
    ("stored_at", "arrived", "flags"),
    [
        ("10:00", "10:03", set()),
        ("10:00:00.000001", "10:03", {"stored_after_due"}),
        ("10:05", "10:05", {"stored_after_due"}),
        ("09:00", "10:05", set()),
        ("10:09", "10:00", {"clock_ahead"}),
        ("10:09", "10:01", {"clock_ahead", "stored_after_due"}),
    ],
)
def test_it_flags_proof_after_due_but_in_time(stored_at: str, arrived: str, flags: set[str]) -> None:
    story = Story()
    story.sent("08:00")
    story.stored(arrived, stored_at=stored_at)
    assert story.row.status == "stored"
    assert story.row.flags == flags


def test_it_does_not_flag_a_recovered_report_as_stored_after_due() -> None:
    story = Story()
    story.sent("08:00")
    story.tick("10:06")
    story.stored("11:00", stored_at="11:30")
    assert story.row.flags == {"clock_ahead"}
    assert story.recovered.stored_at == at("11:00")
