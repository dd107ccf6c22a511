"""The log of a partition: what comes first, how far it is known, and which input has to wait for the others."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest

from streams.engine import log as log_module
from streams.engine.completeness import due_together
from streams.engine.log import Log
from streams.engine.partition import Partition
from streams.records.coverage import Applied
from streams.records.record import HEADER, arrival
from tests.engine.processing import (
    MOMENT,
    RECEIPT,
    SENT,
    SETTINGS,
    START,
    STORED,
    Appended,
    applied,
    batch,
    marked,
    ms,
    processor,
    report,
    sents,
)

KINDS = {SENT: "sent", RECEIPT: "receipt", STORED: "stored"}
EVERY, PAUSE = timedelta(seconds=10), timedelta(milliseconds=200)


def log() -> Log:
    return Log(KINDS, {topic: Applied(0) for topic in KINDS})


def record(offset: int, at: int, **changes: Any) -> Appended:
    return Appended(offset, ms(START) + at, report(offset).encode(), b"{}")._replace(**changes)


def mark(offset: int, at: int) -> Appended:
    return record(offset, at, key=b"", value=None, headers=((HEADER, b"another"),))


def take_in(to: Log, topic: str, *records: Appended) -> None:
    list(to.inputs[topic].take_in(records))


def in_turn(of: Log, until: int) -> list[tuple[str, int]]:
    """Topic and offset of what may be applied, in its order."""
    found = []
    while (one := of.first(arrival(ms(START) + until))) is not None:
        found.append((one.topic, one.runs[0].records[0].offset))
        one.applied(1)
    return found


def test_records_come_by_arrival_then_by_input_then_by_offset() -> None:
    one = log()
    take_in(one, STORED, record(0, 1), record(1, 2), record(2, 2))
    take_in(one, RECEIPT, record(0, 2), record(1, 9))
    take_in(one, SENT, record(0, 2), record(1, 3))
    assert in_turn(one, 3) == [(STORED, 0), (SENT, 0), (RECEIPT, 0), (STORED, 1), (STORED, 2)]
    assert in_turn(one, 9) == [(SENT, 1)]


@pytest.mark.parametrize("seed", range(20))
def test_the_order_is_the_same_in_whatever_pieces_the_inputs_were_fetched(seed: int) -> None:
    rng = Random(seed)
    times = {topic: sorted(rng.choices(range(30), k=40)) for topic in KINDS}
    whole, pieces, found = log(), log(), []
    fetched = dict.fromkeys(KINDS, 0)
    for topic, some in times.items():
        take_in(whole, topic, *(record(offset, at) for offset, at in enumerate(some)))
    while any(fetched[topic] < len(times[topic]) for topic in KINDS):
        topic = rng.choice(list(KINDS))
        more = times[topic][fetched[topic] :][: rng.randrange(8)]
        take_in(pieces, topic, *(record(fetched[topic] + n, at) for n, at in enumerate(more)))
        fetched[topic] += len(more)
        if pieces.until is not None:
            found += in_turn(pieces, (pieces.until - START) // MOMENT)
    assert found + in_turn(pieces, 99) == in_turn(whole, 99)


def test_it_is_known_as_far_as_the_input_of_which_the_least_is() -> None:
    one = log()
    take_in(one, SENT, record(0, 5))
    take_in(one, RECEIPT, mark(0, 7))
    assert one.until is None
    take_in(one, STORED, mark(0, 6))
    assert one.until == START + 5 * MOMENT


def test_where_a_clock_steps_back_a_record_arrived_with_the_one_before_it() -> None:
    one = log()
    take_in(one, SENT, record(0, 5), record(1, 3), record(2, 6))
    assert [run.arrived for run in one.inputs[SENT].runs] == [START + n * MOMENT for n in (5, 5, 6)]


def test_marks_wait_for_nothing() -> None:
    one = log()
    take_in(one, SENT, mark(0, 5))
    assert not one.waits
    take_in(one, SENT, record(1, 6))
    assert one.waits


@pytest.mark.parametrize(("records", "size"), [(3, 1_000_000), (1_000_000, 6)])
def test_an_input_that_has_run_far_ahead_waits_for_the_others(
    records: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "MOST_AHEAD", records)
    monkeypatch.setattr(log_module, "MOST_AHEAD_BYTES", size)
    one = log()
    take_in(one, SENT, record(0, 1), record(1, 2))
    assert not one.too_far_ahead(SENT)
    take_in(one, SENT, record(2, 3))
    assert one.too_far_ahead(SENT)
    assert not one.too_far_ahead(STORED)
    take_in(one, RECEIPT, mark(0, 9))
    take_in(one, STORED, mark(0, 2))
    in_turn(one, 2)
    assert not one.too_far_ahead(SENT), "one of the three is applied"


def test_an_input_that_the_others_wait_for_is_read_on_however_much_came_at_one_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(log_module, "MOST_AHEAD", 3)
    one = log()
    take_in(one, SENT, *(record(offset, 1) for offset in range(10)))
    take_in(one, RECEIPT, mark(0, 5))
    take_in(one, STORED, mark(0, 5))
    assert in_turn(one, 1) == []
    assert not one.too_far_ahead(SENT)


def at_work(seconds_ago: float, monkeypatch: pytest.MonkeyPatch) -> Partition:
    """A partition whose last set of marks was begun so long ago; nothing of it is under way."""
    unused: Any = None
    monkeypatch.setattr("streams.engine.partition.time.monotonic", lambda: 100.0)
    partition = Partition(processor(), unused, unused)
    partition.marked_at = 100.0 - seconds_ago
    return partition


@pytest.mark.parametrize(("seconds_ago", "due"), [(0.9, False), (1.0, True)])
def test_marks_are_written_every_second_while_a_record_waits(
    seconds_ago: float, due: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    partition = at_work(seconds_ago, monkeypatch)
    one = partition.processor
    assert due_together([partition], EVERY, PAUSE) == []
    one.apply(batch(one, sent=sents(one, 1)))
    assert bool(due_together([partition], EVERY, PAUSE)) is due
    applied(one, batch(one))
    assert due_together([partition], EVERY, PAUSE) == []


def test_inputs_that_wait_for_the_others_need_not_show_their_marks_before_others_are_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The input that holds T back has shown its mark, which the clock of its broker has put before what waits."""
    monkeypatch.setattr(log_module, "MOST_AHEAD", 2)
    partition = at_work(5, monkeypatch)
    one = partition.processor
    one.apply(marked(one, b"another", START - MOMENT))
    header = one.marks.new_set()
    one.apply(batch(one, sent=sents(one, 3)))
    assert due_together([partition], EVERY, PAUSE) == [], "the marks are under way"
    for topic in (RECEIPT, STORED):
        shown = Appended(one.position(topic), ms(START), b"", None, ((HEADER, header),))
        one.apply(batch(one, **{topic.removeprefix(SETTINGS.inputs[0].removesuffix("sent")): [shown]}))
    assert one.marks.unseen == (SENT,)
    take_in(one.log, SENT, record(9, 5))
    assert one.log.too_far_ahead(SENT)
    assert due_together([partition], EVERY, PAUSE) == [partition]
