"""The audit and the live checker over the same random histories: `python -m tests.audit.differential --histories N`."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from schemas.common import canonical_report_id
from streams.audit.facts import NamesTable
from streams.audit.judge.context import topic_sights
from streams.audit.judge.coverage import EvidenceCoverage, Stretch
from streams.audit.judge.ranges import JUDGED, judge_range, ranges
from streams.audit.judge.verdict import JudgeContext
from streams.audit.load.join import bring_together
from streams.audit.load.lines import Taking
from streams.audit.load.records import TakingRecords
from streams.audit.result.rollup import tell
from streams.audit.schema import TERMS
from streams.audit.workspace import Work
from streams.core.events import Event, Recovered, written
from streams.core.facts import Action
from streams.core.row import Row, Status
from streams.data import municipalities
from streams.records.decode import FEED_HEADER, feed_of, take_in, take_in_decision, take_in_mark
from streams.records.record import DECISION, INPUT_KINDS, Record, Refusal
from streams.settings import Settings
from streams.sources import open_source
from streams.sources.chunk import Kind
from streams.sources.mapping import plain
from tests.audit.histories import END, FED_RULES, histories
from tests.audit.live import Said, live
from tests.core import oracle
from tests.core.oracle import Law, Log
from tests.core.reading import verdict_of

ALWAYS = Stretch(None, None, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
RULES = FED_RULES
LAW = Law(RULES.policy.versions, {one.code: one.successors for one in municipalities()})
MAX_VALUE_BYTES = Settings().max_value_bytes
Lines = Mapping[tuple[str, int], int]
ORACLES = 50  # histories of which each question reads all anew
Take = Callable[[Work, list[Record]], None]


def take_records(work: Work, records: list[Record]) -> None:
    """As from Kafka."""
    names = NamesTable(work.connection)
    sources = {kind: number for number, kind in enumerate(INPUT_KINDS)}
    taking = TakingRecords(work.connection, names, sources, 1, MAX_VALUE_BYTES, RULES.policy)
    taking.take(records)
    taking.finish()


def take_lines(work: Work, records: list[Record]) -> None:
    """As from files of lines that tell when each record arrived."""
    names = NamesTable(work.connection)
    kinds: tuple[Kind, ...] = ("sent", "receipt", "stored", "decision", "feed_mark")
    for number, kind in enumerate(kinds):
        path = work.folder / f"{kind}.ndjson"
        mine = [one for one in records if one.header(FEED_HEADER) is None and one.kind == kind and _is_listed(one)]
        with path.open("wb") as file:
            if kind == "feed_mark":
                file.writelines(map(_mark_line, records))
            for record in mine:
                at, key = written(record.place.arrived), None if record.key is None else record.key.decode()
                head = orjson.dumps({"at": at, "topic": kind, "key": key})[:-1]
                file.write(head + b',"value":' + (record.value or b"null") + b"}\n")
        taking = Taking(work.connection, names, number, None, MAX_VALUE_BYTES)
        for opened in open_source(plain(kind, [path])):
            for chunk in opened.chunks():
                taking.take(kind, chunk)


def _is_listed(record: Record) -> bool:
    """False for decisions that a list may tell with less than a record has to: who, when, of which alarm."""
    if record.kind != DECISION:
        return True
    fact = take_in_decision(record, MAX_VALUE_BYTES).fact
    return fact is not None and (fact.missing_event_id is not None or fact.action is Action.ERASE)


def _mark_line(record: Record) -> bytes:
    """A line of a list of marks, of a record that is one; what it says of whose it is by its header."""
    feed = record.header(FEED_HEADER)
    if feed is None:
        return b""
    given = orjson.loads(record.value or b"")
    if given.get("feed") != feed.decode():
        return b""  # to the checker a mark of nobody
    return orjson.dumps(given | {"arrived": written(record.place.arrived)}) + b"\n"


class Audited(NamedTuple):
    """The audit's verdicts by report id, the ids of its events in order, and the sums of its books."""

    verdicts: dict[str, dict[str, Any]]
    events: dict[str, list[str]]
    books: tuple[int, int]


