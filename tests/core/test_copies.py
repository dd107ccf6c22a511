"""Copies of misplaced records: of several of the same original only the first one is applied."""

import pytest

from streams.core.facts import ReceiptCode
from streams.core.fold import Step
from streams.core.row import Reason, Status
from streams.core.weight import ROW_BYTES
from tests.core.world import OTHER, REPORT, Story, at


def test_it_ignores_a_copy_whose_original_was_applied_and_keeps_its_reason() -> None:
    story = Story()
    story.sent("08:00")
    assert story.receipt("08:01", origin="receipt/1/0").step is Step.RECEIPT
    story.receipt("08:02", ReceiptCode.FEILET)
    assert story.receipt("09:00", origin="receipt/1/0").step is Step.COPIED_ALREADY
    story.tick("2026-03-03T00:00")
    assert story.missing.reason is Reason.REJECTED


def test_it_remembers_a_copy_that_changed_nothing_when_it_came() -> None:
    story = Story()
    story.sent("08:00")
    story.receipt("08:01")
    assert story.receipt("08:02", origin="receipt/1/0").step is Step.RECEIPT_REPEATED
    story.receipt("08:03", ReceiptCode.FEILET)
    story.restart()
    assert story.receipt("09:00", origin="receipt/1/0").step is Step.COPIED_ALREADY
    assert story.row.receipt is ReceiptCode.FEILET


def test_it_counts_a_sent_that_was_copied_twice_once() -> None:
    story = Story()
    story.sent("08:00", origin="sent/1/0")
    story.sent("09:00", origin="sent/1/0")
    assert (story.book().sent_records, story.book().duplicates) == (1, 0)
    story.sent("10:00", origin="sent/1/1")
    assert (story.book().sent_records, story.book().duplicates) == (2, 1)


def test_it_applies_copies_of_other_originals() -> None:
    story = Story()
    story.sent("08:00")
    for number, origin in enumerate(("receipt/1/0", "receipt/1/1", "receipt/2/0", "sent/1/0", "receipt/10/0")):
        code = ReceiptCode.MOTTATT if number % 2 else ReceiptCode.FEILET
        assert story.receipt("08:01", code, origin=origin).step is Step.RECEIPT


def test_it_remembers_them_report_by_report() -> None:
    story = Story()
    story.sent("08:00")
    story.sent("08:00", report=OTHER)
    story.stored("08:01", origin="stored/1/0")
    assert story.stored("08:02", report=OTHER, origin="stored/1/0").step is Step.STORED


@pytest.mark.parametrize("step", ["held", "repeated"])
def test_it_remembers_copies_that_came_before_their_sent(step: str) -> None:
    story = Story()
    if step == "repeated":
        story.stored("07:00")
    story.stored("07:01", origin="stored/1/0")
    assert story.stored("07:02", origin="stored/1/0").step is Step.COPIED_ALREADY
    story.sent("08:00")
    assert (story.row.status, story.row.copies) == (Status.STORED, ("stored/1/0",))


def test_it_forgets_the_copy_of_a_sent_that_was_too_old() -> None:
    story = Story()
    assert story.sent("08:00", sent_at="2025-06-01T00:00", origin="sent/1/0").step is Step.TOO_OLD
    assert story.checker.rows.get(REPORT) is None


def test_it_refuses_a_receipt_that_it_could_not_remember_and_takes_a_proof() -> None:
    story = Story()
    story.sent("08:00")
    story.row.copies = tuple(f"receipt/1/{number:019}" for number in range(ROW_BYTES // 64))
    assert story.receipt("08:01", origin="receipt/1/0").step is Step.ROW_FULL
    assert (story.row.receipt, story.row.flags, story.row.touched) == (None, {"row_full"}, at("08:00"))
    assert story.stored("08:02", origin="stored/1/0").step is Step.STORED
    assert story.stored("08:03", origin="stored/1/0").step is Step.PROOF_REPEATED
