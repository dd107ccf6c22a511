"""The page in a real browser, over a real view, worker and Kafka: a person's way through it."""

import csv
import io
import re
from datetime import datetime
from typing import Any

import orjson
import pyarrow.parquet
import pytest
from playwright.async_api import Browser, Page, expect

from streams.presentation.times import OSLO
from tests.browser import with_browser
from tests.examples import first
from tests.view.page.conftest import Viewing

pytestmark = [pytest.mark.kafka, *with_browser]

ROWS = "table.reports tbody tr"


async def test_the_first_sentence_says_what_is_missing(page: Page, viewing: Viewing) -> None:
    await page.goto("/")
    await expect(page.locator("h1")).to_have_text(
        re.compile(r"3 bekymringsmeldinger mangler bekreftet lagring. Den eldste har manglet i \d+ (s|min)\.\s*$")
    )
    await expect(page.locator(".until")).to_have_text(
        re.compile(r"^Kontrollert fram til \d+\. \w+\.? \d{4} \d\d:\d\d:\d\d\.$")
    )
    await expect(page.locator(ROWS)).to_have_count(3)


async def test_every_status_is_an_icon_and_a_word(page: Page) -> None:
    await page.goto("/reports")
    tags = page.locator(f"{ROWS} .status")
    assert {"mangler", "lagret"} <= set(await tags.all_inner_texts())
    assert await page.locator(f"{ROWS} .status svg").count() == await tags.count() == await page.locator(ROWS).count()


