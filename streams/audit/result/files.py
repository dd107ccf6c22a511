"""The files of a result, each written in one go from the tables."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from itertools import groupby
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from streams.audit.result import lists
from streams.audit.schema import EVENTS, VERDICTS, Audited
from streams.core.events import written
from streams.presentation.joint_tables import Table
from streams.presentation.municipality_names import former, municipality_name, names_in
from streams.presentation.spreadsheets import written_as_csv

UNKNOWN_RECEIVER = "unknown"


def write_lists(audited: Audited, folder: Path, top_candidates: int) -> None:
    """Everything by the row: what to look at as CSV; every verdict and event as Parquet, which tells `until`, too."""
    connection, until = audited.connection, written(audited.until.astimezone(UTC))
    wanted = {
        "missing": lists.reports("missing"),
        "recovered": lists.reports("recovered", order="alarm_at NULLS LAST, report_id"),
        "undetermined": lists.reports("undetermined", order="untold, sent_at NULLS LAST, report_id"),
        "candidates": lists.candidates(top_candidates),
        "contradictions": lists.CONTRADICTIONS,
        "rejects": lists.REJECTS,
        "books": lists.BOOKS_LIST,
    }
    with names_in(connection) as names:
        for name, one in wanted.items():
            _write(folder / f"{name}.csv", lists.batches(connection, one, names), comment=one.comment)
    known = {"decisions_since": audited.decisions_since, "decisions_until": audited.decisions_until}
    told = {"until": until} | {name: written(at.astimezone(UTC)) for name, at in known.items() if at is not None}
    for name, table, columns in (("reports", "verdicts", VERDICTS), ("events", "events", EVENTS)):
        _write_parquet(connection, folder / f"{name}.parquet", table, columns, told)


def _write_parquet(
    connection: duckdb.DuckDBPyConnection, path: Path, table: str, columns: Iterable[str], told: Mapping[str, str]
) -> None:
    """A table as Parquet; `told` is what the file tells of itself."""
    chosen, target = ", ".join(f'"{name}"' for name in columns), str(path).replace("'", "''")
    known = ", ".join(f"{name}: '{value}'" for name, value in told.items())
    connection.execute(
        f"COPY (SELECT {chosen} FROM {table}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, "
        f"KV_METADATA {{{known}}})"
    )


def write_receivers(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """A file a receiver, by today's number; what has none that can be read is together in one."""
    folder.mkdir()
    with names_in(connection) as names:
        parts = _by_first(lists.batches(connection, lists.of_receivers(), names))
        for number, batches in groupby(parts, key=lambda part: part[0]):
            _write(folder / f"{number or UNKNOWN_RECEIVER}.csv", (batch for _, batch in batches))


def write_books(folder: Path, table: Table) -> None:
    """The books by receiver, as the page shows them; an empty number is one that is hidden."""
    labels = [group.label[0] if group.label else None for group in table.groups]
    rows = {
        "municipality_today": labels,
        "municipality_today_name": [municipality_name(label) for label in labels],
        "former_numbers": ["|".join(former(label)) for label in labels],
        "receivers": [group.folded or 1 for group in table.groups],
    }
    made = pa.RecordBatch.from_pydict(
        {name: pa.array(values, pa.int64() if name == "receivers" else pa.string()) for name, values in rows.items()}
        | {name: pa.array([group.counts[name] for group in table.groups], pa.int64()) for name in table.columns}
    )
    _write(folder / "books.csv", [made], comment=False)


def _write(path: Path, batches: Iterable[pa.RecordBatch], *, comment: bool = True) -> None:
    with path.open("wb") as file:
        file.writelines(written_as_csv(batches, for_excel=True, comment="comment" if comment else None, guarded=True))


def _by_first(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[str | None, pa.RecordBatch]]:
    """Batches that are sorted by their first column, cut where it changes, and without it."""
    for batch in batches:
        runs = pc.run_end_encode(batch.column(0))
        start = 0
        for value, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
            yield value, batch.slice(start, end - start).select(batch.schema.names[1:])
            start = end
