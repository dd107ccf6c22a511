"""Every report judged, a range of report ids at a time: facts out of DuckDB, verdicts into a file of their own."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from streams.audit.arrow import registered, schema_of, table_of
from streams.audit.facts import CODES, EARLY_US, FactKind, evidence_words, names_of
from streams.audit.judge.verdict import JudgeContext, Verdict, verdict
from streams.audit.load.timestamps import EPOCH, time_of
from streams.audit.schema import CONTRADICTIONS, EVENTS, VERDICTS
from streams.core.events import Event, Missing
from streams.core.facts import (
    Action,
    Decision,
    Fact,
    Names,
    Outcome,
    Place,
    Receipt,
    ReceiptCode,
    Sent,
    Stored,
)
from streams.core.row import NAMELESS, Status
from streams.sources.chunk import NAMES

REPORTS_A_RANGE = 100_000
_NO_ID = "/"  # in what stands for the id of a decision that has none, and in no UUID
_NOBODY, _NONE = (None,) * 4, (None,) * 3
SENT, RECEIPT, STORED = (kind.value for kind in FactKind)
_BY_EVENT, _WITHIN = 11, 12  # where these columns stand
_CODES = tuple(map(ReceiptCode, CODES))
_FACTS = """
SELECT CAST(report_id AS VARCHAR), kind, source, part, line, arrived, event_at, names, code, message_id, unread,
    by_event, within
FROM sorted WHERE report_id >= ?::UUID AND (?::UUID IS NULL OR report_id < ?::UUID)
ORDER BY sorted.report_id, kind, arrived, source, part, line
"""
_UNREAD = f"""
SELECT CAST(report_id AS VARCHAR), list(DISTINCT kind) FROM (
    SELECT report_id, kind FROM unjudged
    UNION ALL SELECT report_id, {SENT} FROM accepted ANTI JOIN (FROM sorted WHERE kind = {SENT}) USING (report_id)
) WHERE report_id >= ?::UUID AND (?::UUID IS NULL OR report_id < ?::UUID) GROUP BY report_id
"""
_DECISIONS = f"""
SELECT CAST(report_id AS VARCHAR), source, part, line, arrived, decided_at, decision_id, missing_event_id, action,
    outcome,
    {", ".join(f"n.{name}" for name in NAMES)}
