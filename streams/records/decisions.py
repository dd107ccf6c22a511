"""Decisions as the JSON of their topic: what somebody says of an alarm, whole or not at all."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic import ValidationError

from schemas.inputs import Actor, Receiver, ReportDecision
from streams.core.events import written
from streams.core.facts import Action, Outcome
from streams.errors import ConfigurationError


class Said(NamedTuple):
    """What somebody wants of an alarm; `until` for `acknowledge`, `outcome` for `close`."""

    action: Action
    subject: str
    outcome: Outcome | None = None
    until: datetime | None = None
    reference: str | None = None
    organisation: str | None = None
    receiver: Receiver | None = None


class NotWhole(ConfigurationError):
    """A decision that says too much or too little; `field` says where."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


def decision_value(
    report_id: str, missing_event_id: str | None, said: Said, now: datetime, decision_id: str | None = None
) -> dict[str, Any]:
    """The decision as its record's value. Raises NotWhole.

    `decision_id`: by which it is known when it is said again; a new one where not given.
    """
    ensure_whole(said, now)
    if missing_event_id is None and said.action is not Action.ERASE:
        raise NotWhole("missing_event_id", f"Say which alarm is meant by {said.action}: only erase may leave it out.")
    try:
        decision = ReportDecision(
            decision_id=decision_id or str(uuid4()),
            report_id=report_id,
            missing_event_id=missing_event_id,
            action=said.action.value,
            outcome=said.outcome.value if said.outcome else None,
            actor=Actor(subject=said.subject, organisation=said.organisation),
            receiver=said.receiver,
            decided_at=now,
            until=said.until,
            reference=said.reference,
        )
    except ValidationError as error:
        name = str(error.errors(include_input=False)[0]["loc"][-1])
        raise NotWhole(
            name,
            f"--{name} cannot be taken: no more than 200 characters, and nothing that reads like a person's number or "
            "name.",
        ) from None
    times = {name: written(at) for name in ("decided_at", "until") if (at := getattr(decision, name)) is not None}
    return decision.model_dump(exclude_none=True) | times


def ensure_whole(said: Said, now: datetime) -> None:
    """Raise NotWhole where a decision says what does not belong together."""
    if said.action is Action.CLOSE and said.outcome is None:
        raise NotWhole("outcome", f"To close an alarm say how it ended: --outcome {', '.join(Outcome)}.")
    if said.action is not Action.CLOSE and said.outcome is not None:
        raise NotWhole("outcome", "--outcome says how an alarm ended: it belongs to close alone.")
    if said.action is not Action.ACKNOWLEDGE and said.until is not None:
        raise NotWhole("until", "--until says how long an alarm is acknowledged: it belongs to acknowledge alone.")
    if said.until is not None and said.until <= now:
        raise NotWhole("until", f"--until {written(said.until)} has passed: give a time that is still to come.")