async def test_a_filter_is_a_chip_in_the_address(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("link", name=re.compile("^avvist av mottakeren")).click()
    await expect(page).to_have_url(re.compile(r"\?reason=rejected$"))
    await expect(page.locator(ROWS)).to_have_count(1)
    await expect(page.locator(ROWS)).to_contain_text("Bodø")
    await page.locator(".chips .ds-chip").click()
    await expect(page.locator(ROWS)).to_have_count(3)


async def test_a_municipality_is_found_by_its_name(page: Page) -> None:
    await page.goto("/reports")
    await page.get_by_label("Kommune, meldings-id eller transport-id").fill("berg")
    await page.get_by_role("button", name="Bruk").click()
    await expect(page.locator(ROWS)).to_have_count(2)
    await expect(page.locator(f"{ROWS} td:nth-child(2)").first).to_contain_text("Bergen")


async def test_nothing_that_fits_is_said_so(page: Page) -> None:
    await page.goto("/reports?q=zzzz")
    await expect(page.locator(".empty")).to_contain_text("Ingen meldinger passer til utvalget.")


async def test_a_report_shows_its_time_line_with_evidence(page: Page, viewing: Viewing) -> None:
    report_id = viewing.reports["lied"]
    await page.goto("/")
    await page.get_by_role("link", name=report_id).click()
    await expect(page.locator("h1")).to_contain_text("Denne meldingen mangler bekreftet lagring")
    moments = await page.locator(".timeline li strong").all_inner_texts()
    assert [text for text in moments if text != "Kvittering"] == [
        "Sendt av portalen", "Frist", "Varsles hvis ikke bekreftet", "Beviset på lagring kom ikke", "Varslet: mangler",
    ]  # fmt: skip
    line = await page.locator(".timeline").inner_text()
    await page.locator(".technical summary").click()
    places = await page.locator(".technical").inner_text()
    assert "mottatt (en påstand)" in line
    assert "kvittert, men ikke lagret" in line
    for topic in ("sent", "receipt", "missing"):
        assert re.search(rf"{viewing.world.name}\.{topic}, partisjon \d, post \d+", places), topic


async def test_ids_and_the_text_for_the_help_desk_are_copied(page: Page, viewing: Viewing) -> None:
    report_id = viewing.reports["lied"]
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.goto(f"/reports/{report_id}")
    for button, starts in (("Kopier Meldings-id", report_id), ("Kopier teksten", "Vi trenger hjelp")):
        await page.get_by_role("button", name=button).click()
        await expect(page.locator("#live")).to_have_text("Kopiert")
        assert (await page.evaluate("navigator.clipboard.readText()")).startswith(starts)
        await page.evaluate("document.getElementById('live').textContent = ''")


async def test_without_a_script_there_is_no_button_that_does_nothing(browser: Browser, viewing: Viewing) -> None:
    context = await browser.new_context(base_url=viewing.address, java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"/reports/{viewing.reports['lied']}")
    assert [await button.is_visible() for button in await page.locator("main button").all()] == [False, False]
    await expect(page.locator(".helpdesk")).to_contain_text(viewing.reports["lied"])
    await context.close()


async def test_the_search_in_the_head_leads_to_a_municipality_and_to_a_report(page: Page, viewing: Viewing) -> None:
    for q, where in (
        ("Bergen", "/receivers/4601"),
        (viewing.reports["lied"][:8], f"/reports/{viewing.reports['lied']}"),
    ):
        await page.goto("/books")
        await page.get_by_role("searchbox", name="Søk etter kommune").fill(q)
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(re.compile(f"{where}$"))


async def test_a_report_that_nobody_knows_is_a_page_that_says_so(page: Page) -> None:
    answer = await page.goto("/reports/00000000-0000-4000-8000-000000000000")
    assert answer is not None
    assert answer.status == 404
    await expect(page.locator("main")).to_contain_text("Nummeret kan være feil")


async def test_a_missing_report_appears_and_is_recovered_without_reloading(page: Page, viewing: Viewing) -> None:
    await page.goto("/")
    await page.evaluate("window.stayed = true")
    await expect(page.locator(ROWS)).to_have_count(3)
    report_id = await viewing.world.sent(receiver={"municipality": "5501"})
    await expect(page.locator("h1")).to_contain_text("4 bekymringsmeldinger mangler", timeout=20_000)
    await expect(page.get_by_role("link", name=report_id)).to_be_visible()
    await expect(page.locator("#live")).to_contain_text("4 bekymringsmeldinger mangler")
    await viewing.world.stored(report_id)
    await expect(page.locator("h1")).to_contain_text("3 bekymringsmeldinger mangler", timeout=20_000)
    assert await page.evaluate("window.stayed")
    await page.goto(f"/reports/{report_id}")
    await expect(page.locator("h1")).to_contain_text("er funnet igjen")


@pytest.mark.parametrize("name", first(2, ["CSV for Excel", "Parquet", "CSV", "JSON", "NDJSON"]))
async def test_each_format_is_downloaded_and_read_back(page: Page, viewing: Viewing, name: str) -> None:
    await page.goto("/")
    link = page.locator(".downloads").get_by_role("link", name=name, exact=True)
    address = await link.get_attribute("href")
    assert address is not None
    read = _read(viewing.get(address).content, name)
    for_people = name == "CSV for Excel"
    identity, status, comment = ("Melding", "Status", "Kommentar") if for_people else ("report_id", "status", "comment")
    assert {row[identity] for row in read} == {viewing.reports[key] for key in ("silent", "lied", "refused")}
    assert {row[status] for row in read} == {"mangler" if for_people else "missing"}
    if name.startswith("CSV"):
        assert {row[comment] for row in read} == {""}


def _read(content: bytes, name: str) -> list[dict[str, Any]]:
    if name == "Parquet":
        return list(pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist())
    if name == "JSON":
        return list(orjson.loads(content)["reports"])
    if name == "NDJSON":
        return [orjson.loads(line) for line in content.splitlines()]
    text = content.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";" if name.endswith("Excel") else ","))


async def test_a_browser_saves_a_file_under_a_name_with_its_time(page: Page) -> None:
    await page.goto("/")
    async with page.expect_download() as started:
        await page.locator(".downloads").get_by_role("link", name="CSV", exact=True).click()
    saved = await started.value
    assert re.fullmatch(r"reports-\d{8}T\d{6}Z\.csv", saved.suggested_filename)


async def test_a_question_in_sql_is_answered(page: Page) -> None:
    await page.goto("/sql")
    question = "SELECT reason, count(*) AS n FROM reports WHERE status = 'missing' GROUP BY 1 ORDER BY 1"
    await page.get_by_label("Spørring").fill(question)
    await page.get_by_role("button", name="Kjør").click()
    cells = await page.locator(".result tbody td").all_inner_texts()
    assert cells == ["no_receipt", "1", "receipted_not_stored", "1", "rejected", "1"]


@pytest.mark.parametrize("most", first(1, [3, 1_000]))
async def test_every_saved_question_has_an_answer(page: Page, most: int) -> None:
    await page.goto("/sql")
    saved = page.locator("aside section").first.get_by_role("link")
    for number in range(min(most, await saved.count())):
        await saved.nth(number).click()
        await expect(page.locator(".result")).to_be_visible()
        await expect(page.locator("#refused")).to_have_count(0)