FROM decisions AS d LEFT JOIN names AS n ON n.id = d.names
WHERE report_id >= ?::UUID AND (?::UUID IS NULL OR report_id < ?::UUID) ORDER BY ALL
"""
JUDGED = {name: kind for name, kind in VERDICTS.items() if name not in ("municipality_today", "month")}
_SCHEMA, _CONTRADICTIONS, _EVENTS = schema_of(JUDGED), schema_of(CONTRADICTIONS), schema_of(EVENTS)
_UNFIT = schema_of({"source": "SMALLINT", "line": "BIGINT", "partition": "INTEGER"})
_OWN = pa.schema([*(field for field in _SCHEMA if field.name not in NAMES), ("names", pa.int32())])
# A dictionary of what is different on nearly every row only costs.
_EACH_ANOTHER = frozenset({
    "report_id", "sent_at", "due_at", "alarm_at", "stored_at", "stored_arrived", "sent_line", "stored_line",
    "missing_event_id",
})  # fmt: skip


class Range(NamedTuple):
    """The report ids from one (included) to another (not included; None: to the end)."""

    number: int
    first: str
    end: str | None


def judge_range(connection: duckdb.DuckDBPyConnection, asked: Range, ground: JudgeContext, folder: Path) -> None:
    """Judge the reports of a range into files of `folder`; what is there already stays."""
    out = folder / f"{asked.number:06}.verdicts.parquet"
    if out.exists():
        return
    table = connection.sql(_FACTS, params=[asked.first, asked.end, asked.end]).to_arrow_table()
    names, words = _names(connection, table["names"]), evidence_words(connection)
    unread = _unread(connection, asked)
    named = _Named(names.values())
    rows: list[tuple[Any, ...]] = []
    contradictions: list[tuple[Any, ...]] = []
    decided = _decided(connection, asked)
    events: list[tuple[Any, ...]] = []
    unfit: list[tuple[Any, ...]] = []
    columns = [column.to_pylist() for column in table.columns]
    any_within = pc.max(table["within"]).as_py()
    del table
    for report_id, group in groupby(zip(*columns, strict=True), key=itemgetter(0)):
        lines = list(group)
        kept = _without_early(lines)
        early, lines = len(kept) < len(lines), kept
        facts = _facts(lines, names, words)
        within = [line[_WITHIN] for line in lines] if any_within else None
        left = unread.get(report_id, frozenset())
        mine = decided.get(report_id, ())
        found = verdict(facts, ground, decisions=mine, within=within, unread=left, early=early)
        if found.unfit:
            unfit += [(one.place.topic, one.place.offset, one.place.partition) for one in found.unfit]
        if found.events:
            events += map(_event, found.events)
        if found.row.status is Status.ERASED:
            rows.append(_erased(found, named))
            continue
        if found.row.sent is None and not found.row.held_stored:
            continue  # claims about a report of which nobody knows that it was sent
        if found.row.sent is None and FactKind.SENT in left:
            found = found._replace(status="stored")  # sent at a time that cannot be read, and stored
        rows.append(_row(found, named, by_event=any(line[_BY_EVENT] for line in lines)))
        for each in found.contradictions:
            first, other = facts[0].place, facts[each.other].place
            contradictions.append((report_id, each.field, first.topic, first.offset, other.topic, other.offset))
    for name, said, schema in (
        ("contradictions", contradictions, _CONTRADICTIONS), ("events", events, _EVENTS), ("unfit", unfit, _UNFIT),
    ):  # fmt: skip
        _write(table_of(said, schema), folder / f"{asked.number:06}.{name}.parquet")
    own = table_of(rows, _OWN)
    told = named.table().take(own["names"])
    _write(pa.table([(told if name in NAMES else own)[name] for name in JUDGED], schema=_SCHEMA), out)


def ranges(connection: duckdb.DuckDBPyConnection, facts_a_range: int) -> Iterator[Range]:
    """Ranges of about so many facts, for any spread of the ids."""
    step = max(1, facts_a_range)
    found = connection.sql(f"SELECT DISTINCT report_id FROM sorted WHERE rowid % {step} = 0 ORDER BY 1").fetchall()
    firsts = [str(report_id) for (report_id,) in found]
    for number, (first, end) in enumerate(zip(firsts, [*firsts[1:], None], strict=True)):
        yield Range(number, first, end)


def _names(connection: duckdb.DuckDBPyConnection, wanted: pa.ChunkedArray) -> dict[int, Names]:
    with registered(connection, ids=pa.table({"id": wanted.unique()})):
        found = connection.sql(f"SELECT n.id, {', '.join(NAMES)} FROM names AS n JOIN ids USING (id)").fetchall()
    return {-1: NAMELESS} | {row[0]: names_of(row[1:]) for row in found}


def _unread(connection: duckdb.DuckDBPyConnection, asked: Range) -> dict[str, frozenset[FactKind]]:
    """The reports of which there are facts, or may be, that could not be read; and their kinds.

    What the portal took in was sent as well, even where nothing tells when.
    """
    found = connection.sql(_UNREAD, params=[asked.first, asked.end, asked.end]).fetchall()
    return {report_id: frozenset(map(FactKind, kinds)) for report_id, kinds in found}


def _decided(connection: duckdb.DuckDBPyConnection, asked: Range) -> dict[str, list[Decision]]:
    """What people decided of reports."""
    found = connection.sql(_DECISIONS, params=[asked.first, asked.end, asked.end]).fetchall()
    decided: dict[str, list[Decision]] = {}
    for report_id, source, part, line, arrived, at, own, missing, action, outcome, *names in found:
        place = Place(time_of(arrived), source, part, line)
        told = Outcome(outcome) if outcome else None
        receiver = names_of(tuple(names)).receiver
        one = Decision(
            own or f"{source}{_NO_ID}{line}", report_id, place, missing, Action(action), time_of(at), told, receiver
        )
        decided.setdefault(report_id, []).append(one)
    return decided


def _without_early(lines: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """One report's facts but for proofs that are older than it is: by times of their own, which then cannot be right.

    Where it is known when a proof arrived, that counts, whatever the proof says of itself.
    """
    first = lines[0]
    if first[1] != SENT or lines[-1][1] != STORED:
        return lines
    begin = (first[5] if first[6] is None else first[6]) - EARLY_US
    for line in reversed(lines):
        if line[1] != STORED:
            return lines
        if line[5] < begin:
            break
    return [line for line in lines if line[1] != STORED or not line[_BY_EVENT] or line[5] >= begin]


def _facts(rows: Iterable[tuple[Any, ...]], names: dict[int, Names], words: Sequence[str]) -> list[Fact]:
    """One report's facts; the topic of their places is the source's number, the offset the line.

    `words`: of evidence, in the order of their numbers.
    """
    made: list[Fact] = []
    for report_id, kind, source, part, line, arrived_us, event_us, name, code, message_id, unread, _, _ in rows:
        arrived = EPOCH + timedelta(0, 0, arrived_us)
        place = Place(arrived, source, part, line)
        if kind == RECEIPT:
            made.append(Receipt(report_id, place, _CODES[code - 1], message_id))
            continue
        own = event_us is not None and event_us != arrived_us
        at = EPOCH + timedelta(0, 0, event_us) if own else arrived
        unread_fields = tuple(unread.split(",")) if unread else ()
        if kind == SENT:
            own_at = None if event_us is None else at
            made.append(Sent(report_id, place, own_at, names[name], message_id, unread_fields))
        else:
            evidence = words[code - 1] if code else None
            made.append(Stored(report_id, place, at, evidence, names[name].receiver, unread_fields))
    return made


class _Named:
    """The names that verdicts give, each once: the columns of most verdicts are those of few names."""

    def __init__(self, names: Iterable[Names]) -> None:
        self._all = list(names)
        self._numbers = {id(one): number for number, one in enumerate(self._all)}

    def number(self, names: Names) -> int:
        """Where these names stand; the same object always at the same place."""
        number = self._numbers.get(id(names))
        if number is None:  # names that were filled in later
            number = self._numbers[id(names)] = len(self._all)
            self._all.append(names)
        return number

    def table(self) -> pa.Table:
        """One row for each, in the columns of NAMES."""
        rows = [(*(one.receiver or _NOBODY), *one[1:]) for one in self._all]
        return table_of(rows, pa.schema([(name, pa.string()) for name in NAMES]))


def _row(found: Verdict, named: _Named, *, by_event: bool) -> tuple[Any, ...]:
    """A verdict in the order of _OWN."""
    row, status = found.row, found.status
    names, sent, proof = row.names, row.sent, row.proof
    if sent is None:  # stored, and never seen as sent
        proof = row.held_stored[0]
        names = NAMELESS._replace(receiver=proof.receiver)
    by_reason = status in ("missing", "recovered")
    return (
        row.report_id, status, found.untold, row.reason if by_reason else None, found.reason_certain, found.cause,
        row.sent_at, row.due_at, row.alarm_at, row.receipt,
        *((proof.stored_at, proof.place.arrived, proof.evidence) if proof else _NONE),
        *((row.missing_event_id, len(row.alarms), row.alarms[-1].outcome, row.alarms[-1].closed_at) if by_reason
          else (None, None, None, None)),
        len(row.message_ids), sorted(row.flags) if row.flags else (),
        row.policy_version, by_event,
        *((sent.topic, sent.offset, sent.partition) if sent else _NONE),
        *((proof.place.topic, proof.place.offset, proof.place.partition) if proof else _NONE),
        named.number(names),
    )  # fmt: skip


def _erased(found: Verdict, named: _Named) -> tuple[Any, ...]:
    """A report that somebody had erased: its id, and nothing else."""
    own: dict[str, Any] = dict.fromkeys(_OWN.names) | {
        "report_id": found.row.report_id, "status": found.status, "reason_certain": True, "attempts": 0, "flags": (),
        "by_event_time": False, "names": named.number(NAMELESS),
    }  # fmt: skip
    return tuple(own.values())


def _event(event: Event) -> tuple[Any, ...]:
    """What is announced, in the order of EVENTS."""
    about, at = (
        (event.event_id, event.alarm_at) if isinstance(event, Missing) else (event.missing_event_id, event.arrived_at)
    )
    outcome, decision_id = (getattr(event, name, None) for name in ("outcome", "decision_id"))
    own = decision_id if decision_id and _NO_ID not in decision_id else None
    return (
        type(event).__name__.lower(), event.event_id, event.report_id, about, event.episode, at, event.reason, outcome,
        own,
    )  # fmt: skip


def _write(table: pa.Table, out: Path) -> None:
    """Write a table as a whole or not at all."""
    partial = out.with_suffix(".partial")
    dictionaries = [name for name in table.column_names if name not in _EACH_ANOTHER]
    pq.write_table(table, partial, compression="lz4", use_dictionary=dictionaries)
    partial.replace(out)
