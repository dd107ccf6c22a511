"""One report's whole history at once."""

from collections.abc import Iterable
from datetime import datetime

from streams.core.decide import pass_turns
from streams.core.decision import erased, fold_decision
from streams.core.events import Event
from streams.core.facts import Decision, FeedMark, Input, Stored, in_order
from streams.core.feeds import Feeds
from streams.core.fold import Step, fold
from streams.core.row import Row
from streams.core.rules import Rules
from streams.core.sight import Sight


def judge(
    inputs: Iterable[Input], until: datetime, rules: Rules, sight: Sight | None = None
) -> tuple[Row, tuple[Event, ...]]:
    """The row and the events of one report of which everything is known until a time.

    `inputs` (at least one fact, decisions, all of one report, and marks of feeds): those of one topic in the order of
    their offsets, the topics in any order; they are judged in that of the log. Nothing is erased but by decision, and
    no sent is too old: who looks back on everything has nothing to forget. `sight`: what cannot be seen of its proofs;
    it takes the marks in.

    Raises ValueError where there is no fact.
    """
    sight = Sight(Feeds()) if sight is None else sight
    row: Row | None = None
    events: tuple[Event, ...] = ()
    for one in in_order(inputs):
        arrived = one.place.arrived
        if row is not None:
            events += pass_turns(row, min(arrived, until), rules, sight)
        if isinstance(one, FeedMark):
            sight.feeds.take(one, rules.policy)
        elif isinstance(one, Decision):
            if row is not None:
                step, answered = fold_decision(row, one, rules)
                row, events = erased(row) if step is Step.ERASED else row, events + answered
        else:
            row = row or Row(one.report_id, arrived)
            _, caused = fold(row, one, rules)
            if caused:
                events += caused
            if isinstance(one, Stored) and one.feed is not None:
                sight.feeds.count(one, rules.policy)
    if row is None:
        raise ValueError("A report without a fact cannot be judged.")
    return row, events + pass_turns(row, until, rules, sight)
