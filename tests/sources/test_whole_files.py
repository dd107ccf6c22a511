"""Files that are odd as a whole: encrypted, packed in parts, with a title, with names in other letters."""

import gzip
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any
from unicodedata import normalize

import pyarrow as pa
import pyarrow.parquet
import pytest

from streams.errors import ConfigurationError
from tests.sources.files import ID, OTHER, SENT_AT, csv_lines, ndjson, read, source_of, written

HEADER, ROW = ("report_id", "sent_at", "municipality"), (ID, SENT_AT, "0301")
CONTENT = csv_lines(HEADER, ROW, (OTHER, *ROW[1:]))
LINES = [2, 3]


def lines_of(path: Path, size: int | None = None, **told: Any) -> list[int]:
    return [row["line"] for row in read(source_of(path, **told), size).rows]


@pytest.mark.parametrize(
    "above",
    [
        "Extract of 2022-06-01\n\n", "Report;Extract\nDate;2022-06-01;;\n", '"A title; and ""more"""\n;;\n',
        "# made by x\n", "sep=;\nExtract of 2022-06-01\n", "\ufeffUttrekk\n",
    ],
)  # fmt: skip
def test_lines_above_the_header_are_passed_over_and_that_is_said(tmp_path: Path, above: str) -> None:
    found = read(source_of(written(tmp_path, "sent.csv", above + CONTENT)))
    assert [row["line"] for row in found.rows] == [line + above.count("\n") for line in LINES]
    assert (found.odd, found.warnings) == ([], {"lines_above"})


def test_others_names_below_a_title_are_found_by_the_mapping(tmp_path: Path) -> None:
    content = "Uttrekk\n" + csv_lines(("Meldings-ID", "Sendt", "Kommune"), ROW)
    columns = {"report_id": "Meldings-ID", "sent_at": "Sendt", "municipality": "Kommune"}
    assert lines_of(written(tmp_path, "sent.csv", content), columns=columns) == [3]


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
@pytest.mark.parametrize("suffix", ["csv", "ndjson", "parquet"])
def test_a_columns_name_and_values_may_be_composed_in_any_way(
    tmp_path: Path, forms: tuple[str, str], suffix: str
) -> None:
    theirs, mapped = (normalize(form, "Må: århus") for form in forms)  # type: ignore[arg-type]
    row = {"report_id": ID, "sent_at": SENT_AT, "municipality": "0301", theirs: theirs}
    path = tmp_path / f"sent.{suffix}"
    if suffix == "parquet":
        pa.parquet.write_table(pa.Table.from_pylist([row]), path)
    else:
        written(tmp_path, path.name, ndjson(row) if suffix == "ndjson" else csv_lines(tuple(row), tuple(row.values())))
    source = source_of(path, columns={"channel": mapped}, values={"channel": {mapped: "FIKS_IO"}})
    assert read(source).rows[0]["channel"] == "FIKS_IO"


@pytest.mark.parametrize("behind", [b"", b"\0" * 100, b"\n", b"\r\n", b"\0" * 70_000])
@pytest.mark.parametrize("name", ["sent.csv.gz", "sent.csv"])
def test_padding_behind_packed_parts_is_no_text(tmp_path: Path, behind: bytes, name: str) -> None:
    half = len(CONTENT) // 2
    packed = behind.join(gzip.compress(part.encode()) for part in (CONTENT[:half], "", CONTENT[half:])) + behind
    (tmp_path / name).write_bytes(packed)
    for size in (1, 7, 1000):
        found = read(source_of(tmp_path / name), size)
        assert ([row["line"] for row in found.rows], found.odd, found.warnings) == (LINES, [], set())


def test_anything_else_behind_a_packed_part_is_said(tmp_path: Path) -> None:
    path = written(tmp_path, "sent.csv.gz", CONTENT)
    path.write_bytes(path.read_bytes() + b"report_id")
    with pytest.raises(ConfigurationError, match=r"^sent\.csv\.gz cannot be unpacked"):
        read(source_of(path))


