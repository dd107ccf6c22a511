"""What should be known and announced, by the definitions alone: the whole log is read anew for every question.

Naive on purpose: no fold, no index, no memory. From the core it takes value types only, never a decision.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha1
from typing import NamedTuple

from streams.core.books import Book
from streams.core.events import Cause, Event, Missing, Recovered
from streams.core.facts import Names, Receipt, ReceiptCode, Receiver, Sent, Stored
from streams.core.policy import Version
from streams.core.row import Reason, Status

URL_NAMESPACE = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
REASONS = {
    ReceiptCode.MOTTATT: Reason.RECEIPTED_NOT_STORED,
    ReceiptCode.FEILET: Reason.REJECTED,
    ReceiptCode.TIDSAVBRUDD: Reason.TRANSPORT_FAILED,
    ReceiptCode.SERVERFEIL: Reason.TRANSPORT_FAILED,
}


class Log(NamedTuple):
    """What has been read of one partition: each topic's records in the order of their offsets."""

    sent: Sequence[Sent] = ()
    receipt: Sequence[Receipt] = ()
    stored: Sequence[Stored] = ()

    def about(self, report_id: str) -> "Log":
        """Only the records of one report."""
        return Log(
            [s for s in self.sent if s.report_id == report_id],
            [r for r in self.receipt if r.report_id == report_id],
            [s for s in self.stored if s.report_id == report_id],
        )

    @property
    def reports(self) -> set[str]:
        """Every report that a record names."""
        return {fact.report_id for facts in self for fact in facts}


class Law(NamedTuple):
    """The rules as plain data."""

    versions: tuple[Version, ...]
    successors: Mapping[str, tuple[str, ...]]
    keep: timedelta = timedelta(days=120)
    unexpected_after: timedelta = timedelta(hours=24)
    retention: timedelta = timedelta(days=30)
    last_call: timedelta = timedelta(days=7)
    loss_patience: timedelta = timedelta(days=1)
    lost: tuple[tuple[datetime, datetime | None], ...] = ()  # from when until when proofs may have arrived unread
    beginning: datetime | None = None
    first_complete: datetime | None = None


class Verdict(NamedTuple):
    """All that must be known of a report that is kept."""

    status: Status
    touched: datetime
    names: Names = Names(None, None, None)
    sent_at: datetime | None = None
    due_at: datetime | None = None
    alarm_at: datetime | None = None
    policy_version: str | None = None
    attempts: int = 0
    flags: frozenset[str] = frozenset()
    receipt: ReceiptCode | None = None
    proof_arrived: datetime | None = None
    stored_at: datetime | None = None
    recovered_at: datetime | None = None
    reason: Reason | None = None
    missing_event_id: str | None = None


class Case(NamedTuple):
    """A report that was sent: its first sent, and what follows from that one alone."""

    first: Sent
    later: Sequence[Sent]
    sent_at: datetime
    due_at: datetime
    alarm_at: datetime
    version: str
    proof_asked: bool


def verdicts(log: Log, until: datetime, law: Law) -> dict[str, Verdict]:
    """What is known of every report that is not erased, complete until `until`."""
    found = {report_id: _verdict(log.about(report_id), until, law) for report_id in log.reports}
    return {
        report_id: verdict
        for report_id, verdict in found.items()
        if verdict is not None and not _erased(verdict, until, law)
    }


def events(log: Log, until: datetime, law: Law) -> list[Event]:
    """Every event that must have been announced by `until`; report by report, missing before recovered."""
    return [event for report_id in sorted(log.reports) for event in _events(log.about(report_id), until, law)]


def books(log: Log, until: datetime, law: Law) -> dict[str | None, Book]:
    """The books by receiver, added up from the log; receivers of which nothing is counted are left out."""
    counted: dict[str | None, Book] = {}
    for report_id in log.reports:
        _count(log.about(report_id), until, law, counted)
    return {name: book for name, book in counted.items() if book != Book()}


def times_of(log: Log, report_id: str, law: Law) -> tuple[datetime, datetime] | None:
    """When a report is due and when its alarm is, None if it was not sent."""
    case = _case(log.about(report_id), law)
    return (case.due_at, case.alarm_at) if case else None


def same_receiver(one: Receiver | None, other: Receiver | None, successors: Mapping[str, tuple[str, ...]]) -> bool:
    """True if no level that both give names another receiver."""
    if one is None or other is None:
        return True
    a, b = one.municipality, other.municipality
    if a not in _lineage(b, successors) and b not in _lineage(a, successors):
        return False
    districts = {d for d in (one.district, other.district) if d not in {None, "00"}}
    return len(districts) < 2


