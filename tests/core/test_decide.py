"""The decision itself: strictly after the alarm, and never anything but once."""

from datetime import timedelta

import pytest

from streams.core.decide import decide, erased_after, next_look
from streams.core.facts import Place, Stored
from streams.core.row import Row, Status
from streams.core.rules import Limits
from tests.core.world import REPORT, at

LIMITS = Limits(keep=timedelta(days=10), unexpected_after=timedelta(hours=1))
HELD = Stored(REPORT, Place(at("08:00"), "reports.stored", 0, 0), at("08:00"), "MANUAL")


@pytest.mark.parametrize(
    ("until", "status"),
    [("10:04", Status.PENDING), ("10:05", Status.PENDING), ("10:05:00.000001", Status.MISSING)],
)
def test_it_waits_until_the_alarm_itself_is_complete(until: str, status: Status) -> None:
    row = Row(REPORT, touched=at("08:00"), alarm_at=at("10:05"))
    assert decide(row, at(until), LIMITS) is status


@pytest.mark.parametrize(
    ("until", "status"),
    [("08:59", Status.PENDING), ("09:00", Status.PENDING), ("09:00:00.000001", Status.UNEXPECTED)],
)
def test_it_waits_for_a_sent_until_its_whole_time_is_complete(until: str, status: Status) -> None:
    row = Row(REPORT, touched=at("08:00"), held_stored=[HELD])
    assert decide(row, at(until), LIMITS) is status


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PENDING, Status.UNDETERMINED}))
def test_it_never_decides_what_is_decided(status: Status) -> None:
    row = Row(REPORT, touched=at("08:00"), alarm_at=at("10:05"), status=status)
    assert decide(row, at("2030-01-01T00:00"), LIMITS) is status


@pytest.mark.parametrize(
    ("row", "look"),
    [
        (Row(REPORT, at("08:00"), Status.PENDING, alarm_at=at("10:05")), "10:05"),
        (Row(REPORT, at("08:00"), Status.PENDING, held_stored=[HELD]), "09:00"),
        (Row(REPORT, at("08:00"), Status.PENDING), "2026-03-12T08:00"),
        (Row(REPORT, at("08:00"), Status.UNEXPECTED, held_stored=[HELD]), "2026-03-12T08:00"),
        (Row(REPORT, at("08:00"), Status.STORED, alarm_at=at("10:05")), "2026-03-12T10:05"),
        (Row(REPORT, at("11:00"), Status.RECOVERED, alarm_at=at("10:05")), "2026-03-12T11:00"),
        (Row(REPORT, at("08:00"), Status.UNPROVEN, alarm_at=at("10:05")), "2026-03-12T10:05"),
        (Row(REPORT, at("08:00"), Status.MISSING, alarm_at=at("10:05")), None),
    ],
)
def test_it_looks_again_when_time_alone_may_change_something(row: Row, look: str | None) -> None:
    assert next_look(row, LIMITS) == (at(look) if look else None)


def test_it_keeps_a_row_from_whichever_is_later_its_last_fact_or_its_alarm() -> None:
    assert erased_after(Row(REPORT, at("08:00"), alarm_at=at("10:05")), LIMITS) == at("2026-03-12T10:05")
    assert erased_after(Row(REPORT, at("11:00"), alarm_at=at("10:05")), LIMITS) == at("2026-03-12T11:00")
