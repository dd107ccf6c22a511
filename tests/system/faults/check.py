"""The history check: the truth of the input logs against what was announced, kept and claimed; anomalies by name.

lost, phantom, announced_twice, different_bytes, wrong_order, wrong_reason, books_unbalanced, coverage_lied,
wrong_state, not_rejected.

What is true is asked of the oracle of `tests.core`. What was deleted before the checker read it is known here and not
to the checker: it has to say so, to judge by the rest, and to call nobody missing for want of it before it is too late.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import orjson

from streams.core.books import Book
from streams.core.events import Event
from streams.core.facts import Action, Decision, FeedMark, Stored
from tests.core.answers import alarms_of, fitting, missing_id
from tests.core.law import Law, Log
from tests.core.oracle import Verdict, Word, books, events, verdicts, words
from tests.core.report import FAR, proof, report_of
from tests.core.vouched import feeds_known
from tests.system.faults.history import Anomaly, Findings, History, place_of
from tests.system.faults.sight import Sight
from tests.system.faults.truth import Record, home, log_of
from tests.system.faults.values import MISSING, RECOVERED, book_value, event_value, row_value, word_value, written

TERMS = ("pending", "stored", "missing", "recovered", "unproven", "undetermined", "erased")
DOUBTS = {"evidence_lost", "before_the_beginning"}
NEVER = datetime.min.replace(tzinfo=UTC)


class _Told(NamedTuple):
    """One announcement as it lies on its topic."""

    record: Record
    value: dict[str, Any]

    @property
    def which(self) -> tuple[str, int | str | None]:
        """Of each of these a report has one at most."""
        return _which(self.value)


class _Partition:
    """What is true of a partition by what it has applied, as far as its last coverage reaches."""

    def __init__(self, log: Log, law: Law, until: datetime | None) -> None:
        self.log, self.law, self.until = log, law, until or NEVER
        self.verdicts: Mapping[str, Verdict] = verdicts(log, self.until, law)
        self.events: dict[str, list[Event]] = defaultdict(list)
        for event in events(log, self.until, law):
            self.events[event.report_id].append(event)

    @cached_property
    def books(self) -> Mapping[str | None, Book]:
        """The books that the log adds up to."""
        return books(self.log, self.until, self.law)

    def announced_at(self, report_id: str) -> dict[str, datetime]:
        """By event id when the windows of a report closed that were announced missing."""
        report = report_of(self.log, report_id, self.law)
        alarms = alarms_of(report, self.until) if report else []
        return {missing_id(report, one): one.missing_at for one in alarms if report and one.missing_at}

    def unfit(self) -> Iterator[Decision]:
        """Decisions that change nothing and are not said twice."""
        for decision in self.log.decision:
            report = report_of(self.log, decision.report_id, self.law)
            before = [one for one in (fitting(report) if report else []) if one.place.offset <= decision.place.offset]
            known = decision in before or decision.decision_id in {one.decision_id for one in before}
            if decision.action is not Action.ACKNOWLEDGE and not known:
                yield decision

    def words(self) -> dict[str, Any]:
        """What feeds have said, and how many proofs of each have come since its last mark."""
        said = {feed: (word, self._since(feed)) for feed, word in words(self.log, self.until, self.law).items()}
        return {feed: word_value(*one) for feed, one in said.items() if one != (Word(), 0)}

    def _since(self, feed: str) -> int:
        own = [one for one in self.log.stored if one.feed == feed]
        marks = [number for number, one in enumerate(own) if isinstance(one, FeedMark)]
        return sum(isinstance(one, Stored) for one in own[marks[-1] if marks else 0 :])


def check(history: History) -> Findings:
    """Compare everything. A report is judged as far as its partition's last coverage reaches."""
    return _Check(history).run()