async def test_sql_that_is_refused_says_why(page: Page) -> None:
    await page.goto("/sql")
    await page.get_by_label("Spørring").fill("DROP TABLE reports")
    await page.get_by_role("button", name="Kjør").click()
    await expect(page.locator("#refused")).to_contain_text("Spørringen ble ikke kjørt")
    await expect(page.get_by_label("Spørring")).to_have_value("DROP TABLE reports")


async def test_the_languages_are_switched_on_the_same_page(page: Page) -> None:
    await page.goto("/reports?status=missing")
    await page.get_by_role("link", name="Nynorsk").click()
    await expect(page.locator("h1")).to_have_text("Meldingar")
    await expect(page.locator(ROWS)).to_have_count(3)
    assert await page.locator("html").get_attribute("lang") == "nn"
    await page.get_by_role("link", name="English").click()
    await expect(page.locator("h1")).to_have_text("Reports")
    await expect(page).to_have_url(re.compile(r"/en/reports\?status=missing$"))


async def test_utc_is_shown_on_demand_and_stays(page: Page) -> None:
    await page.goto("/en/reports")
    norwegian = await page.locator(f"{ROWS} time").first.inner_text()
    await page.get_by_role("link", name="Show times in UTC").click()
    assert await page.locator(f"{ROWS} time").first.inner_text() != norwegian
    await page.get_by_role("link", name="Overview").click()
    await expect(page.locator("footer")).to_contain_text("Times are UTC.")


async def test_a_month_that_was_not_watched_whole_has_no_statement(page: Page, viewing: Viewing) -> None:
    """The checker began a moment ago. What a statement looks like, test_statement_page.py sees."""
    await page.goto("/receivers")
    await page.get_by_role("table").get_by_role("link", name="Bergen").click()
    await expect(page.locator(".months tbody th").first).to_contain_text("ikke overvåket hele måneden")
    answer = viewing.get(f"/receivers/4601/{datetime.now(OSLO):%Y-%m}")
    assert answer.status_code == 409
    assert "Kontrollen har ikke overvåket hele måneden" in answer.text


@pytest.mark.parametrize("month", first(2, ["2026-13", "2026-11%0A", "2026-1", "9999-12", "x"]))
async def test_a_month_that_is_none_is_a_page_that_says_so(viewing: Viewing, month: str) -> None:
    answer = viewing.get(f"/receivers/4601/{month}")
    assert answer.status_code == 404
    assert "Siden finnes ikke" in answer.text


async def test_the_books_balance_on_their_page(page: Page) -> None:
    await page.goto("/books")
    await expect(page.locator(".ds-alert").first).to_contain_text("Regnskapet stemmer")


async def test_all_of_it_works_by_keyboard(page: Page, viewing: Viewing) -> None:
    """The skip link comes first, every stop is seen, and a report opens with Enter."""
    await page.goto("/")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.className") == "ds-skip-link"
    await page.keyboard.press("Enter")
    stops, unseen = [], []
    for _ in range(90):
        await page.keyboard.press("Tab")
        name, seen = await page.evaluate(_FOCUSED)
        stops.append(name)
        unseen += [] if seen else [name]
        if name.startswith(viewing.reports["silent"][:8]):
            break
    assert not unseen
    await page.keyboard.press("Enter")
    await expect(page.locator(".timeline")).to_be_visible()


_FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
  return [one.textContent.trim() || one.name, marked && box.width > 0 && box.height > 0];
}"""


async def test_what_a_sender_controls_is_shown_as_text(page: Page, viewing: Viewing) -> None:
    """Codes and tokens have no room for markup, so the address is where somebody could try."""
    attack = "<img src=x onerror=alert(1)>"
    await page.goto("/reports?" + "q=" + attack.replace(" ", "%20"))
    await expect(page.locator("main img")).to_have_count(0)
    await expect(page.get_by_label("Kommune, meldings-id eller transport-id")).to_have_value(attack)


async def test_a_script_in_the_page_would_not_run(page: Page) -> None:
    answer = await page.goto("/")
    assert answer is not None
    headers = answer.headers
    assert headers["referrer-policy"] == "no-referrer"
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    inline = await page.evaluate("document.querySelectorAll('script:not([src]), [onclick], [style]').length")
    assert inline == 0


async def test_the_log_names_no_report(viewing: Viewing) -> None:
    viewing.get(f"/api/v1/reports/{viewing.reports['lied']}")
    viewing.get(f"/reports/{viewing.reports['lied']}x")
    assert not [report_id for report_id in viewing.reports.values() if report_id in viewing.output()]
