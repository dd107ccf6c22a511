"""The audit and the live checker over the same random histories: `python -m tests.audit.differential --histories N`."""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from schemas.common import canonical_report_id
from streams.audit.facts import NamesTable
from streams.audit.judge.coverage import EvidenceCoverage, Stretch
from streams.audit.judge.ranges import JUDGED, judge_range, ranges
from streams.audit.judge.verdict import JudgeContext
from streams.audit.load.join import bring_together
from streams.audit.load.lines import Taking
from streams.audit.load.records import TakingRecords
from streams.audit.result.rollup import tell
from streams.audit.workspace import Work
from streams.core.events import written
from streams.core.row import Row, Status
from streams.core.rules import Limits, Rules
from streams.data import succession
from streams.records.decode import take_in
from streams.records.record import Record
from streams.settings import Settings
from streams.sources import open_source
from streams.sources.chunk import Kind
from streams.sources.mapping import plain
from tests.audit.histories import END, POLICY, histories
from tests.audit.live import Said, live

ALWAYS = Stretch(None, None, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
RULES = Rules(POLICY, succession(), Limits())
MAX_VALUE_BYTES = Settings().max_value_bytes
Take = Callable[[Work, list[Record]], None]


def take_records(work: Work, records: list[Record]) -> None:
    """As from Kafka."""
    names = NamesTable(work.connection)
    taking = TakingRecords(work.connection, names, {"sent": 0, "receipt": 1, "stored": 2}, 1, MAX_VALUE_BYTES)
    taking.take(records)
    taking.finish()


def take_lines(work: Work, records: list[Record]) -> None:
    """As from files of lines that tell when each record arrived."""
    names = NamesTable(work.connection)
    kinds: tuple[Kind, ...] = ("sent", "receipt", "stored")
    for number, kind in enumerate(kinds):
        path = work.folder / f"{kind}.ndjson"
        with path.open("wb") as file:
            for record in records:
                if record.kind == kind:
                    at, key = written(record.place.arrived), None if record.key is None else record.key.decode()
                    head = orjson.dumps({"at": at, "topic": kind, "key": key})[:-1]
                    file.write(head + b',"value":' + (record.value or b"null") + b"}\n")
        taking = Taking(work.connection, names, number, None, MAX_VALUE_BYTES)
        for opened in open_source(plain(kind, [path])):
            for chunk in opened.chunks():
                taking.take(kind, chunk)


def audited(records: list[Record], until: datetime, take: Take = take_records) -> tuple[dict[str, dict[str, Any]], Any]:
    """The audit's verdicts by report id, and the sums of its books."""
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(folder) / "work", "differential")
        work.open()
        take(work, records)
        bring_together(work)
        coverage = EvidenceCoverage([ALWAYS], RULES.municipalities)
        ground = JudgeContext(RULES, until, coverage, coverage)
        for one in ranges(work.connection, 10_000):
            judge_range(work.connection, one, ground, work.verdicts)
        tell(work, [], RULES.municipalities)
        columns = list(JUDGED)
        found = work.connection.sql(f"SELECT {', '.join(columns)} FROM verdicts").fetchall()
        books = work.connection.sql(
            "SELECT sum(sent), sum(stored + missing + recovered + pending + unproven + undetermined) FROM books"
        ).fetchall()[0]
        work.close()
    return {row[0]: dict(zip(columns, row, strict=True)) for row in found}, books


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


def differences(said: Said, found: dict[str, dict[str, Any]], first: int, unread: set[str]) -> Iterable[str]:
    """Where the audit says something else than it should by what the live checker says, one sentence each.

    `first`: the first line's number. `unread`: see `unread_proofs`.
    """
    expected = {report_id for report_id, row in said.rows.items() if row.sent is not None or row.held_stored}
    for report_id in sorted(expected ^ found.keys()):
        yield f"{report_id}: only {'the live checker' if report_id in expected else 'the audit'} knows it"
    for report_id in sorted(expected & found.keys()):
        row = said.rows[report_id]
        wanted = _wanted(said, row, first)
        if report_id in unread and row.sent is not None and row.status is not Status.STORED:
            found_again = row.status is Status.RECOVERED
            wanted |= {
                "status": "stored" if found_again else "undetermined",
                "untold": None if found_again else "proof_unreadable",
            }
            wanted |= dict.fromkeys(("reason", "missing_event_id", "cause"))
        for name, value in wanted.items():
            if found[report_id][name] != value:
                yield f"{report_id}: {name} is {found[report_id][name]!r}, and should be {value!r}"


def _wanted(said: Said, row: Row, first: int) -> dict[str, Any]:
    """What the verdict on a report must be, by the live checker's row and events."""
    if row.sent is None:
        return {"status": "unexpected"}
    receiver, names = row.names.receiver, row.names
    missing, recovered = said.missing.get(row.report_id), said.recovered.get(row.report_id)
    return {
        "status": row.status.value,
        "untold": None,
        "reason": missing.reason.value if missing else None,
        "missing_event_id": missing.event_id if missing else None,
        "cause": recovered.cause.value if recovered else None,
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
        "sent_line": row.sent.offset + first,
        "stored_line": row.proof.place.offset + first if row.proof else None,
    }


def compare(seed: int, count: int, take: Take = take_records, until: datetime = END) -> list[str]:
    """Everything in which the two differ over `count` histories."""
    records = [one for one in histories(seed, count) if one.place.arrived < until]
    return differing(records, live(records, until, RULES), take, until)


def differing(records: list[Record], said: Said, take: Take = take_records, until: datetime = END) -> list[str]:
    """Everything in which the audit of these records differs from what the live checker said."""
    found, (sent, accounted) = audited(records, until, take)
    lines = take is take_lines
    told = list(differences(said, found, 1 if lines else 0, unread_proofs(records) if lines else set()))
    if not sent == accounted == said.sent:
        told.append(f"The books say {sent} sent and {accounted} accounted for, the live checker's {said.sent}.")
    return told


def main() -> int:
    """Compare, and say how many histories were compared; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit.differential", description=__doc__)
    parser.add_argument("--histories", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the first seed; printed")
    parser.add_argument("--by", choices=("topics", "files"), default="topics", help="how the audit gets them (topics)")
    asked = parser.parse_args()
    print(f"first seed {asked.seed}")
    take = {"topics": take_records, "files": take_lines}[asked.by]
    for number, seed in enumerate(range(asked.seed, asked.seed + -(-asked.histories // 10_000)), start=1):
        told = compare(seed, min(10_000, asked.histories), take)
        for one in told[:20]:
            print(f"seed {seed}: {one}")
        if told:
            return 1
        print(f"{min(number * 10_000, asked.histories)} histories, no difference", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
