"""Event ids: the same history gives the same id, whoever computes it."""

from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

import pytest

from streams.core.events import MISSING_TYPE, RECOVERED_TYPE, event_id, written
from tests.core.world import REPORT, Story, at

# UUIDv5 in the URL namespace of "<report id>/no.meldingsvakt.report.<type>.v1/2026-03-02T10:05:00.000000Z"
MISSING_ID = "10a164d8-7629-5b3e-b30a-7b207f9fef34"
RECOVERED_ID = "9bca59b3-cae0-5d00-967f-08d756ca6010"


def test_it_says_what_the_types_are_called() -> None:
    assert MISSING_TYPE == "no.meldingsvakt.report.missing.v1"
    assert RECOVERED_TYPE == "no.meldingsvakt.report.recovered.v1"


@pytest.mark.parametrize(("event_type", "expected"), [(MISSING_TYPE, MISSING_ID), (RECOVERED_TYPE, RECOVERED_ID)])
def test_it_names_events_by_report_type_and_alarm(event_type: str, expected: str) -> None:
    assert event_id(REPORT, event_type, at("10:05")) == expected


def test_its_ids_are_those_of_the_standard_library() -> None:
    for second in range(300):  # every digit that stands where the variant does
        time = at("10:05") + timedelta(seconds=second)
        name = f"{REPORT}/{MISSING_TYPE}/{written(time)}"
        assert event_id(REPORT, MISSING_TYPE, time) == str(uuid5(NAMESPACE_URL, name))


@pytest.mark.parametrize("other", ["10:05:00.000001", "10:04:59.999999"])
def test_it_gives_another_alarm_another_id(other: str) -> None:
    assert event_id(REPORT, MISSING_TYPE, at(other)) != MISSING_ID


@pytest.mark.parametrize("decided", ["10:05:00.000001", "10:30", "2027-01-01T00:00"])
def test_it_names_events_alike_whenever_it_notices(decided: str) -> None:
    story = Story()
    story.sent("08:00")
    story.tick(decided)
    story.stored("2027-01-02T00:00")
    assert (story.missing.event_id, story.recovered.event_id) == (MISSING_ID, RECOVERED_ID)
    assert story.recovered.missing_event_id == MISSING_ID
    assert story.row.missing_event_id == MISSING_ID


@pytest.mark.parametrize(
    ("time", "text"),
    [
        ("10:05", "2026-03-02T10:05:00.000000Z"),
        ("10:05:01.000002", "2026-03-02T10:05:01.000002Z"),
        ("10:05:01.120000", "2026-03-02T10:05:01.120000Z"),
        ("0001-01-01T00:00", "0001-01-01T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999999", "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_it_writes_times_with_six_digits_and_a_z(time: str, text: str) -> None:
    assert written(at(time)) == text


def test_it_counts_the_portals_retention_from_sent_at() -> None:
    story = Story()
    story.sent("08:00", sent_at="06:30")
    story.tick("10:06")
    assert story.missing.portal_deletes_at == at("06:30") + timedelta(days=30)
