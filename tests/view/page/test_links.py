"""Addresses are the page's whole state."""

import re
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest

from streams.view.page.links import Here

HERE = Here("nb", "/reports", (("status", "missing"), ("status", "stored"), ("cursor", "abc"), ("utc", "1")))


def test_bokmaal_has_the_plain_address_and_the_others_a_prefix() -> None:
    assert Here("nb", "/", ()).in_language("nb") == "/"
    assert Here("nb", "/", ()).in_language("nn") == "/nn"
    assert Here("nn", "/sql", ()).in_language("en") == "/en/sql"


def test_another_language_shows_the_same_page() -> None:
    assert HERE.in_language("en") == "/en/reports?status=missing&status=stored&cursor=abc&utc=1"


def test_another_page_keeps_the_zone_only() -> None:
    assert HERE.to("/receivers") == "/receivers?utc=1"
    assert HERE.to("/reports", [("receiver", "0301")]) == "/reports?receiver=0301&utc=1"


def test_a_report_carries_the_list_that_it_was_looked_at_from() -> None:
    assert HERE.onward() == [("back", "/reports?status=missing&status=stored&cursor=abc")]
    assert Here("nn", "/", ()).onward() == []
    assert Here("nn", "/receivers/4601", (("utc", "1"),)).onward() == [("back", "/receivers/4601")]
    assert Here("nb", "/reports", (("q", "x" * 2000),)).onward() == []
    assert Here("en", "/reports/1", (*HERE.onward(), ("utc", "1"))).back() == (
        "/en/reports?status=missing&status=stored&cursor=abc&utc=1"
    )


def test_a_filter_is_added_or_taken_away_and_the_list_begins_anew() -> None:
    assert HERE.toggled("status", "stored") == "/reports?status=missing&utc=1"
    assert HERE.toggled("reason", "rejected") == "/reports?status=missing&status=stored&utc=1&reason=rejected"


def test_a_parameter_is_set_or_taken_away() -> None:
    assert HERE.with_(order="sent_at") == "/reports?status=missing&status=stored&utc=1&order=sent_at"
    assert HERE.with_(utc=None) == "/reports?status=missing&status=stored"


def test_the_api_has_the_same_selection() -> None:
    assert HERE.api("reports.csv", excel="true") == "/api/v1/reports.csv?status=missing&status=stored&excel=true"


@pytest.mark.parametrize("value", ["a&b=c", "æ ø", '"><script>', "%00"])
def test_whatever_is_in_an_address_stays_one_value(value: str) -> None:
    link = Here("nb", "/reports", ()).toggled("q", value)
    assert parse_qsl(urlsplit(link).query) == [("q", value)]


@pytest.mark.parametrize(
    "path",
    ["//evil.example", "/\\evil.example", "/\t/evil.example", "/nn//evil.example", "/en/\\/evil.example"],
)
async def test_no_link_leads_to_where_the_address_says(client: httpx.AsyncClient, path: str) -> None:
    for sent in (path, path + "/"):
        url = httpx.URL("http://localhost", raw_path=quote(sent, safe="/").encode())
        answer = await client.get(url, headers={"Host": "localhost"})
        assert answer.status_code == 404
        assert "location" not in answer.headers
        for link in re.findall(r'(?:href|action)="([^"]*)"', answer.text):
            assert not link.startswith(("//", "/\\")), link
            assert not set(link) & set("\t\r\n\\"), link


async def test_no_redirect_goes_to_the_host_that_was_sent(client: httpx.AsyncClient) -> None:
    for path, status in (("/reports/", 404), ("/nn/", 200), ("/api/v1/summary/", 404)):
        answer = await client.get(path, headers={"Host": "127.0.0.1"})
        assert (answer.status_code, "location" in answer.headers) == (status, False), path
