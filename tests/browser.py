"""The machine's own Chromium: one for all pages that a process of the tests looks at.

Where there is none the tests are skipped and say so.
"""

import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# For modules that use it: together in one process of a run, and on the loop that the browser lives on.
with_browser = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where this machine has Chromium."""
    found = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("There is no Chromium here to look at the page with: install Debian's `chromium`.")
    assert found is not None
    return found


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator["Browser"]:
    """Chromium without a window."""
    from playwright.async_api import async_playwright  # every run of any test would wait for it

    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield launched
        await launched.close()
