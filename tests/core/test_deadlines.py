"""The deadline index: it says when to look, no more."""

from collections.abc import Iterable
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from streams.core.deadlines import Deadlines
from tests.core.logs import MOMENTS
from tests.core.world import OTHER, REPORT, THIRD, at


def ids(passed: Iterable[tuple[datetime, str]]) -> list[str]:
    """Without the times."""
    return [report_id for _, report_id in passed]


def test_it_passes_what_lies_strictly_before_a_time() -> None:
    deadlines = Deadlines([(at("10:00"), REPORT)])
    assert ids(deadlines.passed(at("09:59"))) == []
    assert ids(deadlines.passed(at("10:00"))) == []
    assert ids(deadlines.passed(at("10:00:00.000001"))) == [REPORT]
    assert ids(deadlines.passed(at("11:00"))) == []


def test_it_passes_by_time_and_then_by_report_id() -> None:
    deadlines = Deadlines([(at("10:00"), THIRD), (at("09:00"), THIRD), (at("10:00"), REPORT)])
    deadlines.add(at("10:00"), OTHER)
    deadlines.add(at("08:00"), OTHER)
    assert ids(deadlines.passed(at("11:00"))) == [OTHER, THIRD, REPORT, OTHER, THIRD]


def test_it_passes_the_same_entry_once() -> None:
    deadlines = Deadlines([(at("10:00"), REPORT)] * 2)
    deadlines.add(at("10:00"), REPORT)
    deadlines.add(at("10:00"), OTHER)
    assert len(deadlines) == 4
    assert ids(deadlines.passed(at("11:00"))) == [REPORT, OTHER]
    assert len(deadlines) == 0


def test_it_passes_what_was_added_while_passing() -> None:
    deadlines = Deadlines([(at("10:00"), REPORT)])
    passing = deadlines.passed(at("12:00"))
    assert next(passing) == (at("10:00"), REPORT)
    deadlines.add(at("11:00"), OTHER)
    deadlines.add(at("12:00"), THIRD)
    assert list(passing) == [(at("11:00"), OTHER)]
    assert deadlines.first() == at("12:00")


def test_it_knows_when_the_next_look_is_due() -> None:
    deadlines = Deadlines()
    assert deadlines.first() is None
    deadlines.add(at("2099-12-31T23:59:59.999999"), REPORT)
    assert deadlines.first() == at("2099-12-31T23:59:59.999999")
    deadlines.add(at("1970-01-01T00:00"), OTHER)
    assert deadlines.first() == at("1970-01-01T00:00")


def test_it_takes_every_time_there_is() -> None:
    first, last = at("0001-01-01T00:00"), at("9999-12-31T23:59:59.999999")
    deadlines = Deadlines([(last, OTHER), (first, REPORT)])
    assert deadlines.first() == first
    assert ids(deadlines.passed(last)) == [REPORT]
    assert deadlines.first() == last


@given(st.lists(st.tuples(MOMENTS, st.uuids().map(str)), max_size=30), MOMENTS)
def test_it_passes_the_same_as_a_sorted_list(entries: list[tuple[datetime, str]], until: datetime) -> None:
    deadlines = Deadlines()
    for moment, report_id in entries:
        deadlines.add(moment, report_id)
    expected = [(moment, report_id) for moment, report_id in sorted(set(entries)) if moment < until]
    assert list(deadlines.passed(until)) == expected
