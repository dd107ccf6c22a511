"""No violation from axe on any page in any language and scheme, and no page wider than a phone."""

import re
from collections.abc import Iterable

import pytest
from playwright.async_api import Browser, expect

from tests.browser import with_browser
from tests.examples import first
from tests.view.page.conftest import Viewing
from tests.view.page.looks import LOOKS, Look, broken
from tests.view.page.pages import PAGES, TEMPLATES

pytestmark = [pytest.mark.kafka, *with_browser]


@pytest.mark.parametrize("number", range(len(LOOKS)))
async def test_no_page_breaks_a_rule_or_the_width_in_the_look_that_it_is_its_turn_for(
    browser: Browser, viewing: Viewing, number: int
) -> None:
    """Each template once, each look several times."""
    pages = addresses(viewing, TEMPLATES[number :: len(LOOKS)])
    assert not await broken(browser, viewing.address, pages, LOOKS[number])


@pytest.mark.long
@pytest.mark.parametrize("look", LOOKS)
async def test_no_page_breaks_a_rule_or_the_width(browser: Browser, viewing: Viewing, look: Look) -> None:
    assert not await broken(browser, viewing.address, addresses(viewing, PAGES), look)


def addresses(viewing: Viewing, pages: Iterable[str]) -> list[str]:
    """Pages by addresses with this view's reports and months."""
    month = viewing.get("/api/v1/summary?by=month").json()["groups"][0]["month"][:7]
    return [path.format(month=month, **viewing.reports) for path in pages]


@pytest.mark.parametrize("paths", first(1, [("/", "/sql"), (("/receivers", "/confirmation", "/books"),)]))
async def test_four_times_as_large_text_still_reflows(
    browser: Browser, viewing: Viewing, paths: tuple[str, ...]
) -> None:
    """1280 pixels at 400 % are 320 wide ones: nothing is scrolled sideways but tables in their own frames."""
    context = await browser.new_context(
        base_url=viewing.address, viewport={"width": 320, "height": 256}, device_scale_factor=4
    )
    page = await context.new_page()
    for path in paths:
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path
    await context.close()


@pytest.mark.parametrize("language", first(1, ["/nn", "", "/en"]))
async def test_every_page_leads_to_the_statement(browser: Browser, viewing: Viewing, language: str) -> None:
    context = await browser.new_context(base_url=viewing.address)
    page = await context.new_page()
    for path in ("/", "/reports", "/receivers", "/confirmation", "/books", "/sql", "/nowhere"):
        await page.goto(language + path)
        await page.locator(f"footer a[href='{language}/accessibility']").click()
        await expect(page.locator("h1")).to_have_text(re.compile("^(Tilgjenge.*erklæring|Accessibility statement)$"))
    await context.close()


async def test_the_page_is_kept_still_on_demand(browser: Browser, viewing: Viewing) -> None:
    context = await browser.new_context(base_url=viewing.address)
    page = await context.new_page()
    for path in ("/", "/receivers"):  # the choice stays from page to page
        await page.goto(path)
        await expect(page.locator("#pause")).to_have_attribute("aria-pressed", "false" if path == "/" else "true")
        if path == "/":
            await page.locator("#pause").click()
    await page.goto("/en")
    before = await page.locator("h1").inner_text()
    report_id = await viewing.world.sent(receiver={"municipality": "5501"})
    viewing.until(f"/api/v1/reports/{report_id}", lambda said: said.get("report", {}).get("status") == "missing")
    await page.wait_for_timeout(3000)  # more than it takes when it is not kept still
    assert await page.locator("h1").inner_text() == before
    await page.locator("#pause").click()
    await expect(page.locator("h1")).not_to_have_text(before)
    await viewing.world.stored(report_id)
    viewing.until(f"/api/v1/reports/{report_id}", lambda said: said.get("report", {}).get("status") == "recovered")
    await context.close()


async def test_every_chart_has_its_table(browser: Browser, viewing: Viewing) -> None:
    context = await browser.new_context(base_url=viewing.address)
    page = await context.new_page()
    await page.goto("/confirmation")
    charts = await page.locator("svg.lines").count()
    assert charts == await page.locator("section:has(svg.lines) table").count() > 0
    await page.goto("/")
    assert await page.locator(".strip table tbody tr").count() == await page.locator(".days li").count() == 30
    await context.close()


@pytest.mark.parametrize("media", ["print", "screen"])
async def test_a_statement_is_printed_without_what_is_for_screens(
    browser: Browser, viewing: Viewing, media: str
) -> None:
    context = await browser.new_context(base_url=viewing.address)
    page = await context.new_page()
    await page.emulate_media(media="print" if media == "print" else "screen")
    await page.goto("/receivers/4601")
    assert await page.locator("header nav").first.is_visible() is (media == "screen")
    await context.close()
