"""A missing report is found again."""

import pytest

from streams.core.events import Cause, Recovered, recovered
from streams.core.fold import Step
from streams.core.row import Reason, Status
from tests.core.world import BERGEN, FIKS, OSLO, REPORT, Story, at


@pytest.mark.parametrize(
    ("stored_at", "cause"),
    [
        ("07:00", Cause.CONFIRMED_LATE),
        ("09:59:59.999999", Cause.CONFIRMED_LATE),
        ("10:00", Cause.CONFIRMED_LATE),
        ("10:00:00.000001", Cause.STORED_LATE),
        ("10:05", Cause.STORED_LATE),
        ("11:00", Cause.STORED_LATE),
        ("2099-01-01T00:00", Cause.STORED_LATE),
    ],
)
@pytest.mark.parametrize("decided_first", [True, False])
def test_it_says_whether_the_report_or_only_its_confirmation_was_late(
    stored_at: str, cause: Cause, decided_first: bool
) -> None:
    story = Story()
    story.sent("08:00")
    if decided_first:
        story.tick("10:30")
    story.stored("11:00", OSLO, stored_at=stored_at)
    story.tick("11:30")
    assert story.recovered == Recovered(
        event_id=story.recovered.event_id,
        missing_event_id=story.missing.event_id,
        report_id=REPORT,
        stored_at=min(at(stored_at), at("11:00")),
        arrived_at=at("11:00"),
        evidence="READ_BACK",
        cause=cause,
        reason=Reason.NO_RECEIPT,
        names=FIKS,
        sent_at=at("08:00"),
        due_at=at("10:00"),
        episode=1,
    )
    assert story.row.status is Status.RECOVERED
    assert story.row.recovered_at == at("11:00")


def test_it_recovers_at_once_when_the_proof_is_read_after_the_decision() -> None:
    story = Story()
    story.sent("08:00")
    story.tick("10:06")
    outcome = story.stored("10:07")
    assert outcome.step is Step.RECOVERED
    assert outcome.events == (story.recovered,)


def test_it_is_missing_before_a_late_proof_is_applied() -> None:
    story = Story()
    story.sent("08:00")
    assert story.stored("10:05:00.000001").step is Step.RECOVERED
    assert story.events == [story.missing, story.recovered]
    assert (story.row.status, story.row.touched) == (Status.RECOVERED, at("10:05:00.000001"))


def test_it_recovers_once_by_the_first_record_that_counts() -> None:
    story = Story()
    story.sent("08:00")
    story.tick("10:06")
    assert story.stored("11:00", BERGEN).step is Step.STORED_ELSEWHERE
    assert story.stored("12:00", stored_at="09:00").step is Step.RECOVERED
    assert story.stored("13:00").step is Step.PROOF_REPEATED
    story.tick("2026-03-04T00:00")
    assert len(story.events) == 2
    assert story.recovered.arrived_at == at("12:00")


def test_it_keeps_the_first_of_several_late_proofs() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("10:06")
    assert story.stored("10:07", stored_at="09:00").step is Step.PROOF_REPEATED
    story.tick("10:08")
    assert (story.recovered.arrived_at, story.recovered.cause) == (at("10:06"), Cause.STORED_LATE)
    assert story.row.touched == at("10:06")


def test_it_does_not_recover_by_another_receivers_record() -> None:
    story = Story()
    story.sent("08:00")
    story.stored("10:06", BERGEN)
    story.tick("10:07")
    story.stored("10:08", BERGEN)
    assert story.row.status is Status.MISSING


def test_it_recovers_after_years() -> None:
    story = Story()
    story.sent("08:00")
    story.tick("2029-01-01T00:00")
    story.stored("2029-01-01T00:00", stored_at="08:30")
    assert story.recovered.cause is Cause.CONFIRMED_LATE


@pytest.mark.parametrize("unknown", ["proof", "due_at", "alarms"])
def test_it_announces_only_what_was_announced_missing(unknown: str) -> None:
    story = Story()
    story.sent("08:00")
    story.stored("11:00")
    setattr(story.row, unknown, () if unknown == "alarms" else None)
    with pytest.raises(ValueError, match=r"^Only a report that was announced missing can be recovered\.$"):
        recovered(story.row)
