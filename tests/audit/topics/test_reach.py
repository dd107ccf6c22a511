"""Until when a reading is complete, and from when on, by the append times in it alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streams.audit.topics.completeness import PartitionReading, Spot, reach_of
from streams.core.sight import Lost
from streams.records.record import KINDS, arrival

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=1)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def part(kind: str, *seconds: float, start: int = 0, gone: int = 0, **fields: Any) -> PartitionReading:
    """A part of which records or marks of these times were read."""
    made = PartitionReading(kind, start, start, start + len(seconds), gone, **fields)
    for second in seconds:
        made.arrived(int(at(second).timestamp() * 1000))
    return made


def inputs(partition: int, **parts: PartitionReading) -> dict[Spot, PartitionReading]:
    """One partition of the three inputs; empty where nothing is said."""
    return {(kind, partition): parts.get(kind, part(kind)) for kind in KINDS}


def test_complete_until_is_the_last_time_of_the_most_silent_input_of_any_partition() -> None:
    lively = inputs(0, sent=part("sent", 1, 9), receipt=part("receipt", 8), stored=part("stored", 7))
    silent = inputs(1, sent=part("sent", 6), receipt=part("receipt", 5), stored=part("stored", 6))
    reach = reach_of(lively | silent, 2, NOW)
    assert (reach.complete_until, reach.held_back_by) == (at(5), ("receipt", 1))


def test_a_partition_in_which_nothing_is_holds_nobody_back() -> None:
    lively = inputs(1, sent=part("sent", 9), receipt=part("receipt", 8), stored=part("stored", 7))
    assert reach_of(inputs(0) | lively, 2, NOW).complete_until == at(7)
    nothing = reach_of(inputs(0), 1, NOW)
    assert (nothing.complete_until, nothing.held_back_by) == (None, None)


def test_one_empty_input_beside_others_leaves_it_unknown_and_is_named() -> None:
    half = inputs(0, sent=part("sent", 9), receipt=part("receipt", 8))
    reach = reach_of(half, 1, NOW)
    assert (reach.complete_until, reach.held_back_by) == (None, ("stored", 0))


def test_a_clock_that_stepped_back_does_not_take_time_back() -> None:
    stepped = part("sent")
    assert [stepped.arrived(int(at(s).timestamp() * 1000)) for s in (5, 3, 6)] == [at(5), at(5), at(6)]
    assert (stepped.first, stepped.complete_until) == (at(5), at(6))


def test_reading_to_a_time_is_complete_until_then_where_something_came_later() -> None:
    closed = {kind: part(kind, closes=at(20)) for kind in ("receipt", "stored")}
    assert reach_of(inputs(0, sent=part("sent", 9), **closed), 1, NOW).complete_until == at(9)
    assert reach_of(inputs(0, sent=part("sent", 9, closes=at(20)), **closed), 1, NOW).complete_until == at(20)


@pytest.mark.parametrize(
    ("parts", "begins"),
    [
        ([part("stored", 1), part("stored")], None),
        ([part("stored", 5, start=3, gone=3), part("stored", 9, start=2, gone=2), part("stored", 1)], at(9)),
        ([part("stored", 5, start=3)], at(5)),
        ([part("stored", 5, start=3, since=at(2)), part("stored", since=at(2))], at(2)),
        ([part("stored", 5, start=3, gone=3, since=at(2))], at(5)),
        ([part("stored", 5), part("stored", start=3, gone=3)], NOW),
    ],
    ids=["whole", "beginnings deleted", "offsets asked for", "a time asked for", "perhaps deleted", "all deleted"],
)
def test_an_input_begins_where_its_last_partition_does(parts: list[PartitionReading], begins: datetime | None) -> None:
    placed = {("stored", number): one for number, one in enumerate(parts)}
    reach = reach_of(placed, len(parts), NOW)
    assert reach.begins["stored"] == begins
    assert reach.deleted == {spot: one.gone for spot, one in placed.items() if one.gone}


@pytest.mark.parametrize(
    ("parts", "until"),
    [
        ([part("decision", 1), part("decision")], None),
        ([part("decision", 5, cut=True), part("decision", 9, cut=True), part("decision", 1)], at(5)),
        ([part("decision", 5, cut=True, closes=at(7))], at(7)),
        ([part("decision", 5), part("decision", cut=True)], arrival(0)),
    ],
    ids=["whole", "cut at offsets", "cut at a time", "nothing read"],
)
def test_decisions_end_where_one_that_is_there_was_not_read(
    parts: list[PartitionReading], until: datetime | None
) -> None:
    facts = inputs(0, sent=part("sent", 3, cut=True), receipt=part("receipt", 3), stored=part("stored", 3))
    placed = {("decision", number): one for number, one in enumerate(parts)}
    assert reach_of(facts | placed, len(parts), NOW).decisions_until == until


def test_decisions_end_before_the_first_that_nobody_can_read() -> None:
    torn = part("decision", 2)
    torn.lose()
    torn.arrived(int(at(4).timestamp() * 1000))
    assert reach_of({("decision", 0): torn}, 1, NOW).decisions_until == at(2)


def test_what_cannot_be_read_arrived_between_its_neighbours() -> None:
    proofs = PartitionReading("stored", 0, 0, 9)
    proofs.lose()
    proofs.arrived(1_000)
    proofs.arrived(2_000)
    proofs.lose()
    first = Lost(arrival(0), arrival(1_000))
    assert reach_of({("stored", 3): proofs}, 4, NOW).losses == {3: [first, Lost(arrival(2_000), None)]}
    assert reach_of({("sent", 3): PartitionReading("sent", 0, 0, 9)}, 4, NOW).losses == {}
