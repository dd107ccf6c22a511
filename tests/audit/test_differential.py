"""The audit says what the live checker says, over random histories; and the comparison notices when it does not."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from streams.audit.facts import kind_of
from streams.audit.judge import context, ranges, verdict
from streams.audit.judge.hearing import HeardFeeds
from streams.audit.load import join
from streams.core.events import Closed, Missing, Recovered, Reopened
from streams.core.facts import Fact, Receipt
from streams.core.receivers import Municipalities
from streams.core.row import Status
from tests.audit.differential import (
    ORACLES,
    RULES,
    Take,
    compare,
    differing,
    take_lines,
    take_records,
    unlike_the_oracle,
)
from tests.audit.histories import BEGIN, END, histories
from tests.audit.live import live
from tests.examples import first

HISTORIES = 1_500


@pytest.mark.parametrize("take", [take_records, take_lines])
@pytest.mark.parametrize("days", first(1, [40, 12]))
def test_verdicts_event_ids_and_books_are_the_live_checkers(days: int, take: Take) -> None:
    seed = time.time_ns() % 1_000_000_000
    assert compare(seed, HISTORIES, take, until=min(END, BEGIN + timedelta(days=days))) == [], f"seed {seed}"


def test_the_checker_says_what_follows_by_definition() -> None:
    seed = time.time_ns() % 1_000_000_000
    told = [one for number in range(4) for one in unlike_the_oracle(seed + number, ORACLES)]
    assert told == [], f"seed {seed}"


def test_every_kind_of_fate_is_in_the_histories() -> None:
    """What does not occur is not compared."""
    records = [one for one in histories(6, 2_000) if one.place.arrived < BEGIN + timedelta(days=20)]
    said = live(records, BEGIN + timedelta(days=20), RULES)
    assert {row.status for row in said.rows.values()} == set(Status)
    assert {type(event) for event in said.events} == {Missing, Recovered, Closed, Reopened}
    assert {row.feed for row in said.rows.values()} == {None, "hourly", "nightly", "next"}
    assert {len(row.alarms) for row in said.rows.values()} >= {0, 1, 2}
    assert "unwatched" in {row.reason for row in said.rows.values()}


def later_ones_first(whole: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: sorted(whole(*given), key=lambda fact: (kind_of(fact), -fact.place.offset))


def only_equal_numbers(_whole: Any) -> Callable[..., bool]:
    return lambda _self, one, other: bool(one == other)


def first_fact_an_instant_later(whole: Callable[..., Any]) -> Callable[..., Any]:
    def broken(facts: list[Fact], *rest: Any) -> Any:
        place = facts[0].place
        later = place._replace(arrived=place.arrived + timedelta(microseconds=1))
        return whole([facts[0]._replace(place=later), *facts[1:]], *rest)

    return broken


def a_few_lines_lost(whole: str) -> str:
    return whole.replace("FROM facts ORDER", "FROM facts WHERE line % 100 <> 7 ORDER")


def nothing_heard(_whole: Any) -> Callable[..., Any]:
    return lambda *_: HeardFeeds({})


def no_claims(whole: Callable[..., Any]) -> Callable[..., Any]:
    return lambda marks, policy: whole([one._replace(mark=one.mark._replace(proofs=None)) for one in marks], policy)


def no_decisions(_whole: Any) -> Callable[..., Any]:
    return lambda *_: {}


def no_attempts(whole: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *given: [
        fact._replace(message_id=None) if isinstance(fact, Receipt) else fact for fact in whole(*given)
    ]


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (context, "heard", nothing_heard),
        (context, "heard", no_claims),
        (ranges, "_decided", no_decisions),
        (ranges, "_facts", no_attempts),
        (ranges, "_facts", later_ones_first),
        (Municipalities, "agree", only_equal_numbers),
        (verdict, "judge", first_fact_an_instant_later),
        (join, "_SORTED", a_few_lines_lost),
    ],
)
def test_an_audit_that_is_broken_is_noticed(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: Callable[[Any], Any]
) -> None:
    records = histories(2, 500)
    said = live(records, END, RULES)
    assert differing(records, said) == []
    monkeypatch.setattr(module, name, broken(getattr(module, name)))
    assert differing(records, said) != []
