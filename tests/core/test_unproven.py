"""Where no proof is asked yet: never missing, never called stored without proof."""

import pytest

from streams.core.facts import Receiver
from streams.core.fold import Step
from streams.core.row import Status
from tests.core.world import BERGEN, Story, at, names

UNASKED = names(Receiver("1507"))


@pytest.mark.parametrize(
    ("until", "status"), [("10:05", Status.PENDING), ("10:05:00.000001", Status.UNPROVEN), ("20:00", Status.UNPROVEN)]
)
def test_it_is_unproven_after_the_alarm(until: str, status: Status) -> None:
    story = Story()
    story.sent("08:00", UNASKED)
    story.tick(until)
    assert story.row.status is status
    assert story.events == []
    assert (story.row.reason, story.row.missing_event_id) == (None, None)
    assert story.book("1507").unproven == (status is Status.UNPROVEN)


def test_it_is_not_stored_by_a_receipt() -> None:
    story = Story()
    story.sent("08:00", UNASKED)
    story.receipt("08:01")
    story.tick("10:06")
    assert story.row.status is Status.UNPROVEN


@pytest.mark.parametrize("arrived", ["09:00", "10:05"])
def test_it_is_stored_by_proof_in_time(arrived: str) -> None:
    story = Story()
    story.sent("08:00", UNASKED)
    assert story.stored(arrived).step is Step.STORED
    assert story.row.status is Status.STORED


def test_it_is_stored_by_late_proof_without_any_event() -> None:
    story = Story()
    story.sent("08:00", UNASKED)
    story.stored("11:00", Receiver("1580"), stored_at="10:30")
    assert story.tick("12:00") == []
    assert story.row.status is Status.STORED
    assert story.row.flags == {"stored_after_due"}
    assert (story.row.recovered_at, story.row.touched) == (None, at("11:00"))
    assert story.events == []
    assert (story.book("1507").unproven, story.book("1507").stored) == (0, 1)


def test_it_is_still_unproven_when_another_receiver_has_it() -> None:
    story = Story()
    story.sent("08:00", UNASKED)
    story.stored("09:00", BERGEN)
    story.tick("10:06")
    story.stored("11:00", BERGEN)
    assert story.row.status is Status.UNPROVEN
    assert story.row.reason is None
