"""Feeds in an audit of topics: looked at from the end, a report is judged as the checker judged it on the way."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.audit.facts import NamesTable
from streams.audit.judge.hearing import HeardMark, heard
from streams.audit.load.records import TakingRecords
from streams.audit.workspace import Work
from streams.core.checker import Checker, MemoryRows
from streams.core.events import Event
from streams.core.facts import FeedMark, Input, Place, Receipt, Sent, Stored, in_order
from streams.core.history import judge
from streams.core.policy import Feed, Policy
from streams.core.rules import Limits
from streams.core.sight import Sight
from streams.records.decode import FEED_HEADER
from streams.records.record import Record
from tests.core.logs import REPORTS, topics
from tests.core.reading import END, TOPICS, Topics, taken
from tests.core.world import RULES, at

FEEDS_AB = (Feed("a", timedelta(hours=1)), Feed("b", timedelta(hours=1)))
KEPT = RULES._replace(limits=Limits(keep=Limits().keep * 1000))


def marks_of(facts: Iterable[Input]) -> list[HeardMark]:
    """The marks of a log in order, each with the proofs of its feed since the last one."""
    proofs, found = Counter[str](), []
    for fact in in_order(facts):
        if isinstance(fact, FeedMark):
            found.append(HeardMark(fact, proofs.pop(fact.feed, 0)))
        elif isinstance(fact, Stored) and fact.feed is not None:
            proofs[fact.feed] += KEPT.policy.knows_feed(fact.feed, fact.place.arrived)
    return found


@settings(max_examples=300, deadline=None)
@given(topics(), st.sampled_from([END, at("10:05"), at("13:00")]))
def test_from_the_end_a_report_is_judged_as_on_the_way(log: Topics, until: datetime) -> None:
    facts: list[Input] = [fact for topic in TOPICS for fact in getattr(log, topic) if fact.place.arrived < until]
    checker, events = Checker(KEPT, MemoryRows()), list[Event]()
    for fact in in_order(facts):
        events += [event for passed in checker.advance(fact.place.arrived) for event in passed.events]
        events += taken(checker, fact).events
    events += [event for passed in checker.advance(until) for event in passed.events]
    sight = Sight(heard(marks_of(facts), KEPT.policy))
    for report_id in REPORTS:
        mine = [one for one in facts if not isinstance(one, FeedMark) and one.report_id == report_id]
        if any(isinstance(one, Sent | Receipt | Stored) for one in mine):
            row, caused = judge(mine, until, KEPT, sight)
            assert row == checker.rows.get(report_id)
            assert list(caused) == [event for event in events if event.report_id == report_id]


def record(
    offset: int, value: Mapping[str, object], minutes: int, feed: str | None = None, partition: int = 0
) -> Record:
    """A record of the topic of proofs; with `feed` its mark."""
    place = Place(at("08:00") + timedelta(minutes=minutes), "reports.stored", partition, offset)
    headers = ((FEED_HEADER, feed.encode()),) if feed else ()
    return Record("stored", place, str(value.get("report_id", "")).encode(), orjson.dumps(value), headers)


def proof(number: int, feed: str) -> dict[str, object]:
    return {
        "report_id": str(UUID(int=number)), "stored_at": "2026-03-02T08:00:00Z", "evidence": "RECONCILIATION",
        "receiver": {"municipality": "0301"}, "feed": feed,
    }  # fmt: skip


def test_marks_of_topics_are_kept_with_the_proofs_that_came_before_them(tmp_path: Path) -> None:
    vouched = {"vouched_until": "2026-03-02T08:00:00Z"}
    work = Work(tmp_path / "work", "marks")
    work.open()
    policy = Policy((RULES.policy.in_force(at("08:00"))._replace(feeds=FEEDS_AB),))
    taking = TakingRecords(work.connection, NamesTable(work.connection), {"stored": 2}, 1, 10_000, policy)
    taking.take([
        record(0, proof(1, "a"), 0), record(1, proof(2, "b"), 1), record(2, proof(3, "a"), 2),
        record(3, vouched | {"feed": "a", "proofs": 2}, 3, "a"),
    ])  # fmt: skip
    taking.take([
        record(4, proof(4, "a"), 4), record(5, {"feed": "a"}, 5, "a"), record(6, vouched | {"feed": "a"}, 6, "a"),
        record(7, vouched | {"feed": "b", "proofs": 0}, 7, "b"), record(8, vouched | {"feed": "c"}, 8, "c"),
    ])  # fmt: skip
    taking.finish()
    kept = work.connection.sql("SELECT line, feed, claimed, proofs FROM marks ORDER BY ALL").fetchall()
    assert kept == [(3, "a", 2, 2), (6, "a", None, 1), (7, "b", 0, 1)]
    assert work.connection.sql("SELECT line, reason FROM rejects").fetchall() == [
        (5, "schema:missing_field:vouched_until"), (8, "rule:feed_unknown"),
    ]  # fmt: skip
    assert taking.records["stored"] == 5  # a mark is no record of a report, one that cannot be read is listed
    work.close()


def test_proofs_from_before_the_policy_knew_their_feed_are_not_counted(tmp_path: Path) -> None:
    """A mark right behind the version's beginning claims what the checker has not counted: it vouches for nothing."""
    first = RULES.policy.in_force(at("08:00"))._replace(feeds=())
    policy = Policy((first, first._replace(id="b", valid_from=at("08:02"), feeds=FEEDS_AB)))
    work = Work(tmp_path / "work", "marks")
    work.open()
    taking = TakingRecords(work.connection, NamesTable(work.connection), {"stored": 2}, 1, 10_000, policy)
    mark = {"vouched_until": "2026-03-02T08:00:00Z", "feed": "a", "proofs": 2}
    proofs = [record(number, proof(number, "a"), number) for number in range(4)]
    taking.take([*proofs[:3], record(3, mark, 3, "a"), proofs[3]._replace(place=proofs[3].place._replace(offset=4))])
    taking.take([record(5, mark | {"proofs": 1}, 5, "a")])
    assert work.connection.sql("SELECT line, claimed, proofs FROM marks ORDER BY ALL").fetchall() == [
        (3, 2, 1), (5, 1, 1),
    ]  # fmt: skip
    work.close()
