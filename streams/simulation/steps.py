"""The records of which stories are made."""

from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple

from streams.core.events import written
from streams.simulation.script import Topic

_TIME_FIELD: dict[Topic, str] = {
    "sent": "sent_at", "receipt": "received_at", "stored": "stored_at", "feed": "vouched_until",
}  # fmt: skip


class Dispatch(NamedTuple):
    """A report on its way: who it is for and how it travels."""

    report_id: str
    receiver: dict[str, str]
    channel: str
    case_system: str
    case_system_version: str
    form: str
    stored_as: dict[str, str] | None = None  # how the proof names the receiver, if it does
    elsewhere: dict[str, str] | None = None  # where it is stored by mistake
    served: bool = False  # another member of its receiver's service stores it


class StoryStep(NamedTuple):
    """One record to produce. Its own time lies `back_seconds` before the moment when it is produced."""

    offset_seconds: float
    topic: Topic
    report_id: str
    body: dict[str, Any]
    back_seconds: float = 0.0

    def value_at(self, now: datetime) -> dict[str, Any]:
        """The record's value if it is produced at `now` (UTC)."""
        time = now - timedelta(seconds=self.back_seconds) if self.back_seconds else now
        return {**self.body, _TIME_FIELD[self.topic]: written(time)}


def sent_step(dispatch: Dispatch, at: float, back: float, message_id: str) -> StoryStep:
    """The portal's word that it handed the report over."""
    body = {
        "report_id": dispatch.report_id,
        "receiver": dispatch.receiver,
        "channel": dispatch.channel,
        "case_system": dispatch.case_system,
        "case_system_version": dispatch.case_system_version,
        "message_id": message_id,
        "form": dispatch.form,
    }
    return StoryStep(at, "sent", dispatch.report_id, body, back)


def receipt_step(dispatch: Dispatch, receipt: str, at: float, message_id: str) -> StoryStep:
    """What the receiving side claims of one attempt."""
    body = {"report_id": dispatch.report_id, "receipt": receipt, "message_id": message_id}
    return StoryStep(at, "receipt", dispatch.report_id, body)


def stored_step(rng: Random, dispatch: Dispatch, at: float, back: float, receiver: dict[str, str] | None) -> StoryStep:
    """Evidence that it is stored, naming a receiver or none."""
    draw = rng.random()
    evidence = "READ_BACK" if draw < 0.8 else "RECONCILIATION" if draw < 0.97 else "MANUAL"
    body: dict[str, Any] = {"report_id": dispatch.report_id, "evidence": evidence}
    if receiver is not None:
        body |= {"receiver": receiver, "case_system": dispatch.case_system}
    return StoryStep(at, "stored", dispatch.report_id, body, back)


def mark_step(feed: str, at: float, back: float) -> StoryStep:
    """A feed's word that it has brought all that was stored until `back` seconds ago."""
    return StoryStep(at, "feed", "", {"feed": feed}, back)


def again_step(rng: Random, step: StoryStep, allowance: float) -> StoryStep:
    """The same record once more, a little later: its own time stays."""
    gap = allowance * rng.uniform(0.01, 0.1)
    return step._replace(offset_seconds=step.offset_seconds + gap, back_seconds=step.back_seconds + gap)


def random_uuid(rng: Random) -> str:
    """A version 4 UUID from the generator, so that the same seed gives the same id."""
    bits = rng.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | (4 << 76) | (2 << 62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
