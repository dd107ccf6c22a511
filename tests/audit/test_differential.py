"""The audit says what the live checker says, over random histories; and the comparison notices when it does not."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from streams.audit.facts import kind_of
from streams.audit.judge import ranges, verdict
from streams.audit.load import join
from streams.core.facts import Fact
from streams.core.receivers import Municipalities
from tests.audit.differential import RULES, Take, compare, differing, take_lines, take_records
from tests.audit.histories import BEGIN, END, histories
from tests.audit.live import live
from tests.examples import first

HISTORIES = 2_000


@pytest.mark.parametrize("take", [take_records, take_lines])
@pytest.mark.parametrize("days", first(1, [40, 12]))
def test_verdicts_event_ids_and_books_are_the_live_checkers(days: int, take: Take) -> None:
    seed = time.time_ns() % 1_000_000_000
    assert compare(seed, HISTORIES, take, until=min(END, BEGIN + timedelta(days=days))) == [], f"seed {seed}"


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


@pytest.mark.parametrize(
    ("module", "name", "broken"),
    [
        (ranges, "_facts", later_ones_first),
        (Municipalities, "agree", only_equal_numbers),
        (verdict, "judge", first_fact_an_instant_later),
        (join, "_SORTED", a_few_lines_lost),
    ],
)
def test_an_audit_that_is_broken_is_noticed(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, broken: Callable[[Any], Any]
) -> None:
    records = histories(5, 500)
    said = live(records, END, RULES)
    assert differing(records, said) == []
    monkeypatch.setattr(module, name, broken(getattr(module, name)))
    assert differing(records, said) != []