def audited(records: list[Record], until: datetime, take: Take = take_records) -> Audited:
    """What the audit says of these records."""
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(folder) / "work", "differential")
        work.open()
        take(work, records)
        bring_together(work)
        coverage = EvidenceCoverage([ALWAYS], RULES.municipalities)
        ground = JudgeContext(RULES, until, coverage, coverage, topic_sights(work.connection, RULES.policy))
        for one in ranges(work.connection, 10_000):
            judge_range(work.connection, one, ground, work.verdicts)
        tell(work, [], RULES.municipalities)
        columns = list(JUDGED)
        found = work.connection.sql(f"SELECT {', '.join(columns)} FROM verdicts").fetchall()
        books = work.connection.sql(f"SELECT sum(sent), sum({' + '.join(TERMS)}) FROM books").fetchall()[0]
        events = dict(work.connection.sql("SELECT report_id, list(event_id) FROM events GROUP BY ALL").fetchall())
        work.close()
    return Audited({row[0]: dict(zip(columns, row, strict=True)) for row in found}, events, books)


def unread_proofs(records: list[Record]) -> set[str]:
    """The reports of which there is a proof that cannot be read, but for the report's id.

    To the live checker such a record is no proof. In a file it may as well be the export that is wrong, so that an
    audit of files leaves open what became of the report.
    """
    found = set()
    for record in records:
        if record.kind == "stored" and take_in(record, MAX_VALUE_BYTES).fact is None:
            given = orjson.loads(record.value or b"null").get("report_id")
            canonical = canonical_report_id(given) if isinstance(given, str) else None
            found |= {canonical} if canonical else set()
    return found


def lines_of(records: list[Record]) -> dict[tuple[str, int], int]:
    """The number of each record's line in its file, by its kind and offset."""
    counted: Counter[str] = Counter()
    found = {}
    for record in records:
        if record.header(FEED_HEADER) is None:
            counted[record.kind] += 1
            found[record.kind, record.place.offset] = counted[record.kind]
    return found


def differences(said: Said, audit: Audited, lines: Lines | None, unread: set[str]) -> Iterable[str]:
    """Where the audit says something else than it should by what the live checker says, one sentence each.

    `lines`: the numbers of lines by kind and offset, where it read files. `unread`: see `unread_proofs`.
    """
    found, about = audit.verdicts, said.about()
    expected = {report_id for report_id, row in said.rows.items() if row.sent or row.held_stored or _is_erased(row)}
    for report_id in sorted(expected ^ found.keys()):
        yield f"{report_id}: only {'the live checker' if report_id in expected else 'the audit'} knows it"
    for report_id in sorted(expected & found.keys()):
        row = said.rows[report_id]
        events = [] if _is_erased(row) else about.get(report_id, [])
        wanted, alarms = _wanted(row, events, lines), [one.event_id for one in events]
        unproven = row.sent is not None and row.status not in (Status.STORED, Status.ERASED)
        unheard = bool(lines and row.feed and row.feed not in said.vouching and row.status is not Status.RECOVERED)
        if lines and not _is_erased(row):
            wanted["flags"] = [flag for flag in wanted.get("flags", ()) if flag != "unreadable_feed"]
        if unproven and (report_id in unread or unheard):
            found_again = row.status is Status.RECOVERED
            wanted |= {
                "status": "stored" if found_again else "undetermined",
                "untold": "proof_unreadable" if report_id in unread else "feed_not_heard",
            }
            wanted |= dict.fromkeys(("reason", "missing_event_id", "cause", "episode", "outcome", "closed_at"))
            alarms = []
        if audit.events.get(report_id, []) != alarms:
            yield f"{report_id}: its events are {audit.events.get(report_id)}, and should be {alarms}"
        for name, value in wanted.items():
            if found[report_id][name] != value:
                yield f"{report_id}: {name} is {found[report_id][name]!r}, and should be {value!r}"


