"""What is known of a report as people read it: what its state means, what to do, what happened; places come last."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from schemas.common import parse_time
from streams.commands.explain import Explained, Line
from streams.commands.windows import Move
from streams.core.events import CLOSED_TYPE, MISSING_TYPE, RECOVERED_TYPE, REOPENED_TYPE
from streams.core.facts import Action, Decision, Receipt, Sent
from streams.core.fold import Step
from streams.core.row import Reason, Status
from streams.data import todays_number
from streams.presentation.municipality_names import municipality_name
from streams.presentation.words import Words

WORDS = Words("en")
_WHY = {
    Reason.NO_RECEIPT: "neither a receipt nor a proof of storage has come",
    Reason.RECEIPTED_NOT_STORED: "the receiver said that it was received, but no proof of storage has come",
    Reason.REJECTED: "the receiver refused it, and no proof of storage has come",
    Reason.TRANSPORT_FAILED: "it failed on its way to the receiver, and no proof of storage has come",
    Reason.STORED_ELSEWHERE: "another receiver than the one it was sent to has stored it",
    Reason.UNWATCHED: "its source of proof was silent to the last, so that nobody could see whether it was stored",
}
_ASK = "Ask {receiver} to look for it, by {name}."
_ADVICE = {
    Reason.NO_RECEIPT: f"{_ASK} If it is not there, send it again",
    Reason.RECEIPTED_NOT_STORED: f"{_ASK} If it is not there: the portal counts it as delivered and refuses to send it "
    "again, so fetch it there and hand it over",
    Reason.REJECTED: "Ask {receiver} why it was refused, have that mended, and send it again",
    Reason.TRANSPORT_FAILED: "Send it again",
    Reason.STORED_ELSEWHERE: "Ask the one that stored it to hand it over to {receiver}, or send it again",
    Reason.UNWATCHED: f"{_ASK} If it is not there, send it again; and ask why its source of proof is silent",
}
_STATES = {
    Status.STORED: "Stored: its proof arrived in time.",
    Status.RECOVERED: "Recovered: it was announced missing, and its proof has come after all.",
    Status.UNPROVEN: "Unproven: no proof of storage is asked of this receiver yet.",
    Status.UNEXPECTED: "Stored, but nobody has said that it was sent.",
    Status.ERASED: "Erased by a decision: nothing is left of it but its id and when.",
}
_RECEIPTS = {
    "MOTTATT": "received (the receiver's word, no proof)",
    "FEILET": "refused",
    "TIDSAVBRUDD": "timed out",
    "SERVERFEIL": "the server failed",
}
_EVIDENCE = {
    "READ_BACK": "read back from the case system", "RECONCILIATION": "reconciled", "MANUAL": "checked by hand",
}  # fmt: skip
_OUTCOMES = {
    "found": "found, without proof", "false_alarm": "a false alarm", "withdrawn": "withdrawn",
    "handled": "handled another way", "lost": "given up",
}  # fmt: skip
_ACTIONS = {
    Action.ACKNOWLEDGE: "somebody has seen the alarm and acts on it", Action.CLOSE: "somebody closed the alarm as",
    Action.REOPEN: "somebody opened the alarm again", Action.ERASE: "somebody had the report erased",
}  # fmt: skip
_EVENTS = {
    MISSING_TYPE: ("alarm_at", "announced missing"), RECOVERED_TYPE: ("arrived_at", "announced found"),
    CLOSED_TYPE: ("arrived_at", "announced closed"), REOPENED_TYPE: ("arrived_at", "announced open again"),
}  # fmt: skip
_MOVES = {
    Step.OPENED: "proof is due", Step.REROUTED: "by another channel: proof is now due",
    Step.WINDOW_OPENED: "sent again after the alarm: proof is due",
}  # fmt: skip


class ReportStory(NamedTuple):
    """A report told: one sentence, what to do, and names with values for the rest."""

    sentence: str
    advice: list[str]
    facts: list[tuple[str, object]]
    moments: list[tuple[str, str]]
    places: list[tuple[str, object]]


def told(found: Explained, now: datetime) -> ReportStory:
    """The story of a report; times are Norwegian ones, but in the places."""
    state = found.state or {}
    missing = [event for event in found.events if event["type"] == MISSING_TYPE]
    deletes = parse_time(missing[-1]["portal_deletes_at"]) if missing else None
    return ReportStory(
        _sentence(state, found.coverage or {}, now),
        list(_advice(state, deletes, now)),
        _facts(found, state, deletes),
        _moments(found),
        _places(found, state),
    )


def _sentence(state: dict[str, Any], coverage: dict[str, Any], now: datetime) -> str:
    status = state.get("status")
    if status is None:
        return "Not judged yet: its records lie in the inputs, but the checker has not come so far."
    if status == Status.MISSING and state["outcome"]:
        return (
            f"Missing, and somebody closed its alarm as {_OUTCOMES.get(state['outcome'], state['outcome'])}; no proof "
            "of storage has come."
        )
    if status == Status.MISSING:
        return f"Missing for {WORDS.duration(now - parse_time(state['alarm_at']))}: {_WHY[Reason(state['reason'])]}."
    if status == Status.PENDING:
        return f"Waiting for proof of storage until {_time(state['alarm_at'])}."
    if status == Status.UNDETERMINED:
        blind = f"its source of proof, {state['feed']}, is silent" if state["feed"] else "records were lost unread"
        return f"It cannot be told yet whether it is stored: {blind}."
    return _STATES[Status(status)]


def _advice(state: dict[str, Any], deletes: datetime | None, now: datetime) -> Iterator[str]:
    status = state.get("status")
    if status is None:
        yield "Look with `meldingsvakt doctor` whether a worker runs, and how far it is."
    elif status == Status.MISSING and not state["outcome"]:
        if deletes is not None and deletes <= now:
            yield (
                f"The portal deleted its copy {_time(deletes)}: ask {_receiver(state)} and the sender, by "
                f"{_name(state)}, who still has it."
            )
        else:
            until = f", before the portal deletes its copy {_time(deletes)}" if deletes else ""
            yield _ADVICE[Reason(state["reason"])].format(receiver=_receiver(state), name=_name(state)) + until + "."
        yield f"Then say how it ended: `meldingsvakt decide {state['report_id']} close --outcome OUTCOME`"
    elif status == Status.UNDETERMINED:
        yield "Have the source of proof speak again; if it does not, the report is announced missing in time."
    elif status == Status.UNEXPECTED:
        yield "Ask the portal whether it sent it, and why it did not say so."


def _facts(found: Explained, state: dict[str, Any], deletes: datetime | None) -> list[tuple[str, object]]:
    system = " ".join(filter(None, (state.get("case_system"), state.get("case_system_version"))))
    gap = (found.coverage or {}).get("gap")
    return [
        ("Report", found.report_id),
        ("Receiver", _receiver(state) if state.get("receiver") else None),
        ("Unit", (state.get("receiver") or {}).get("unit_id")),
        ("Status", WORDS.code("status", state.get("status")) if state else None),
        ("Sent", _time(state.get("sent_at"))),
        ("By", _code("channel", state.get("channel"))),
        ("Case system", system),
        ("Message ids", ", ".join(state.get("message_ids") or ())),
        ("Proof due", _time(state.get("due_at"))),
        ("Alarm", _time(state.get("alarm_at"))),
        ("Portal deletes", _time(deletes)),
        ("Source of proof", state.get("feed")),
        ("Checked until", _time((found.coverage or {}).get("complete_until"))),
        ("Not seen since", f"{_time(gap['since'])} ({gap['cause']})" if gap else None),
    ]


def _moments(found: Explained) -> list[tuple[str, str]]:
    """Records by their arrival, and what was announced; a record whose arrival nobody knows comes first."""
    several = [(line.entry["arrived"] or "", 0, _line(line)) for line in found.timeline]
    for event in found.events:
        when, what = _EVENTS[event["type"]]
        why = f": {WORDS.code('reason', event['reason'])}" if event["type"] == MISSING_TYPE else ""
        several.append((event.get(when) or "", 1, what + why))
    return [(_time(at or None) or "nobody knows when", what) for at, _, what in sorted(several)]


def _line(line: Line) -> str:
    fact, unreadable = line.fact, line.entry["unreadable"]
    said = _said(fact, line.entry["arrived"]) + (_moved(line.move) if line.move else "")
    return f"{said} (does not count: {unreadable})" if unreadable else said


def _said(fact: Any, arrived: str | None) -> str:
    """Where a record's own time is not that of its arrival, it says it."""
    if isinstance(fact, Sent):
        earlier = "" if _time(fact.sent_at) in ("", _time(arrived)) else f", as it says {_time(fact.sent_at)}"
        return f"sent by the portal{earlier}"
    if isinstance(fact, Receipt):
        return f"receipt: {_RECEIPTS[fact.receipt]}"
    if isinstance(fact, Decision):
        outcome = f" {_OUTCOMES[fact.outcome]}" if fact.outcome else ""
        return f"{_ACTIONS[fact.action]}{outcome}"
    by = f" by {_named(fact.receiver.municipality)}" if fact.receiver else ""
    how = _EVIDENCE.get(fact.evidence or "", fact.evidence or "it does not say how")
    return f"proof: stored{by} {_time(fact.stored_at)}, {how}"


