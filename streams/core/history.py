"""One report's whole history at once."""

from collections.abc import Iterable
from datetime import datetime

from streams.core.decide import pass_time
from streams.core.events import Event
from streams.core.facts import Fact, Receipt, Sent
from streams.core.fold import fold_receipt, fold_sent_again, fold_stored, new_row, open_row
from streams.core.row import Row
from streams.core.rules import Rules
from streams.core.sight import CLEAR, Sight


def judge(facts: Iterable[Fact], until: datetime, rules: Rules, sight: Sight = CLEAR) -> tuple[Row, tuple[Event, ...]]:
    """The row and the events of one report of which everything is known until a time.

    `facts` (at least one, all of one report): those of one topic in the order of their offsets, the topics in any
    order. Nothing is erased and no sent is too old: who looks back on everything has nothing to forget. `sight`: what
    cannot be seen of its proofs.

    Raises ValueError where there is no fact.
    """
    row: Row | None = None
    for fact in facts:
        if row is None:
            row = new_row(fact.report_id, fact.place.arrived)
        if isinstance(fact, Sent):
            if row.sent is None:
                open_row(row, fact, rules.policy, rules.municipalities)
            else:
                fold_sent_again(row, fact, rules.municipalities)
        elif isinstance(fact, Receipt):
            fold_receipt(row, fact)
        else:
            fold_stored(row, fact, rules.municipalities)
    if row is None:
        raise ValueError("A report without a fact cannot be judged.")
    return row, pass_time(row, until, rules, sight) or ()
