"""Facts that came before their sent, or without one: held, and unexpected in the end."""

from datetime import timedelta

import pytest

from streams.core.facts import ReceiptCode, Receiver
from streams.core.fold import Step
from streams.core.row import Reason, Status
from streams.core.rules import Limits, Rules
from tests.core.world import BERGEN, OSLO, REPORT, RULES, Story, at, names


@pytest.mark.parametrize(
    ("until", "status"),
    [
        ("2026-03-03T08:00", Status.PENDING),
        ("2026-03-03T08:00:00.000001", Status.UNEXPECTED),
        ("2026-03-09T08:00", Status.UNEXPECTED),
    ],
)
def test_it_is_unexpected_when_no_sent_came_for_a_day(until: str, status: Status) -> None:
    story = Story()
    story.stored("08:00", OSLO)
    story.stored("20:00", BERGEN)
    passed = story.tick(until)
    assert story.row.status is status
    assert [one.status for one in passed] == ([Status.UNEXPECTED] if status is Status.UNEXPECTED else [])
    assert story.book().unexpected == (status is Status.UNEXPECTED)
    assert story.events == []


def test_it_is_unexpected_after_another_time_where_that_is_set() -> None:
    story = Story(Rules(RULES.policy, RULES.municipalities, Limits(unexpected_after=timedelta(hours=1))))
    story.stored("08:00")
    assert story.tick("09:00") == []
    assert [one.status for one in story.tick("09:00:00.000001")] == [Status.UNEXPECTED]


def test_it_counts_the_day_from_the_first_stored_record_not_from_a_receipt() -> None:
    story = Story()
    story.receipt("06:00")
    story.stored("08:00")
    assert story.tick("2026-03-03T07:00") == []
    assert [one.status for one in story.tick("2026-03-03T08:01")] == [Status.UNEXPECTED]


def test_it_is_never_unexpected_by_receipts_alone() -> None:
    story = Story()
    story.receipt("08:00")
    story.tick("2026-03-10T00:00")
    assert story.row.status is Status.PENDING
    assert story.checker.books.total().accounted == 0


@pytest.mark.parametrize(
    ("proof_for", "sent_to", "status"),
    [(OSLO, OSLO, Status.STORED), (None, OSLO, Status.STORED), (OSLO, BERGEN, Status.PENDING)],
)
def test_it_becomes_a_normal_report_by_a_later_sent(proof_for: Receiver, sent_to: Receiver, status: Status) -> None:
    story = Story()
    story.stored("08:00", proof_for)
    story.tick("2026-03-03T09:00")
    assert story.row.status is Status.UNEXPECTED
    assert story.sent("2026-03-03T10:00", names(sent_to)).step is Step.OPENED
    assert story.row.status is status
    total = story.checker.books.total()
    assert (total.unexpected, total.sent, total.accounted) == (0, 1, 1)


def test_it_can_still_be_missing_after_it_was_unexpected() -> None:
    story = Story()
    story.stored("08:00", BERGEN)
    story.tick("2026-03-03T09:00")
    story.sent("2026-03-03T10:00")
    (passed,) = story.tick("2026-03-03T12:00")
    assert passed.status is Status.MISSING
    assert story.missing.reason is Reason.STORED_ELSEWHERE


@pytest.mark.parametrize(
    ("receiver", "municipality"),
    [(OSLO, "0301"), (Receiver("4601", "01"), "4601"), (None, None)],
)
def test_it_counts_an_unexpected_report_where_its_first_proof_says(
    receiver: Receiver | None, municipality: str | None
) -> None:
    story = Story()
    story.stored("08:00", receiver)
    story.stored("08:01", Receiver("1508"))
    story.tick("2026-03-04T00:00")
    assert story.row.municipality == municipality
    assert story.book(municipality).unexpected == 1
    assert story.checker.books.total().unexpected == 1


_TAKEN = {Step.HELD, Step.RECEIPT_REPEATED}


def test_it_holds_receipts_until_the_sent_comes_and_repeats_none() -> None:
    story = Story()
    assert story.receipt("07:00").step is Step.HELD
    assert story.receipt("07:01").step is Step.RECEIPT_REPEATED
    assert story.row.touched == at("07:00")
    assert story.receipt("07:02", ReceiptCode.FEILET).step is Step.HELD
    story.sent("08:00")
    assert story.row.receipt is ReceiptCode.FEILET
    assert story.row.touched == at("08:00")


def test_it_holds_one_proof_for_each_receiver() -> None:
    story = Story()
    steps = [
        story.stored("07:00", Receiver("0301", "03", "a")).step,
        story.stored("07:01", Receiver("0301", "03", "b")).step,
        story.stored("07:02", Receiver("0301", "04")).step,
        story.stored("07:03", Receiver("0301", "00")).step,
        story.stored("07:04", Receiver("0301")).step,
        story.stored("07:05", None).step,
        story.stored("07:06", None).step,
    ]
    held, repeated = Step.HELD, Step.PROOF_REPEATED
    assert steps == [held, repeated, held, held, repeated, held, repeated]
    assert story.row.touched == at("07:05")


def test_it_leaves_half_of_a_rows_room_to_proofs_and_refuses_other_things_aloud() -> None:
    story, number = Story(), 0
    story.receipt("07:00", origin="receipt/0/0")
    while story.receipt("07:00", list(ReceiptCode)[number % 2], origin=f"receipt/0/{number + 1}").step in _TAKEN:
        assert story.row.flags == set()
        number += 1
    assert number > 900
    assert story.row.flags == {"row_full"}
    assert story.stored("07:02", OSLO).step is Step.HELD, "half of the room is for proofs alone"
    story.sent("08:00", unreadable=("form",))
    assert (story.row.status, story.row.proof is None) == (Status.STORED, False)
    assert story.row.flags == {"row_full", "unreadable_form"}, "that something was refused stays visible"


def test_it_holds_the_earliest_proof_for_each_receiver_that_there_is() -> None:
    story = Story()
    codes = [f"{code:04}" for code in range(100, 1_100) if code != 301]
    for code in codes:
        assert story.stored("07:00", Receiver(code)).step is Step.HELD
    assert story.stored("07:01", Receiver("1000")).step is Step.PROOF_REPEATED
    assert story.stored("07:02", OSLO).step is Step.HELD
    assert len(story.row.held_stored) == len(codes) + 1
    story.sent("08:00")
    assert (story.row.status, story.row.flags) == (Status.STORED, set())


def test_it_says_the_same_in_whatever_order_proofs_for_many_others_are_read() -> None:
    first, last = Story(), Story()
    first.sent("08:00")
    for story in (first, last):
        for code in range(1_000, 1_220):
            story.stored("07:00", Receiver(str(code)))
        story.stored("07:30", OSLO)
    last.sent("08:00")
    for story in (first, last):
        story.tick("2026-03-05T08:00")
        assert (story.row.status, story.events) == (Status.STORED, [])


def test_it_refuses_proofs_aloud_once_its_row_is_full_and_keeps_the_first() -> None:
    story, number = Story(), 0
    while story.stored("07:00", Receiver(f"{number // 100:04}", f"{number % 100:02}")).step is Step.HELD:
        number += 1
    assert story.row.flags == {"row_full"}
    assert len(story.row.held_stored) == number > 900
    assert story.stored("07:01", OSLO).step is Step.ROW_FULL
    assert story.row.touched == at("07:00")


def test_it_does_not_look_for_a_report_it_never_heard_of() -> None:
    story = Story()
    assert story.checker.rows.get(REPORT) is None
    assert story.tick("2030-01-01T00:00") == []
