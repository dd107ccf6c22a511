"""One report of a log: what its records say, each for itself. Its sents are named by their number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, wraps
from typing import Any, TypeVar

from streams.core.facts import Decision, Names, Receipt, Sent, Stored
from streams.core.policy import Version
from tests.core.law import Law, Log, agree, too_old, trusted

FAR = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, eq=False)
class Report:
    """All that bears on one report that was sent. Its sents are named by their number among `sents`."""

    sents: Sequence[Sent]
    receipts: Sequence[Receipt]
    stored: Sequence[Stored]
    decisions: Sequence[Decision]
    partition: Log
    law: Law
    answers: dict[Any, Any] = field(default_factory=dict)

    @property
    def first(self) -> Sent:
        """The sent that decides which terms hold, and whom a proof must name."""
        return self.sents[0]

    @cached_property
    def version(self) -> Version:
        """The version of the policy by which it is judged."""
        return self.law.in_force(self.first.place.arrived)

    @cached_property
    def last_call(self) -> datetime:
        """After this nothing stays unsaid."""
        return trusted(self.first) + self.version.portal_retention - self.version.last_call

    def by(self, time: datetime) -> "Report | None":
        """The same as of a time; None if it was not sent by then."""
        return report_of(self.partition.by(time), self.first.report_id, self.law)


Answer = TypeVar("Answer")


def once(question: Callable[[Report], Answer]) -> Callable[[Report], Answer]:
    """A question that a report is asked once: what it says never changes, and most are asked by many others."""

    @wraps(question)
    def ask(report: Report) -> Answer:
        if question not in report.answers:
            report.answers[question] = question(report)
        answer: Answer = report.answers[question]
        return answer

    return ask


def report_of(log: Log, report_id: str, law: Law) -> Report | None:
    """One report of a partition's log; None if it was not sent."""
    own = log.about(report_id)
    sents = list(own.sent)
    while sents and too_old(sents[0], law):
        del sents[0]
    return Report(sents, own.receipt, own.proofs, own.decision, log, law) if sents else None


def is_attempt(report: Report, number: int) -> bool:
    """True for the first sent, and for each whose message id or channel is new to the report."""
    sent, earlier = report.sents[number], report.sents[:number]
    if not earlier:
        return True
    ids, channels = {s.message_id for s in earlier}, {s.names.channel for s in earlier}
    new_id = sent.message_id not in ids | {None}
    return new_id or (channels != {None} and sent.names.channel not in channels | {None})


@once
def attempts(report: Report) -> list[int]:
    """Every attempt."""
    return [number for number in range(len(report.sents)) if is_attempt(report, number)]


@once
def naming(report: Report) -> dict[str, int]:
    """By each name that the first sent lacks: the first later sent that tells it."""
    found: dict[str, int] = {}
    for name in [n for n in report.first.unreadable if n.split(".")[0] in Names._fields]:
        if "." in name and report.first.names.receiver is None:
            continue
        telling = [n for n, sent in enumerate(report.sents) if n > 0 and _told_by(sent, name) is not None]
        found |= {name: telling[0]} if telling else {}
    return found


def _told_by(sent: Sent, name: str) -> object:
    field, _, level = name.partition(".")
    told: object = getattr(sent.names, field)
    return getattr(told, level) if level and told is not None else told


def names_upto(report: Report, number: int) -> Names:
    """The first sent's names, with those filled in that it lacks and that a later one tells, up to a certain sent."""
    names = report.first.names
    for name, teller in naming(report).items():
        field, _, level = name.partition(".")
        told: object = getattr(report.sents[teller].names, field)
        if level and names.receiver is not None:
            told = names.receiver._replace(**{level: _told_by(report.sents[teller], name)})  # type: ignore[arg-type]
        if teller <= number:
            names = names._replace(**{field: told})  # type: ignore[arg-type]
    return names


def names_by(report: Report, time: datetime = FAR) -> Names:
    """The names that were known by a time."""
    return names_upto(report, max([n for n, sent in enumerate(report.sents) if sent.place.arrived <= time], default=0))


def counts(report: Report, stored: Stored) -> bool:
    """True if a stored record names no other receiver than the first sent."""
    told = None if "receiver" in report.first.unreadable else report.first.names.receiver
    return agree(told, stored.receiver, report.version, report.law.successors)


@once
def proof(report: Report) -> Stored | None:
    """The first stored record that counts."""
    return next((s for s in report.stored if counts(report, s)), None)


def proved_by(report: Report, time: datetime) -> bool:
    """True if the proof came by then."""
    found = proof(report)
    return found is not None and found.place.arrived <= time


def about(report: Report, receipt: Receipt) -> int:
    """The attempt that a receipt is about."""
    sent = [n for n, s in enumerate(report.sents) if s.place.arrived <= receipt.place.arrived]
    named = [n for n in sent if receipt.message_id is not None and report.sents[n].message_id == receipt.message_id]
    return named[0] if named else max([n for n in sent if is_attempt(report, n)], default=0)