def test_a_packed_file_that_ends_where_its_last_part_begins_was_cut(tmp_path: Path) -> None:
    path = written(tmp_path, "sent.csv.gz", CONTENT)
    path.write_bytes(path.read_bytes() + b"\x1f")
    assert read(source_of(path)).warnings == {"cut_off"}


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-be"])
def test_text_in_four_bytes_a_letter_is_read(tmp_path: Path, encoding: str) -> None:
    mark = b"\0\0\xfe\xff" if encoding == "utf-32-be" else b""
    assert lines_of(written(tmp_path, "sent.csv", mark + CONTENT.encode(encoding))) == LINES


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_carriage_return_within_a_line_is_text_unless_lines_end_so(tmp_path: Path, newline: str) -> None:
    content = csv_lines((*HEADER, "note"), (*ROW, "a\rb"), (*ROW, "c"), newline=newline)
    for size in (1, 10, 1000):
        assert lines_of(written(tmp_path, "sent.csv", content), size) == LINES
    returns = csv_lines((*HEADER, "note"), (*ROW, '"a\nb"'), (*ROW, "c"), newline="\r")
    assert lines_of(written(tmp_path, "sent.csv", returns)) == [2, 4]


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"\x28\xb5\x2f\xfd", "packed by something else"),
        (b"BZh9", "packed by something"),
        (b"PAR1", "is a Parquet file"),
    ],
)
def test_what_a_file_is_instead_is_said(tmp_path: Path, start: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(source_of(written(tmp_path, "sent.csv", start + b"\1" * 100)))


def parquet(folder: Path) -> Path:
    rows = [{"report_id": one, "sent_at": SENT_AT, "municipality": "0301"} for one in (ID, OTHER)] * 50
    pa.parquet.write_table(pa.Table.from_pylist(rows), folder / "sent.parquet", write_page_checksum=True)
    return folder / "sent.parquet"


def test_an_encrypted_parquet_file_is_said_to_be_so(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    path.write_bytes(b"PARE" + path.read_bytes()[4:-4] + b"PARE")
    with pytest.raises(ConfigurationError, match=r"^sent\.parquet is encrypted: "):
        read(source_of(path))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("Corrupt"), "is no whole"), (KeyError("x"), "is no whole"), (MemoryError(), "is no whole"),
        (pa.ArrowNotImplementedError("brotli"), "has a type or a codec"), (OSError("It is encrypted"), "is encrypted"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, ""), "is no whole"), (pa.ArrowTypeError("x"), "is no whole"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["ParquetFile.__init__", "ParquetFile.iter_batches"])
def test_whatever_the_library_raises_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str, where: str
) -> None:
    path = parquet(tmp_path)

    def fails(*_: object, **__: object) -> Any:
        raise error
        yield

    def fails_at_once(*_: object, **__: object) -> None:
        raise error

    failing: Callable[..., Any] = fails if where.endswith("batches") else fails_at_once
    monkeypatch.setattr(f"pyarrow.parquet.{where}", failing)
    with pytest.raises(ConfigurationError, match=said):
        read(source_of(path))


def test_a_parquet_file_with_any_byte_changed_is_read_as_it_was_or_not_at_all(tmp_path: Path) -> None:
    path = parquet(tmp_path)
    whole, rng = path.read_bytes(), Random()
    expected = read(source_of(path)).rows
    for _ in range(200):
        damaged = bytearray(whole)
        at = rng.randrange(len(damaged))
        damaged[at] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with suppress(ConfigurationError):
            assert read(source_of(path)).rows == expected, at


def test_text_in_parquet_that_is_no_utf8_is_read_value_by_value(tmp_path: Path) -> None:
    texts = pa.array([b"bl\xe5", "blå".encode()]).view(pa.string())
    table = pa.table({"report_id": [ID, OTHER], "sent_at": [SENT_AT] * 2, "municipality": ["0301"] * 2, "form": texts})
    pa.parquet.write_table(table, tmp_path / "sent.parquet")
    found = read(source_of(tmp_path / "sent.parquet"))
    assert ([row["form"] for row in found.rows], found.warnings) == (["blå", "blå"], {"encoding_mixed"})
