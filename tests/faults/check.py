"""The history check: the truth of the input logs against what was announced, kept and claimed; anomalies by name.

lost, phantom, announced_twice, different_bytes, wrong_order, wrong_reason, books_unbalanced, coverage_lied,
wrong_state, not_rejected.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

import orjson

from tests.faults.truth import (
    Inputs,
    Record,
    Truth,
    as_time,
    duration,
    home,
    read_inputs,
    read_policy,
    readable,
    stored_at,
    truth_of,
    written,
)

MISSING, RECOVERED = "no.meldingsvakt.report.missing.v1", "no.meldingsvakt.report.recovered.v1"
TERMS = ("pending", "stored", "missing", "recovered", "unproven", "erased")


class History(NamedTuple):
    """Everything that a run left on its topics (read_committed, each partition in the order of its offsets)."""

    prefix: str
    app_id: str
    partitions: int
    policy: str
    successors: Mapping[str, tuple[str, ...]]
    inputs: Sequence[Record]
    missing: Sequence[Record]
    state: Sequence[Record]
    coverage: Sequence[Record]
    rejected: Sequence[Record]
    clocks_apart_seconds: float = 0.0  # by how much the run had set one broker's clock off

    def complete_until(self, partition: int) -> str:
        """How far a partition was complete at last, as written; empty if it never was."""
        until = ""
        for value in _values(self.coverage, partition, "coverage"):
            until = value["complete_until"] or until
        return until


class Anomaly(NamedTuple):
    """Something that must never be. `detail` is one sentence, with the places that show it."""

    kind: str
    report_id: str | None
    detail: str


class Findings(NamedTuple):
    """What the check found, how many announcements it compared, and what there was to find."""

    anomalies: tuple[Anomaly, ...]
    compared: int
    counts: Mapping[str, int]


class _Covered(NamedTuple):
    """The last word of a partition's coverage."""

    until: datetime | None
    applied: Mapping[str, int]
    losses: Sequence[Mapping[str, Any]]


def check(history: History) -> Findings:
    """Compare everything. A report is judged as far as its partition's last coverage reaches."""
    return _Check(history).run()


