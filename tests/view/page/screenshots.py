"""`python -m tests.view.page.screenshots ADDRESS`: the README's pictures, of a view that runs (the demo's)."""

import asyncio
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from playwright.async_api import async_playwright

from tests.browser import CHROMIUM

FOLDER = Path(__file__).parent / "screenshots"


class Picture(NamedTuple):
    """One picture: where it is of, and how it is looked at."""

    name: str
    path: str
    width: int
    height: int
    dark: bool = False


PICTURES = (
    Picture("light", "/", 1280, 1000),
    Picture("dark", "/en/receivers", 1280, 1000, dark=True),
    Picture("phone", "/nn", 390, 844),
)


async def take(address: str) -> None:
    """Take all of them."""
    chromium = next(path for name in CHROMIUM if (path := shutil.which(name)))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for picture in PICTURES:
            context = await browser.new_context(
                base_url=address, locale="nb-NO", color_scheme="dark" if picture.dark else "light",
                viewport={"width": picture.width, "height": picture.height},
            )  # fmt: skip
            page = await context.new_page()
            await page.goto(picture.path)
            await page.screenshot(path=FOLDER / f"{picture.name}.png")
            await context.close()
        await browser.close()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    asyncio.run(take(sys.argv[1]))