def _lineage(code: str, successors: Mapping[str, tuple[str, ...]]) -> set[str]:
    return {code}.union(*(_lineage(after, successors) for after in successors.get(code, ())))


def _case(log: Log, law: Law) -> Case | None:
    accepted = [number for number, sent in enumerate(log.sent) if not _beyond_horizon(sent, law)]
    if not accepted:
        return None
    first, later = log.sent[accepted[0]], log.sent[accepted[0] + 1 :]
    arrived = first.place.arrived
    begun = [v for v in law.versions if v.valid_from <= arrived]
    version = max(begun, key=lambda v: v.valid_from) if begun else min(law.versions, key=lambda v: v.valid_from)
    allowance, grace, asked = version.default, version.grace, True
    if first.names.channel is not None:
        allowance = version.allowance.get(first.names.channel, allowance)
    town = first.names.receiver.municipality if first.names.receiver else None
    for other in version.overrides:
        pairs = (
            (other.municipality, town),
            (other.case_system, first.names.case_system),
            (other.channel, first.names.channel),
        )
        if all(wanted in {None, given} for wanted, given in pairs):
            if other.allowance is not None:
                allowance = other.allowance
            grace = other.grace if other.grace is not None else grace
            asked = other.proof
            break
    sent_at = arrived
    if first.sent_at is not None and arrived - timedelta(days=400) <= first.sent_at < arrived:
        sent_at = first.sent_at
    due_at = sent_at + allowance
    return Case(first, later, sent_at, due_at, max(due_at, arrived) + grace, version.id, asked)


def _beyond_horizon(sent: Sent, law: Law) -> bool:
    if sent.sent_at is None:
        return False
    age = sent.place.arrived - sent.sent_at
    return age > law.keep and age <= timedelta(days=400)


def _counting(log: Log, case: Case, law: Law) -> list[Stored]:
    told = None if "receiver" in case.first.unreadable else case.first.names.receiver
    return [s for s in log.stored if same_receiver(told, s.receiver, law.successors)]


def _proof(log: Log, case: Case, until: datetime, law: Law) -> Stored | None:
    """The stored record that settles the report by now: before the decision only one that is in time can."""
    counting = _counting(log, case, law)
    if not counting or until <= case.alarm_at:
        return next((s for s in counting if s.place.arrived <= case.alarm_at), None)
    waits = _doubts(log, case, law) and not _given_up(case, until, law)
    return counting[0] if not waits or _by_limit(counting[0], case, law) else None


def _doubts(log: Log, case: Case, law: Law) -> set[str]:
    """Why it cannot be told of a report that nothing proved by its alarm."""
    if not case.proof_asked or any(s.place.arrived <= case.alarm_at for s in _counting(log, case, law)):
        return set()
    earliest = case.first.place.arrived - timedelta(hours=24)
    doubts = set()
    for since, until in law.lost:
        if since <= case.alarm_at and not (until is not None and until < earliest):
            doubts.add("evidence_lost")
    if law.beginning is not None and (law.beginning > earliest or law.beginning > case.sent_at):
        doubts.add("before_the_beginning")
    return doubts


def _limit(case: Case, law: Law, doubts: set[str]) -> datetime | None:
    """When a report in doubt is announced all the same; None for never."""
    last_call = case.sent_at + law.retention - law.last_call
    if "before_the_beginning" not in doubts:
        patience = case.alarm_at + law.loss_patience
        return patience if patience < last_call else max(last_call, case.alarm_at)
    if law.first_complete is None or law.first_complete >= last_call:
        return None
    return max(last_call, case.alarm_at)


def _given_up(case: Case, until: datetime, law: Law) -> bool:
    limit = _limit(case, law, _doubts(Log(), case, law))
    return limit is not None and until > limit


def _by_limit(proof: Stored, case: Case, law: Law) -> bool:
    limit = _limit(case, law, _doubts(Log(), case, law))
    return limit is None or proof.place.arrived <= limit


def _stored_at(stored: Stored) -> datetime:
    return min(stored.stored_at, stored.place.arrived)


def _status(log: Log, case: Case, until: datetime, law: Law) -> Status:
    proof = _proof(log, case, until, law)
    if proof is not None and (proof.place.arrived <= case.alarm_at or not case.proof_asked):
        return Status.STORED
    if until <= case.alarm_at:
        return Status.PENDING
    if not case.proof_asked:
        return Status.UNPROVEN
    if _doubts(log, case, law):
        if proof is not None and _by_limit(proof, case, law):
            return Status.STORED
        if not _given_up(case, until, law):
            return Status.UNDETERMINED
    return Status.MISSING if proof is None else Status.RECOVERED


