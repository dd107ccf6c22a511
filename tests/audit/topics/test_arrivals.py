"""Of a misplaced record and its copy only one counts, and one that nobody copied is evidence all the same."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from streams.audit.topics.copies import Arrival, Arrivals
from streams.core.checker import Checker, MemoryRows
from streams.core.facts import Decision, FeedMark, Place, in_order
from streams.core.rules import Rules
from streams.data import succession
from streams.kafka.partitioner import partition_of
from streams.policies import load_policy
from streams.records.copies import COPY_HEADER
from streams.records.record import KINDS, Record, Refusal, arrival
from streams.records.state import state_value
from tests.engine.processing import Appended, applied, batch, ms, of, processor, sent_value

PARTITIONS = 4
AT = datetime(2026, 1, 1, tzinfo=UTC)
REPORT = "3f2b8c1e-5a4d-4e0b-9c1a-7d2e6f8a9b10"
HOME = partition_of(REPORT.encode(), PARTITIONS)
AWAY = (HOME + 1) % PARTITIONS


def sent(partition: int, offset: int = 0, **changes: Any) -> Record:
    """A sent record of the one report."""
    place = Place(AT + timedelta(seconds=offset), "reports.sent", partition, offset)
    return Record("sent", place, REPORT.encode(), sent_value(**changes))


def copy_of(original: Record, partition: int = HOME, offset: int = 9) -> Record:
    """The copy that the checker would make."""
    place = original.place._replace(arrived=AT + timedelta(minutes=1), partition=partition, offset=offset)
    origin = f"reports.sent/{original.place.partition}/{original.place.offset}@2026-01-01T00:00:00.000000Z/{REPORT}"
    return original._replace(place=place, headers=((COPY_HEADER, origin.encode()),))


def all_of(records: Iterable[Record]) -> tuple[list[Arrival], dict[str, int]]:
    """What they say in all, and the counts that are not 0."""
    arrivals = Arrivals(PARTITIONS, 262_144)
    said = [*arrivals.take(records), *arrivals.rest()]
    return said, {name: count for name, count in arrivals.counts.items() if count}


def test_a_record_at_home_says_what_it_says() -> None:
    (said,), counts = all_of([sent(HOME)])
    assert said.fact is not None
    assert (said.fact.report_id, said.refusal, counts) == (REPORT, None, {})


@pytest.mark.parametrize("copy_first", [False, True])
def test_of_a_misplaced_record_and_its_copy_only_the_copy_counts(copy_first: bool) -> None:
    original = sent(AWAY)
    records = [original, copy_of(original)]
    (said,), counts = all_of(reversed(records) if copy_first else records)
    assert said.fact is not None
    assert said.fact.place == copy_of(original).place
    assert counts == {"copies": 1, "copied": 1}


def test_a_misplaced_record_that_nobody_copied_counts_by_its_own_arrival() -> None:
    (said,), counts = all_of([sent(AWAY, offset=5)])
    assert said.fact is not None
    assert said.fact.place == sent(AWAY, offset=5).place
    assert counts == {"not_copied": 1}


def test_two_checkers_copies_of_the_same_record_count_once() -> None:
    original = sent(AWAY)
    (said,), counts = all_of([original, copy_of(original), copy_of(original, offset=10)])
    assert said.record.place.offset == 9
    assert counts == {"copies": 2, "copied": 1}


@pytest.mark.parametrize("header", [b"x", f"reports.stored/1/0@2026-01-01T00:00:00.000000Z/{REPORT}".encode()])
def test_what_only_looks_like_a_copy_is_a_record_like_any_other(header: bytes) -> None:
    records = [sent(HOME)._replace(headers=((COPY_HEADER, header),)), sent(AWAY)]
    said, counts = all_of(records)
    assert [one.record.place.partition for one in said] == [HOME, AWAY]
    assert counts == {"not_copied": 1}


def test_a_copy_of_another_record_leaves_the_original_as_it_is() -> None:
    said, counts = all_of([sent(AWAY, offset=1), sent(AWAY, offset=2), copy_of(sent(AWAY, offset=1))])
    assert [one.record.place.offset for one in said] == [9, 2]
    assert counts == {"copies": 1, "copied": 1, "not_copied": 1}


def test_a_misplaced_copy_is_refused_as_the_checker_does_and_its_original_counts() -> None:
    original = sent(AWAY)
    said, counts = all_of([original, copy_of(original, partition=(HOME + 2) % PARTITIONS)])
    assert [(one.fact is None, one.refusal) for one in said] == [
        (True, Refusal("partition", "misplaced_again")), (False, None),
    ]  # fmt: skip
    assert counts == {"misplaced_again": 1, "refused": 1, "not_copied": 1}


def test_what_could_not_be_read_is_told_once_of_the_original() -> None:
    original = sent(AWAY, channel=7)
    said, counts = all_of([original, copy_of(original)])
    assert [(one.record.place, one.fact is None, one.refusal is None) for one in said] == [
        (copy_of(original).place, False, True), (original.place, True, False),
    ]  # fmt: skip
    assert counts["refused"] == 1


def test_a_misplaced_record_without_an_id_is_unreadable_and_waits_for_nothing() -> None:
    (said,), counts = all_of([sent(AWAY)._replace(value=None, key=None)])
    assert (said.fact, said.refusal) == (None, Refusal("json", "tombstone"))
    assert counts == {"refused": 1}


Log = dict[tuple[str, int], list[Appended]]


def _values(rng: random.Random, report: str) -> dict[str, bytes]:
    written = f"2026-01-01T00:{rng.randrange(60):02}:00Z"
    changes: list[dict[str, Any]] = [{}, {"form": "PRIVAT"}, {"channel": 7}, {"receiver": None}]
    return {
        "sent": sent_value(report, **rng.choice(changes)),
        "receipt": orjson.dumps({"report_id": report, "receipt": "MOTTATT", "received_at": written}),
        "stored": orjson.dumps({"report_id": report, "stored_at": written, "evidence": "READ_BACK"}),
    }


def _random_log(rng: random.Random) -> Log:
    """Records of a few reports in any partition, under their key, another one or none."""
    log: Log = defaultdict(list)
    reports = [str(UUID(int=rng.getrandbits(128), version=4)) for _ in range(8)]
    for second in range(60):
        report, kind = rng.choice(reports), rng.choice(KINDS)
        partition = partition_of(report.encode(), PARTITIONS) if rng.random() < 0.6 else rng.randrange(PARTITIONS)
        key = rng.choice([report.encode(), report.encode(), None, b"other"])
        log[kind, partition].append(
            Appended(len(log[kind, partition]), ms(AT) + second * 1000, key, _values(rng, report)[kind])
        )
    return log


def _live(log: Log) -> dict[str, Any]:
    """Every row as the checker has it; its copies are appended to the log."""
    processors = [processor(PARTITIONS, partition) for partition in range(PARTITIONS)]
    written = [applied(one, batch(one, **{kind: log[kind, one.partition] for kind in KINDS})) for one in processors]
    copies = [write for writes in written for kind in KINDS for write in of(writes, kind)]
    for late, copy in enumerate(copies, start=ms(AT) + 100_000):
        kind, to = copy.topic.removeprefix("reports."), processors[copy.partition]
        offset = to.position(copy.topic) + sum(one.timestamp >= ms(AT) + 100_000 for one in log[kind, copy.partition])
        log[kind, copy.partition].append(Appended(offset, late, copy.key, copy.value, tuple(copy.headers or ())))
    for one in processors:
        new = {k: [r for r in log[k, one.partition] if r.offset >= one.position(f"reports.{k}")] for k in KINDS}
        written.append(applied(one, batch(one, **new)))
    states = {state.key: orjson.loads(state.value or b"") for writes in written for state in of(writes, "state")}
    return {report.decode(): _without_copies(state) for report, state in states.items()}


def _without_copies(state: dict[str, Any]) -> dict[str, Any]:
    """What an audit needs no memory for: it has all copies before it."""
    held = {name: value for name, value in (state["held"] or {}).items() if name != "copies"}
    return state | {"held": held or None}


def _audited(log: Log, rng: random.Random) -> dict[str, Any]:
    """Every row from the whole log, its partitions read in any order."""
    spots = sorted(log)
    rng.shuffle(spots)
    arrivals, rows = Arrivals(PARTITIONS, 262_144), MemoryRows()
    records = [
        Record(kind, Place(arrival(r.timestamp), f"reports.{kind}", partition, r.offset), r.key, r.value, r.headers)
        for kind, partition in spots
        for r in log[kind, partition]
    ]
    checker = Checker(Rules(load_policy(None), succession()), rows)
    for fact in in_order(one.fact for one in [*arrivals.take(records), *arrivals.rest()] if one.fact is not None):
        assert not isinstance(fact, FeedMark | Decision)
        checker.apply(fact)
    return {row.report_id: state_value(row) for row in rows}


def test_every_row_is_the_live_checkers_whatever_was_misplaced() -> None:
    for seed in range(150):
        rng = random.Random(seed)
        log = _random_log(rng)
        live = _live(log)
        assert live, seed
        assert orjson.loads(orjson.dumps(_audited(log, rng))) == live, seed


def test_a_copys_header_hides_no_other_reports_record() -> None:
    """A header that names the place of another report's record, as after a topic was made anew, says nothing of it."""
    other = "9d3f0c1e-54a7-4d6b-8f21-6a7b8c9d0e1f"
    away = (partition_of(other.encode(), PARTITIONS) + 1) % PARTITIONS
    theirs = sent(away, report_id=other)._replace(key=other.encode())
    said, counts = all_of([theirs, copy_of(sent(away))])
    assert {one.fact.report_id for one in said if one.fact} == {REPORT, other}
    assert counts == {"copies": 1, "not_copied": 1}