def _moved(move: Move) -> str:
    return f"; {_MOVES[move.step]} {_time(move.due)}, the alarm comes {_time(move.alarm)}"


def _places(found: Explained, state: dict[str, Any]) -> list[tuple[str, object]]:
    lines = [(line.entry["fact"], _place(line.entry)) for line in found.timeline]
    events = [(event["type"].split(".")[-2], f"event {event['event_id']}") for event in found.events]
    known = (
        ("policy", state.get("policy_version")), ("attempts", state.get("attempts")),
        ("episode", state.get("episode")), ("flags", ", ".join(state.get("flags") or ())),
    )  # fmt: skip
    return [*lines, *events, *known]


def _place(entry: dict[str, Any]) -> str:
    arrived = f", arrived {entry['arrived']}" if entry["arrived"] else ""
    copied = f", copied from {entry['copied_from']}" if entry["copied_from"] else ""
    return f"{entry['topic']}, partition {entry['partition']}, offset {entry['offset']}{arrived}{copied}"


def _name(state: dict[str, Any]) -> str:
    """What others know it by."""
    return "the message ids below" if state["message_ids"] else "the report's id"


def _receiver(state: dict[str, Any]) -> str:
    receiver = state["receiver"]
    if not receiver or not receiver["municipality"]:
        return "the receiver"
    district = f", district {receiver['district']}" if receiver["district"] else ""
    return _named(receiver["municipality"]) + district


def _named(number: str) -> str:
    """A municipality by name and number, and what it is today where that is another one."""
    today = todays_number(number)
    now = f" (today {municipality_name(today)} {today})" if today != number else ""
    return f"{municipality_name(number) or 'an unknown receiver'} {number}{now}"


def _code(section: str, code: str | None) -> str | None:
    return None if code is None else WORDS.code(section, code)


def _time(time: datetime | str | None) -> str:
    return "" if time is None else WORDS.time(time, seconds=True)
