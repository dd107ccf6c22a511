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
from streams.core.facts import FactOrMark, FeedMark, Place, Receipt, Sent, Stored, in_order
from streams.core.history import judge
from streams.core.rules import Limits
from streams.core.sight import Sight
from streams.records.decode import FEED_HEADER
from streams.records.record import Record
from tests.core.logs import REPORTS, topics
from tests.core.reading import END, TOPICS, Topics, taken
from tests.core.world import RULES, at

KEPT = RULES._replace(limits=Limits(keep=Limits().keep * 1000))


def marks_of(facts: Iterable[FactOrMark]) -> list[HeardMark]:
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
    facts: list[FactOrMark] = [
        fact for topic in TOPICS[:3] for fact in getattr(log, topic) if fact.place.arrived < until
    ]
    checker, events = Checker(KEPT, MemoryRows()), list[Event]()
    for fact in in_order(facts):
        events += [event for passed in checker.advance(fact.place.arrived) for event in passed.events]
        events += taken(checker, fact).events
    events += [event for passed in checker.advance(until) for event in passed.events]
    sight = Sight(heard(marks_of(facts), KEPT.policy))
    for report_id in REPORTS:
        mine = [one for one in facts if isinstance(one, Sent | Receipt | Stored) and one.report_id == report_id]
        if mine:
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
    taking = TakingRecords(work.connection, NamesTable(work.connection), {"stored": 2}, 1, 10_000)
    taking.take([
        record(0, proof(1, "a"), 0), record(1, proof(2, "b"), 1), record(2, proof(3, "a"), 2),
        record(3, vouched | {"feed": "a", "proofs": 2}, 3, "a"),
    ])  # fmt: skip
    taking.take([
        record(4, proof(4, "a"), 4), record(5, {"feed": "a"}, 5, "a"), record(6, vouched | {"feed": "a"}, 6, "a"),
        record(7, vouched | {"feed": "b", "proofs": 0}, 7, "b"),
    ])  # fmt: skip
    taking.finish()
    kept = work.connection.sql('SELECT "offset", feed, claimed, proofs FROM marks ORDER BY ALL').fetchall()
    assert kept == [(3, "a", 2, 2), (6, "a", None, 1), (7, "b", 0, 1)]
    assert work.connection.sql("SELECT line, reason FROM rejects").fetchall() == [
        (5, "schema:missing_field:vouched_until")
    ]
    assert taking.records["stored"] == 5  # a mark is no record of a report, one that cannot be read is listed
    work.close()
