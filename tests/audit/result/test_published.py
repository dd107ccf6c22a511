"""A result for open publication: no single report, and no small number anywhere."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from streams.audit.result.sentences import FILES
from streams.audit.schema import Audited
from tests.audit.result.conftest import written
from tests.audit.result.reading import Reading, heading
from tests.audit.result.stock import audited, few, many, source, verdict


@pytest.fixture(scope="module", params=[few, many])
def out(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Callable[[], Audited] = request.param
    return written(made(), tmp_path_factory.mktemp("published") / "result", suppress_small=True)


def test_it_has_no_file_of_single_reports(out: Path) -> None:
    assert {path.name for path in out.iterdir()} == {*FILES.values(), "summary.json", "books.csv"}


def test_no_report_id_stands_anywhere(out: Path) -> None:
    for path in out.iterdir():
        text = re.sub(r"base64,[\w+/=]+", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text), path.name


@pytest.mark.parametrize("name", FILES.values())
def test_no_cell_of_any_table_is_a_small_number(out: Path, name: str) -> None:
    tables = Reading(out / name).tables
    cells = [cell for table in tables.values() for line in table for cell in line]
    assert [cell for cell in cells if cell in ("hidden", "skjult")]
    assert not [cell for cell in cells if cell in ("1", "2", "3", "4")]


def test_the_summary_and_the_books_hide_what_the_page_hides(out: Path) -> None:
    said = orjson.loads((out / "summary.json").read_bytes())
    numbers = [
        *said["terms"].values(),
        *said["reasons"].values(),
        *said["untold"].values(),
        *said["contradictions"].values(),
    ]
    numbers += [
        said[name] for name in ("sent", "unexpected", "confirmed_late", "uncertain", "by_event_time", "candidates")
    ]
    numbers += [one[name] for one in said["sources"] for name in ("records", "facts", "rejected", "ignored")]
    assert not [number for number in numbers if number in (1, 2, 3, 4)]
    shown = {
        re.sub(r"\(formerly.*", "", line[0]): line[1:]
        for line in Reading(out / "report.html").tables["receivers"][1:-1]
    }
    rows = list(csv.DictReader(io.StringIO((out / "books.csv").read_text("utf-8-sig")), delimiter=";"))
    assert len(rows) == len(shown)
    for row in rows:
        if row["municipality_today"]:
            found = shown[f"{row['municipality_today']} {row['municipality_today_name']}"]
            assert found[0].replace(",", "").replace("hidden", "") == row["sent"]
            assert found[1].replace("hidden", "") == row["missing"]


def test_three_years_keep_their_answer(published: Path) -> None:
    assert heading(published / "rapport.html").startswith("63 av 19 970 bekymringsmeldinger mangler bekreftet lagring")
    tables = Reading(published / "report.html").tables
    assert tables["months"][-1] == ["In all", "19,970", "63", "400", "19,507"]
    assert tables["receivers"][1][:3] == ["3439 Ringebu(formerly 0520)", "72", "22"]


def test_the_time_of_a_single_report_is_not_told(tmp_path: Path) -> None:
    made = audited([verdict(n) for n in range(9)], sources=[source(1)])
    result = written(made, tmp_path / "result", suppress_small=True)
    text = Reading(result / "report.html").text
    assert "The reports were sent from September 2020 to September 2020." in text
    said = orjson.loads((result / "summary.json").read_bytes())
    assert said["first_sent_at"] == "2020-08-31T22:00:00.000000Z"
    assert (said["sources"][0]["first"], said["sources"][0]["last"]) == (None, None)


def test_a_few_missing_are_some(tmp_path: Path) -> None:
    made = audited([*(verdict(n) for n in range(90)), verdict(91, "missing")])
    result = written(made, tmp_path / "result", suppress_small=True)
    assert heading(result / "report.html") == "Some of 91 reports of concern lack confirmed storage."
