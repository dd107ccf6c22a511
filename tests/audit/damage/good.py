"""Sources in which every report's fate is known, in every format."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet

BEGIN = datetime(2022, 3, 1, tzinfo=UTC)
UNTIL = datetime(2022, 6, 1, tzinfo=UTC)
ALLOWANCE = timedelta(hours=1)
POLICY = 'portal_retention = "P30D"\n[[version]]\nid = "one"\ngrace = "PT1M"\ndefault = "PT1H"\n'
FORMATS = ("csv", "csv", "ndjson", "parquet")
_NOTES = (
    "",
    "\nbelow",
    "seen",
    "above\n",
    "æøå",
    "to; tre",
    "a, b",
    "7,5",
    'said "yes"',
    "line one\nline two",
    "x|y",
    "\t",
)
_FATES = ("stored", "stored", "stored", "recovered", "missing", "missing", "pending")
_TOWNS = ("0301", "4601", "1103", "5001")


class Report(NamedTuple):
    """One report, and what became of it. `stored_at`: None where it was never stored."""

    report_id: str
    message_id: str
    sent_at: datetime
    stored_at: datetime | None
    town: str
    fate: str


class Layout(NamedTuple):
    """How a source is written: its format, the order of its columns, what separates them, whether all are quoted."""

    suffix: str
    columns: tuple[str, ...]
    delimiter: str
    quoting: int
    nested: bool
    packed: bool

    @property
    def name(self) -> str:
        """What a file's name ends with."""
        return self.suffix + ".gz" * self.packed


class Source(NamedTuple):
    """One source: its rows by column, each with the report that it is about."""

    kind: str
    layout: Layout
    rows: list[dict[str, Any]]
    about: list[Report]


def reports(rng: Random, count: int) -> list[Report]:
    """Reports of every fate."""
    return [_report(rng) for _ in range(count)]


def _report(rng: Random) -> Report:
    fate = rng.choice(_FATES)
    sent_at = BEGIN + timedelta(seconds=rng.randrange(60 * 86_400))
    if fate == "pending":
        sent_at = UNTIL - timedelta(minutes=rng.randrange(1, 50))
    stored_at = None
    if fate in ("stored", "recovered"):
        late = fate == "recovered"
        stored_at = sent_at + timedelta(minutes=rng.randrange(70, 1200) if late else rng.randrange(1, 59))
    message = rng.choice(
        (
            f"m{rng.randrange(10**11, 10**12)}",
            str(UUID(int=rng.getrandbits(128))),
            str(rng.randrange(10**17, 10**18) | 1),
        )
    )
    return Report(str(UUID(int=rng.getrandbits(128), version=4)), message, sent_at, stored_at, rng.choice(_TOWNS), fate)


def sources(rng: Random, known: Sequence[Report]) -> list[Source]:
    """What was sent and what was stored, in some format each; proofs may know the message only."""
    ids = rng.choice((("report_id",), ("report_id", "message_id"), ("message_id",)))
    sent_columns = ("report_id", "message_id", "sent_at", "municipality", "channel", "case_system")
    sent = Source("sent", _layout(rng, sent_columns), [], [])
    stored = Source("stored", _layout(rng, (*ids, "stored_at", "municipality", "evidence")), [], [])
    for one in known:
        told: dict[str, Any] = {
            "report_id": one.report_id, "message_id": one.message_id, "municipality": one.town, "channel": "FIKS_IO",
            "case_system": "UKJENT", "evidence": "READ_BACK", "note": rng.choice(_NOTES),
            "unit": f"u{rng.getrandbits(24)}",
        }  # fmt: skip
        for source, at in ((sent, one.sent_at), (stored, one.stored_at)):
            if at is not None:
                own = told | {f"{source.kind}_at": at.isoformat().replace("+00:00", "Z")}
                source.rows.append({name: own[name] for name in source.layout.columns})
                source.about.append(one)
    return [sent, stored]


def _layout(rng: Random, columns: Sequence[str]) -> Layout:
    order = [*columns, "note", "unit"]
    if rng.random() < 0.5:
        rng.shuffle(order)
    suffix = rng.choice(FORMATS)
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    packed = suffix != "parquet" and rng.random() < 0.1
    return Layout(suffix, tuple(order), rng.choice(",;\t|"), quoting, rng.random() < 0.5, packed)


def lines_of(source: Source) -> list[bytes]:
    """The records of a text source, the header first where there is one, each with its newline."""
    layout = source.layout
    if layout.suffix == "ndjson":
        return [json.dumps(_object(layout, row)).encode() + b"\n" for row in source.rows]
    return [_record(layout, cells) for cells in ([*layout.columns], *([*row.values()] for row in source.rows))]


def _object(layout: Layout, row: Mapping[str, Any]) -> dict[str, Any]:
    if not layout.nested:
        return dict(row)
    return {name: value for name, value in row.items() if name != "municipality"} | {
        "receiver": {"municipality": row["municipality"]}
    }


def _record(layout: Layout, cells: Sequence[Any]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=layout.delimiter, quoting=layout.quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(cells)
    return out.getvalue().encode("utf-8", "surrogatepass")


def write(folder: Path, source: Source, content: bytes | None) -> None:
    """A source's file, and nothing else: a text's content, or its rows as Parquet."""
    path = folder / f"{source.kind}.{source.layout.name}"
    if content is None:
        rows = [{name: text.encode("utf-8", "replace").decode() for name, text in row.items()} for row in source.rows]
        table = pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in source.layout.columns]))
        pa.parquet.write_table(table, path)
    else:
        path.write_bytes(gzip.compress(content, 1) if source.layout.packed else content)


def mapping(sources: Sequence[Source]) -> str:
    """The sources as a mapping file tells of them."""
    covers = f'covers = {{ receivers = "all", from = {BEGIN.isoformat()}, to = {UNTIL.isoformat()} }}\n'
    return "".join(
        f'[[source]]\nkind = "{one.kind}"\nfiles = ["{one.kind}.{one.layout.name}"]\nformat = "{one.layout.suffix}"\n'
        + covers * (one.kind == "stored")
        for one in sources
    )
