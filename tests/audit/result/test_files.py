"""Which files a result has, and what stands in them."""

import csv
import io
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet
import pytest

from streams.audit.result import files
from streams.audit.result.sentences import FILES
from streams.audit.schema import TERMS, VERDICTS
from tests.audit.result.conftest import written
from tests.audit.result.stock import audited, candidate, few, report_id, source, verdict

LISTS = ("missing", "recovered", "undetermined", "candidates", "contradictions", "rejects", "books")
PAGES = {*FILES.values(), "summary.json"}


def rows(path: Path) -> list[dict[str, str]]:
    """A CSV file as Norwegian Excel reads it."""
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def test_a_result_has_these_files_and_no_other(small: Path) -> None:
    assert {path.name for path in small.iterdir()} == {
        *PAGES, *(f"{name}.csv" for name in LISTS), "reports.parquet", "events.parquet", "receivers",
    }  # fmt: skip
    assert not [path for path in small.parent.iterdir() if path != small]


def test_without_being_asked_there_is_no_file_a_receiver(large: Path) -> None:
    assert not (large / "receivers").exists()


@pytest.mark.parametrize("name", ["missing", "recovered", "undetermined", "candidates", "contradictions", "rejects"])
def test_the_last_column_is_an_empty_comment(small: Path, name: str) -> None:
    found = rows(small / f"{name}.csv")
    assert found
    assert all(list(row)[-1] == "comment" and row["comment"] == "" for row in found)


@pytest.mark.parametrize("name", [*LISTS, "receivers/x"])
def test_an_empty_audit_has_empty_lists_with_their_columns(tmp_path: Path, name: str) -> None:
    out = written(audited(), tmp_path / "result", per_receiver=True)
    if name.startswith("receivers"):
        assert list((out / "receivers").iterdir()) == []
    else:
        assert len((out / f"{name}.csv").read_bytes().splitlines()) == 1


def test_the_worst_come_first_and_those_with_candidates_are_marked(small: Path) -> None:
    found = [(row["report_id"], row["candidates"]) for row in rows(small / "missing.csv")]
    assert found == [
        (report_id(101), "0"), (report_id(102), "0"), (report_id(110), "0"), (report_id(201), "0"),
        (report_id(100), "3"), (report_id(105), "0"),  # somebody has closed it
    ]  # fmt: skip


def test_each_list_has_the_reports_of_its_status_and_why(small: Path) -> None:
    for status in ("missing", "recovered", "undetermined"):
        assert {row["status"] for row in rows(small / f"{status}.csv")} == {status}
    assert {row["untold"] for row in rows(small / "undetermined.csv")} == {
        "not_covered", "sent_unreadable", "receiver_unknown", "",
    }  # fmt: skip


def test_times_are_utc_and_for_people_norwegian_whatever_the_connection_says(small: Path) -> None:
    row = next(row for row in rows(small / "missing.csv") if row["report_id"] == report_id(101))
    assert (row["sent_at"], row["sent_at_norway"]) == ("2020-09-11T13:30:00.000000Z", "2020-09-11 15:30:00")
    assert (row["municipality"], row["municipality_today"]) == ("0710", "3907")
    assert row["municipality_today_name"] == "Sandefjord"
    assert (row["sent_source_name"], row["sent_line"]) == ("sent.csv", "103")


def test_every_verdict_is_in_the_parquet_file_with_the_contracts_columns(small: Path) -> None:
    table = pyarrow.parquet.read_table(small / "reports.parquet")
    assert table.schema.names == list(VERDICTS)
    ((count,),) = few().connection.execute("SELECT count(*) FROM verdicts").fetchall()
    assert table.num_rows == count
    assert str(table.schema.field("sent_at").type) == "timestamp[us, tz=UTC]"
    codec = pyarrow.parquet.ParquetFile(small / "reports.parquet").metadata.row_group(0).column(0).compression
    assert codec == "ZSTD"


