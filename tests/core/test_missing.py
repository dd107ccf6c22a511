"""When is a report missing, and why?"""

import pytest

from streams.core.events import Missing, missing
from streams.core.facts import ReceiptCode, Receiver
from streams.core.fold import Step
from streams.core.row import Reason, Row, Status
from tests.core.world import BERGEN, FIKS, OSLO, OTHER, REPORT, THIRD, Story, at, names

ALARM = "10:05"
JUST_AFTER = "10:05:00.000001"
MOTTATT, FEILET = ReceiptCode.MOTTATT, ReceiptCode.FEILET


@pytest.mark.parametrize(
    ("until", "status"),
    [
        ("10:04:59.999999", Status.PENDING),
        (ALARM, Status.PENDING),
        (JUST_AFTER, Status.MISSING),
        ("2026-03-20T00:00", Status.MISSING),
    ],
)
def test_it_is_missing_once_completeness_has_passed_the_alarm(until: str, status: Status) -> None:
    story = Story()
    story.sent("08:00")
    story.tick(until)
    assert story.row.status is status
    assert len(story.events) == (status is Status.MISSING)


@pytest.mark.parametrize(
    ("arrived", "status"),
    [
        ("07:00", Status.STORED),
        ("08:00", Status.STORED),
        ("10:00", Status.STORED),
        ("10:04:59.999999", Status.STORED),
        (ALARM, Status.STORED),
        (JUST_AFTER, Status.RECOVERED),
    ],
)
def test_it_counts_a_proof_that_arrived_at_the_alarm_itself_as_in_time(arrived: str, status: Status) -> None:
    story = Story()
    story.sent("08:00")
    story.stored(arrived)
    story.tick("10:06")
    assert story.row.status is status


def test_it_is_stored_at_once_when_proof_in_time_is_read() -> None:
    story = Story()
    story.sent("08:00")
    assert story.stored("09:00").step is Step.STORED
    assert story.row.status is Status.STORED
    assert story.tick("2026-03-03T00:00") == []
    assert story.events == []


def test_it_takes_proof_before_sent_as_normal_input() -> None:
    story = Story()
    assert story.stored("07:00").step is Step.HELD
    assert story.sent("08:00").step is Step.OPENED
    assert story.row.status is Status.STORED
    assert story.row.held_stored == []


def test_it_tells_everything_that_is_needed_to_fetch_or_resend() -> None:
    story = Story()
    story.sent("08:00", sent_at="07:58")
    story.tick("10:03:00.000001")
    assert story.events == [
        Missing(
            event_id=story.row.missing_event_id or "",
            report_id=REPORT,
            reason=Reason.NO_RECEIPT,
            names=FIKS,
            sent_at=at("07:58"),
            due_at=at("09:58"),
            alarm_at=at("10:03"),
            portal_deletes_at=at("2026-04-01T07:58"),
            policy_version="2026-01",
            sent_record=story.row.sent or story.place("sent", "08:00"),
            message_ids=("m1",),
        )
    ]
    assert story.missing.sent_record.offset == 0


@pytest.mark.parametrize(
    ("receipts", "reason"),
    [
        ([], Reason.NO_RECEIPT),
        ([("09:00", "MOTTATT")], Reason.RECEIPTED_NOT_STORED),
        ([("09:00", "FEILET")], Reason.REJECTED),
        ([("09:00", "TIDSAVBRUDD")], Reason.TRANSPORT_FAILED),
        ([("09:00", "SERVERFEIL")], Reason.TRANSPORT_FAILED),
        ([("09:00", "MOTTATT"), ("09:30", "FEILET")], Reason.REJECTED),
        ([("09:00", "FEILET"), ("09:00", "MOTTATT")], Reason.RECEIPTED_NOT_STORED),
        ([("09:00", "MOTTATT"), ("09:10", "FEILET"), ("09:20", "MOTTATT")], Reason.RECEIPTED_NOT_STORED),
        ([("07:00", "FEILET")], Reason.REJECTED),
        ([(ALARM, "MOTTATT")], Reason.RECEIPTED_NOT_STORED),
        ([(JUST_AFTER, "MOTTATT")], Reason.NO_RECEIPT),
        ([("09:00", "FEILET"), (JUST_AFTER, "MOTTATT")], Reason.REJECTED),
    ],
)
def test_it_takes_the_reason_from_the_last_receipt_by_the_alarm(
    receipts: list[tuple[str, str]], reason: Reason
) -> None:
    story = Story()
    for arrived, code in [one for one in receipts if at(one[0]) < at("08:00")]:
        story.receipt(arrived, ReceiptCode(code))
    story.sent("08:00")
    for arrived, code in [one for one in receipts if at(one[0]) >= at("08:00")]:
        story.receipt(arrived, ReceiptCode(code))
    story.tick("10:06")
    assert story.missing.reason is reason
    assert story.row.reason is reason


