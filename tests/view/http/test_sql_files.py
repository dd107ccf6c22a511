"""An answer to SQL as a file: what is in it, for Excel, too, and who may have it made."""

import csv
import io
import re

import httpx
import pyarrow.parquet
import pytest

from streams.view.services import Desk
from tests.view.stock import after, changes, coverage, report_id, state

QUERY = (
    "SELECT report_id, sent_at, 0.5 AS share, 12 AS number, [1, 2] AS some, NULL AS nothing, true AS yes, "
    "'=1+1' AS text, DATE '2026-03-02' AS day FROM reports"
)


@pytest.fixture
async def asked(desk: Desk, client: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client of a view with one report."""
    desk.store.apply(changes([state(1, "stored", sent_at=after())]))
    return client


async def test_csv_is_written_as_everywhere(asked: httpx.AsyncClient) -> None:
    answer = await asked.get("/api/v1/sql.csv", params={"query": QUERY})
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["report_id", "sent_at", "share", "number", "some", "nothing", "yes", "text", "day"],
        [report_id(1), "2026-03-02T09:00:00.000000Z", "0.5", "12", "[1,2]", "", "true", "=1+1", "2026-03-02"],
    ]  # fmt: skip
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="answer-')


async def test_for_excel_numbers_and_times_are_norwegian_and_no_text_is_a_formula(asked: httpx.AsyncClient) -> None:
    answer = await asked.get("/api/v1/sql.csv", params={"query": QUERY, "excel": "true"})
    row = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))[1]
    assert row[1:] == ["02.03.2026 10:00:00", "0,5", "12", "[1,2]", "", "true", "'=1+1", "2026-03-02"]


async def test_for_excel_what_is_negative_stays_a_number_and_no_name_is_a_formula(asked: httpx.AsyncClient) -> None:
    query = """SELECT -3 AS a, -0.5 AS b, -1.5::DOUBLE AS c, (-7)::HUGEINT AS d, '-3' AS e, ['-3'] AS f,
        1 AS "=HYPERLINK(""http://example.org"")", 2 AS "-g" """
    rows = {}
    for excel, delimiter in (("true", ";"), ("false", ",")):
        answer = await asked.get("/api/v1/sql.csv", params={"query": query, "excel": excel})
        rows[excel] = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=delimiter))
    link = '=HYPERLINK("http://example.org")'
    assert rows == {
        "true": [["a", "b", "c", "d", "e", "f", f"'{link}", "'-g"],
                 ["-3", "-0,5", "-1,5", "-7", "'-3", '["-3"]', "1", "2"]],
        "false": [["a", "b", "c", "d", "e", "f", link, "-g"],
                  ["-3", "-0.5", "-1.5", "-7", "-3", '["-3"]', "1", "2"]],
    }  # fmt: skip


async def test_parquet_has_the_columns_own_types(asked: httpx.AsyncClient) -> None:
    answer = await asked.get("/api/v1/sql.parquet", params={"query": "SELECT 12 AS number, 'a' AS text"})
    assert pyarrow.parquet.read_table(io.BytesIO(answer.content)).to_pylist() == [{"number": 12, "text": "a"}]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize(("rows", "begin"), [(10_000, "answer-"), (10_001, "answer-first-10000-")])
async def test_an_answer_that_was_cut_says_so(asked: httpx.AsyncClient, suffix: str, rows: int, begin: str) -> None:
    answer = await asked.get(f"/api/v1/sql.{suffix}", params={"query": f"SELECT range AS number FROM range({rows})"})
    assert answer.headers.get("x-truncated") == ("true" if rows > 10_000 else None)
    name = answer.headers["content-disposition"]
    assert re.fullmatch(rf'attachment; filename="{begin}\d{{8}}T\d{{6}}Z\.{suffix}"', name), name
    if suffix == "parquet":
        table = pyarrow.parquet.read_table(io.BytesIO(answer.content))
        assert table.num_rows == 10_000
        assert table.schema.metadata[b"truncated"] == (b"true" if rows > 10_000 else b"false")


async def test_parquet_tells_how_far_it_can_be_trusted(desk: Desk, asked: httpx.AsyncClient) -> None:
    desk.store.apply(changes(spoken=[coverage(0, after(days=1))]))
    answer = await asked.get("/api/v1/sql.parquet", params={"query": "SELECT 1 AS number"})
    told = pyarrow.parquet.read_table(io.BytesIO(answer.content)).schema.metadata
    assert told[b"complete_until"].decode() == answer.headers["x-complete-until"] == "2026-03-03T09:00:00.000000Z"
    assert told[b"behind"].decode() == answer.headers["x-behind"] != ""


async def test_no_rows_have_their_columns_too(asked: httpx.AsyncClient) -> None:
    answer = await asked.get("/api/v1/sql.csv", params={"query": "SELECT status, reason FROM reports WHERE false"})
    assert answer.text.split() == ['"status","reason"'] or answer.text.split() == ["status,reason"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
async def test_what_cannot_be_run_is_a_problem(asked: httpx.AsyncClient, suffix: str) -> None:
    answer = await asked.get(f"/api/v1/sql.{suffix}", params={"query": "DROP TABLE reports"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:meldingsvakt:problem:sql-not-allowed")


@pytest.mark.parametrize("path", ["/sql", "/en/sql", "/api/v1/sql.csv", "/api/v1/sql.parquet"])
async def test_no_link_of_another_site_runs_a_query(asked: httpx.AsyncClient, path: str) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    answer = await asked.get(path, params={"query": "SELECT 1"}, headers=followed)
    assert answer.status_code == 403
