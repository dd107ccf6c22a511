"""The checker itself."""

from datetime import timedelta

import pytest

from streams.doctor import Facts, FindingState
from streams.doctor.facts import (
    ConsumerGroup,
    Damaged,
    Ends,
    OpenTransaction,
    Transaction,
    Twice,
)
from streams.records.coverage import Applied, Gap, Loss
from tests.doctor.healthy import (
    ALL,
    NO,
    NOW,
    PARTITIONS,
    SETTINGS,
    covered,
    ends,
    expect,
    facts,
    places,
    trouble,
    twice,
)

FAULT, WARNING, UNKNOWN = FindingState.FAULT, FindingState.WARNING, FindingState.UNKNOWN
CHECKER_CASES = [
    (facts(group=ConsumerGroup("Empty", (), ALL)), WARNING, "workers", "nothing is checked", "meldingsvakt worker"),
    (
        facts(group=ConsumerGroup("Stable", ("w",) * 5, ALL)),
        WARNING,
        "workers",
        "1 worker(s) have no partition",
        "stop",
    ),
    (facts(group=NO), UNKNOWN, "workers", "TopicAuthorization", "permissions"),
    (
        facts(coverage=Twice({}, {}), committed={}),
        WARNING,
        "coverage",
        "nothing was ever checked",
        "meldingsvakt worker",
    ),
    (facts(coverage=NO), UNKNOWN, "coverage", "TopicAuthorization", "permissions"),
    (facts(coverage=Damaged("reports.coverage-0 offset 3 is no record")), FAULT, "coverage", "offset 3", "restore"),
    (
        facts(coverage=twice(gap=Gap(NOW, "open_transaction"))),
        WARNING,
        "coverage",
        "partition 0 cannot see since 2026-03-01T12:00:00.000000Z (open_transaction)",
        "/readyz",
    ),
    (
        facts(coverage=twice(losses=[Loss("reports.sent", 3, 9, "deleted_by_retention", NOW, NOW)])),
        WARNING,
        "coverage",
        "reports.sent-0 from offset 3 to 9",
        "send again",
    ),
    (
        facts(coverage=twice(complete_until=NOW - timedelta(minutes=5))),
        WARNING,
        "coverage",
        "complete only until 5 min ago",
        "/readyz",
    ),
    (
        facts(coverage=twice(municipalities="0123456789abcdef")),
        WARNING,
        "coverage",
        "another table of municipalities than this program's",
        "the same release everywhere",
    ),
    (facts(coverage=twice(complete_until=None)), WARNING, "coverage", "partition 0 was never complete", "a minute"),
    (facts(committed=NO), UNKNOWN, "offsets", "TopicAuthorization", "permissions"),
    (
        facts(committed={("reports.sent", 0): 7}),
        FAULT,
        "offsets",
        "offset 7 was changed by hand (the state ends at 100)",
        "--delete-offsets --group reports --topic reports.sent",
    ),
    (facts(coverage=Twice({}, {})), FAULT, "offsets", "its state was deleted", "MELDINGSVAKT_APP_ID"),
    (facts(transactions=NO), UNKNOWN, "transactional ids", "TopicAuthorization", "kafka-transactions"),
    (
        facts(transactions=(Transaction("reports-1", "Ongoing", 10_000, NOW - timedelta(minutes=5)),)),
        WARNING,
        "transactional ids",
        "reports-1 is Ongoing since 2026-03-01T11:55",
        "--transactional-id reports-1`; a worker that starts ends it",
    ),
    (
        facts(transactions=(Transaction("reports-1", "PrepareCommit", 10_000, NOW - timedelta(minutes=5)),)),
        WARNING,
        "transactional ids",
        "reports-1 is PrepareCommit since 2026-03-01T11:55",
        "start or heal the leaders",
    ),
    (
        facts(ends=NO, open_transactions=NO),
        UNKNOWN,
        "open transactions",
        "TopicAuthorization",
        "permissions",
    ),
    (facts(ends=Twice({}, {})), UNKNOWN, "open transactions", "no input can be seen", "topics"),
]
STANDING = ends(Ends(0, 90, 100), Ends(0, 90, 101))
OPEN_CASES = [
    (
        facts(ends=STANDING, open_transactions=NO),
        WARNING,
        "open transactions",
        "reports.sent-0 stands still at offset 90 of 101",
        "find-hanging --topic reports.sent --partition 0",
    ),
    (
        facts(ends=STANDING, open_transactions=(OpenTransaction("reports.sent", 0, 7, 90, NOW, "portal"),)),
        WARNING,
        "open transactions",
        "by portal since offset 90",
        "abort --topic reports.sent --partition 0 --start-offset 90",
    ),
    (
        facts(ends=STANDING, open_transactions=(OpenTransaction("reports.sent", 0, 7, 90, NOW - timedelta(hours=1)),)),
        FAULT,
        "open transactions",
        "by producer 7 since offset 90",
        "abort --topic reports.sent --partition 0 --start-offset 90",
    ),
]


@pytest.mark.parametrize(("seen", "state", "check", "found", "advice"), [*CHECKER_CASES, *OPEN_CASES])
def test_what_is_wrong_is_said_with_what_to_do(
    seen: Facts, state: FindingState, check: str, found: str, advice: str
) -> None:
    expect(seen, state, check, found, advice)


def test_offsets_that_move_between_the_looks_are_not_wrong() -> None:
    now = {n: covered(n, applied={name: Applied(150) for name in SETTINGS.inputs}) for n in range(PARTITIONS)}
    moving = facts(coverage=Twice(twice().before, now), committed=dict.fromkeys(places(), 120))
    assert trouble(moving) == []


def test_a_last_stable_offset_that_moves_is_not_held_back() -> None:
    assert trouble(facts(ends=ends(Ends(0, 90, 100), Ends(0, 95, 101)))) == []
    assert trouble(facts(ends=ends(Ends(0, 100, 100), Ends(0, 100, 101)))) == []


def test_how_much_is_still_to_be_read_is_counted_over_the_inputs() -> None:
    (late,) = trouble(facts(coverage=twice(complete_until=NOW - timedelta(minutes=5))))
    assert "16 records are still to be read" in late.found


@pytest.mark.parametrize("state", ["CompleteCommit", "CompleteAbort", "Empty", "Dead"])
def test_a_transaction_that_has_ended_does_not_hang_however_long_ago_it_began(state: str) -> None:
    """Kafka goes on telling when it began."""
    seen = facts(transactions=(Transaction("reports-1", state, 10_000, NOW - timedelta(days=5)),))
    assert [each for each in trouble(seen) if each.check == "transactional ids"] == []