def _reason(log: Log, case: Case, law: Law) -> Reason:
    counting = _counting(log, case, law)
    if _doubts(log, case, law):
        return Reason.UNWATCHED
    if any(s.place.arrived <= case.alarm_at and s not in counting for s in log.stored):
        return Reason.STORED_ELSEWHERE
    claim = _claim(log, case)
    return REASONS[claim] if claim else Reason.NO_RECEIPT


def _claim(log: Log, case: Case) -> ReceiptCode | None:
    claims = [r.receipt for r in log.receipt if r.place.arrived <= case.alarm_at]
    return claims[-1] if claims else None


def _lacking(first: Sent) -> list[str]:
    """What names of the first sent could not be read, levels of its receiver with a dot."""
    return [name for name in first.unreadable if name.split(".")[0] in Names._fields]


def _told_by(sent: Sent, name: str) -> object:
    """What a sent tells of a name, None if nothing."""
    field, _, level = name.partition(".")
    told: object = getattr(sent.names, field)
    return getattr(told, level) if level and told is not None else told


def _naming(case: Case) -> dict[str, Sent]:
    """By each name that the first sent could not tell: the first later sent that does."""
    found: dict[str, Sent] = {}
    for name in _lacking(case.first):
        for sent in case.later:
            if _told_by(sent, name) is not None and not (name.count(".") and case.first.names.receiver is None):
                found[name] = sent
                break
    return found


def _names(case: Case, naming: Mapping[str, Sent]) -> Names:
    """The first sent's names; each one, or level of a receiver, that was unreadable is its naming sent's."""
    told, receiver = case.first.names._asdict(), case.first.names.receiver
    for name, sent in naming.items():
        field, _, level = name.partition(".")
        value = _told_by(sent, name)
        if level and receiver:
            receiver = receiver._replace(**{level: value})  # type: ignore[arg-type]
            value = receiver
        told[field] = value
    return Names(**told)


def _event_names(case: Case) -> Names:
    in_time = {name: sent for name, sent in _naming(case).items() if sent.place.arrived <= case.alarm_at}
    return _names(case, in_time)


def _flags(log: Log, case: Case, until: datetime, law: Law) -> frozenset[str]:
    first, naming, proof = case.first, _naming(case), _proof(log, case, until, law)
    arrived = first.place.arrived
    flags = {f"unreadable_{name.replace('.', '_')}" for name in first.unreadable}
    if first.sent_at is not None:
        flags |= {"clock_ahead"} if first.sent_at > arrived + timedelta(minutes=5) else set()
        flags |= {"clock_behind"} if first.sent_at < arrived - timedelta(days=400) else set()
    if proof is not None:
        flags |= {f"unreadable_{name.replace('.', '_')}" for name in proof.unreadable}
        flags |= {"clock_ahead"} if proof.stored_at > proof.place.arrived + timedelta(minutes=5) else set()
        kept = _status(log, case, until, law) is Status.STORED
        flags |= {"stored_after_due"} if kept and _stored_at(proof) > case.due_at else set()
    if until > case.alarm_at:
        flags |= _doubts(log, case, law)
    for sent in naming.values():
        flags.add("named_later" if sent.place.arrived <= case.alarm_at else "named_late")
    receiver = _names(case, naming).receiver
    if receiver is not None and receiver.municipality not in law.successors:
        flags.add("unknown_municipality")
    return frozenset(flags)


def _changes(log: Log, case: Case, law: Law) -> list[datetime]:
    """When something arrived that changed what is known."""
    naming, counting = _naming(case), _counting(log, case, law)
    times = [case.first.place.arrived]
    seen = {case.first.message_id, None}
    for sent in case.later:
        if sent.message_id not in seen or sent in naming.values():
            times.append(sent.place.arrived)
        seen.add(sent.message_id)
    times += _new_claims([r for r in log.receipt if r.place.arrived <= case.alarm_at])
    if counting:
        times.append(counting[0].place.arrived)
    before = log.stored[: log.stored.index(counting[0])] if counting else log.stored
    times += [s.place.arrived for s in before if s.place.arrived <= case.alarm_at][:1]
    return times


def _new_claims(receipts: Sequence[Receipt]) -> list[datetime]:
    return [r.place.arrived for n, r in enumerate(receipts) if n == 0 or r.receipt is not receipts[n - 1].receipt]


