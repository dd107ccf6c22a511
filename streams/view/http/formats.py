"""The same list as JSON, NDJSON, CSV and Parquet."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet

from streams.core.events import written
from streams.presentation.spreadsheets import written_as_csv
from streams.presentation.words import Words
from streams.problems import Problem
from streams.view.http.for_people import HEADINGS, readable
from streams.view.queries.queries import Listing
from streams.view.sandbox import QueryResult
from streams.view.sandbox.errors import too_large
from streams.view.sandbox.values import slices, values

TEXT_ROWS = 1_000  # a megabyte, which is held for whoever does not read on
GROUP_ROWS = 20_000  # of a Parquet file, which is written before anybody reads it
CHUNK_BYTES = 1 << 20
LIST_ROWS, ROWS_BYTES = 1_000, 16 << 20
Reading = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]


class Format(StrEnum):
    """How a list is written; the value is the suffix."""

    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
    Format.CSV: "text/csv",
    Format.PARQUET: "application/vnd.apache.parquet",
}


def wanted(accept: str | None) -> Format:
    """The format that a client likes best of those there are. Raises Problem (406) when it likes none.

    The most exact range that a format lies in speaks for it; of those liked alike, the one named first.
    """
    likes = [_like(part) for part in (accept or "*/*").split(",")]
    liked = [
        (-quality, rank, format_) for format_ in Format for quality, rank in [_liked(format_, likes)] if quality > 0
    ]
    if liked:
        return min(liked, key=lambda found: found[:2])[2]
    raise Problem(
        "not-acceptable", f"There is no such format here: accept one of {', '.join(MEDIA_TYPES.values())}.",
        status=HTTPStatus.NOT_ACCEPTABLE,
    )  # fmt: skip


def _liked(wanted: Format, likes: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """How much a format is liked, and at which place of the list that stands."""
    media = MEDIA_TYPES[wanted]
    for range_ in (media, f"{media.partition('/')[0]}/*", "*/*"):
        for rank, (named, quality) in enumerate(likes):
            if named == range_:
                return quality, rank
    return 0.0, 0


def _like(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return media, float(parameter[2:])
            except ValueError:
                return media, 0.0
    return media, 1.0


def as_json(value: Any) -> bytes:
    """JSON; times in UTC with six digits and Z, as everywhere."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def json_list(rows: Sequence[Any]) -> bytes:
    """A long list as JSON, a part at a time, so that other threads come in between."""
    return _joined(as_json(rows[n : n + LIST_ROWS]) for n in range(0, len(rows), LIST_ROWS))


def json_rows(found: QueryResult) -> bytes:
    """An analyst's rows as one JSON list of lists. Raises Refused where that is too long."""
    parts = (part for batch in found.table.to_batches() for part in slices(batch))
    return _joined(bounded(as_json(list(zip(*map(values, part.columns), strict=True))) for part in parts))


def bounded(parts: Iterable[bytes]) -> Iterator[bytes]:
    """An answer's parts, as long as they are not too long together. Raises Refused where they are."""
    size = 0
    for part in parts:
        size += len(part)
        if size > ROWS_BYTES:
            raise too_large(f"The answer is longer than {ROWS_BYTES >> 20} MiB of text")
        yield part


def _joined(lists: Iterable[bytes]) -> bytes:
    """One list of what is in several, none of which is empty."""
    return b"[" + b",".join(one[1:-1] for one in lists) + b"]"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return written(value) if value.tzinfo else value.isoformat(timespec="microseconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(type(value).__name__)


def ndjson(reading: Reading, listing: Listing, limit: int | None) -> Iterator[bytes]:
    """A row a line."""
    for batch in _batches(reading, listing, f"{listing.columns.json()} AS row", limit):
        yield "".join(f"{row}\n" for row in batch.column("row").to_pylist()).encode()


def csv(reading: Reading, listing: Listing, limit: int | None) -> Iterator[bytes]:
    """RFC 4180 with an empty column `comment`."""
    yield from written_as_csv(_batches(reading, listing, listing.columns.texts(), limit))


def excel_csv(reading: Reading, listing: Listing, limit: int | None, words: Words) -> Iterator[bytes]:
    """What people read of a list, for Norwegian Excel: semicolons and a byte-order mark, words and local times."""
    batches = _batches(reading, listing, listing.columns.local_texts(tuple(HEADINGS)), limit)
    comment = words("words.comment")
    yield from written_as_csv(readable(batches, words), for_excel=True, comment=comment, guarded=True)


def parquet(reading: Reading, listing: Listing, limit: int | None, about: dict[str, str]) -> Iterator[bytes]:
    """One file with the columns' own types; `about` goes into its metadata."""
    with tempfile.TemporaryFile() as file:
        writer = None
        for batch in _batches(reading, listing, listing.columns.values(), limit, GROUP_ROWS):
            schema = batch.schema.with_metadata(about)
            writer = writer or pa.parquet.ParquetWriter(file, schema, compression="zstd")
            writer.write_batch(batch.replace_schema_metadata(about))
        if writer is not None:
            writer.close()
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _batches(
    reading: Reading, listing: Listing, what: str, limit: int | None, rows: int = TEXT_ROWS
) -> Iterator[pa.RecordBatch]:
    """At least one batch, so that an empty list has its columns, too."""
    query = listing.select(what, limit)
    with reading() as cursor:
        reader = cursor.sql(query.sql, params=list(query.values)).to_arrow_reader(rows)
        empty = True
        for batch in reader:
            empty = False
            yield batch
        if empty:
            yield pa.RecordBatch.from_pylist([], reader.schema)
