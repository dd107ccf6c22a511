"""One report's whole history at once."""

from collections.abc import Iterable
from datetime import datetime

from streams.core.decide import pass_time
from streams.core.events import Event, recovered
from streams.core.facts import Fact, Receipt, Sent, in_order
from streams.core.fold import Step, fold_receipt, fold_sent_again, fold_stored, new_row, open_row
from streams.core.row import Row
from streams.core.rules import Rules
from streams.core.sight import CLEAR, Sight


def judge(facts: Iterable[Fact], until: datetime, rules: Rules, sight: Sight = CLEAR) -> tuple[Row, tuple[Event, ...]]:
    """The row and the events of one report of which everything is known until a time.

    `facts` (at least one, all of one report): those of one topic in the order of their offsets, the topics in any
    order; they are judged in that of the log. Nothing is erased and no sent is too old: who looks back on everything
    has nothing to forget. `sight`: what cannot be seen of its proofs.

    Raises ValueError where there is no fact.
    """
    row: Row | None = None
    events: tuple[Event, ...] = ()
    for fact in in_order(facts):
        if row is None:
            row = new_row(fact.report_id, fact.place.arrived)
        events += _passed(row, min(fact.place.arrived, until), rules, sight)
        if isinstance(fact, Sent):
            if row.sent is None:
                open_row(row, fact, rules.policy, rules.municipalities)
            else:
                fold_sent_again(row, fact, rules.municipalities)
        elif isinstance(fact, Receipt):
            fold_receipt(row, fact)
        elif fold_stored(row, fact, rules.municipalities) is Step.RECOVERED and row.proof is not None:
            events += (recovered(row, row.proof),)
    if row is None:
        raise ValueError("A report without a fact cannot be judged.")
    return row, events + _passed(row, until, rules, sight)


def _passed(row: Row, until: datetime, rules: Rules, sight: Sight) -> tuple[Event, ...]:
    """What time settles, step by step: a report in doubt is undetermined before it is announced."""
    events: tuple[Event, ...] = ()
    while (more := pass_time(row, until, rules, sight)) is not None:
        events += more
        if sight.began_too_late(row):
            row.limit_at = None
    return events
