"""A report's whole history at once: what the checker makes of it fact by fact, for every order of the topics."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.core.checker import Checker, MemoryRows
from streams.core.decide import next_turn
from streams.core.events import Event
from streams.core.facts import FeedMark, Input, Place, Receipt, Sent, Stored, in_order
from streams.core.feeds import Feeds
from streams.core.history import judge
from streams.core.row import Status
from streams.core.rules import Limits
from streams.core.sight import Sight
from tests.core.logs import REPORTS, topics
from tests.core.reading import END, TOPICS, Topics, taken
from tests.core.world import FIKS, REPORT, RULES, at

KEPT = RULES._replace(limits=Limits(keep=timedelta(days=100_000)))


@settings(max_examples=200, deadline=None)
@given(topics(), st.permutations(TOPICS), st.sampled_from([END, at("10:05"), at("13:00")]))
def test_it_is_what_the_checker_makes_of_it(log: Topics, order: Sequence[str], until: datetime) -> None:
    checker = Checker(KEPT, MemoryRows())
    facts: list[Input] = [fact for topic in order for fact in getattr(log, topic) if fact.place.arrived < until]
    events: list[Event] = []
    for fact in in_order(facts):
        events += [event for passed in checker.advance(fact.place.arrived) for event in passed.events]
        events += taken(checker, fact).events
    events += [event for passed in checker.advance(until) for event in passed.events]
    for report_id in REPORTS:
        mine = [fact for fact in facts if isinstance(fact, FeedMark) or fact.report_id == report_id]
        if any(isinstance(fact, Sent | Receipt | Stored) for fact in mine):
            row, caused = judge(mine, until, KEPT, Sight(Feeds()))
            assert row == checker.rows.get(report_id)
            assert list(caused) == [event for event in events if event.report_id == report_id]


def sent(age: timedelta = timedelta(0)) -> Sent:
    place = Place(at("08:00"), "reports.sent", 0, 0)
    return Sent(REPORT, place, place.arrived - age, FIKS, "m1")


def test_nothing_is_too_old_to_be_judged() -> None:
    assert judge([sent(timedelta(days=121))], END, RULES, Sight(Feeds()))[0].status is Status.MISSING


def test_a_report_without_a_fact_cannot_be_judged() -> None:
    with pytest.raises(ValueError, match=r"^A report without a fact cannot be judged\.$"):
        judge([], END, RULES, Sight(Feeds()))


def test_time_says_nothing_new_of_a_row_that_is_decided() -> None:
    row, events = judge([sent()], END, RULES, Sight(Feeds()))
    assert len(events) == 1
    assert next_turn(row, RULES, Sight(Feeds())) is None
