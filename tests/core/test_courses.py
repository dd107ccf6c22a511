"""The core is held to courses that were worked out by hand, event by event."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from streams.core.checker import Checker, MemoryRows
from streams.core.events import Event
from streams.core.policy import Policy
from streams.core.receivers import Municipalities
from streams.core.rules import Limits, Rules
from tests.core.courses import COURSES
from tests.core.reading import sight_of, taken
from tests.core.telling import Course, told
from tests.core.world import MICROSECOND, REPORT, at

each_course = pytest.mark.parametrize("course", COURSES, ids=lambda course: course.name)
LONG_AFTER = at("2026-05-02T08:00")


def test_what_the_paper_shows_are_courses() -> None:
    table = (
        Path("streams/README.md").read_text(encoding="utf-8").split("### Courses from the field")[1].split("\n\n")[2]
    )
    shown = re.findall(r"\| `([^`|]+)` \|$", table, re.MULTILINE)
    assert len(shown) >= 13
    assert set(shown) <= {course.name for course in COURSES}


class Played:
    """A course on its way through the core."""

    def __init__(self, course: Course) -> None:
        law = course.law
        rules = Rules(Policy(law.versions), Municipalities(law.successors), Limits(law.keep, law.unexpected_after))
        self.checker = Checker(rules, MemoryRows())
        self.checker.sight = sight_of(law)
        self.events: list[Event] = []
        self._records = course.records

    def play(self, until: datetime) -> "Played":
        """Everything that arrived by a time, in the order of the log, and what time settles."""
        for record in self._records:
            if record.place.arrived <= until:
                self._pass(record.place.arrived)
                self.events += taken(self.checker, record).events
        self._pass(until)
        return self

    def _pass(self, until: datetime) -> None:
        self.events += [event for passed in self.checker.advance(until) for event in passed.events]
        self.checker.books.ensure_balanced()


@each_course
def test_it_announces_what_a_course_says(course: Course) -> None:
    said = Played(course).play(LONG_AFTER).events
    assert [told(event) for event in said if event.report_id == REPORT] == [event for _, event in course.says]


@each_course
def test_it_announces_each_event_when_it_is_due(course: Course) -> None:
    for number, (time, _) in enumerate(course.says):
        for wait, count in ((-MICROSECOND, number), (MICROSECOND, number + 1)):
            played = Played(course).play(at(time) + wait)
            assert len([event for event in played.events if event.report_id == REPORT]) == count


@each_course
def test_it_knows_where_the_report_stands(course: Course) -> None:
    for time, status in course.stands:
        row = Played(course).play(at(time)).checker.rows.get(REPORT)
        assert row is not None
        assert (time, row.status) == (time, status)


@each_course
def test_it_knows_what_is_left(course: Course) -> None:
    row = Played(course).play(LONG_AFTER).checker.rows.get(REPORT)
    assert row is not None
    outcome = row.alarms[-1].outcome if row.alarms else None
    assert (frozenset(row.flags), outcome) == (course.flags, course.outcome)