@pytest.mark.parametrize("order", ["elsewhere first", "receipt first"])
@pytest.mark.parametrize("code", ReceiptCode)
def test_it_prefers_stored_elsewhere_to_any_receipt(order: str, code: ReceiptCode) -> None:
    story = Story()
    story.sent("08:00")
    if order == "receipt first":
        story.receipt("09:00", code)
    assert story.stored("09:00", BERGEN).step is Step.STORED_ELSEWHERE
    if order == "elsewhere first":
        story.receipt("09:00", code)
    story.tick("10:06")
    assert story.missing.reason is Reason.STORED_ELSEWHERE


@pytest.mark.parametrize(
    ("arrived", "reason"),
    [("07:00", Reason.STORED_ELSEWHERE), (ALARM, Reason.STORED_ELSEWHERE), (JUST_AFTER, Reason.NO_RECEIPT)],
)
def test_it_counts_stored_elsewhere_only_by_the_alarm(arrived: str, reason: Reason) -> None:
    story = Story()
    if at(arrived) < at("08:00"):
        story.stored(arrived, BERGEN)
    story.sent("08:00")
    if at(arrived) >= at("08:00"):
        story.stored(arrived, BERGEN)
    story.tick("10:06")
    assert story.missing.reason is reason


def test_it_keeps_the_first_that_was_stored_elsewhere() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("09:00", BERGEN)
    story.stored("09:30", Receiver("1508"))
    assert story.row.elsewhere is not None
    assert story.row.elsewhere.receiver == BERGEN
    assert story.row.touched == at("09:00")


def test_it_is_stored_by_a_proof_in_time_though_another_receiver_has_it_too() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("09:00", BERGEN)
    story.stored("09:30", OSLO)
    assert story.row.status is Status.STORED
    assert story.row.reason is None


def test_it_learns_nothing_from_a_receipt_with_the_same_code_again() -> None:
    story = Story()
    story.sent("08:00")
    assert story.receipt("08:10").step is Step.RECEIPT
    assert story.receipt("08:20").step is Step.RECEIPT_REPEATED
    assert story.row.receipt_place is not None
    assert story.row.receipt_place.arrived == at("08:10")
    assert story.row.touched == at("08:10")


@pytest.mark.parametrize("proof", [None, "10:30"])
def test_it_learns_nothing_from_a_receipt_after_the_decision(proof: str | None) -> None:
    story = Story()
    story.sent("08:00")
    story.tick("10:06")
    if proof:
        story.stored(proof)
    touched = story.row.touched
    assert story.receipt("11:00").step is Step.RECEIPT_LATE
    assert story.row.receipt is None
    assert story.row.touched == touched
    assert story.missing.reason is Reason.NO_RECEIPT


@pytest.mark.parametrize(
    ("to", "proof", "status"),
    [(OSLO, "10:30", Status.RECOVERED), (Receiver("1507"), None, Status.UNPROVEN)],
)
def test_it_learns_nothing_from_a_receipt_once_it_is_recovered_or_unproven(
    to: Receiver, proof: str | None, status: Status
) -> None:
    story = Story()
    story.sent("08:00", names(to))
    story.tick("10:06")
    if proof:
        story.stored(proof)
    assert story.row.status is status
    assert story.receipt("11:00").step is Step.RECEIPT_LATE
    assert (story.row.receipt, story.row.receipt_place) == (None, None)


def test_it_takes_receipts_in_time_also_after_the_proof() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("08:30")
    assert story.receipt("09:00").step is Step.RECEIPT
    assert story.row.receipt is MOTTATT