def _verdict(log: Log, until: datetime, law: Law) -> Verdict | None:
    case = _case(log, law)
    if case is None:
        return _verdict_unsent(log, until, law)
    proof, status = _proof(log, case, until, law), _status(log, case, until, law)
    announced = status in {Status.MISSING, Status.RECOVERED}
    return Verdict(
        status=status,
        touched=max(_changes(log, case, law)),
        names=_names(case, _naming(case)),
        sent_at=case.sent_at,
        due_at=case.due_at,
        alarm_at=case.alarm_at,
        policy_version=case.version,
        attempts=len({sent.message_id for sent in (case.first, *case.later)} - {None}),
        flags=_flags(log, case, until, law),
        receipt=_claim(log, case),
        proof_arrived=proof.place.arrived if proof else None,
        stored_at=_stored_at(proof) if proof else None,
        recovered_at=proof.place.arrived if proof and announced else None,
        reason=_reason(log, case, law) if announced else None,
        missing_event_id=_event_id(case, "missing") if announced else None,
    )


def _verdict_unsent(log: Log, until: datetime, law: Law) -> Verdict | None:
    if not log.receipt and not log.stored:
        return None
    levels: list[object] = []
    times = _new_claims(log.receipt)
    for stored in log.stored:
        receiver = stored.receiver
        level = receiver and (receiver.municipality, None if receiver.district == "00" else receiver.district)
        if level not in levels:
            levels.append(level)
            times.append(stored.place.arrived)
    waited = bool(log.stored) and until > log.stored[0].place.arrived + law.unexpected_after
    claim = log.receipt[-1].receipt if log.receipt else None
    return Verdict(Status.UNEXPECTED if waited else Status.PENDING, max(times), receipt=claim)


def kept_until(verdict: Verdict, law: Law) -> datetime:
    """The end of a report's keeping time, whether it can be erased then or not."""
    return max(verdict.touched, verdict.alarm_at or verdict.touched) + law.keep


def _erased(verdict: Verdict, until: datetime, law: Law) -> bool:
    return verdict.status is not Status.MISSING and until > kept_until(verdict, law)


def _events(log: Log, until: datetime, law: Law) -> list[Event]:
    case = _case(log, law)
    if case is None or _status(log, case, until, law) not in {Status.MISSING, Status.RECOVERED}:
        return []
    announced: list[Event] = [
        Missing(
            event_id=_event_id(case, "missing"),
            report_id=case.first.report_id,
            reason=_reason(log, case, law),
            names=_event_names(case),
            sent_at=case.sent_at,
            due_at=case.due_at,
            alarm_at=case.alarm_at,
            portal_deletes_at=case.sent_at + law.retention,
            policy_version=case.version,
            sent_record=case.first.place,
        )
    ]
    proof = _proof(log, case, until, law)
    if proof is not None:
        announced.append(
            Recovered(
                event_id=_event_id(case, "recovered"),
                missing_event_id=_event_id(case, "missing"),
                report_id=case.first.report_id,
                stored_at=_stored_at(proof),
                arrived_at=proof.place.arrived,
                evidence=proof.evidence,
                receiver=_event_names(case).receiver,
                cause=Cause.STORED_LATE if _stored_at(proof) > case.due_at else Cause.CONFIRMED_LATE,
            )
        )
    return announced


def _event_id(case: Case, kind: str) -> str:
    time = case.alarm_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    name = f"{case.first.report_id}/no.meldingsvakt.report.{kind}.v1/{time}"
    octets = bytearray(sha1(URL_NAMESPACE + name.encode(), usedforsecurity=False).digest()[:16])
    octets[6] = octets[6] & 0x0F | 0x50
    octets[8] = octets[8] & 0x3F | 0x80
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _count(log: Log, until: datetime, law: Law, counted: dict[str | None, Book]) -> None:
    """One report's share of the books."""
    verdict, case = _verdict(log, until, law), _case(log, law)
    if verdict is None:
        return
    erased = _erased(verdict, until, law)
    if case is None:
        if verdict.status is Status.UNEXPECTED and not erased:
            receiver = log.stored[0].receiver
            counted.setdefault(receiver.municipality if receiver else None, Book()).unexpected += 1
        return
    naming = _naming(case)
    book = counted.setdefault(_town(_names(case, naming)), Book())
    book.sent_records += 1
    term = "erased" if erased else verdict.status.value
    setattr(book, term, getattr(book, term) + 1)
    # A further sent record is counted where the report stood once that record was read.
    seen, told = {case.first.message_id, None}, case.first.names
    for number, sent in enumerate(case.later):
        told = _names(case, {name: one for name, one in naming.items() if case.later.index(one) <= number})
        book = counted.setdefault(_town(told), Book())
        book.sent_records += 1
        if sent.message_id in seen:
            book.duplicates += 1
        else:
            book.resends += 1
        seen.add(sent.message_id)


def _town(names: Names) -> str | None:
    return names.receiver.municipality if names.receiver else None