class _Check:
    def __init__(self, history: History) -> None:
        self.history = history
        self.policy = read_policy(history.policy)
        self.inputs: Inputs = read_inputs(history.inputs, history.prefix, history.partitions)
        self.covered = {p: self._last_coverage(p) for p in range(history.partitions)}
        # A second is usual between clocks of one machine that nobody has set off.
        self.apart = timedelta(seconds=history.clocks_apart_seconds + 1)
        self.counts: Counter[str] = Counter()
        self.events: dict[str, list[tuple[Record, dict[str, Any]]]] = defaultdict(list)
        for record in history.missing:
            value = orjson.loads(record.value or b"{}")
            self.events[str(value.get("report_id"))].append((record, value))

    def run(self) -> Findings:
        anomalies = [
            *self._reports(), *self._twice(), *self._headers(), *self._coverage(), *self._books(), *self._rejected(),
        ]  # fmt: skip
        return Findings(tuple(anomalies), len(self.history.missing), dict(self.counts))

    def _last_coverage(self, partition: int) -> _Covered:
        last = None
        for value in _values(self.history.coverage, partition, "coverage"):
            last = value
        if last is None:
            return _Covered(None, {}, ())
        until = as_time(last["complete_until"]) if last["complete_until"] else None
        applied = {topic: one["next_offset"] for topic, one in last["applied"].items()}
        return _Covered(until, applied, last["losses"])

    def _applied(self, record: Record) -> bool:
        return record.offset < self.covered[record.partition].applied.get(record.topic, 0)

    def _reports(self) -> Iterator[Anomaly]:
        rows = self._rows()
        for report_id in sorted({*self.inputs.facts, *self.events}):
            facts = [fact for fact in self.inputs.facts.get(report_id, []) if self._applied(fact.record)]
            truth = truth_of(facts, self.policy, self.history.successors)
            if self._unknowable(report_id):
                self.counts["unknowable"] += 1
                continue
            yield from self._report(report_id, truth, rows.get(report_id))

    def _unknowable(self, report_id: str) -> bool:
        """Records of its partition were lost for ever: what they said about it nobody can tell."""
        return bool(self.covered[home(report_id, self.history.partitions)].losses)

    def _report(self, report_id: str, truth: Truth | None, row: dict[str, Any] | None) -> Iterator[Anomaly]:
        told = self.events.get(report_id, [])
        missing = [one for one in told if one[1]["type"] == MISSING]
        recovered = [one for one in told if one[1]["type"] == RECOVERED]
        until = self.covered[home(report_id, self.history.partitions)].until
        decided = truth is not None and until is not None and until > truth.alarm_at
        status = _status(truth, decided=decided)
        self.counts[status] += 1
        must = status in ("missing", "recovered")
        if must and not missing:
            assert truth is not None
            yield Anomaly("lost", report_id, f"Due at {truth.alarm_at}, complete until {until}, and never announced.")
        if missing and not must:
            yield Anomaly("phantom", report_id, f"Announced at {_place(missing[0][0])}, but it is {status}.")
        if status == "recovered" and missing and not recovered:
            yield Anomaly("lost", report_id, "Found again, and nobody was told.")
        if recovered and status != "recovered":
            yield Anomaly("phantom", report_id, f"Recovered at {_place(recovered[0][0])}, but it is {status}.")
        if must and truth is not None:
            yield from self._compare(truth, missing, recovered)
            yield from self._too_early(truth, missing)
        yield from self._order(report_id, missing, recovered)
        yield from self._state(report_id, truth, status, row)

    def _compare(
        self, truth: Truth, missing: list[tuple[Record, dict[str, Any]]], recovered: list[tuple[Record, dict[str, Any]]]
    ) -> Iterator[Anomaly]:
        """The events' bytes against those that the truth gives."""
        pairs = [(one, self._missing_value(truth)) for one in missing]
        if truth.proof is not None and not truth.in_time:
            pairs += [(one, _recovered_value(truth)) for one in recovered]
        for (record, value), wanted in pairs:
            if record.value == orjson.dumps(wanted):
                continue
            names = [name for name in {*value, *wanted} if value.get(name) != wanted.get(name)]
            kind = "wrong_reason" if set(names) <= {"reason", "cause"} and names else "different_bytes"
            detail = (
                f"{_place(record)} differs in {sorted(names)}: {_only(value, names)} is not {_only(wanted, names)}."
            )
            yield Anomaly(kind, truth.report_id, detail)

    def _too_early(self, truth: Truth, missing: list[tuple[Record, dict[str, Any]]]) -> Iterator[Anomaly]:
        """What was applied of the report's partition when it was announced cannot be seen, but the clock can."""
        for record, _ in missing:
            # The announcement's own append time may come from another broker's clock.
            appended = datetime.fromtimestamp(record.timestamp_ms / 1000, truth.alarm_at.tzinfo)
            if appended + self.apart < truth.alarm_at:
                yield Anomaly("phantom", truth.report_id, f"Announced at {appended}, before {truth.alarm_at}.")

    def _missing_value(self, truth: Truth) -> dict[str, Any]:
        first = truth.first.record
        kept = duration(self.policy.get("portal_retention", "P30D"))
        return {
            "type": MISSING,
            "event_id": _event_id(truth, MISSING),
            "report_id": truth.report_id,
            "reason": truth.reason,
            **_names(truth),
            "sent_at": written(truth.sent_at),
            "due_at": written(truth.due_at),
            "alarm_at": written(truth.alarm_at),
            "portal_deletes_at": written(truth.sent_at + kept),
            "policy_version": truth.terms.version,
            "sent_record": {"topic": first.topic, "partition": first.partition, "offset": first.offset},
        }

    def _order(
        self,
        report_id: str,
        missing: list[tuple[Record, dict[str, Any]]],
        recovered: list[tuple[Record, dict[str, Any]]],
    ) -> Iterator[Anomaly]:
        partition = home(report_id, self.history.partitions)
        for record, _ in missing + recovered:
            if record.partition != partition:
                yield Anomaly("wrong_order", report_id, f"{_place(record)} is not in partition {partition}.")
        for later, _ in recovered:
            if missing and later.offset < missing[0][0].offset:
                yield Anomaly("wrong_order", report_id, f"Recovered at {_place(later)}, before it was missing.")

    def _state(self, report_id: str, truth: Truth | None, status: str, row: dict[str, Any] | None) -> Iterator[Anomaly]:
        if truth is None:
            return
        if row is None:
            yield Anomaly("wrong_state", report_id, f"There is no row, but it is {status}.")
            return
        wanted = {
            "status": status,
            "sent_at": written(truth.sent_at),
            "due_at": written(truth.due_at),
            "alarm_at": written(truth.alarm_at),
            "policy_version": truth.terms.version,
            "reason": truth.reason if status in ("missing", "recovered") else None,
        }
        wrong = {name: (row[name], value) for name, value in wanted.items() if row[name] != value}
        if wrong:
            yield Anomaly("wrong_state", report_id, f"The row says otherwise (row, truth): {wrong}.")

    def _rows(self) -> dict[str, dict[str, Any]]:
        rows: dict[str, dict[str, Any]] = {}
        for record in self.history.state:
            key = (record.key or b"").decode("utf-8", "replace")
            if record.value is None:
                rows.pop(key, None)
                continue
            try:
                rows[key] = orjson.loads(record.value)
            except orjson.JSONDecodeError:
                continue  # written on purpose by a fault: the checker must have refused it
        return rows

    def _twice(self) -> Iterator[Anomaly]:
        times: Counter[tuple[str, str]] = Counter()
        ids: Counter[str] = Counter()
        for told in self.events.values():
            for _, value in told:
                times[value["report_id"], value["type"]] += 1
                ids[value["event_id"]] += 1
        for (report_id, kind), count in times.items():
            if count > 1:
                yield Anomaly("announced_twice", report_id, f"{count} events of type {kind}.")
        for event_id, count in ids.items():
            if count > 1:
                yield Anomaly("announced_twice", None, f"The event id {event_id} stands there {count} times.")

    def _headers(self) -> Iterator[Anomaly]:
        for told in self.events.values():
            for record, value in told:
                found = {name: text.decode() for name, text in record.headers}
                wanted = {
                    "ce_specversion": "1.0",
                    "ce_id": value["event_id"],
                    "ce_source": "/meldingsvakt",
                    "ce_type": value["type"],
                    "ce_subject": value["report_id"],
                    "ce_time": value["alarm_at"] if value["type"] == MISSING else value["arrived_at"],
                    "content-type": "application/json",
                }
                recorded = found.pop("ce_recordedtime", None)
                if found != wanted or recorded is None or record.key != value["report_id"].encode():
                    yield Anomaly("different_bytes", value["report_id"], f"{_place(record)} has the headers {found}.")

    def _coverage(self) -> Iterator[Anomaly]:
        for partition in range(self.history.partitions):
            yield from self._coverage_of(partition)

    def _coverage_of(self, partition: int) -> Iterator[Anomaly]:
        """No record may count as arrived before T and lie above what was applied; nothing goes back."""
        arrivals: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
        for (topic, p, offset), arrived in self.inputs.arrivals.items():
            if p == partition:
                arrivals[topic].append((arrived, offset))
        last_until, last_applied = "", dict[str, int]()
        for value in _values(self.history.coverage, partition, "coverage"):
            until, applied = value["complete_until"] or "", value["applied"]
            if until < last_until:
                yield Anomaly("coverage_lied", None, f"Partition {partition} went back from {last_until} to {until}.")
            lost = {loss["topic"] for loss in value["losses"]}
            for topic, one in applied.items():
                reached = one["next_offset"]
                if reached < last_applied.get(topic, 0) and topic not in lost:
                    yield Anomaly("coverage_lied", None, f"{topic}-{partition} went back to offset {reached}.")
                last_applied[topic] = reached
                if topic in lost or not until:
                    continue
                above = [(at, offset) for at, offset in arrivals[topic] if offset >= reached and written(at) < until]
                if above:
                    at, offset = above[0]
                    detail = (
                        f"{topic}-{partition} offset {offset} arrived at {at}, complete until {until}, not applied."
                    )
                    yield Anomaly("coverage_lied", None, detail)
            last_until = max(until, last_until)

    def _books(self) -> Iterator[Anomaly]:
        for partition in range(self.history.partitions):
            last: dict[str | None, dict[str, Any]] = {}
            for value in _values(self.history.coverage, partition, "books"):
                sent = value["sent_records"] - value["duplicates"] - value["resends"]
                if not sent == value["sent"] == sum(value[name] for name in TERMS):
                    yield Anomaly("books_unbalanced", None, f"Partition {partition}: {value}.")
                last[value["municipality"]] = value
            if not self.covered[partition].losses:
                yield from self._same_books(partition, last)

    def _same_books(self, partition: int, last: Mapping[str | None, dict[str, Any]]) -> Iterator[Anomaly]:
        """The last books against those that the log adds up to."""
        wanted: dict[str | None, Counter[str]] = defaultdict(Counter)
        until = self.covered[partition].until
        for report_id, all_facts in self.inputs.facts.items():
            if home(report_id, self.history.partitions) != partition:
                continue
            facts = [fact for fact in all_facts if self._applied(fact.record)]
            truth = truth_of(facts, self.policy, self.history.successors)
            if truth is None:
                continue
            decided = until is not None and until > truth.alarm_at
            book = wanted[(_names(truth)["receiver"] or {}).get("municipality")]
            book[_status(truth, decided=decided)] += 1
            book["sent_records"] += sum(fact.kind == "sent" for fact in facts)
        for town in {*wanted, *last}:
            found = {name: last.get(town, {}).get(name, 0) for name in (*TERMS, "sent_records")}
            counted = {name: wanted[town][name] for name in (*TERMS, "sent_records")}
            if found != counted:
                detail = f"Partition {partition}, {town}: the books say {found}, the log {counted}."
                yield Anomaly("books_unbalanced", None, detail)

    def _rejected(self) -> Iterator[Anomaly]:
        listed = {}
        for record in self.history.rejected:
            value = orjson.loads(record.value or b"{}")
            listed[value["topic"], value["partition"], value["offset"]] = value
        wanted = {(one.topic, one.partition, one.offset): one for one in self.inputs.unreadable if self._applied(one)}
        misplaced = {(one.topic, one.partition, one.offset) for one in self.inputs.misplaced}
        for place, record in wanted.items():
            if place not in listed:
                yield Anomaly("not_rejected", None, f"{_place(record)} cannot be read, and is not listed.")
            elif listed[place]["sha256"] != hashlib.sha256(record.value or b"").hexdigest():
                yield Anomaly("not_rejected", None, f"{_place(record)} is listed as another record.")
        for place in listed.keys() - wanted.keys() - misplaced:
            if not self.covered[place[1]].losses:
                yield Anomaly("not_rejected", None, f"{place} can be read, but is listed as {listed[place]['reason']}.")