def test_it_never_decides_twice() -> None:
    story = Story()
    story.sent("08:00")
    assert [one.status for one in story.tick("10:06")] == [Status.MISSING]
    assert story.tick("10:06") == []
    assert story.tick("2027-03-02T00:00") == []
    assert len(story.events) == 1


def test_it_decides_in_the_order_of_the_alarm_and_then_of_the_report_id() -> None:
    story = Story()
    story.sent("08:00", report=THIRD)
    story.sent("08:00", report=OTHER)
    story.sent("07:00", report="f0000000-0000-4000-8000-00000000000f")
    story.sent("08:00", report=REPORT)
    passed = story.tick("10:06")
    assert [one.report_id[0] for one in passed] == ["f", "0", "1", "2"]
    assert {one.status for one in passed} == {Status.MISSING}
    assert [event for one in passed for event in one.events] == story.events


def test_it_looks_only_at_what_has_passed() -> None:
    story = Story()
    story.sent("08:00")
    story.sent("09:00", report=OTHER)
    assert [one.report_id for one in story.tick("10:30")] == [REPORT]
    assert [one.report_id for one in story.tick("11:06")] == [OTHER]


@pytest.mark.parametrize(
    ("arrived", "message", "step", "attempts"),
    [("08:10", "m1", Step.DUPLICATE, 1), ("08:10", None, Step.DUPLICATE, 1), ("08:10", "m2", Step.RESENT, 2)],
)
def test_it_tells_a_resend_from_a_duplicate_by_the_message_id(
    arrived: str, message: str | None, step: Step, attempts: int
) -> None:
    story = Story()
    story.sent("08:00")
    assert story.sent(arrived, message=message).step is step
    assert story.row.attempts == attempts
    assert story.row.touched == at(arrived if step is Step.RESENT else "08:00")


def test_it_counts_attempts_by_different_message_ids() -> None:
    story = Story()
    for arrived, message in [("08:00", None), ("08:01", "a"), ("08:02", "b"), ("08:03", "a"), ("08:04", None)]:
        story.sent(arrived, message=message)
    assert story.row.attempts == 2
    assert story.row.message_ids == ["a", "b"]
    book = story.book()
    assert (book.sent_records, book.resends, book.duplicates, book.sent) == (5, 2, 2, 1)


def test_it_takes_its_names_from_the_first_sent_and_its_channel_from_the_last_route() -> None:
    story = Story()
    story.sent("08:00")
    story.sent("09:00", names(BERGEN, "PRINT", "OTHER"), message="m2")
    assert (story.row.names, story.row.sent_at, story.row.alarm_at) == (FIKS, at("08:00"), at("2026-03-14T09:05"))
    story.tick("2026-03-15T10:06")
    assert story.missing.names == FIKS._replace(channel="PRINT")


def test_it_remembers_message_ids_while_its_row_has_room_and_refuses_others_aloud() -> None:
    story, number = Story(), 0
    while story.sent("08:00", message=f"{number:064}").step is not Step.ROW_FULL:
        assert story.row.flags == set()
        number += 1
    assert story.row.flags == {"row_full"}
    assert story.row.attempts == number > 5_000
    assert (story.book().sent_records, story.book().resends) == (number, number - 1)
    assert story.sent("08:02", message=f"{0:064}").step is Step.DUPLICATE


def test_it_announces_only_what_was_sent() -> None:
    with pytest.raises(ValueError, match=r"^Only a report that was sent can be missing\.$"):
        missing(Row(REPORT, touched=at("08:00")), Reason.NO_RECEIPT, at("09:00") - at("08:00"), None)


@pytest.mark.parametrize("unknown", ["sent", "sent_at", "due_at", "alarm_at"])
def test_it_announces_nothing_of_a_sent_report_while_one_of_its_times_is_unknown(unknown: str) -> None:
    story = Story()
    story.sent("08:00")
    setattr(story.row, unknown, None)
    with pytest.raises(ValueError, match="was sent"):
        missing(story.row, Reason.NO_RECEIPT, at("09:00") - at("08:00"), None)


def test_it_leaves_the_policy_version_empty_where_none_is_known() -> None:
    story = Story()
    story.sent("08:00")
    story.row.policy_version = None
    assert missing(story.row, Reason.NO_RECEIPT, at("09:00") - at("08:00"), None).policy_version == ""
