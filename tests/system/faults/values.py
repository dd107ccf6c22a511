"""What the oracle knows, as the values of the topics say it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from streams.core.books import Book
from streams.core.events import Closed, Event, Missing, Recovered, Reopened
from streams.core.facts import Names, Receiver
from tests.core.oracle import Verdict, Word

MISSING, RECOVERED = "no.meldingsvakt.report.missing.v1", "no.meldingsvakt.report.recovered.v1"
CLOSED, REOPENED = "no.meldingsvakt.report.closed.v1", "no.meldingsvakt.report.reopened.v1"


def written(time: datetime) -> str:
    """A time as it stands in every value."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def event_value(event: Event) -> dict[str, Any]:
    """The value of an event, its fields in their order."""
    if isinstance(event, Missing):
        return _missing_value(event)
    if not isinstance(event, Recovered):
        return _decided_value(event)
    return {
        "type": RECOVERED,
        "event_id": event.event_id,
        "missing_event_id": event.missing_event_id,
        "report_id": event.report_id,
        "stored_at": written(event.stored_at),
        "arrived_at": written(event.arrived_at),
        "evidence": event.evidence,
        "cause": event.cause.value,
        **_repeated(event),
    }


def _decided_value(event: Closed | Reopened) -> dict[str, Any]:
    outcome = {"outcome": event.outcome.value} if isinstance(event, Closed) else {}
    return {
        "type": CLOSED if isinstance(event, Closed) else REOPENED,
        "event_id": event.event_id,
        "missing_event_id": event.missing_event_id,
        "report_id": event.report_id,
        "decision_id": event.decision_id,
        **outcome,
        "decided_at": written(event.decided_at),
        "arrived_at": written(event.arrived_at),
        **_repeated(event),
    }


def _repeated(event: Recovered | Closed | Reopened) -> dict[str, Any]:
    """What its missing event said."""
    return {
        "reason": event.reason.value,
        **_names_value(event.names),
        "sent_at": written(event.sent_at),
        "due_at": written(event.due_at),
        "episode": event.episode,
    }


def _missing_value(event: Missing) -> dict[str, Any]:
    claim, feed, first = event.receipt, event.feed, event.sent_record
    return {
        "type": MISSING,
        "event_id": event.event_id,
        "report_id": event.report_id,
        "reason": event.reason.value,
        **_names_value(event.names),
        "form": event.names.form,
        "sent_at": written(event.sent_at),
        "due_at": written(event.due_at),
        "alarm_at": written(event.alarm_at),
        "portal_deletes_at": written(event.portal_deletes_at),
        "message_ids": list(event.message_ids),
        "receipt": {"receipt": claim.receipt.value, "arrived": written(claim.arrived)} if claim else None,
        "feed": {"id": feed.id, "vouched_until": _time(feed.vouched_until)} if feed else None,
        "episode": event.episode,
        "previous_event_id": event.previous_event_id,
        "policy_version": event.policy_version,
        "sent_record": {"topic": first.topic, "partition": first.partition, "offset": first.offset},
    }


def row_value(verdict: Verdict) -> dict[str, Any]:
    """What a report's row has to say; of one that was not sent there is little."""
    known = {"status": verdict.status.value, "touched_at": written(verdict.touched), "receipt": verdict.receipt}
    if verdict.sent_at is None:
        return known
    return known | {
        **_names_value(verdict.names),
        "channel": verdict.channel,
        "form": verdict.names.form,
        "sent_at": _time(verdict.sent_at),
        "due_at": _time(verdict.due_at),
        "alarm_at": _time(verdict.alarm_at),
        "stored_at": _time(verdict.stored_at),
        "reason": verdict.reason,
        "missing_event_id": verdict.missing_event_id,
        "recovered_at": _time(verdict.recovered_at),
        "feed": verdict.feed,
        "episode": verdict.episode,
        "outcome": verdict.outcome,
        "closed_at": _time(verdict.closed_at),
        "decision_id": verdict.decision_id,
        "message_ids": list(verdict.message_ids),
        "attempts": verdict.attempts,
        "flags": sorted(verdict.flags),
        "policy_version": verdict.policy_version,
    }


def word_value(word: Word, proofs: int) -> dict[str, Any]:
    """A feed's word on coverage, and how many of its proofs have come since."""
    return {
        "vouched_until": _time(word.vouched_until),
        "since": _time(word.said),
        "heard": _time(word.heard),
        "proofs": proofs,
    }


def book_value(book: Book) -> dict[str, int]:
    """One receiver's counts."""
    return {"sent": book.sent} | asdict(book)


def _names_value(names: Names) -> dict[str, Any]:
    receiver: Receiver | None = names.receiver
    return {
        "receiver": receiver._asdict() if receiver else None,
        "channel": names.channel,
        "case_system": names.case_system,
        "case_system_version": names.case_system_version,
    }


def _time(time: datetime | None) -> str | None:
    return None if time is None else written(time)
