"""Finished audits made by hand."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa

from streams.audit import schema
from streams.audit.schema import TERMS, Audited
from streams.data import municipalities, todays_number
from streams.presentation.times import OSLO

Row = dict[str, Any]
START = datetime(2020, 9, 7, 8, 30, tzinfo=UTC)
UNTIL = datetime(2023, 11, 2, 12, 0, tzinfo=UTC)
# Made by statements of their own; what they must look like stands here.
# Who might be meant: a proof that names no report (or one that nobody sent), at the same receiver, with the same form
# where both give it, in the time in which the proof might have come. `rank` 1 lies nearest in time. For a person to
# look at; never counted.
CANDIDATES = {
    "report_id": "VARCHAR", "rank": "INTEGER", "source": "SMALLINT", "line": "BIGINT",
    "candidate_report_id": "VARCHAR", "municipality": "VARCHAR", "form": "VARCHAR", "stored_at": "TIMESTAMPTZ",
    "seconds_after_sent": "BIGINT",
}  # fmt: skip
REJECTS = {"source": "SMALLINT", "line": "BIGINT", "partition": "INTEGER", "reason": "VARCHAR"}
TABLES: Mapping[str, Mapping[str, str]] = {
    "verdicts": schema.VERDICTS, "events": schema.EVENTS, "candidates": CANDIDATES, "sources": schema.SOURCES,
    "rejects": REJECTS, "contradictions": schema.CONTRADICTIONS, "books": schema.BOOKS,
}  # fmt: skip
_TERMS = ", ".join(f"count(*) FILTER (status = '{term}')" for term in TERMS)
# As the audit itself makes it, but for `sent`, which it counts from the facts.
_BOOKS = f"""
    INSERT INTO books SELECT municipality_today, month, case_system, case_system_version,
        count(*) FILTER (status <> 'unexpected'), {_TERMS}, count(*) FILTER (status = 'unexpected'),
        count(*) FILTER (cause = 'confirmed_late')
    FROM verdicts GROUP BY ALL
"""


def audited(
    verdicts: Sequence[Row] = (),
    candidates: Sequence[Row] = (),
    sources: Sequence[Row] = (),
    rejects: Sequence[Row] = (),
    contradictions: Sequence[Row] = (),
    policy_versions: tuple[str, ...] = ("2020-01",),
) -> Audited:
    """An audit with these rows; the books follow from the verdicts."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'America/New_York'")  # nothing may depend on it
    given = {
        "verdicts": verdicts, "candidates": candidates, "sources": sources, "rejects": rejects,
        "contradictions": contradictions,
    }  # fmt: skip
    for name, columns in TABLES.items():
        described = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f"CREATE TABLE {name} ({described})")
        if rows := given.get(name):
            batch = pa.table({column: [row.get(column) for row in rows] for column in columns})
            connection.register("batch", batch)
            connection.execute(f"INSERT INTO {name} SELECT * FROM batch")
            connection.unregister("batch")
    connection.execute(_BOOKS)
    return Audited(connection, UNTIL, policy_versions, UNTIL + timedelta(hours=1))


def report_id(number: int) -> str:
    """The id of a report."""
    return str(UUID(int=0x7000_8000_0000_0000_0000 + number * 0x1_0000_0001))


def verdict(number: int, status: str = "stored", **more: Any) -> Row:
    """What became of one report; `more` replaces anything."""
    sent_at = more.pop("sent_at", START + timedelta(hours=number))
    municipality = more.pop("municipality", "0301")
    row: Row = {
        "report_id": report_id(number), "status": status, "municipality": municipality,
        "municipality_today": municipality and todays_number(municipality), "channel": "FIKS_IO",
        "case_system": "VISMA_FAMILIA", "case_system_version": "5.0.1", "form": "PRIVAT", "sent_at": sent_at,
        "due_at": sent_at and sent_at + timedelta(hours=24), "alarm_at": sent_at and sent_at + timedelta(hours=25),
        "receipt": "MOTTATT", "attempts": 1, "flags": [], "policy_version": "2020-01", "by_event_time": True,
        "sent_source": 1, "sent_line": number + 2,
        "month": sent_at and sent_at.astimezone(OSLO).date().replace(day=1),
    }  # fmt: skip
    if status in ("missing", "recovered"):
        row |= {"reason": "receipted_not_stored", "reason_certain": True, "missing_event_id": report_id(10**6 + number)}
    if status == "undetermined":
        row |= {"untold": "not_covered"}
    if status in ("stored", "recovered", "unexpected"):
        stored = sent_at and sent_at + timedelta(minutes=5)
        row |= {"stored_at": stored, "evidence": "RECONCILIATION", "stored_source": 2, "stored_line": number + 7}
    if status == "recovered":
        row |= {"cause": "stored_late"}
    return row | more


def bare(number: int, status: str, **more: Any) -> Row:
    """A verdict with nothing that may be missing."""
    return {"report_id": report_id(number), "status": status, **more}


def source(number: int, **more: Any) -> Row:
    """One source."""
    return {
        "id": number, "kind": "sent", "name": "sent.csv", "format": "csv", "records": 100, "facts": 98, "rejected": 2,
        "ignored": 0, "has_arrival": False, "first": START, "last": UNTIL, "declared": False, "receivers": None,
        "covers_from": START, "covers_to": UNTIL, "warnings": ["coverage_measured"],
    } | more  # fmt: skip


