"""Marks, code pages, and more than one of them in a file."""

from pathlib import Path
from typing import Any

import pytest

from tests.sources.files import ID, OTHER, SENT_AT, Read, csv_lines, read, source_of, written

HEADER = ("report_id", "sent_at", "municipality", "case_system_version", "årsak")
ROW = (ID, SENT_AT, "0301", "blå", "æøå")
CONTENT = csv_lines(HEADER, ROW)


def text_of(tmp_path: Path, content: bytes, **told: Any) -> Read:
    return read(source_of(written(tmp_path, "sent.csv", content), **told))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_is_read_whatever_it_was_written_in(tmp_path: Path, encoding: str) -> None:
    found = text_of(tmp_path, CONTENT.encode(encoding))
    assert (found.rows[0]["line"], found.rows[0]["report_id"], found.rows[0]["case_system_version"]) == (2, ID, "blå")
    assert found.warnings == ({"encoding_mixed"} if encoding == "cp1252" else set())


def test_utf_16_with_its_big_end_first_has_a_mark_too(tmp_path: Path) -> None:
    assert text_of(tmp_path, b"\xfe\xff" + CONTENT.encode("utf-16-be")).rows[0]["case_system_version"] == "blå"


def test_excels_unicode_text_is_a_table(tmp_path: Path) -> None:
    path = written(tmp_path, "sent.txt", csv_lines(HEADER, ROW, delimiter="\t").encode("utf-16"))
    assert read(source_of(path)).rows[0]["case_system_version"] == "blå"


def test_lines_in_different_encodings_are_read_each_in_its_own(tmp_path: Path) -> None:
    found = text_of(tmp_path, CONTENT.encode() + csv_lines(ROW).encode("cp1252") + csv_lines(ROW).encode())
    assert [row["case_system_version"] for row in found.rows] == ["blå"] * 3
    assert found.warnings == {"encoding_mixed"}


def test_bytes_of_other_columns_disturb_nobody(tmp_path: Path) -> None:
    found = text_of(tmp_path, csv_lines(HEADER).encode() + f"{ID};{SENT_AT};0301;1;".encode() + b"\x81\xff\xe5\r\n")
    assert [row["report_id"] for row in found.rows] == [ID]
    assert not found.warnings


def test_a_declared_encoding_is_believed(tmp_path: Path) -> None:
    content = csv_lines(HEADER, ROW).encode("cp865")
    assert text_of(tmp_path, content, encoding="cp865").rows[0]["case_system_version"] == "blå"


def test_a_column_is_named_in_the_headers_own_letters(tmp_path: Path) -> None:
    found = text_of(tmp_path, CONTENT.encode("cp1252"), columns={"message_id": "ÅRSAK"})
    assert found.rows[0]["message_id"] == "æøå"


def test_characters_are_not_cut_where_blocks_end(tmp_path: Path) -> None:
    rows = [(OTHER, SENT_AT, "0301", "blå🙂", "x")] * 30
    path = written(tmp_path, "sent.csv", csv_lines(HEADER, *rows).encode("utf-16"))
    for size in (1, 7, 64):
        assert {row["case_system_version"] for row in read(source_of(path), size).rows} == {"blå🙂"}
