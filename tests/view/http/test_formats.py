"""The same list in every format says the same."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pyarrow.parquet
import pytest

from streams.problems import Problem
from streams.view.http.formats import MEDIA_TYPES, Format, wanted
from streams.view.services import Desk
from tests.view.stock import bare, changes, coverage, missing, played, recovered, state

LISTS = ("reports", "announcements")
TIMES = ("_at", "_arrived")


@pytest.fixture
def full(desk: Desk) -> Desk:
    """Played reports and announcements, one of which nothing is known, and one with a quote in its words."""
    made = played(60)
    odd = state(
        900, "missing", policy_version='the "new", one;\nsecond line', flags=["clock_ahead", "stored_after_due"]
    )
    desk.store.apply(
        changes((*made.states, bare(800), odd), (*made.events, missing(900), recovered(900)), [coverage()])
    )
    return desk


async def rows(client: httpx.AsyncClient, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/api/v1/{name}?limit=1000")).json()[name]
    return found


@pytest.mark.parametrize("name", LISTS)
async def test_ndjson_is_the_json_a_row_a_line(full: Desk, client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/api/v1/{name}.ndjson")
    assert [orjson.loads(line) for line in answer.content.splitlines()] == await rows(client, name)


def as_text(value: Any) -> str:
    if value is None:
        return ""
    return "|".join(value) if isinstance(value, list) else str(value)


@pytest.mark.parametrize("name", LISTS)
async def test_csv_is_the_json_with_an_empty_comment(full: Desk, client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/api/v1/{name}.csv")
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    expected = await rows(client, name)
    assert [row | {"comment": ""} for row in found] == found
    for row, same in zip(found, expected, strict=True):
        seconds, expected_seconds = row.pop("confirmation_seconds", ""), same.pop("confirmation_seconds", None)
        assert row == {key: as_text(value) for key, value in same.items()} | {"comment": ""}
        assert (float(seconds) if seconds else None) == expected_seconds


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("nb", {"Status": "mangler", "Grunn": "ingen kvittering", "Kommune": "Oslo", "Kommunenummer": "0301",
                "Sendt": "03.03.2026 01:00:00", "Portalen sletter": "02.04.2026 02:00:00", "Kanal": "Fiks IO",
                "Fagsystem": "Visma Familia", "Skjema": "skjema for privatpersoner", "Kommentar": ""}),
        ("nn", {"Status": "manglar", "Grunn": "inga kvittering", "Mottatt": None,
                "Skjema": "skjema for privatpersonar"}),
        ("en", {"Status": "lacks confirmed storage", "Reason": "no receipt", "Comment": ""}),
    ],
)  # fmt: skip
async def test_a_file_for_excel_is_what_people_read(
    full: Desk, client: httpx.AsyncClient, language: str, said: dict[str, str | None]
) -> None:
    """Headings and words for codes, times as clocks in Norway showed them, and nothing of Kafka's."""
    query = {"excel": "true", "language": language, "order": "sent_at", "status": "missing"}
    answer = await client.get("/api/v1/reports.csv", params=query)
    assert answer.content.startswith(b"\xef\xbb\xbf")
    found = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert {name: found[-1].get(name) for name in said} == said
    assert len(found[0]) == 24
    assert len(found) == len([one for one in await rows(client, "reports") if one["status"] == "missing"])


async def test_announcements_for_excel_say_what_was_announced(full: Desk, client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/announcements.csv?excel=true")
    found = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""), delimiter=";"))
    assert {one["Hendelse"] for one in found} == {"Varslet: mangler", "Varslet: funnet igjen"}


