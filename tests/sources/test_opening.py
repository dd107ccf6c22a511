"""What is found out before anything is read in bulk, and how it is said."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from streams.errors import ConfigurationError
from streams.sources import open_source, shaping, text
from streams.sources.chunk import FIELDS, MOST_LINES, Kind
from streams.sources.mapping import plain
from tests.sources.files import (
    ID,
    NATIONAL_ID,
    SENT,
    SENT_AT,
    csv_lines,
    ndjson,
    opened,
    read,
    source_of,
    written,
)

FULL = {
    "report_id": ID, "message_id": "m1", "sent_at": SENT_AT, "received_at": SENT_AT, "stored_at": SENT_AT,
    "at": SENT_AT, "arrived": SENT_AT, "municipality": "0301", "receipt": "MOTTATT", "state": "LEVERT",
}  # fmt: skip
# The columns without which a kind tells nothing, and what is said then.
LACKING: list[tuple[Kind, set[str], str]] = [
    ("sent", {"report_id"}, "report_id"),
    ("sent", {"sent_at", "arrived"}, "sent_at or arrived"),
    ("sent", {"municipality"}, "municipality"),
    ("receipt", {"report_id", "message_id"}, "report_id or message_id"),
    ("receipt", {"receipt"}, "receipt"),
    ("receipt", {"received_at", "arrived"}, "received_at or arrived"),
    ("stored", {"stored_at", "arrived"}, "stored_at or arrived"),
    ("stored", {"report_id", "message_id", "municipality"}, "report_id, message_id or municipality"),
    ("portal", {"report_id"}, "report_id"),
    ("portal", {"state"}, "state"),
    ("portal", {"at"}, "at"),
]


def file_of(folder: Path, suffix: str, columns: dict[str, str]) -> Path:
    if suffix == "parquet":
        path = folder / "a.parquet"
        pa.parquet.write_table(pa.table({name: [value] for name, value in columns.items()}), path)
        return path
    content = ndjson(columns) if suffix == "ndjson" else csv_lines(tuple(columns), tuple(columns.values()))
    return written(folder, f"a.{suffix}", content)


def sentence(source: object) -> str:
    with pytest.raises(ConfigurationError) as caught:
        open_source(source)  # type: ignore[arg-type]
    said = str(caught.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
@pytest.mark.parametrize(("kind", "missing", "wanted"), LACKING)
def test_what_a_kind_needs_is_asked_for(
    tmp_path: Path, suffix: str, kind: Kind, missing: set[str], wanted: str
) -> None:
    there = {name: FULL[name] for name in FIELDS[kind] if name in FULL}
    opened(source_of(file_of(tmp_path, suffix, there), kind))
    path = file_of(tmp_path, suffix, {name: there[name] for name in there if name not in missing} | {"x": NATIONAL_ID})
    assert sentence(source_of(path, kind)) == (
        f"{path.name} has no column {wanted}, which a source of kind {kind} needs: name it under columns in a mapping "
        "file, or give its value under constants."
    )


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
def test_one_of_several_is_enough_and_a_constant_is_as_good_as_a_column(tmp_path: Path, suffix: str) -> None:
    path = file_of(tmp_path, suffix, {"stored_at": SENT_AT, "municipality": "0301"})
    assert read(source_of(path, "stored")).rows == [
        {
            "line": 2 if suffix == "csv" else 1,
            "stored_at": SENT_AT,
            "municipality": "0301",
            "evidence": "RECONCILIATION",
        }
    ]
    path = file_of(tmp_path, suffix, {"report_id": ID, "arrived": SENT_AT})
    row = read(source_of(path, constants={"municipality": "4601"})).rows[0]
    assert (row["municipality"], row["arrived"]) == ("4601", SENT_AT)


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
def test_a_default_stands_only_where_a_source_has_no_such_column(tmp_path: Path, suffix: str) -> None:
    path = file_of(tmp_path, suffix, {"report_id": ID, "stored_at": SENT_AT, "evidence": "MANUAL"})
    assert read(source_of(path, "stored")).rows[0]["evidence"] == "MANUAL"
    path = written(tmp_path, "b.ndjson", ndjson(SENT, {"report_id": ID, "sent_at": SENT_AT}))
    assert "channel" not in read(source_of(path)).rows[1]


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
def test_a_constant_stands_on_every_line_whatever_the_file_says(tmp_path: Path, suffix: str) -> None:
    path = file_of(tmp_path, suffix, {"report_id": ID, "sent_at": SENT_AT, "municipality": "0301"})
    assert read(source_of(path, constants={"municipality": "4601"})).rows[0]["municipality"] == "4601"


@pytest.mark.parametrize("suffix", ["ndjson", "csv", "parquet"])
def test_a_mapped_column_that_is_not_there_is_said_by_our_name(tmp_path: Path, suffix: str) -> None:
    path = file_of(tmp_path, suffix, {"report_id": ID, "sent_at": SENT_AT, "municipality": "0301", NATIONAL_ID: "x"})
    assert sentence(source_of(path, columns={"form": "skjema"})) == (
        f"{path.name} has no such column as the mapping names for form: correct columns.form to what the file calls it."
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.ndjson", ""), ("a.ndjson", "\n \n"), ("a.csv", ""), ("a.csv", "\n\n"), ("a.csv", "\ufeff"),
        ("a.csv", "report_id;sent_at;municipality\n"), ("a.csv", "report_id;sent_at;municipality\n\n;;\n"),
        ("a.csv.gz", ""), ("a.csv", "sep=;\n"),
    ],
)  # fmt: skip
def test_a_file_without_records_is_empty(tmp_path: Path, name: str, content: str) -> None:
    said = sentence(source_of(written(tmp_path, name, content)))
    assert said == f"{name} is empty: give a file that has records, or leave it out."


def test_a_file_that_is_not_there_or_no_file_is_said_with_its_path(tmp_path: Path) -> None:
    assert sentence(source_of(tmp_path / "no.csv")).startswith(
        f"{tmp_path / 'no.csv'} cannot be read (there is no such file)"
    )
    assert "cannot be read (it is a folder)" in sentence(source_of(tmp_path))


@pytest.mark.parametrize("name", ["a.dat", "a", "a.gz", "a.parquet.gz", "a.json"])
def test_a_name_that_tells_no_format_asks_for_it(tmp_path: Path, name: str) -> None:
    assert "does not say by its name what it is" in sentence(source_of(written(tmp_path, name, "x")))


def test_a_declared_format_comes_before_the_name(tmp_path: Path) -> None:
    path = written(tmp_path, "a.dat", ndjson(SENT))
    assert opened(source_of(path, format="ndjson")).format == "ndjson"


def test_text_that_is_no_gzip_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(b"report_id;sent_at\n")
    assert sentence(source_of(path)) == "a.csv.gz cannot be unpacked: make or fetch it again."


def test_a_file_without_a_header_is_asked_for_its_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", csv_lines((ID, SENT_AT, "0301")))
    assert ID not in sentence(source_of(path))


@pytest.mark.parametrize("content", ["hello\n5\n[]\n", json.dumps([SENT, SENT]), json.dumps(SENT, indent=1)])
def test_a_file_without_an_object_on_any_line_is_no_ndjson(tmp_path: Path, content: str) -> None:
    said = sentence(source_of(written(tmp_path, "a.ndjson", content)))
    assert said == "a.ndjson has no line that is a JSON object: write one object a line."


def test_a_line_without_end_is_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_LONGEST_LINE_BYTES", 1 << 20)
    said = sentence(source_of(written(tmp_path, "a.csv", "x" * (3 << 20))))
    assert said == "a.csv has a line of over 64 MB: give a text file with lines."


def test_each_file_of_a_source_is_opened_by_itself_and_named(tmp_path: Path) -> None:
    paths = [written(tmp_path, name, ndjson(SENT)) for name in ("b.ndjson", "a.ndjson")]
    files = open_source(plain("sent", paths))
    assert [(file.name, file.kind, file.format) for file in files] == [
        ("b.ndjson", "sent", "ndjson"), ("a.ndjson", "sent", "ndjson"),
    ]  # fmt: skip
    assert files[0].columns == {"report_id", "sent_at", "municipality", "district", "channel", "case_system"}
    named = open_source(plain("sent", paths).model_copy(update={"name": "Portalen"}))
    assert [file.name for file in named] == ["Portalen (b.ndjson)", "Portalen (a.ndjson)"]
    assert opened(source_of(paths[0], name="Portalen")).name == "Portalen"


def test_how_much_is_read_never_goes_back_and_ends_at_one(tmp_path: Path) -> None:
    lines = [json.dumps(SENT | {"channel": 5})] * 2_000 + [json.dumps(SENT)] * 230_000
    file = opened(source_of(written(tmp_path, "a.ndjson", "\n".join(lines))))
    done = [(chunk.done, len(chunk.table) + len(chunk.odd)) for chunk in file.chunks()]
    assert done == sorted(done, key=lambda each: each[0])
    assert done[-1][0] == 1.0
    assert sum(lines for _, lines in done) == 232_000
    assert max(lines for _, lines in done) <= MOST_LINES


def test_a_file_of_hardly_anything_but_newlines_keeps_to_the_size_of_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "BLOCK_LINES", 100)
    monkeypatch.setattr(shaping, "_ENOUGH_LINES", 200)
    path = written(tmp_path, "a.csv", "report_id;sent_at;municipality\n" + f"{ID};{SENT_AT};0301\n" + "x\n" * 3000)
    sizes = [len(chunk.table) + len(chunk.odd) for chunk in opened(source_of(path)).chunks()]
    assert sum(sizes) == 3001
    assert max(sizes) <= 300
