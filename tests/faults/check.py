"""The history check: the truth of the input logs against what was announced, kept and claimed; anomalies by name.

lost, phantom, announced_twice, different_bytes, wrong_order, wrong_reason, books_unbalanced, coverage_lied,
wrong_state, not_rejected.

What was deleted before the checker read it is known here and not to the checker: it has to say so, to judge by the
rest, and to call nobody missing for want of it before it is too late.
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
    Sight,
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
TERMS = ("pending", "stored", "missing", "recovered", "unproven", "undetermined", "erased")
DOUBTS = {"evidence_lost", "before_the_beginning"}


class Unseen(NamedTuple):
    """Offsets of one input that were deleted before this checker could read them; from 0 on: before it began."""

    from_offset: int
    to_offset: int


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
    unseen: Mapping[tuple[str, int], Unseen] = {}  # by topic and partition; `inputs` holds these records, too

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
    """What the check found, how many announcements it compared, and what there was to find.

    `verdicts`: when those in doubt are missing, later than their alarm.
    """

    anomalies: tuple[Anomaly, ...]
    compared: int
    counts: Mapping[str, int]
    verdicts: Mapping[str, datetime]


class _Covered(NamedTuple):
    """The last word of a partition's coverage."""

    until: datetime | None
    applied: Mapping[str, int]
    losses: Sequence[Mapping[str, Any]]
    beginnings: Mapping[str, str]
    first: datetime | None


def check(history: History) -> Findings:
    """Compare everything. A report is judged as far as its partition's last coverage reaches."""
    return _Check(history).run()


