"""The analysts' page: all rows of an answer, ids that lead on, files, the columns beside the box, and Ctrl+Enter."""

import html
import re

import httpx
import pytest
from playwright.async_api import Browser, expect

from streams.view.page.sql_table import page_of
from streams.view.services import Desk
from tests.browser import with_browser
from tests.view.conftest import asking, desk_with
from tests.view.serving import listening
from tests.view.stock import changes, report_id, state


async def test_every_row_can_be_paged_to(desk: Desk, client: httpx.AsyncClient) -> None:
    query = {"query": "SELECT number FROM range(517) AS r(number) ORDER BY number"}
    first = (await client.get("/en/sql", params=query)).text
    assert "517 rows in" in first
    assert "Here are 1\N{EN DASH}200." in first
    last = (await client.get("/en/sql", params=query | {"start": "400"})).text
    assert re.findall(r'<td class="number">(\d+)</td>', last) == [str(number) for number in range(400, 517)]
    links = [html.unescape(one) for one in re.findall(r'<a class="ds-button"[^>]*href="([^"]*)"', last)]
    assert [link.partition("&")[2] for link in links] == ["start=200"]
    assert "Feltet «start» kan ikke leses." in html.unescape((await client.get("/sql?start=x")).text)


@pytest.mark.parametrize(
    ("name", "value", "address"),
    [
        ("report_id", report_id(1), f"/reports/{report_id(1)}"), ("municipality", "0301", "/receivers/0301"),
        ("municipality_today", "4601", "/receivers/4601"), ("report_id", "12", None), ("event_id", report_id(1), None),
        ("municipality", None, None), ("municipality", 301, None),
    ],
)  # fmt: skip
def test_an_id_leads_to_its_page(name: str, value: object, address: str | None) -> None:
    assert page_of(name, value) == address


async def test_an_answer_is_linked_downloaded_and_its_columns_stand_beside(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    desk.store.apply(changes([state(1, "stored")]))
    page = (await client.get("/nn/sql?query=SELECT+report_id,municipality+FROM+reports")).text
    assert f'href="/nn/reports/{report_id(1)}"' in page
    assert 'href="/nn/receivers/0301"' in page
    addresses = [html.unescape(one) for one in re.findall(r'href="(/api/v1/sql[^"]*)"', page)]
    assert [one.partition("?")[0] for one in addresses] == ["/api/v1/sql.csv", "/api/v1/sql.csv", "/api/v1/sql.parquet"]
    for address in addresses:
        assert (await client.get(address)).status_code == 200
    beside = page[page.index('id="columns-reports"') : page.index('id="columns-announcements"')]
    assert '<li class="code">case_system_version</li>' in beside


async def test_where_only_counts_are_shown_their_columns_stand_beside(counting: Desk) -> None:
    async with asking(counting) as client:
        page = (await client.get("/sql")).text
    assert '<li class="code">grouped_by</li>' in page[page.index('id="columns-counts_suppressed"') :]


class TestInABrowser:
    """With scripts."""

    pytestmark = with_browser

    async def test_ctrl_and_enter_run_the_query(self, browser: Browser) -> None:
        desk = desk_with()
        async with listening(desk) as port:
            page = await browser.new_page(base_url=f"http://127.0.0.1:{port}")
            await page.goto("/sql")
            await expect(page.locator("#keys")).to_be_visible()
            await page.locator("#query").fill("SELECT 41 + 1 AS found")
            await page.locator("#query").press("Control+Enter")
            await expect(page.locator(".result tbody td")).to_have_text("42")
            await page.close()
        await desk.stop()