@pytest.mark.parametrize("name", LISTS)
async def test_parquet_is_the_json_with_types(full: Desk, client: httpx.AsyncClient, name: str) -> None:
    table = pyarrow.parquet.read_table(io.BytesIO((await client.get(f"/api/v1/{name}.parquet")).content))
    assert table.schema.metadata[b"complete_until"] == b"unknown"
    for row, same in zip(table.to_pylist(), await rows(client, name), strict=True):
        assert row.keys() == same.keys()
        for key, value in same.items():
            found = row[key]
            if value is not None and key.endswith(TIMES):
                assert found == datetime.fromisoformat(value)
                assert found.astimezone(UTC).utcoffset() == found.utcoffset()
            else:
                assert found == value, key


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("format_", [Format.NDJSON, Format.CSV, Format.PARQUET])
async def test_an_empty_list_has_its_columns(client: httpx.AsyncClient, name: str, format_: Format) -> None:
    answer = await client.get(f"/api/v1/{name}.{format_}")
    assert answer.status_code == 200
    if format_ is Format.CSV:
        assert len(answer.content.splitlines()) == 1
        assert answer.text.startswith('"report_id"' if name == "reports" else '"event_id"')
    elif format_ is Format.PARQUET:
        assert pyarrow.parquet.read_table(io.BytesIO(answer.content)).num_rows == 0
    else:
        assert answer.content == b""


@pytest.mark.parametrize("name", LISTS)
async def test_the_suffix_and_accept_give_the_same(full: Desk, client: httpx.AsyncClient, name: str) -> None:
    for format_, media in MEDIA_TYPES.items():
        by_suffix = await client.get(f"/api/v1/{name}.{format_}")
        by_accept = await client.get(f"/api/v1/{name}", headers={"Accept": media})
        assert by_suffix.headers["content-type"].partition(";")[0] == media
        assert by_accept.headers["content-type"] == by_suffix.headers["content-type"]
        assert by_accept.content == by_suffix.content


@pytest.mark.parametrize("name", LISTS)
async def test_a_file_has_as_many_rows_as_it_is_asked_for(full: Desk, client: httpx.AsyncClient, name: str) -> None:
    lines = (await client.get(f"/api/v1/{name}.ndjson?limit=7")).content.splitlines()
    assert [orjson.loads(line) for line in lines] == (await rows(client, name))[:7]


async def test_a_file_says_how_far_it_can_be_trusted_and_what_it_is_called(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/reports.csv")
    assert answer.headers["x-complete-until"] == "unknown"
    assert answer.headers["x-behind"] == "building"
    assert answer.headers["content-disposition"].startswith('attachment; filename="reports-2')


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        (None, Format.JSON),
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", Format.JSON),
        ("text/csv", Format.CSV),
        ("text/*", Format.CSV),
        ("TEXT/CSV ; q=1", Format.CSV),
        ("text/csv;header=present", Format.CSV),
        ("application/*", Format.JSON),
        ("application/x-ndjson, text/csv", Format.NDJSON),
        ("text/csv, application/x-ndjson", Format.CSV),
        ("text/csv;q=0.5, application/vnd.apache.parquet;q=0.6", Format.PARQUET),
        ("text/csv;q=0.5, */*;q=0.1", Format.CSV),
        ("application/json;q=0, */*", Format.NDJSON),
        ("*/*, application/json;q=0.1", Format.NDJSON),
        ("text/csv;q=much, application/json;q=0.1", Format.JSON),
    ],
)
def test_the_format_that_is_liked_best_is_given(accept: str | None, found: Format) -> None:
    assert wanted(accept) is found


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "*/*;q=0", "text/csv;q=nan", "nothing"])
def test_a_client_that_likes_none_of_the_formats_is_told_which_there_are(accept: str) -> None:
    with pytest.raises(Problem, match="accept one of application/json, application/x-ndjson, text/csv") as error:
        wanted(accept)
    assert error.value.status == 406


async def test_a_file_that_a_client_has_already_is_not_sent_again(full: Desk, client: httpx.AsyncClient) -> None:
    first = await client.get("/api/v1/reports.csv")
    known = {"If-None-Match": first.headers["etag"]}
    again = await client.get("/api/v1/reports.csv", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.get("/api/v1/reports.ndjson", headers=known)).status_code == 200
    full.store.apply(changes([bare(801)], at=900))
    assert (await client.get("/api/v1/reports.csv", headers=known)).status_code == 200