class _Check:
    def __init__(self, history: History) -> None:
        self.history = history
        self.sight = Sight(history)
        self.partitions = {p: self._partition(p) for p in range(history.partitions)}
        # A second is usual between clocks of one machine that nobody has set off.
        self.apart = timedelta(seconds=history.clocks_apart_seconds + 1)
        self.counts: Counter[str] = Counter()
        self.verdicts: dict[str, datetime] = {}
        self.told: dict[str, list[_Told]] = defaultdict(list)
        for record in history.missing:
            value = orjson.loads(record.value or b"{}")
            self.told[str(value.get("report_id"))].append(_Told(record, value))

    def run(self) -> Findings:
        anomalies = [
            *self._reports(), *self._proven_unseen(), *self._twice(), *self._headers(), *self._coverage(),
            *self._feeds(), *self.sight.anomalies(), *self._books(), *self._rejected(),
        ]  # fmt: skip
        return Findings(tuple(anomalies), len(self.history.missing), dict(self.counts), self.verdicts)

    def _partition(self, partition: int) -> _Partition:
        facts = self.sight.inputs.facts[partition]
        log = log_of(fact for fact in facts if self.sight.has_applied(*fact.place[1:]))
        return _Partition(log, self.sight.law_of(partition), self.sight.covered[partition].until)

    def _home(self, report_id: str) -> int:
        return home(report_id, self.history.partitions)

    # --- reports

    def _reports(self) -> Iterator[Anomaly]:
        rows = self.history.rows()
        known = {report_id for one in self.partitions.values() for report_id in one.verdicts}
        for report_id in sorted({*known, *self.told, *rows}):
            if self.sight.unknowable(self._home(report_id)):
                self.counts["unknowable"] += 1
                continue
            yield from self._report(report_id, self.partitions[self._home(report_id)])
            yield from self._state(report_id, rows.get(report_id))

    def _report(self, report_id: str, truth: _Partition) -> Iterator[Anomaly]:
        told, verdict = self.told.get(report_id, []), truth.verdicts.get(report_id)
        status = verdict.status.value if verdict else "never sent"
        self.counts["decided"] += sum("decision_id" in one.value for one in told)
        self.counts[status] += 1
        self.counts["doubted"] += bool(verdict and verdict.flags & DOUBTS)
        wanted = {_which(value): value for value in map(event_value, truth.events.get(report_id, ()))}
        announced_at = truth.announced_at(report_id) if wanted else {}
        self.verdicts |= announced_at
        for which in wanted.keys() - {one.which for one in told}:
            yield Anomaly("lost", report_id, f"Complete until {truth.until}, and never announced: {wanted[which]}.")
        for one in told:
            if one.which not in wanted:
                yield Anomaly("phantom", report_id, f"Announced at {place_of(one.record)}, but it is {status}.")
            else:
                yield from self._compare(one, wanted[one.which])
                yield from self._too_early(one, announced_at.get(wanted[one.which]["event_id"]))
        yield from self._order(report_id, told)

    def _compare(self, told: _Told, wanted: dict[str, Any]) -> Iterator[Anomaly]:
        """An event's bytes against those that the truth gives."""
        if told.record.value == orjson.dumps(wanted):
            return
        value = told.value
        names = sorted(name for name in {*value, *wanted} if value.get(name) != wanted.get(name))
        kind = "wrong_reason" if set(names) <= {"reason", "cause"} and names else "different_bytes"
        detail = f"{place_of(told.record)} differs in {names}: {_only(value, names)} is not {_only(wanted, names)}."
        yield Anomaly(kind, value["report_id"], detail)

    def _too_early(self, told: _Told, verdict_at: datetime | None) -> Iterator[Anomaly]:
        """What was applied of the report's partition when it was announced cannot be seen, but the clock can."""
        # The announcement's own append time may come from another broker's clock.
        appended = datetime.fromtimestamp(told.record.timestamp_ms / 1000, UTC)
        if verdict_at is not None and appended + self.apart < verdict_at:
            yield Anomaly("phantom", told.value["report_id"], f"Announced at {appended}, before {verdict_at}.")

    def _order(self, report_id: str, told: Sequence[_Told]) -> Iterator[Anomaly]:
        """All in the report's own partition, one episode after the other, and recovered at last."""
        partition = self._home(report_id)
        for record, _ in told:
            if record.partition != partition:
                yield Anomaly("wrong_order", report_id, f"{place_of(record)} is not in partition {partition}.")
        missing = sorted((one for one in told if one.value["type"] == MISSING), key=lambda one: one.record.offset)
        episodes = [one.value["episode"] for one in missing]
        if episodes != sorted(episodes):
            yield Anomaly("wrong_order", report_id, f"Its episodes were announced as {episodes}.")
        for record, value in told:
            if value["type"] == RECOVERED and missing and record.offset < missing[-1].record.offset:
                yield Anomaly("wrong_order", report_id, f"Recovered at {place_of(record)}, before it was missing.")

    def _state(self, report_id: str, row: dict[str, Any] | None) -> Iterator[Anomaly]:
        verdict = self.partitions[self._home(report_id)].verdicts.get(report_id)
        if verdict is None:
            if row is not None:
                yield Anomaly("wrong_state", report_id, f"There is a row, but nothing was read of it: {row}.")
            return
        if row is None:
            yield Anomaly("wrong_state", report_id, f"There is no row, but it is {verdict.status}.")
            return
        wrong = {name: (row[name], value) for name, value in row_value(verdict).items() if row[name] != value}
        if wrong:
            yield Anomaly("wrong_state", report_id, f"The row says otherwise (row, truth): {wrong}.")

    def _proven_unseen(self) -> Iterator[Anomaly]:
        """What a proof has settled that nobody could read is never called missing as if there had been none."""
        for partition in range(self.history.partitions) if self.history.unseen else ():
            log = log_of(self.sight.all_inputs.facts[partition])
            for report_id in log.reports:
                report = report_of(log, report_id, self.sight.law)
                found = proof(report) if report else None
                if report is None or found is None or not self.sight.is_unseen(*found.place[1:]):
                    continue
                alarms = len(alarms_of(report, FAR))
                self.counts["proven_unseen"] += not alarms
                yield from self._called_missing(report_id, found, alarms)

    def _called_missing(self, report_id: str, found: Stored, alarms: int) -> Iterator[Anomaly]:
        for record, value in self.told.get(report_id, []):
            if value["type"] == MISSING and value["episode"] > alarms and value["reason"] != "unwatched":
                detail = f"Announced at {place_of(record)}, but {found.place} proves it."
                yield Anomaly("phantom", report_id, detail)

    # --- announcements

    def _twice(self) -> Iterator[Anomaly]:
        times = Counter((one.value["report_id"], *one.which) for told in self.told.values() for one in told)
        ids = Counter(one.value["event_id"] for told in self.told.values() for one in told)
        for (report_id, kind, which), count in times.items():
            if count > 1:
                detail = f"{count} events of type {kind}{f', of {which}' if which else ''}."
                yield Anomaly("announced_twice", report_id, detail)
        for event_id, count in ids.items():
            if count > 1:
                yield Anomaly("announced_twice", None, f"The event id {event_id} stands there {count} times.")

    def _headers(self) -> Iterator[Anomaly]:
        for told in self.told.values():
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
                    yield Anomaly("different_bytes", value["report_id"], f"{place_of(record)} has the headers {found}.")

    # --- coverage and books

    def _coverage(self) -> Iterator[Anomaly]:
        for partition in range(self.history.partitions):
            yield from self._coverage_of(partition)

    def _coverage_of(self, partition: int) -> Iterator[Anomaly]:
        """No record may count as arrived before T and lie above what was applied; nothing goes back."""
        arrivals: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for (topic, p, offset), arrived in self.sight.inputs.arrivals.items():
            if p == partition and not topic.endswith(".decision"):  # of which any may come into sight late
                arrivals[topic].append((written(arrived), offset))
        last_until, last_applied = "", dict[str, int]()
        for value in self.history.coverages(partition):
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
                above = [(at, offset) for at, offset in arrivals[topic] if offset >= reached and at < until]
                if above:
                    at, offset = above[0]
                    detail = (
                        f"{topic}-{partition} offset {offset} arrived at {at}, complete until {until}, not applied."
                    )
                    yield Anomaly("coverage_lied", None, detail)
            last_until = max(until, last_until)

    def _feeds(self) -> Iterator[Anomaly]:
        """What feeds have vouched for stands on coverage as they have said it."""
        for partition, truth in self.partitions.items():
            said, wanted = self.sight.covered[partition].feeds, truth.words()
            if said != wanted and not self.sight.unknowable(partition):
                detail = f"Partition {partition} says of feeds {said}, their marks {wanted}."
                yield Anomaly("coverage_lied", None, detail)

    def _books(self) -> Iterator[Anomaly]:
        for partition in range(self.history.partitions):
            last: dict[str | None, dict[str, Any]] = {}
            for value in self.history.books(partition):
                sent = value["sent_records"] - value["duplicates"] - value["resends"]
                if not sent == value["sent"] == sum(value[name] for name in TERMS):
                    yield Anomaly("books_unbalanced", None, f"Partition {partition}: {value}.")
                last[value["municipality"]] = value
            if not self.sight.unknowable(partition):
                yield from self._same_books(partition, last)

    def _same_books(self, partition: int, last: Mapping[str | None, dict[str, Any]]) -> Iterator[Anomaly]:
        """The last books against those that the log adds up to."""
        wanted = self.partitions[partition].books
        for town in {*wanted, *last}:
            counted = book_value(wanted.get(town, Book()))
            found = {name: last.get(town, {}).get(name, 0) for name in counted}
            if found != counted:
                detail = f"Partition {partition}, {town}: the books say {found}, the log {counted}."
                yield Anomaly("books_unbalanced", None, detail)

    # --- what cannot be read

    def _rejected(self) -> Iterator[Anomaly]:
        listed = {}
        for record in self.history.rejected:
            value = orjson.loads(record.value or b"{}")
            listed[value["topic"], value["partition"], value["offset"]] = value
        wanted = {one[:3]: one for one in self._unreadable() if self.sight.applied(one)}
        misplaced = {one[:3] for one in self.sight.inputs.misplaced}
        for place, record in wanted.items():
            if place not in listed:
                yield Anomaly("not_rejected", None, f"{place_of(record)} cannot be read, and is not listed.")
            elif listed[place]["sha256"] != hashlib.sha256(record.value or b"").hexdigest():
                yield Anomaly("not_rejected", None, f"{place_of(record)} is listed as another record.")
        for place in listed.keys() - wanted.keys() - misplaced:
            if not self.sight.unknowable(place[1]):
                yield Anomaly("not_rejected", None, f"{place} can be read, but is listed as {listed[place]['reason']}.")

    def _unreadable(self) -> Iterator[Record]:
        """Records that cannot be read in full, marks of feeds that nobody knew when they arrived, decisions that do not
        fit.
        """
        yield from self.sight.inputs.unreadable
        facts = [fact for some in self.sight.inputs.facts.values() for fact in some if isinstance(fact, FeedMark)]
        unknown = {mark.place[1:] for mark in facts if mark.feed not in feeds_known(mark.place.arrived, self.sight.law)}
        unfit = {decision.place[1:] for truth in self.partitions.values() for decision in truth.unfit()}
        yield from (record for record in self.history.inputs if record[:3] in unknown | unfit)


def _which(value: Mapping[str, Any]) -> tuple[str, int | str | None]:
    """The type of an event, and which episode or decision it is about: only one says that a report was recovered."""
    return value["type"], value["episode"] if value["type"] == MISSING else value.get("decision_id")


def _only(value: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value.get(name) for name in names}
