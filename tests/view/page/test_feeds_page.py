"""Feeds, alarms and a report's whole course under axe: none of it is on the pages of a checker that has just begun."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser import with_browser
from tests.examples import first
from tests.view.conftest import desk_with
from tests.view.page.looks import LOOKS, Look, broken
from tests.view.page.test_timeline_page import FIRST, SECOND, TWICE
from tests.view.serving import listening
from tests.view.stock import changes, coverage, decided, report_id, state, text, word

pytestmark = [*with_browser]

# What is looked at, and by what it is seen to be there.
PAGES = {
    "/": 'class="alarms"',
    "/books": 'id="feeds-table"',
    "/reports?status=missing&alarm=closed": report_id(2),
    f"/reports/{report_id(1)}": "Runde 2",
    f"/reports/{report_id(3)}": "har svart for alt til",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address() -> AsyncIterator[str]:
    """A view of two partitions and three feeds: one that keeps up, one heard in one partition only, one never heard."""
    desk = desk_with(view_silent_after=timedelta(hours=12))  # however long the tests before it take
    now = text(datetime.now(UTC))
    feeds = ({"a": word(5, 6), "b": word(1, 2)}, {"a": word(5, 6)})
    spoken = [coverage(n, now, partitions=2, feeds=words) for n, words in enumerate(feeds)]
    rows = [
        TWICE, state(2, "missing", outcome="lost"), state(3, "undetermined", feed="b"), state(4, feed="c"),
        state(5, "stored", feed="a"),
    ]  # fmt: skip
    desk.store.apply(changes(rows, [FIRST, decided(1), decided(1, None, at=300), SECOND], spoken))
    async with listening(desk) as port:
        yield f"http://127.0.0.1:{port}"
    await desk.stop()


@pytest.mark.parametrize(("path", "said"), PAGES.items())
async def test_each_page_says_what_it_is_looked_at_for(address: str, path: str, said: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        assert said in (await client.get(path)).text


@pytest.mark.parametrize("look", first(1, LOOKS))
async def test_none_of_them_breaks_a_rule_or_the_width(browser: Browser, address: str, look: Look) -> None:
    assert not await broken(browser, address, PAGES, look)