def _wanted(row: Row, events: Iterable[Event], lines: Lines | None) -> dict[str, Any]:
    """What the verdict on a report must be, by the live checker's row and events."""
    if _is_erased(row):
        return dict.fromkeys(JUDGED) | {
            "report_id": row.report_id, "status": "erased", "reason_certain": True, "attempts": 0, "flags": [],
            "by_event_time": False,
        }  # fmt: skip
    if row.sent is None:
        return {"status": "unexpected"}
    receiver, names = row.names.receiver, row.names
    alarm = row.alarms[-1] if row.alarms else None
    cause = [one.cause for one in events if isinstance(one, Recovered)]
    silent = row.status is Status.UNDETERMINED
    return {
        "status": row.status.value,
        "untold": "feed_silent" if silent else None,
        "reason": alarm.reason.value if alarm else None,
        "missing_event_id": alarm.event_id if alarm else None,
        "cause": cause[0].value if cause else None,
        "episode": len(row.alarms) or None,
        "outcome": alarm.outcome if alarm else None,
        "closed_at": alarm.closed_at if alarm else None,
        "municipality": receiver.municipality if receiver else None,
        "district": receiver.district if receiver else None,
        "channel": names.channel,
        "case_system": names.case_system,
        "case_system_version": names.case_system_version,
        "form": names.form,
        "sent_at": row.sent_at,
        "due_at": row.due_at,
        "alarm_at": row.alarm_at,
        "receipt": row.receipt.value if row.receipt else None,
        "stored_at": row.proof.stored_at if row.proof else None,
        "stored_arrived": row.proof.place.arrived if row.proof else None,
        "evidence": row.proof.evidence if row.proof else None,
        "attempts": row.attempts,
        "flags": sorted(row.flags),
        "policy_version": row.policy_version,
        "sent_line": lines["sent", row.sent.offset] if lines else row.sent.offset,
        "stored_line": (lines["stored", row.proof.place.offset] if lines else row.proof.place.offset)
        if row.proof
        else None,
    }


def _is_erased(row: Row) -> bool:
    return row.status is Status.ERASED


def unlike_the_oracle(seed: int, count: int, until: datetime = END) -> list[str]:
    """Everything in which what the checker says of `count` histories differs from what follows by definition."""
    records = [one for one in histories(seed, count) if one.place.arrived < until]
    said, log = live(records, until, RULES), log_of(records)
    wanted = oracle.verdicts(log, until, LAW)
    told = [f"{one}: {verdict_of(row)} is not {wanted.get(one)}" for one, row in said.rows.items()
            if verdict_of(row) != wanted.get(one)]  # fmt: skip
    told += [f"{one}: only the oracle knows it" for one in wanted.keys() - said.rows.keys()]
    events = {event.event_id: event for event in oracle.events(log, until, LAW)}
    if events != {event.event_id: event for event in said.events}:
        told.append("The events are not the oracle's.")
    return told


def log_of(records: list[Record]) -> Log:
    """What can be read of records, topic by topic."""
    log = Log([], [], [], [])
    for record in records:
        feed = feed_of(record.kind, record.headers)
        if feed is not None:
            read: Any = take_in_mark(record, feed, MAX_VALUE_BYTES)
        elif record.kind == DECISION:
            read = take_in_decision(record, MAX_VALUE_BYTES).fact
        else:
            read = take_in(record, MAX_VALUE_BYTES).fact
        if read is not None and not isinstance(read, Refusal):
            getattr(log, record.kind).append(read)
    return log


def compare(seed: int, count: int, take: Take = take_records, until: datetime = END) -> list[str]:
    """Everything in which the two differ over `count` histories."""
    whole = histories(seed, count, claims=take is take_records)
    records = [one for one in whole if one.place.arrived < until]
    return differing(records, live(records, until, RULES), take, until)


def differing(records: list[Record], said: Said, take: Take = take_records, until: datetime = END) -> list[str]:
    """Everything in which the audit of these records differs from what the live checker said."""
    found = audited(records, until, take)
    sent, accounted = found.books
    in_files = take is take_lines
    unread = unread_proofs(records) if in_files else set()
    told = list(differences(said, found, lines_of(records) if in_files else None, unread))
    if not sent == accounted == said.sent:
        told.append(f"The books say {sent} sent and {accounted} accounted for, the live checker's {said.sent}.")
    return told


def main() -> int:
    """Compare, and say how many histories were compared; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit.differential", description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first seed; printed")
    parser.add_argument(
        "--by",
        choices=("topics", "files", "oracle"),
        default="topics",
        help="how the audit gets them (topics); or what follows by definition, beside the checker",
    )
    asked = parser.parse_args()
    print(f"first seed {asked.seed}")
    at_once = ORACLES if asked.by == "oracle" else 10_000
    takes = {"topics": take_records, "files": take_lines}
    for number, seed in enumerate(range(asked.seed, asked.seed + -(-asked.histories // at_once)), start=1):
        count = min(at_once, asked.histories)
        told = unlike_the_oracle(seed, count) if asked.by == "oracle" else compare(seed, count, takes[asked.by])
        for one in told[:20]:
            print(f"seed {seed}: {one}")
        if told:
            return 1
        print(f"{min(number * at_once, asked.histories)} histories, no difference", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
