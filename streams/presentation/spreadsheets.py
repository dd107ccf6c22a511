"""Rows as CSV, for people who open them in a spreadsheet."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# What makes a spreadsheet take a text for a formula, the wide forms of East Asian keyboards among them.
_FORMULA = "^[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20\t\r\n]"


def written_as_csv(
    batches: Iterable[pa.RecordBatch],
    *,
    for_excel: bool = False,
    comment: str | None = "comment",
    guarded: bool = False,
    numbers: Collection[int] = (),
) -> Iterator[bytes]:
    """RFC 4180, with an empty last column of that name; for Norwegian Excel with semicolons and a byte-order mark.

    `guarded`: a text that a spreadsheet would run as a formula gets an apostrophe in front, the columns' names
    included; `numbers` are the places of columns whose texts are numbers, and stay. Every text is quoted.
    """
    options = pa.csv.WriteOptions(delimiter=";" if for_excel else ",", quoting_style="needed")
    if for_excel:
        yield BYTE_ORDER_MARK
    header = True
    for batch in batches:
        table = pa.Table.from_batches([batch])
        if guarded:
            table = _harmless(table, numbers)
        if comment is not None:
            table = table.append_column(comment, pa.nulls(table.num_rows, pa.string()))
        target = pa.BufferOutputStream()
        options.include_header, header = header, False
        pa.csv.write_csv(table, target, options)
        yield target.getvalue().to_pybytes()


def _harmless(table: pa.Table, numbers: Collection[int]) -> pa.Table:
    for at, field in enumerate(table.schema):
        if at not in numbers and (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            table = table.set_column(at, field, _quoted(table.column(at)))
    return table.rename_columns(_quoted(pa.array(table.column_names, pa.string())).to_pylist())


def _quoted(texts: pa.Array | pa.ChunkedArray) -> Any:
    """Texts, those that are formulas with an apostrophe in front."""
    quoted = pc.binary_join_element_wise(pa.scalar("'", texts.type), texts, pa.scalar("", texts.type))
    return pc.if_else(pc.match_substring_regex(texts, _FORMULA), quoted, texts)