def test_the_books_add_up_line_by_line(small: Path) -> None:
    found = rows(small / "books.csv")
    assert all(int(row["sent"]) == sum(int(row[term]) for term in TERMS) for row in found)
    summary = orjson.loads((small / "summary.json").read_bytes())
    assert sum(int(row["sent"]) for row in found) == summary["sent"] == sum(summary["terms"].values())
    assert summary["difference"] == 0


def test_every_receiver_has_its_own_and_only_its_own(small: Path) -> None:
    names = {path.stem for path in (small / "receivers").iterdir()}
    assert names == {"3907", "4601", "1507", "0301", files.UNKNOWN_RECEIVER}
    found: list[str] = []
    for path in (small / "receivers").iterdir():
        for row in rows(path):
            assert row["municipality_today"] == ("" if path.stem == files.UNKNOWN_RECEIVER else path.stem)
            assert list(row)[-1] == "comment"
            found.append(row["report_id"])
    listed = [
        row["report_id"] for name in ("missing", "undetermined", "recovered") for row in rows(small / f"{name}.csv")
    ]
    assert sorted(found) == sorted(listed)


def test_a_receiver_that_lies_in_several_batches_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.audit.result.lists.CHUNK_ROWS", 2)
    made = [verdict(n, "missing", municipality=("0301", "4601")[n % 2]) for n in range(9)]
    out = written(audited(made), tmp_path / "result", per_receiver=True)
    assert [len(rows(out / "receivers" / f"{number}.csv")) for number in ("0301", "4601")] == [5, 4]


def test_of_the_candidates_only_the_nearest_are_named(tmp_path: Path) -> None:
    made = audited([verdict(1, "missing")], [candidate(1, rank) for rank in range(1, 9)], [source(2, kind="stored")])
    out = written(made, tmp_path / "result", top_candidates=2)
    assert [row["rank"] for row in rows(out / "candidates.csv")] == ["1", "2"]
    assert (out / "report.html").read_text().count("after it was sent") == 2


def test_the_summary_tells_numbers_and_times_as_everywhere(small: Path) -> None:
    said: dict[str, Any] = orjson.loads((small / "summary.json").read_bytes())
    assert said["until"] == "2023-11-02T12:00:00.000000Z"
    assert said["first_sent_at"] == "2020-09-07T08:30:00.000000Z"
    assert said["sources"][1]["covers_to"] == "2023-11-02T12:00:00.000000Z"
    assert (said["sent"], said["unexpected"], said["confirmed_late"], said["receivers_with_missing"]) == (52, 2, 1, 2)
    assert said["terms"] == {
        "stored": 31, "missing": 6, "recovered": 2, "pending": 1, "unproven": 1, "undetermined": 10, "erased": 1,
    }  # fmt: skip
    assert said["reasons"] == {"receipted_not_stored": 4, "": 1, "no_receipt": 1}
    assert said["outcomes"] == {"open": 5, "handled": 1}
    assert (said["uncertain"], said["by_event_time"], said["candidates"]) == (1, 48, 2)
    assert (said["rejects"], said["warnings"]) == (4, ["coverage_measured"])
    assert said["contradictions"] == {"receiver": 1}
    assert said["sources"][0]["reject_reasons"] == {"brand_new": 1, "not_json": 1}


def test_books_that_do_not_balance_say_so_everywhere(tmp_path: Path) -> None:
    made = audited([verdict(1), verdict(2, "missing")])
    made.connection.execute("UPDATE books SET sent = sent + 3 WHERE missing = 0 OR missing = 1")
    out = written(made, tmp_path / "result")
    assert orjson.loads((out / "summary.json").read_bytes())["difference"] == 3
    assert "The books do not balance: there are 3 between" in (out / "report.html").read_text()
    assert "Regnskapet stemmer ikke: Det er 3 mellom" in (out / "rapport.html").read_text()
