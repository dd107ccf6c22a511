"""Rows as CSV: what a spreadsheet makes of them."""

import csv
import io
from typing import Any

import pyarrow as pa
import pytest

from streams.presentation.spreadsheets import written_as_csv


def read(*batches: pa.RecordBatch, delimiter: str = ";", **options: Any) -> list[list[str]]:
    text = b"".join(written_as_csv(batches, **options)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def batch(*texts: str | None) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"text": pa.array(texts, pa.string()), "number": range(-1, len(texts) - 1)})


def test_the_header_comes_once_and_an_empty_comment_last() -> None:
    assert read(batch("a"), batch("b"), for_excel=True) == [
        ["text", "number", "comment"], ["a", "-1", ""], ["b", "-1", ""],
    ]  # fmt: skip
    assert read(batch("a"), delimiter=",", comment=None) == [["text", "number"], ["a", "-1"]]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r\n@", " -1", "\uff1d1", "\ufeff=1", "-"])
def test_a_formula_is_made_a_text_and_only_where_it_is_asked_for(text: str) -> None:
    assert read(batch(text), for_excel=True, guarded=True)[1][0] == f"'{text}"
    assert read(batch(text), for_excel=True)[1][0] == text


def test_a_columns_name_is_no_formula_either() -> None:
    rows = pa.RecordBatch.from_arrays([pa.array(["x"])] * 3, ["=1", "-a", "a=1"])
    assert read(rows, rows, for_excel=True, guarded=True) == [
        ["'=1", "'-a", "a=1", "comment"], ["x", "x", "x", ""], ["x", "x", "x", ""],
    ]  # fmt: skip
    assert read(rows, for_excel=True)[0] == ["=1", "-a", "a=1", "comment"]


def test_texts_that_are_numbers_stay_where_that_is_told() -> None:
    rows = pa.RecordBatch.from_arrays([pa.array(["-3"]), pa.array(["-0,5"])], ["a", "b"])
    assert read(rows, for_excel=True, guarded=True, numbers=[1])[1] == ["'-3", "-0,5", ""]


@pytest.mark.parametrize("text", ["a=1", "1-2", "'=1", "0301", "a\n=1", 'x";=1', "", "\u00e5"])
def test_any_other_text_stays_as_it_is(text: str) -> None:
    assert read(batch(text, None), for_excel=True, guarded=True)[1:] == [[text, "-1", ""], ["", "0", ""]]