class _Check:
    def __init__(self, history: History) -> None:
        self.history = history
        self.policy = read_policy(history.policy)
        could_be_read = [record for record in history.inputs if not self._unseen(record)]
        self.inputs: Inputs = read_inputs(could_be_read, history.prefix, history.partitions)
        self.all_inputs: Inputs = read_inputs(history.inputs, history.prefix, history.partitions)
        self.covered = {p: self._last_coverage(p) for p in range(history.partitions)}
        self.sights = {p: self._sight(p) for p in range(history.partitions)}
        # A second is usual between clocks of one machine that nobody has set off.
        self.apart = timedelta(seconds=history.clocks_apart_seconds + 1)
        self.counts: Counter[str] = Counter()
        self.verdicts: dict[str, datetime] = {}
        self.events: dict[str, list[tuple[Record, dict[str, Any]]]] = defaultdict(list)
        for record in history.missing:
            value = orjson.loads(record.value or b"{}")
            self.events[str(value.get("report_id"))].append((record, value))

    def run(self) -> Findings:
        anomalies = [
            *self._reports(), *self._proven_unseen(), *self._twice(), *self._headers(), *self._coverage(),
            *self._said_unseen(), *self._books(), *self._rejected(),
        ]  # fmt: skip
        return Findings(tuple(anomalies), len(self.history.missing), dict(self.counts), self.verdicts)

    def _unseen(self, record: Record) -> bool:
        unseen = self.history.unseen.get((record.topic, record.partition))
        return unseen is not None and unseen.from_offset <= record.offset < unseen.to_offset

    def _last_coverage(self, partition: int) -> _Covered:
        last = None
        for value in _values(self.history.coverage, partition, "coverage"):
            last = value
        if last is None:
            return _Covered(None, {}, (), {}, None)
        until = as_time(last["complete_until"]) if last["complete_until"] else None
        first = as_time(last["first_complete"]) if last["first_complete"] else None
        applied = {topic: one["next_offset"] for topic, one in last["applied"].items()}
        return _Covered(until, applied, last["losses"], last["beginnings"], first)

    def _arrivals(self, topic: str, partition: int) -> list[tuple[int, datetime]]:
        """Of what could be read, in the order of the offsets."""
        return [
            (offset, arrived)
            for (name, p, offset), arrived in self.inputs.arrivals.items()
            if (name, p) == (topic, partition)
        ]

    def _ends(self, topic: str, partition: int) -> tuple[datetime | None, datetime | None]:
        """Between which arrivals lies what nobody could read."""
        unseen, arrivals = self.history.unseen[topic, partition], self._arrivals(topic, partition)
        before = [arrived for offset, arrived in arrivals if offset < unseen.from_offset]
        before += self._complete_before(topic, partition, max(before, default=None))
        after = [arrived for offset, arrived in arrivals if offset >= unseen.to_offset]
        return max(before, default=None), min(after, default=None)

    def _complete_before(self, topic: str, partition: int, before: datetime | None) -> list[datetime]:
        """Until when it says that it was complete before the loss: nothing that was lost may have arrived before."""
        start, _ = self.history.unseen[topic, partition]
        lost = [
            arrived
            for (name, p, offset), arrived in self.all_inputs.arrivals.items()
            if (name, p) == (topic, partition) and offset >= start
        ]
        said = [
            as_time(loss["since"])
            for loss in self.covered[partition].losses
            if (loss["topic"], loss["from_offset"]) == (topic, start)
        ]
        return [time for time in said if before is not None and before <= time <= min(lost, default=before)]

    def _sight(self, partition: int) -> Sight:
        """What the checker could not see, by what was deleted and not by what it says."""
        lost, beginnings = [], []
        for (topic, p), unseen in self.history.unseen.items():
            if p != partition:
                continue
            since, until = self._ends(topic, p)
            if unseen.from_offset == 0:
                beginnings.append(until)
            elif topic == f"{self.history.prefix}stored" and since is not None:
                lost.append((since, until))
        begun = max((time for time in beginnings if time is not None), default=None)
        return Sight(tuple(lost), begun, self.covered[partition].first)

    def _truth(self, report_id: str) -> Truth | None:
        facts = [fact for fact in self.inputs.facts.get(report_id, []) if self._applied(fact.record)]
        sight = self.sights[home(report_id, self.history.partitions)]
        return truth_of(facts, self.policy, self.history.successors, sight)

    def _applied(self, record: Record) -> bool:
        return record.offset < self.covered[record.partition].applied.get(record.topic, 0)

    def _reports(self) -> Iterator[Anomaly]:
        rows = self._rows()
        for report_id in sorted({*self.inputs.facts, *self.events}):
            if self._unknowable(home(report_id, self.history.partitions)):
                self.counts["unknowable"] += 1
                continue
            yield from self._report(report_id, self._truth(report_id), rows.get(report_id))

    def _unknowable(self, partition: int) -> bool:
        """Records of it were lost for ever, and not even here is it known what they said."""
        told = {(topic, unseen.from_offset) for (topic, p), unseen in self.history.unseen.items() if p == partition}
        return any((loss["topic"], loss["from_offset"]) not in told for loss in self.covered[partition].losses)

    def _proven_unseen(self) -> Iterator[Anomaly]:
        """Whom a proof has settled that nobody could read is never called missing as if there had been none."""
        if not self.history.unseen:
            return
        for report_id, facts in self.all_inputs.facts.items():
            truth = truth_of(facts, self.policy, self.history.successors)
            if truth is None or not truth.in_time or truth.proof is None or not self._unseen(truth.proof.record):
                continue
            self.counts["proven_unseen"] += 1
            for record, value in self.events.get(report_id, []):
                if value["type"] == MISSING and value["reason"] != "unwatched":
                    detail = f"Announced at {_place(record)}, but {_place(truth.proof.record)} proves it."
                    yield Anomaly("phantom", report_id, detail)

    def _report(self, report_id: str, truth: Truth | None, row: dict[str, Any] | None) -> Iterator[Anomaly]:
        told = self.events.get(report_id, [])
        missing = [one for one in told if one[1]["type"] == MISSING]
        recovered = [one for one in told if one[1]["type"] == RECOVERED]
        until = self.covered[home(report_id, self.history.partitions)].until
        status = _status(truth, until)
        self.counts[status] += 1
        must = status in ("missing", "recovered")
        if truth is not None and truth.doubts:
            self.counts["doubted"] += 1
            if truth.verdict_at is not None:
                self.verdicts[report_id] = truth.verdict_at
        if must and not missing:
            assert truth is not None
            yield Anomaly("lost", report_id, f"Due at {truth.verdict_at}, complete until {until}, and never announced.")
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
        if truth is not None and row is not None and until is not None:
            yield from self._flags(truth, row, until)

    def _compare(
        self, truth: Truth, missing: list[tuple[Record, dict[str, Any]]], recovered: list[tuple[Record, dict[str, Any]]]
    ) -> Iterator[Anomaly]:
        """The events' bytes against those that the truth gives."""
        pairs = [(one, self._missing_value(truth)) for one in missing]
        if truth.proof is not None and not truth.settled:
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
            if truth.verdict_at is not None and appended + self.apart < truth.verdict_at:
                yield Anomaly("phantom", truth.report_id, f"Announced at {appended}, before {truth.verdict_at}.")

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

    def _flags(self, truth: Truth, row: dict[str, Any], until: datetime) -> Iterator[Anomaly]:
        """Why it cannot be told of a report is said in its row, once its alarm has passed."""
        said, wanted = DOUBTS.intersection(row["flags"]), truth.doubts if until > truth.alarm_at else frozenset()
        if said != wanted:
            yield Anomaly("wrong_state", truth.report_id, f"The row doubts for {said}, the log for {set(wanted)}.")

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

    def _said_unseen(self) -> Iterator[Anomaly]:
        """What nobody could read is on coverage as it is, and nothing else is."""
        for partition, covered in self.covered.items():
            if covered.until is None or self._unknowable(partition):
                continue
            losses, beginnings = [], {}
            for (topic, p), unseen in self.history.unseen.items():
                since, until = self._ends(topic, p)
                if p == partition and unseen.from_offset == 0:
                    beginnings[topic] = self._told(topic, p, covered.beginnings.get(topic), until)
                elif p == partition:
                    end = next((loss["until"] for loss in covered.losses if loss["topic"] == topic), None)
                    losses.append(
                        (
                            topic,
                            *unseen,
                            "deleted_by_retention",
                            since and written(since),
                            self._told(topic, p, end, until),
                        )
                    )
            names = ("topic", "from_offset", "to_offset", "cause", "since", "until")
            said = [tuple(loss[name] for name in names) for loss in covered.losses]
            if sorted(said) != sorted(losses):
                yield Anomaly("coverage_lied", None, f"Partition {partition} says {said} is lost, it is {losses}.")
            if covered.beginnings != beginnings:
                detail = f"Partition {partition} says it begins at {covered.beginnings}, it does at {beginnings}."
                yield Anomaly("coverage_lied", None, detail)

    def _told(self, topic: str, partition: int, said: str | None, until: datetime | None) -> str | None:
        """When the first record came after what nobody could read; none need be known before one is applied."""
        reached = self.covered[partition].applied.get(topic, 0)
        if said is None and reached <= self.history.unseen[topic, partition].to_offset:
            return None
        return None if until is None else written(until)

    def _books(self) -> Iterator[Anomaly]:
        for partition in range(self.history.partitions):
            last: dict[str | None, dict[str, Any]] = {}
            for value in _values(self.history.coverage, partition, "books"):
                sent = value["sent_records"] - value["duplicates"] - value["resends"]
                if not sent == value["sent"] == sum(value[name] for name in TERMS):
                    yield Anomaly("books_unbalanced", None, f"Partition {partition}: {value}.")
                last[value["municipality"]] = value
            if not self._unknowable(partition):
                yield from self._same_books(partition, last)

    def _same_books(self, partition: int, last: Mapping[str | None, dict[str, Any]]) -> Iterator[Anomaly]:
        """The last books against those that the log adds up to."""
        wanted: dict[str | None, Counter[str]] = defaultdict(Counter)
        until = self.covered[partition].until
        for report_id, facts in self.inputs.facts.items():
            truth = self._truth(report_id) if home(report_id, self.history.partitions) == partition else None
            if truth is None:
                continue
            book = wanted[(_names(truth)["receiver"] or {}).get("municipality")]
            book[_status(truth, until)] += 1
            book["sent_records"] += sum(fact.kind == "sent" and self._applied(fact.record) for fact in facts)
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
            if not self._unknowable(place[1]):
                yield Anomaly("not_rejected", None, f"{place} can be read, but is listed as {listed[place]['reason']}.")


def _status(truth: Truth | None, until: datetime | None) -> str:
    """What it is once its partition is complete until then."""
    if truth is None:
        return "unexpected"
    decided = until is not None and until > truth.alarm_at
    if truth.in_time or (decided and truth.proof is not None and (truth.settled or not truth.terms.proof_asked)):
        return "stored"
    if until is None or not decided:
        return "pending"
    if not truth.terms.proof_asked:
        return "unproven"
    if truth.verdict_at is None or until <= truth.verdict_at:
        return "undetermined"
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
