"""A receiver's statement in a real browser: of a month that was watched whole, and where it is refused."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser

from streams.access.scope import EVERYTHING
from streams.view.lookups import statement_of
from streams.view.session import Seat
from tests.browser import with_browser
from tests.examples import first
from tests.view.conftest import desk_with
from tests.view.page.looks import LOOKS, Look, broken
from tests.view.serving import listening
from tests.view.stock import after, changes, coverage, missing, receiver, recovered, report_id, state, text

pytestmark = [*with_browser]

BERGEN, STAVANGER = receiver("4601"), receiver("1103")
# The month that the records of the tests are of, of receivers of whom another thing is to be said.
STATED = {
    "/receivers/0301/2026-03": "Ingen meldinger fra denne måneden mangler bekreftet lagring.",
    "/receivers/4601/2026-03": "/reports/00000002-0000-4000-8000-000000000002",
    "/receivers/1103/2026-03": "Ingen kjente bekymringsmeldinger mangler, men for én kan det ikke avgjøres.",
    "/receivers/5001/2026-03": "Det er ikke kjent at noe ble sendt denne måneden.",
}
REFUSED = {
    "/receivers/4601/2025-01": "Kontrollen har ikke overvåket hele måneden",
    "/receivers/4601/2030-01": "Måneden har ikke begynt",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address() -> AsyncIterator[str]:
    """A view of a checker that has watched since before that month, and still does."""
    desk = desk_with(view_silent_after=timedelta(hours=12))  # however long the tests before it take
    rows = [
        state(1, "stored"), state(2, "missing", receiver=BERGEN), state(3, "recovered", receiver=BERGEN),
        state(4, "undetermined", receiver=STAVANGER, flags=["evidence_lost"]),
    ]  # fmt: skip
    events = [missing(2, receiver=BERGEN), missing(3, receiver=BERGEN), recovered(3, receiver=BERGEN)]
    watched = coverage(0, text(datetime.now(UTC)), first_complete=after(days=-40))
    desk.store.apply(changes(rows, events, [watched]))
    async with listening(desk) as port:
        yield f"http://127.0.0.1:{port}"
    await desk.stop()


@pytest.mark.parametrize(("path", "said"), [*STATED.items(), *REFUSED.items()])
async def test_each_page_says_what_it_is_looked_at_for(address: str, path: str, said: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        answer = await client.get(path)
    assert said in answer.text
    assert (answer.status_code, 'class="hash"' in answer.text) == ((200, True) if path in STATED else (409, False))


@pytest.mark.parametrize("look", first(2, LOOKS))
async def test_neither_a_statement_nor_its_refusal_breaks_a_rule_or_the_width(
    browser: Browser, address: str, look: Look
) -> None:
    assert not await broken(browser, address, [*STATED, *REFUSED], look)


async def test_a_statement_tells_of_each_report_when_it_was_sent_and_why_it_was_announced(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client:
        page = (await client.get("/en/receivers/4601/2026-03")).text
    assert "Of 2 reports sent, 1 lacks confirmed storage." in page
    cells = [re.sub(r"<[^>]*>|\s+", " ", row).split() for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]
    assert [row[:6] for row in cells if row[0] != "Report"] == [
        [report_id(2), "2", "Mar", "2026", "10:02", "no"], [report_id(3), "2", "Mar", "2026", "10:03", "no"],
    ]  # fmt: skip
    assert "District" not in page


@pytest.mark.parametrize("media", ["print", "screen"])
async def test_there_is_room_to_sign_on_paper(browser: Browser, address: str, media: str) -> None:
    context = await browser.new_context(base_url=address)
    page = await context.new_page()
    await page.emulate_media(media="print" if media == "print" else "screen")
    await page.goto("/receivers/4601/2026-03")
    assert await page.get_by_text("Underskrift").is_visible() is (media == "print")
    await context.close()


async def test_its_ids_and_their_rows_are_of_one_answer() -> None:
    desk = desk_with()
    rows = [state(n, one, receiver=BERGEN) for n, one in enumerate(("stored", "missing", "recovered"))]
    desk.store.apply(changes(rows, [], [coverage(0, after(days=40), first_complete=after(days=-40))]))
    answer, made = await statement_of(Seat(desk, EVERYTHING), "4601", date(2026, 3, 1), datetime.now(UTC))
    await desk.stop()
    named = [*made.statement.missing_reports, *made.statement.recovered_reports]
    assert named == [report_id(1), report_id(2)]
    assert sorted(answer.found.rows) == named
