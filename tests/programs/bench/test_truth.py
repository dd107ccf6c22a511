"""The bench's own truth, and how an announcement list is held against it."""

from random import Random

from tests.core.law import Law
from tests.core.oracle import events
from tests.core.report import FAR
from tests.programs.bench.contenders.checker import POLICY
from tests.programs.bench.mix import DEADLINE_SECONDS, plan
from tests.programs.bench.truth import Mistakes, Seen, mistakes, truth_of
from tests.system.faults import truth as oracle

DEADLINE_MS = 4000
A, B, C = b"a", b"b", b"c"


def missing(*records: Seen) -> set[bytes]:
    return set(truth_of(records, DEADLINE_MS).missing)


def test_a_proof_at_the_deadline_is_in_time_and_one_after_it_is_not() -> None:
    assert missing(Seen("sent", 0, 1000, A), Seen("stored", 0, 5000, A)) == set()
    assert missing(Seen("sent", 0, 1000, A), Seen("stored", 0, 5001, A)) == {A}


def test_a_proof_before_the_sent_counts_and_a_receipt_does_not() -> None:
    assert missing(Seen("stored", 0, 500, A), Seen("sent", 0, 1000, A)) == set()
    assert missing(Seen("receipt", 0, 1000, A), Seen("sent", 0, 1000, A)) == {A}


def test_the_first_sent_sets_the_deadline() -> None:
    assert missing(Seen("sent", 0, 1000, A), Seen("sent", 0, 3000, A), Seen("stored", 0, 6000, A)) == {A}


def test_what_was_never_sent_is_not_missing() -> None:
    assert missing(Seen("stored", 0, 1000, A)) == set()


def test_it_knows_which_deadlines_lie_after_the_end_of_their_partition() -> None:
    records = [Seen("sent", 0, 1000, A), Seen("sent", 1, 1000, B), Seen("receipt", 1, 5001, C)]
    found = truth_of(records, DEADLINE_MS)
    assert found.missing == {A, B}
    assert found.due_after_the_end == {A}


def test_it_agrees_with_the_oracle_of_the_fault_suite() -> None:
    rng = Random(7)
    planned = plan(3000, 3, "2026-01-01T12:00:00.000000Z")
    begin_ms = 1_767_268_700_000  # the claimed time lies ahead of every append, as in the bench
    stamps = [begin_ms + round((record.at + rng.random() / 10) * 1000) for record in planned]
    found = truth_of(
        (Seen(one.kind, 0, stamp, one.key) for one, stamp in zip(planned, stamps, strict=True)),
        round(DEADLINE_SECONDS * 1000),
    )
    records = [
        oracle.Record(f"b.{one.kind}", 0, offset, stamp, one.key, one.value)
        for offset, (one, stamp) in enumerate(zip(planned, stamps, strict=True))
    ]
    inputs = oracle.read_inputs(sorted(records, key=lambda one: (one.topic, one.offset)), "b.", 1)
    log, law = oracle.log_of(inputs.facts[0]), Law(oracle.read_policy(POLICY), {})
    announced = {event.report_id.encode() for event in events(log, FAR, law)}
    assert found.missing == announced
    assert found.missing


def test_announcements_are_counted_as_lost_phantom_and_twice() -> None:
    truth = truth_of([Seen("sent", 0, 0, A), Seen("sent", 0, 0, B), Seen("receipt", 0, 9000, C)], DEADLINE_MS)
    assert mistakes(truth, [A, A, C]) == Mistakes(announced=3, lost=1, lost_at_the_end=0, phantom=1, twice=1)
    assert mistakes(truth, [A, B]).none
