"""From a long failing schedule to a short one, and to a script that `meldingsvakt replay` shows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from streams.core.events import written
from streams.core.facts import Decision, Receipt, Sent, Stored
from tests.system.virtual.kafka import TOPICS, Kafka, time_of
from tests.system.virtual.schedule import POLICY_TOML, Scheduler, Step
from tests.system.virtual.truth import Anomaly
from tests.system.virtual.worker import Worker

Fails = Callable[[Sequence[Step]], bool]


def shrunk(steps: Sequence[Step], fails: Fails) -> list[Step]:
    """The schedule without every step that the failure does not need, and with the smallest numbers that still fail."""
    current, before = list(steps), None
    while current != before:
        before = list(current)
        current = _simpler(_fewer(current, fails), fails)
    return current


def _fewer(steps: list[Step], fails: Fails) -> list[Step]:
    """Drop runs of steps, long ones first."""
    size = max(1, len(steps) // 2)
    while size:
        at = 0
        while at < len(steps):
            without = steps[:at] + steps[at + size :]
            if fails(without):
                steps = without
            else:
                at += 1
        size //= 2
    return steps


def _simpler(steps: list[Step], fails: Fails) -> list[Step]:
    for at, step in enumerate(steps):
        for name in ("a", "b"):
            for smaller in range(getattr(step, name)):
                less = steps[at]._replace(a=smaller) if name == "a" else steps[at]._replace(b=smaller)
                changed = [*steps[:at], less, *steps[at + 1 :]]
                if fails(changed):
                    steps = changed
                    break
    return steps


def script(kafka: Kafka) -> list[bytes]:
    """The log as lines for `meldingsvakt replay`, in order of arrival, with a tick at the end."""
    entries = [
        (entry.at, topic, entry.fact) for topic in TOPICS for entry in kafka.logs[topic] if entry.fact is not None
    ]
    entries.sort(key=lambda entry: entry[0])
    lines = [{"at": written(time_of(at)), "topic": topic, "value": value_of(fact)} for at, topic, fact in entries]
    return [orjson.dumps(line) for line in [*lines, {"at": written(time_of(kafka.now)), "tick": True}]]


def value_of(fact: Any) -> dict[str, Any]:
    """A fact as the value of its record."""
    if isinstance(fact, Sent):
        assert fact.sent_at is not None
        receiver = fact.names.receiver
        return {
            "report_id": fact.report_id, "sent_at": written(fact.sent_at),
            "receiver": {"municipality": receiver.municipality if receiver else None},
            "channel": fact.names.channel, "case_system": fact.names.case_system, "message_id": fact.message_id,
        }  # fmt: skip
    if isinstance(fact, Receipt):
        return {"report_id": fact.report_id, "receipt": fact.receipt, "received_at": written(fact.place.arrived)}
    if isinstance(fact, Decision):
        return {
            "decision_id": fact.decision_id, "report_id": fact.report_id, "missing_event_id": fact.missing_event_id,
            "action": fact.action, "outcome": fact.outcome, "actor": {"subject": "someone"},
            "decided_at": written(fact.decided_at),
        }  # fmt: skip
    assert isinstance(fact, Stored)
    value: dict[str, Any] = {
        "report_id": fact.report_id, "stored_at": written(fact.stored_at), "evidence": fact.evidence,
    }  # fmt: skip
    if fact.receiver is not None:
        value["receiver"] = {"municipality": fact.receiver.municipality}
    return value


def report(steps: Sequence[Step], worker_class: type[Worker], rules: Any, anomaly: Anomaly, folder: Path) -> str:
    """Shrink a failing schedule, write its script and policy into a folder, and say how to look at it."""

    def same(some: Sequence[Step]) -> bool:
        try:
            Scheduler(worker_class, rules).play(some)
        except Anomaly as found:
            return found.kind == anomaly.kind
        return False

    short = shrunk(steps, same)
    scheduler = Scheduler(worker_class, rules)
    why = ""
    try:
        scheduler.play(short)
    except Anomaly as found:
        why = str(found)
    file, policy = folder / "failing.ndjson", folder / "policy.toml"
    file.write_bytes(b"\n".join(script(scheduler.kafka)) + b"\n")
    policy.write_text(POLICY_TOML)
    told = "\n".join(f"  {step.name} {step.a} {step.b}" for step in short)
    return f"{why}\nthe shortest schedule:\n{told}\nmeldingsvakt replay {file} --policy {policy} --states"
