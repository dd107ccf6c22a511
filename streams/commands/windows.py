"""What the attempts of one report did to its windows, found out by going through its records once more."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from schemas.common import parse_time
from streams.core.checker import Checker, MemoryRows
from streams.core.events import written
from streams.core.facts import FactOrMark, FeedMark, Place, in_order
from streams.core.feeds import Feeds
from streams.core.fold import Step
from streams.core.policy import Policy
from streams.core.rules import Rules
from streams.records.coverage import read_coverage

_MOVES = {
    Step.OPENED: "window opened",
    Step.REROUTED: "re-routed",
    Step.WINDOW_OPENED: "new window",
}


class Move(NamedTuple):
    """What a sent did to its report's window, and what became of due and alarm."""

    step: Step
    due: datetime
    alarm: datetime

    def __str__(self) -> str:
        return f"{_MOVES[self.step]}: due {written(self.due)}, alarm {written(self.alarm)}"


Moves = dict[Place, Move]


def window_moves(
    inputs: Iterable[FactOrMark], rules: Rules, coverage: dict[str, Any], topics: tuple[str, str]
) -> Moves:
    """By the places of the report's sents that moved a window: how, with what became of due and alarm.

    `inputs`: all of one report, and its partition's feed marks; `topics`: those of proofs and receipts.
    """
    rows, moves = MemoryRows(), {}
    checker = Checker(rules, rows)
    checker.sight = read_coverage(coverage).sight(*topics)._replace(feeds=Feeds())
    for one in in_order(inputs):
        for _ in checker.advance(one.place.arrived):
            pass
        if isinstance(one, FeedMark):
            checker.mark(one)
            continue
        step, row = checker.apply(one).step, rows.get(one.report_id)
        if step in _MOVES and row is not None and row.due_at and row.alarm_at:
            moves[one.place] = Move(step, row.due_at, row.alarm_at)
    return moves


def is_judged_by(policy: Policy, state: dict[str, Any] | None, coverage: dict[str, Any] | None) -> bool:
    """True if a policy is the one by which a report is judged."""
    if not state or not coverage or not state["sent_record"]:
        return False
    version, arrived = state["policy_version"], parse_time(state["sent_record"]["arrived"])
    return version in coverage["policy"] and policy.judged_by(arrived).get(version) == coverage["policy"][version]