def _status(truth: Truth | None, *, decided: bool) -> str:
    if truth is None:
        return "unexpected"
    if truth.in_time or (truth.proof is not None and decided and not truth.terms.proof_asked):
        return "stored"
    if not decided:
        return "pending"
    if not truth.terms.proof_asked:
        return "unproven"
    return "recovered" if truth.proof is not None else "missing"


def _names(truth: Truth) -> dict[str, Any]:
    """The first sent's names; what it could not tell is null (the workload has no sent that fills names in later)."""
    receiver = readable(truth.first, "receiver")
    levels = ("municipality", "district", "unit_id", "org_number")
    return {
        "receiver": receiver and {level: receiver.get(level) for level in levels},
        "channel": readable(truth.first, "channel"),
        "case_system": readable(truth.first, "case_system"),
        "case_system_version": readable(truth.first, "case_system_version"),
    }


def _recovered_value(truth: Truth) -> dict[str, Any]:
    assert truth.proof is not None
    at = stored_at(truth.proof)
    return {
        "type": RECOVERED,
        "event_id": _event_id(truth, RECOVERED),
        "missing_event_id": _event_id(truth, MISSING),
        "report_id": truth.report_id,
        "stored_at": written(at),
        "arrived_at": written(truth.proof.arrived),
        "evidence": readable(truth.proof, "evidence"),
        "receiver": _names(truth)["receiver"],
        "cause": "confirmed_late" if at <= truth.due_at else "stored_late",
    }


def _event_id(truth: Truth, kind: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{truth.report_id}/{kind}/{written(truth.alarm_at)}"))


def _values(records: Sequence[Record], partition: int, kind: str) -> Iterator[dict[str, Any]]:
    for record in records:
        if record.partition == partition and record.value is not None:
            value = orjson.loads(record.value)
            if value["kind"] == kind:
                yield value


def _only(value: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value.get(name) for name in names}


def _place(record: Record) -> str:
    return f"{record.topic}-{record.partition} offset {record.offset}"