def candidate(number: int, rank: int = 1, **more: Any) -> Row:
    """Something that might be report `number`."""
    return {
        "report_id": report_id(number), "rank": rank, "source": 2, "line": 70 + rank, "municipality": "0301",
        "form": "PRIVAT", "stored_at": START + timedelta(hours=number, minutes=rank), "seconds_after_sent": 60 * rank,
    } | more  # fmt: skip


def few() -> Audited:
    """A few dozen of everything, with nulls wherever there may be any."""
    verdicts = [verdict(n) for n in range(30)]
    verdicts += [verdict(100 + n, "missing", municipality="0710") for n in range(3)]
    verdicts += [
        verdict(105, "missing", municipality="0710", outcome="handled", closed_at=UNTIL), bare(106, "erased"),
        verdict(110, "missing", municipality="1201", reason="no_receipt", reason_certain=False, district="03"),
        verdict(120, "recovered", municipality="3804"),
        verdict(121, "recovered", municipality="3804", cause="confirmed_late"),
        verdict(130, "pending"), verdict(131, "unproven", municipality="5612"),
        verdict(132, "unexpected", sent_at=None),
        *(verdict(140 + n, "undetermined", municipality="1507") for n in range(7)),
        verdict(150, "undetermined", untold="sent_unreadable", sent_at=None),
        verdict(151, "undetermined", untold="receiver_unknown", municipality=None),
        *(bare(200 + n, status) for n, status in enumerate(("stored", "missing", "undetermined", "unexpected"))),
    ]  # fmt: skip
    return audited(
        verdicts,
        [candidate(100, rank) for rank in (1, 2, 3)] + [{"report_id": report_id(203), "rank": 1}],
        [source(1), source(2, kind="stored", name="stored.csv", declared=True, receivers=1, has_arrival=True),
         {"id": 3}],
        [{"source": 1, "line": 9, "reason": "not_json"}, {"source": 1, "line": 12, "reason": "brand_new"}],
        [{"report_id": report_id(3), "field": "receiver", "source": 1, "line": 4, "other_source": 2, "other_line": 5}],
    )  # fmt: skip


def many(seed: int = 63) -> Audited:
    """Three years as they were: 20 000 reports, 357 municipalities, 63 missing in 22, some 400 that cannot be told."""
    draw = random.Random(seed)
    codes = [m.code for m in municipalities() if m.valid_to is None or m.valid_to.year > 2020]
    bad = draw.sample(codes, 22)
    minutes = int((UNTIL - START) / timedelta(minutes=1))
    systems = (("VISMA_FAMILIA", "4.9.2"), ("VISMA_FAMILIA", "5.0.1"), ("NETCOMPANY_MODULUS_BARN", "2.3"),
               ("VISMA_FLYT_BARNEVERN", None))  # fmt: skip

    def at() -> datetime:
        return START + timedelta(minutes=draw.randrange(minutes))

    verdicts = []
    for n in range(19_500):
        system, version = draw.choice(systems)
        verdicts.append(verdict(n, sent_at=at(), municipality=draw.choice(codes), case_system=system,
                                case_system_version=version))  # fmt: skip
    bursts = {code: at() for code in bad}
    for n in range(63):
        code = bad[n] if n < 22 else bad[0] if n < 42 else draw.choice(bad)
        when = bursts[code] + timedelta(minutes=draw.randrange(5000))
        verdicts.append(verdict(20_000 + n, "missing", sent_at=when, municipality=code,
                                reason=draw.choice(("receipted_not_stored",) * 6 + ("no_receipt",))))  # fmt: skip
    for n in range(400):
        untold = draw.choice(("not_covered", "not_covered", "begins_later", "has_gap", "ambiguous_time"))
        when = START + timedelta(minutes=draw.randrange(minutes // 4))
        verdicts.append(
            verdict(21_000 + n, "undetermined", sent_at=when, untold=untold, municipality=draw.choice(codes[:40]))
        )
    verdicts += [verdict(22_000 + n, "recovered", sent_at=at(), municipality=draw.choice(codes)) for n in range(7)]
    verdicts += [verdict(23_000 + n, "unexpected", sent_at=at(), municipality=draw.choice(codes)) for n in range(12)]
    candidates = [candidate(20_000 + n, rank, stored_at=verdicts[19_500 + n]["sent_at"] + timedelta(minutes=9 * rank),
                            seconds_after_sent=540 * rank) for n in range(0, 63, 9) for rank in (1, 2)]  # fmt: skip
    sources = [
        source(1, name="portalen-2020-2023.csv", kind="portal", records=60_210, facts=60_208),
        source(2, name="bergen-familia.parquet", kind="stored", format="parquet", records=3_120, facts=3_120,
               rejected=0, declared=True, receivers=1, warnings=[]),
        source(3, name="avstemming.ndjson", kind="stored", format="ndjson", records=19_800, facts=19_700, rejected=93,
               ignored=7, warnings=["coverage_measured", "cut_off"]),
        source(4, name="kvitteringer.csv", kind="receipt", records=19_999, facts=19_999, rejected=0),
    ]  # fmt: skip
    rejects: list[Row] = [{"source": 3, "line": 7 * n, "reason": "not_json" if n % 3 else "columns"} for n in range(92)]
    rejects += [{"source": 3, "line": 19_800, "reason": "cut_off"}] + [
        {"source": 1, "line": n, "reason": "not_utf8"} for n in (5, 9)
    ]
    return audited(verdicts, candidates, sources, rejects)
