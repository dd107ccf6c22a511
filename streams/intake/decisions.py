"""What people decide of alarms, for a receiver of theirs. Whether it fits the checker says, who has the last word."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from pydantic import Field, ValidationError

from schemas.common import District, EventId, Municipality, ReportId, Time, Token
from schemas.inputs import Receiver
from streams.access.scope import ReceiverScope
from streams.access.tokens import Visitor
from streams.core.facts import Action, Outcome
from streams.intake.items import ACCEPTED, Item, UnreadableItem, unreadable
from streams.intake.judged import Entry, Judged, nothing
from streams.intake.receivers import Whose, whose
from streams.records.decisions import NotWhole, Said, decision_value

NOBODY = Visitor("unnamed", None, frozenset())


class DecisionItem(Item):
    """What somebody says of an alarm."""

    report_id: ReportId = Field(description="The report.")
    action: Action = Field(description="What is to happen: acknowledge, close, reopen, erase.")
    missing_event_id: EventId | None = Field(None, description="The alarm; only `erase` may leave it out.")
    outcome: Outcome | None = Field(None, description="How the alarm ended: with `close` alone.")
    until: Time | None = Field(None, description="Until when it is acknowledged: with `acknowledge` alone.")
    reference: Token | None = Field(None, description="The case's number elsewhere; never a person's.")
    municipality: Municipality | None = Field(
        None, description="For whom; may be left out by who acts for one receiver only."
    )
    district: District | None = Field(None, description="District number: two digits as text.")
    decision_id: EventId | None = Field(
        None, description="A UUID by which it is known when it is said again; a new one where none is given."
    )


class Decider(NamedTuple):
    """Who decides, and for whom: `own` is None where nobody is asked who it is, and then for all."""

    visitor: Visitor
    own: frozenset[ReceiverScope] | None


def judge_decisions(items: Sequence[Any], decider: Decider, now: datetime) -> Judged:
    """Judge every decision by itself."""
    judged = nothing()
    for item in items:
        found = _judge(item, decider, now)
        judged.verdicts.append(ACCEPTED if isinstance(found, Entry) else found)
        if isinstance(found, Entry):
            judged.entries.append(found)
    return judged


def _judge(given: Any, decider: Decider, now: datetime) -> Entry | str:
    if isinstance(given, UnreadableItem):
        return given.verdict
    try:
        item = DecisionItem.model_validate(given)
    except ValidationError as error:
        return unreadable(error).verdict
    receiver: Whose | str | None = None
    if decider.own is not None or item.municipality is not None:
        receiver = whose(item.municipality, item.district, decider.own)
    if isinstance(receiver, str):
        return receiver
    said = Said(
        item.action,
        decider.visitor.subject,
        item.outcome,
        item.until,
        item.reference,
        decider.visitor.organisation,
        Receiver(**receiver.value()) if receiver else None,
    )
    try:
        value = decision_value(item.report_id, item.missing_event_id, said, now, item.decision_id)
    except NotWhole as error:
        return UnreadableItem(error.field).verdict
    return Entry(item.report_id, orjson.dumps(value))
