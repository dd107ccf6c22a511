"""When time alone changes something, and what: strictly after the turn, and never anything but once."""

from datetime import timedelta

import pytest

from streams.core.decide import erased_after, first_look, next_look
from streams.core.facts import Outcome, Place, Stored
from streams.core.row import Alarm, Reason, Row, Status, Window
from streams.core.rules import Limits
from tests.core.world import REPORT, RULES, Story, at

LIMITS = Limits(keep=timedelta(days=10), unexpected_after=timedelta(hours=1))
SHORT = RULES._replace(limits=LIMITS)
SIGHT = Story().checker.sight
HELD = Stored(REPORT, Place(at("08:00"), "reports.stored", 0, 0), at("08:00"), "MANUAL")
ALARM = Alarm("id", at("10:05"), at("10:05"), at("10:00"), Reason.NO_RECEIPT, "FIKS_IO")


@pytest.mark.parametrize(
    ("until", "status"),
    [("10:04", Status.PENDING), ("10:05", Status.PENDING), ("10:05:00.000001", Status.MISSING)],
)
def test_it_waits_until_the_alarm_itself_is_complete(until: str, status: Status) -> None:
    story = Story()
    story.sent("08:00")
    story.tick(until)
    assert story.row.status is status


@pytest.mark.parametrize(
    ("until", "status"),
    [("08:59", Status.PENDING), ("09:00", Status.PENDING), ("09:00:00.000001", Status.UNEXPECTED)],
)
def test_it_waits_for_a_sent_until_its_whole_time_is_complete(until: str, status: Status) -> None:
    story = Story(SHORT)
    story.stored("08:00")
    story.tick(until)
    assert story.row.status is status


@pytest.mark.parametrize(
    ("row", "look"),
    [
        (Row(REPORT, at("08:00"), alarm_at=at("10:05"), window=Window.OPEN), "10:05"),
        (Row(REPORT, at("08:00"), held_stored=[HELD]), "09:00"),
        (Row(REPORT, at("08:00")), "2026-03-12T08:00"),
        (Row(REPORT, at("08:00"), Status.UNEXPECTED, held_stored=[HELD]), "2026-03-12T08:00"),
        (Row(REPORT, at("08:00"), Status.STORED, alarm_at=at("10:05")), "2026-03-12T10:05"),
        (Row(REPORT, at("11:00"), Status.RECOVERED, alarm_at=at("10:05")), "2026-03-12T11:00"),
        (Row(REPORT, at("08:00"), Status.UNPROVEN, alarm_at=at("10:05")), "2026-03-12T10:05"),
        (Row(REPORT, at("08:00"), Status.MISSING, alarm_at=at("10:05"), alarms=(ALARM,)), None),
        (
            Row(
                REPORT,
                at("12:00"),
                Status.MISSING,
                alarm_at=at("10:05"),
                alarms=(ALARM._replace(outcome=Outcome.FOUND),),
            ),
            "2026-03-12T12:00",
        ),
        (
            Row(REPORT, at("08:00"), Status.MISSING, alarm_at=at("11:00"), window=Window.OPEN, alarms=(ALARM,)),
            "11:00",
        ),
    ],
)
def test_it_looks_again_when_time_alone_may_change_something(row: Row, look: str | None) -> None:
    expected = at(look) if look else None
    assert next_look(row, SHORT, SIGHT) == first_look(row, LIMITS) == expected


def test_it_keeps_a_row_from_whichever_is_later_its_last_fact_or_its_alarm() -> None:
    assert erased_after(Row(REPORT, at("08:00"), alarm_at=at("10:05")), LIMITS) == at("2026-03-12T10:05")
    assert erased_after(Row(REPORT, at("11:00"), alarm_at=at("10:05")), LIMITS) == at("2026-03-12T11:00")
