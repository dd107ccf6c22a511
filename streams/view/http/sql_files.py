"""An answer to SQL as a file: as CSV, also for Excel, and as Parquet."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from streams.presentation.spreadsheets import written_as_csv
from streams.presentation.times import OSLO, SPREADSHEET_TIME_FORMAT
from streams.problems import BadRequest
from streams.view.http import models
from streams.view.http.formats import MEDIA_TYPES, Format, as_json, bounded
from streams.view.responses import PROBLEMS, headers_of, seat_of
from streams.view.sandbox import QueryResult, Refused
from streams.view.sandbox.values import slices, values
from streams.view.store.freshness import coverage_of

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
Suffix = Literal["csv", "parquet"]


class FileQuery(models.Query):
    """One SELECT, and for whom its answer is written."""

    excel: bool = Field(False, description="A CSV file for Norwegian Excel: semicolons, decimal commas, local times.")
    reach: Literal["national"] | None = Field(
        None, description="Of the whole country, for those whose token also has its own receivers."
    )


@router.get(
    "/sql.{suffix}",
    responses={
        200: {"description": "The rows", "content": {MEDIA_TYPES[one]: {} for one in (Format.CSV, Format.PARQUET)}}
    },
)
async def sql_file(request: Request, suffix: Suffix, query: Annotated[FileQuery, Query()]) -> Response:
    """One SELECT, as of `POST /sql`, with its rows as a file.

    Where there were more rows than are given out, its name tells how many it has, and `X-Truncated` is `true`.
    """
    seat = seat_of(request)
    picture = seat.picture(await seat.once(coverage_of))  # before the rows, so that it never claims more than they hold
    headers = headers_of(picture)
    about = {"complete_until": headers["X-Complete-Until"], "behind": picture.behind or ""}
    shaped = partial(_parquet, about=about) if suffix == "parquet" else _for_excel if query.excel else _csv
    try:
        found = await seat.query(query.query, lambda found: _file_of(found, shaped))
    except Refused as refused:
        raise BadRequest(f"sql-{refused.kind.replace('_', '-')}", str(refused), "query") from None
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    part = f"first-{found.rows}-" if found.truncated else ""
    headers["Content-Disposition"] = f'attachment; filename="answer-{part}{moment}.{suffix}"'
    if found.truncated:
        headers["X-Truncated"] = "true"
    return Response(found.body, media_type=MEDIA_TYPES[Format(suffix)], headers=headers)


class _File(NamedTuple):
    """A file of so many rows. `truncated`: there were more."""

    body: bytes
    rows: int
    truncated: bool


def _file_of(found: QueryResult, shaped: Callable[[QueryResult], bytes]) -> _File:
    return _File(shaped(found), found.table.num_rows, found.truncated)


def _parquet(found: QueryResult, about: Mapping[str, str]) -> bytes:
    """With what is known of the rows in its metadata."""
    table = found.table.replace_schema_metadata({**about, "truncated": "true" if found.truncated else "false"})
    target = pa.BufferOutputStream()
    pa.parquet.write_table(table, target, compression="zstd")
    return bytes(target.getvalue())


def _csv(found: QueryResult) -> bytes:
    return _written(found, for_excel=False)


def _for_excel(found: QueryResult) -> bytes:
    return _written(found, for_excel=True)


def _written(found: QueryResult, *, for_excel: bool) -> bytes:
    batches = _texts(found, for_excel=for_excel)
    numbers = [at for at, one in enumerate(found.table.schema.types) if _is_number(one)]
    parts = written_as_csv(batches, for_excel=for_excel, comment=None, guarded=for_excel, numbers=numbers)
    return b"".join(bounded(parts))


def _is_number(one: pa.DataType) -> bool:
    return bool(pa.types.is_integer(one) or pa.types.is_floating(one) or pa.types.is_decimal(one))


def _texts(found: QueryResult, *, for_excel: bool) -> Iterator[pa.RecordBatch]:
    """Its rows as text, a few at a time; at least one batch, so that no rows have their columns, too."""
    names = found.table.column_names
    parts: Iterable[pa.RecordBatch] = (part for batch in found.table.to_batches() for part in slices(batch))
    empty = True
    for part in parts:
        empty = False
        columns = [pa.array([_text(one, for_excel) for one in values(column)], pa.string()) for column in part.columns]
        yield pa.RecordBatch.from_arrays(columns, names=names)
    if empty:
        yield pa.RecordBatch.from_arrays([pa.array([], pa.string()) for _ in names], names=names)


def _text(value: Any, for_excel: bool) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if for_excel and isinstance(value, float | Decimal):
        return str(value).replace(".", ",")
    if for_excel and isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(OSLO).strftime(SPREADSHEET_TIME_FORMAT)
    text = as_json(value).decode()
    return text[1:-1] if text.startswith('"') else text
