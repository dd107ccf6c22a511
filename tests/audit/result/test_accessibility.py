"""No violation from axe in either report, light or dark, wide or narrow; the narrow ones are not scrolled sideways."""

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from streams.audit.result.sentences import FILES
from tests.browser import with_browser
from tests.examples import first
from tests.view.page.looks import too_wide
from tests.view.page.pages import RULES

pytestmark = with_browser


@pytest.mark.parametrize(
    ("result", "name", "scheme", "width"),
    first(2, [
        ("small", "rapport.html", "light", 1280), ("published", "report.html", "dark", 320),
        ("small", "report.html", "dark", 320), ("small", "report.html", "light", 1280),
        ("published", "rapport.html", "light", 320), ("published", "report.html", "dark", 1280),
    ]),
)  # fmt: skip
async def test_no_report_breaks_a_rule_or_the_width(
    browser: Browser, request: pytest.FixtureRequest, result: str, name: str, scheme: str, width: int
) -> None:
    folder: Path = request.getfixturevalue(result)
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = await context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("request", lambda asked: None if asked.url.startswith(("file:", "data:")) else faults.append(asked.url))
    await page.goto((folder / name).as_uri())
    await page.locator("summary").click()
    found = await Axe().run(page, options=RULES)
    faults += [f"{one['id']} {one['nodes'][0]['html'][:120]}" for one in found.response["violations"]]
    wide = await page.evaluate("document.documentElement.scrollWidth")
    await context.close()
    assert not faults
    assert wide <= width


async def test_no_report_is_scrolled_sideways_at_any_width(browser: Browser, small: Path) -> None:
    page = await browser.new_page()
    for name in FILES.values():
        await page.goto((small / name).as_uri())
        assert not await too_wide(page), name
    await page.close()


async def test_on_paper_what_is_folded_away_is_opened_and_what_is_for_screens_is_not_there(
    browser: Browser, small: Path
) -> None:
    page = await browser.new_page()
    await page.goto((small / "rapport.html").as_uri())
    table = page.locator("details table")
    assert not await table.is_visible()
    await page.emulate_media(media="print")
    assert await table.is_visible()
    assert not await page.locator(".toc").is_visible()
    await page.close()


async def test_every_chart_has_its_table(browser: Browser, small: Path) -> None:
    page = await browser.new_page()
    await page.goto((small / "rapport.html").as_uri())
    assert await page.locator("svg[role=img]").count() == 2
    assert await page.locator("section:has(svg[role=img]) table").count() == 1
    await page.close()
