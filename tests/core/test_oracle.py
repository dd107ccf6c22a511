"""The oracle is held to courses that were worked out by hand: who judges the core must be judged, too."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.books import Book
from streams.core.facts import ReceiptCode
from streams.core.policy import Asks
from streams.core.row import Status
from tests.core.courses import COURSES
from tests.core.logs import LAWS_IN_DOUBT, MOMENTS, topics
from tests.core.oracle import Law, Log, Word, books, events, kept_until, outcomes, verdicts, words
from tests.core.reading import END, FOREVER, Topics
from tests.core.telling import Course, Record, alarm_id, decide, mark, receipt, sent, stored, told
from tests.core.world import MICROSECOND, OSLO, REPORT, at

each_course = pytest.mark.parametrize("course", COURSES, ids=lambda course: course.name)
LONG_AFTER = at("2026-05-02T08:00")


@each_course
def test_it_announces_what_a_course_says(course: Course) -> None:
    said = events(course.log, LONG_AFTER, course.law)
    assert [told(event) for event in said] == [event for _, event in course.says]


@each_course
def test_it_announces_each_event_when_it_is_due(course: Course) -> None:
    for number, (time, _) in enumerate(course.says):
        for wait, count in ((-MICROSECOND, number), (MICROSECOND, number + 1)):
            assert len(events(course.log.before(at(time) + wait), at(time) + wait, course.law)) == count


@each_course
def test_it_knows_where_the_report_stands(course: Course) -> None:
    for time, status in course.stands:
        assert (time, verdicts(course.log, at(time), course.law)[REPORT].status) == (time, status)


@each_course
def test_it_knows_what_is_left(course: Course) -> None:
    verdict = verdicts(course.log, LONG_AFTER, course.law)[REPORT]
    assert (verdict.flags, verdict.outcome) == (course.flags, course.outcome)


@each_course
def test_its_books_balance(course: Course) -> None:
    counted = books(course.log, LONG_AFTER, course.law)
    assert all(book.balanced for book in counted.values())
    if course.repeats is not None:
        repeats = sum(book.resends for book in counted.values()), sum(book.duplicates for book in counted.values())
        assert repeats == course.repeats


@given(topics(), LAWS_IN_DOUBT, st.lists(MOMENTS, max_size=3))
@settings(max_examples=100, deadline=None)
def test_it_says_later_what_it_said_before(log: Topics, law: Law, moments: list[datetime]) -> None:
    whole = Log(*log)
    said = events(whole, END, law)
    assert len({event.event_id for event in said}) == len(said)
    for moment in moments:
        sooner = events(whole.before(moment), moment, law)
        assert sooner == [event for event in said if event in sooner]


@given(topics(), LAWS_IN_DOUBT, MOMENTS)
@settings(max_examples=100, deadline=None)
def test_its_books_balance_whatever_came(log: Topics, law: Law, moment: datetime) -> None:
    for until in (moment, END, FOREVER):
        whole = Log(*log).before(until)
        counted = books(whole, until, law)
        assert all(book.balanced for book in counted.values())
        missing = outcomes(whole, until, law)
        assert sum(book.missing for book in counted.values()) == sum(missing.values())


def test_it_tells_what_feeds_have_said() -> None:
    came = [
        mark("09:00", "08:30"),
        mark("09:30", "08:00"),
        mark("10:00", "10:06"),  # too far ahead
        mark("11:00", "10:00", "query"),  # which succeeds the list
        mark("12:00", "11:00", "nobody's"),
    ]
    course = Course("", came, [], [])
    said = {
        "08:59": (Word(), Word()),
        "09:30": (Word(at("08:30"), at("09:00"), at("09:30")), Word()),
        "10:30": (Word(at("08:30"), at("09:00"), at("10:00")), Word()),
        "13:00": (Word(at("10:00"), at("11:00"), at("11:00")),) * 2,
    }
    for time, (of_list, of_query) in said.items():
        assert words(course.log, at(time), course.law) == {"list": of_list, "query": of_query}


def test_a_feed_is_known_from_the_version_on_that_lists_it() -> None:
    course = Course("", [mark("09:00", "08:30"), mark("12:00", "11:00")], [], [])
    law = course.law._replace(
        versions=(
            course.version._replace(feeds=(), overrides=()),
            course.version._replace(id="w", valid_from=at("12:00")),
        )
    )
    assert words(course.log, at("11:59"), law) == {}
    assert words(course.log, at("12:00"), law)["list"] == Word(at("11:00"), at("12:00"), at("12:00"))


def test_it_keeps_what_is_missing_until_its_closing_is_long_past() -> None:
    is_open = Course("", [sent("08:00", to=OSLO)], [], [])
    closed = is_open._replace(came=[*is_open.came, decide("2026-03-20T08:00", "close", "10:05", "handled")])
    erased = closed._replace(came=[*closed.came, decide("2026-03-21T08:00", "erase", name="d2")])
    assert verdicts(is_open.log, FOREVER, is_open.law)[REPORT].status is Status.MISSING
    for course, end in ((closed, at("2026-07-18T08:00")), (erased, at("2026-07-19T08:00"))):
        assert kept_until(verdicts(course.log, end, course.law)[REPORT], course.law) == end
        assert verdicts(course.log, end + MICROSECOND, course.law) == {}
        assert books(course.log, end + MICROSECOND, course.law)["0301"].erased == 1


def test_what_repeats_an_erased_report_is_nobodys() -> None:
    course = next(course for course in COURSES if "and what comes later repeats it" in course.name)
    counted = books(course.log, LONG_AFTER, course.law)
    assert counted == {"0301": Book(sent_records=1, erased=1), None: Book(sent_records=1, duplicates=1)}


def test_a_receipt_after_the_proof_and_by_the_alarm_is_known() -> None:
    came: list[Record] = [
        sent("08:00", to=OSLO),
        receipt("08:10"),
        stored("09:00"),
        receipt("09:00:00.000001", "FEILET"),
        receipt("10:05:00.000001", "SERVERFEIL"),
    ]
    course = Course("", came, [], [])
    verdict = verdicts(course.log, at("10:30"), course.law)[REPORT]
    assert (verdict.receipt, verdict.touched) == (ReceiptCode.FEILET, at("09:00:00.000001"))


def test_a_row_shows_its_last_window_and_its_last_alarm() -> None:
    course = next(course for course in COURSES if course.name == "each attempt after an alarm has a window of its own")
    verdict = verdicts(course.log.before(at("15:00")), at("15:00"), course.law)[REPORT]
    assert (verdict.due_at, verdict.alarm_at) == (at("16:00"), at("16:05"))
    assert (verdict.episode, verdict.missing_event_id, verdict.open) == (2, alarm_id("13:05"), True)
    assert (verdict.channel, verdict.asks, verdict.message_ids) == ("FIKS_IO", Asks.STORED, ("m1", "m2", "m3"))
