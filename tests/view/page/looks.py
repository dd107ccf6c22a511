"""How pages are looked at: in which language, scheme and width, and what is found amiss."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from tests.view.page.pages import RULES


@dataclass(frozen=True)
class Look:
    """One way of looking."""

    language: str  # as an address begins in it
    scheme: Literal["light", "dark"]
    width: int


LOOKS = (Look("", "light", 1280), Look("", "dark", 320), Look("/nn", "dark", 1280), Look("/en", "light", 320))


async def broken(browser: Browser, address: str, paths: Iterable[str], look: Look) -> list[str]:
    """What axe or the width says against pages in one look."""
    context = await browser.new_context(
        base_url=address, viewport={"width": look.width, "height": 900}, color_scheme=look.scheme
    )
    page = await context.new_page()
    found = []
    for path in paths:
        await page.goto(look.language + path)
        said = await Axe().run(page, options=RULES)
        found += [f"{path}: {one['id']} {one['nodes'][0]['html'][:120]}" for one in said.response["violations"]]
        wide = await page.evaluate("document.documentElement.scrollWidth")
        found += [f"{path}: {wide} pixels wide"] if wide > look.width else []
    await context.close()
    return found


async def too_wide(page: Page) -> list[int]:
    """The widths, from a phone's to a large screen's, at which something reaches beyond the window."""
    found = []
    for width in range(320, 1601, 20):
        await page.set_viewport_size({"width": width, "height": 700})
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            found.append(width)
    return found
