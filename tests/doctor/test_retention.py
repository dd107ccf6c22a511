"""The policy, and how long things are kept."""

from datetime import timedelta

import pytest

from streams.core.policy import Override, Policy, Version
from streams.core.working import WorkingTime
from streams.doctor import Facts, FindingState
from streams.doctor.checks.retention import in_days, longest, smallest_grace
from streams.doctor.facts import (
    Unread,
)
from tests.doctor.healthy import (
    POLICY,
    expect,
    facts,
    twice,
    with_config,
)

FAULT, WARNING, UNKNOWN = FindingState.FAULT, FindingState.WARNING, FindingState.UNKNOWN
DAY_MS = 86_400_000
POLICY_CASES = [
    (
        facts(policy=Unread("p.toml: unknown entry grase")),
        FAULT,
        "policy",
        "unknown entry grase",
        "MELDINGSVAKT_POLICY",
    ),
    (
        facts(coverage=twice(policy={"a": "another"})),
        FAULT,
        "policy",
        "version a is not what reports were judged by",
        "later valid_from",
    ),
    (
        with_config("reports.sent", retention_ms=str(120 * DAY_MS)),
        FAULT,
        "retention",
        "announced twice",
        "MELDINGSVAKT_KEEP=P157D",
    ),
    (
        with_config("reports.sent", retention_ms=str(115 * DAY_MS)),
        WARNING,
        "retention",
        "whole segments",
        "MELDINGSVAKT_KEEP=P152D",
    ),
    (with_config("reports.sent", retention_ms="-1"), WARNING, "retention", "for ever", "retention.ms=7776000000"),
    (
        with_config("reports.sent", retention_ms="9223372036854775807"),
        FAULT,
        "retention",
        "announced twice",
        "retention.ms",
    ),
    (
        with_config("reports.sent", retention_bytes="1000"),
        WARNING,
        "retention",
        "a flood",
        "--delete-config retention.bytes",
    ),
    (
        with_config("reports.sent", retention_ms=str(12 * DAY_MS)),
        FAULT,
        "retention",
        "before they are due",
        "retention.ms=7776000000",
    ),
    (
        with_config("reports.sent", retention_ms=str(20 * DAY_MS)),
        WARNING,
        "retention",
        "the portal keeps 30 days",
        "retention.ms",
    ),
    (
        with_config("reports.missing", retention_ms=str(90 * DAY_MS)),
        WARNING,
        "retention",
        "90 days",
        "retention.ms=63072000000",
    ),
    (with_config("reports.rejected", retention_bytes="9"), WARNING, "retention", "a flood", "--delete-config"),
]


POLICY_CASES += [
    (
        with_config("reports.stored", **{name: value}),
        FAULT,
        "retention",
        f"the inputs differ in {name.replace('_', '.')} (reports.sent {usual}, reports.receipt {usual}, reports.stored "
        f"{value}, reports.decision {usual}): a report could still be read whose proof has been deleted",
        advice,
    )
    for name, value, usual, advice in (
        ("retention_ms", str(80 * DAY_MS), "7776000000", "--topic reports.stored --add-config retention.ms=7776000000"),
        ("retention_ms", str(100 * DAY_MS), "7776000000", "--topic reports.sent --add-config retention.ms=8640000000"),
        ("retention_ms", "-1", "7776000000", "--topic reports.decision --add-config retention.ms=-1"),
        ("retention_bytes", "1000", "-1", "--topic reports.stored --add-config retention.bytes=-1"),
    )
]


@pytest.mark.parametrize(("seen", "state", "check", "found", "advice"), [*POLICY_CASES])
def test_what_is_wrong_is_said_with_what_to_do(
    seen: Facts, state: FindingState, check: str, found: str, advice: str
) -> None:
    expect(seen, state, check, found, advice)


def test_the_longest_allowance_and_the_smallest_grace_count_overrides() -> None:
    override = Override("3907", grace=timedelta(hours=2))
    quick = Override("0301", allowance=timedelta(minutes=1), grace=timedelta(seconds=1))
    version = Version("a", timedelta(minutes=5), timedelta(days=1), allowance={"PRINT": timedelta(days=12)})
    policy = Policy((version._replace(overrides=(override, quick)),))
    assert longest(policy) == timedelta(days=12, hours=2)
    assert smallest_grace(policy) == timedelta(seconds=1)
    assert longest(POLICY) == timedelta(days=12, minutes=5)


def test_an_override_of_no_allowance_and_one_in_working_time_count_for_the_longest_that_they_can_take() -> None:
    version = Version("a", timedelta(0), timedelta(hours=1), allowance={"MANUELL_MOTTAK": WorkingTime(5)})
    assert longest(Policy((version,))) == timedelta(days=14, hours=12)
    assert longest(Policy((version._replace(overrides=(Override("0301", allowance=timedelta(0)),)),))) == timedelta(
        days=14, hours=12
    )
    later = version._replace(overrides=(Override("0301", allowance=WorkingTime(10), grace=timedelta(hours=1)),))
    assert longest(Policy((later,))) == timedelta(days=22, hours=13)


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (None, "for ever"),
        (timedelta(0), "0 s"),
        (timedelta(days=12, minutes=5), "12 days 5 min"),
        (timedelta(hours=26), "1 day 2 h"),
    ],
)
def test_durations_are_read_easily(duration: timedelta | None, text: str) -> None:
    assert in_days(duration) == text
