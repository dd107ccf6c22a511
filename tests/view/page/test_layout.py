"""How the page is laid out: at every width, on paper, by keyboard, on a phone, and while it renews itself."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import cycle

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from streams.presentation.words import LANGUAGES
from streams.view.services import Desk
from tests.browser import with_browser
from tests.view.conftest import desk_with
from tests.view.page.looks import too_wide
from tests.view.serving import listening
from tests.view.stock import changes, coverage, missing, receiver, report_id, state, text

pytestmark = [*with_browser]

NOW = datetime.now(UTC)
PATHS = (
    "/", "/reports", "/reports?status=missing&reason=rejected", f"/reports/{report_id(1)}", "/receivers",
    "/receivers/4601", "/confirmation", "/books", "/sql", "/sql?query=SELECT+*+FROM+missing_now",
    "/accessibility", "/nowhere",
)  # fmt: skip
PHONE: ViewportSize = {"width": 360, "height": 800}
LAPTOP: ViewportSize = {"width": 1280, "height": 900}


def sent(number: int, status: str, **more: object) -> dict[str, object]:
    """A report that was sent so many hours ago."""
    at = NOW - timedelta(hours=number)
    times = {"sent_at": text(at), "due_at": text(at), "alarm_at": text(at), "touched_at": text(at)}
    return state(number, status, **(times | more))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk() -> AsyncIterator[Desk]:
    """Sixty reports: a long list, two case systems, long names, a day on which some are missing."""
    made = desk_with(view_silent_after=timedelta(hours=12))
    where = receiver("1515", district="03")
    rows = [sent(number, "missing", receiver=where, case_system="NETCOMPANY_MODULUS_BARN") for number in range(1, 56)]
    rows += [sent(number, "stored", case_system="VISMA_FLYT_BARNEVERN" if number % 2 else "VISMA_FAMILIA",
                  stored_record={"topic": "reports.stored", "partition": 0, "offset": number, "arrived": text(NOW)})
             for number in range(56, 60)]  # fmt: skip
    spoken = coverage(0, text(NOW), first_complete=text(NOW - timedelta(days=400)))
    made.store.apply(changes(rows, [missing(number) for number in range(1, 56)], [spoken]))
    yield made
    await made.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(desk: Desk) -> AsyncIterator[str]:
    """Where they are shown."""
    async with listening(desk) as port:
        yield f"http://127.0.0.1:{port}"


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, address: str) -> AsyncIterator[Page]:
    """An empty page."""
    context = await browser.new_context(base_url=address, locale="nb-NO")
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize(("path", "language"), list(zip(PATHS, cycle(LANGUAGES))))
async def test_no_page_is_scrolled_sideways_at_any_width(page: Page, path: str, language: str) -> None:
    await page.goto(path if language == "nb" else f"/{language}{path}")
    assert not await too_wide(page)


async def test_paper_is_light_also_where_the_screen_is_dark(browser: Browser, address: str) -> None:
    context = await browser.new_context(base_url=address, color_scheme="dark", viewport=LAPTOP)
    page = await context.new_page()
    await page.goto("/")
    shade = "getComputedStyle(document.querySelector('table.reports a.ds-link')).color"
    dark = await page.evaluate(shade)
    await page.emulate_media(media="print", color_scheme="light")
    light = await page.evaluate(shade)
    await page.emulate_media(media="print", color_scheme="dark")
    assert dark != light == await page.evaluate(shade)
    assert (
        await page.evaluate("getComputedStyle(document.querySelector('.days .missing .mark')).borderTopWidth") == "3px"
    )
    assert not await page.locator(".facets").is_visible()
    await context.close()


async def test_on_a_phone_the_search_comes_first_and_the_filters_are_folded(page: Page) -> None:
    await page.set_viewport_size(PHONE)
    await page.goto("/reports")
    search, first = (
        page.get_by_label("Kommune, meldings-id eller transport-id"),
        page.locator("table.reports tr").nth(1),
    )
    above, below = await search.bounding_box(), await first.bounding_box()
    assert above is not None
    assert below is not None
    assert above["y"] < PHONE["height"] / 2 < below["y"] < PHONE["height"]
    assert not await page.locator(".facet").first.is_visible()
    await page.locator("#filters > summary").click()
    await expect(page.locator(".facet").first).to_be_visible()
    head = await page.locator("header.site").bounding_box()
    assert head is not None
    assert head["height"] <= 110
    await page.set_viewport_size(LAPTOP)
    await page.goto("/reports")
    await expect(page.locator(".facet").first).to_be_visible()


async def test_labels_of_charts_are_read_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 800})
    await page.goto("/confirmation")
    box = await page.locator("svg.lines .tick").first.bounding_box()
    assert box is not None
    assert box["height"] >= 11


async def test_a_day_is_written_as_people_write_it(page: Page) -> None:
    await page.set_viewport_size(LAPTOP)
    await page.goto("/reports")
    await page.get_by_label("Sendt fra og med").fill("01.02.2020")
    await page.get_by_label("Sendt til og med").fill("31.12.2020")
    await page.get_by_role("button", name="Vis dagene").click()
    await expect(page.locator(".empty")).to_contain_text("Ingen meldinger passer til utvalget.")
    await expect(page.locator(".chips")).to_contain_text("Sendt fra og med 01.02.2020")
    await expect(page.get_by_label("Sendt til og med")).to_have_value("31.12.2020")
    file = await page.get_by_role("link", name="NDJSON").get_attribute("href")
    assert file == "/api/v1/reports.ndjson?day_from=2020-02-01&day_to=2020-12-31"
    await page.get_by_role("link", name="Siste 30 dager").click()
    await expect(page.locator(".list-head")).to_contain_text("59 meldinger")


async def test_the_heading_stands_once_and_in_the_menu(page: Page) -> None:
    await page.goto("/reports")
    await expect(page.get_by_role("heading", name="Meldinger", exact=True)).to_have_count(1)
    await expect(page.locator("header nav [aria-current=page]")).to_have_text("Meldinger")


async def test_the_first_report_is_a_few_stops_of_the_tab_key_away(page: Page) -> None:
    await page.set_viewport_size(LAPTOP)
    for path in ("/", "/reports"):
        await page.goto(path)
        for key in ("Tab", "Tab", "Enter"):
            await page.keyboard.press(key)
        stops = 0
        while "/reports/" not in (await page.evaluate("document.activeElement.getAttribute('href')") or ""):
            await page.keyboard.press("Tab")
            stops += 1
            assert stops <= 6, path


async def test_one_opened_table_stays_the_one_that_is_opened(page: Page, desk: Desk) -> None:
    await page.goto("/confirmation")
    tables = page.locator("main details")
    await expect(tables).to_have_count(2)
    await tables.nth(1).locator("summary").click()
    desk.store.apply(changes([sent(59, "stored", case_system="VISMA_FAMILIA")], at=1000))
    before = await page.evaluate("document.body.dataset.tag")
    await page.wait_for_function("tag => document.body.dataset.tag !== tag", arg=before)
    assert [await tables.nth(n).evaluate("one => one.open") for n in range(2)] == [False, True]


async def test_everything_that_folds_has_an_id() -> None:
    """By it an opened one is known again."""
    folder = files("streams.view.page").joinpath("templates")
    folded = [line for one in folder.iterdir() for line in one.read_text().splitlines() if "<details" in line]
    assert folded
    assert not [line for line in folded if "<details id=" not in line]
