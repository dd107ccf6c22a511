"""A naive reading of the rules, apart from the checker: all of a finished script at once, report by report."""

import tomllib
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from isodate import parse_duration

from streams.data import municipalities
from streams.simulation.script import ScriptLine, Truth

REASONS = {
    "MOTTATT": "receipted_not_stored",
    "FEILET": "rejected",
    "TIDSAVBRUDD": "transport_failed",
    "SERVERFEIL": "transport_failed",
    None: "no_receipt",
}
SUCCESSORS = {one.code: one.successors for one in municipalities()}


def oracle(lines: Iterable[ScriptLine], policy_toml: str, until: datetime) -> dict[str, Truth]:
    """What is true of every report whose sent arrived, when all up to `until` is known."""
    policy = tomllib.loads(policy_toml)["version"][0]
    by_report: dict[str, list[ScriptLine]] = defaultdict(list)
    for line in lines:
        if line.at <= until:
            by_report[line.value["report_id"]].append(line)
    sent = {id: own for id, own in by_report.items() if any(line.topic == "sent" for line in own)}
    return {id: judged(own, policy, until) for id, own in sent.items()}


def judged(own: list[ScriptLine], policy: dict[str, Any], until: datetime) -> Truth:
    """One report by section 4: its lines come in order of arrival."""
    first = next(line for line in own if line.topic == "sent")
    due, alarm = deadlines(first, policy)
    stored = [line for line in own if line.topic == "stored"]
    counting = [line for line in stored if not line.value.get("receiver") or same(first.value, line.value)]
    report_id, municipality = first.value["report_id"], first.value["receiver"]["municipality"]
    if counting and counting[0].at <= alarm:
        return Truth(report_id, municipality, "stored")
    if until <= alarm:
        return Truth(report_id, municipality, "pending")
    receipts = [line.value["receipt"] for line in own if line.topic == "receipt" and line.at <= alarm]
    elsewhere = any(line.at <= alarm for line in stored)
    reason: Any = "stored_elsewhere" if elsewhere else REASONS[receipts[-1] if receipts else None]
    if not counting:
        return Truth(report_id, municipality, "missing", reason)
    by_due = datetime.fromisoformat(counting[0].value["stored_at"]) <= due
    return Truth(report_id, municipality, "recovered", reason, "confirmed_late" if by_due else "stored_late")


def deadlines(first: ScriptLine, policy: dict[str, Any]) -> tuple[datetime, datetime]:
    """Due and alarm time of a report with this first sent."""
    allowance: timedelta = parse_duration(policy["allowance"].get(first.value["channel"], policy["default"]))
    due = datetime.fromisoformat(first.value["sent_at"]) + allowance
    return due, max(due, first.at) + parse_duration(policy["grace"])


def same(sent: dict[str, Any], stored: dict[str, Any]) -> bool:
    """Do both name the same receiver, on the levels that both give?"""
    one, other = sent["receiver"], stored["receiver"]
    if not (
        descends(one["municipality"], other["municipality"]) or descends(other["municipality"], one["municipality"])
    ):
        return False
    districts = {receiver["district"] for receiver in (one, other) if receiver.get("district", "00") != "00"}
    return len(districts) < 2


def descends(code: str, ancestor: str) -> bool:
    """Is it the same number, or one that came of it?"""
    later = [one for one in SUCCESSORS.get(ancestor, ()) if one != ancestor]
    return code == ancestor or any(descends(code, one) for one in later)
