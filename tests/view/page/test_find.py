"""The search in the head of every page: it leads to the one thing that is meant, or shows what may be."""

import pytest

from streams.presentation.words import LANGUAGES
from streams.view.page.render import words_of
from streams.view.services import Desk
from tests.view.conftest import asking
from tests.view.page.pages import PAGES
from tests.view.stock import after, changes, coverage, receiver, report_id, state

TWINS = "00000009-0000-4000-8000-00000000000a"


def fill(desk: Desk) -> None:
    """Two reports whose ids begin alike, and two messages of one id."""
    alike = state(9, "missing") | {"report_id": TWINS, "message_ids": ["m9", "m2"]}
    rows = [state(1, "stored", receiver=receiver("4601")), state(2, "missing"), state(9), alike]
    desk.store.apply(changes(rows, (), [coverage(0, after(days=1))]))


async def led_to(desk: Desk, q: str, prefix: str = "", **more: str) -> str:
    """Where the search leads, or what it answers with."""
    async with asking(desk) as client:
        answer = await client.get(f"{prefix}/find", params={"q": q, **more})
    return answer.headers["location"] if answer.status_code == 303 else str(answer.status_code)


@pytest.mark.parametrize(
    ("q", "where"),
    [
        ("Bergen", "/receivers/4601"), (" bergen ", "/receivers/4601"), ("4601", "/receivers/4601"),
        ("1201", "/receivers/4601"), ("Finnøy", "/receivers/1103"), ("Stavan", "/receivers/1103"),
        (report_id(1), f"/reports/{report_id(1)}"), (report_id(1).replace("-", "").upper(), f"/reports/{report_id(1)}"),
        (report_id(2)[:8], f"/reports/{report_id(2)}"), ("x-m1", "200"), ("berg", "200"), ("Våler", "200"),
        (report_id(9)[:8], "200"), (report_id(3), "200"), ("", "200"), ("%", "200"), ("x" * 5000, "200"),
    ],
)  # fmt: skip
async def test_it_leads_to_what_is_meant_and_else_to_the_hits(desk: Desk, q: str, where: str) -> None:
    fill(desk)
    assert await led_to(desk, q) == where


async def test_a_message_leads_to_its_report(desk: Desk) -> None:
    number = "c1a2b3d4-0001-4000-8000-000000000001"
    desk.store.apply(changes([state(5, message_ids=["other-1", number])]))
    assert await led_to(desk, number) == f"/reports/{report_id(5)}"
    assert await led_to(desk, "other-1") == f"/reports/{report_id(5)}"
    assert await led_to(desk, "other-") == "200"


async def test_language_and_zone_stay(desk: Desk) -> None:
    assert await led_to(desk, "Bergen", "/nn", utc="1") == "/nn/receivers/4601?utc=1"


async def test_several_hits_are_a_page_of_them(desk: Desk) -> None:
    fill(desk)
    async with asking(desk) as client:
        names = (await client.get("/en/find", params={"q": "berg"})).text
        reports = (await client.get("/en/find", params={"q": report_id(9)[:8]})).text
    assert 'href="/en/receivers/4601"' in names
    assert "formerly 1201" in names
    back = f"?back=%2Ffind%3Fq%3D{report_id(9)[:8]}"
    assert all(f'href="/en/reports/{id_}{back}"' in reports for id_ in (report_id(9), TWINS))
    assert report_id(2) not in reports


@pytest.mark.parametrize("language", LANGUAGES)
async def test_in_vain_it_says_so_comforts_nobody_and_asks_what_was_meant(desk: Desk, language: str) -> None:
    words = words_of(language)  # type: ignore[arg-type]  # one of the languages
    prefix = "" if language == "nb" else f"/{language}"
    async with asking(desk) as client:
        page = (await client.get(f"{prefix}/find", params={"q": "Stavnger"})).text
        nothing = (await client.get(f"{prefix}/find", params={"q": "qqqqq"})).text
    assert words("receivers.likely", name="Stavanger") in page
    assert f'href="{prefix}/find?q=Stavanger"' in page
    assert words("find.none", q="qqqqq") in nothing
    assert words("find.none_help") in nothing
    assert "Stavanger" not in nothing
    assert words("receivers.chart_none") not in nothing


@pytest.mark.parametrize("path", [page for page in PAGES if "{" not in page])
async def test_every_page_has_it_in_its_head(desk: Desk, path: str) -> None:
    async with asking(desk) as client:
        page = (await client.get(f"/nn{path}", follow_redirects=True)).text
    head = page[page.index("<header") : page.index("</header>")]
    assert 'action="/nn/find"' in head
    assert 'name="q"' in head


async def test_where_only_counts_are_shown_no_report_is_found(counting: Desk) -> None:
    fill(counting)
    assert await led_to(counting, report_id(1)) == "200"
    assert await led_to(counting, "Bergen") == "/receivers?q=4601"
    async with asking(counting) as client:
        page = (await client.get("/en/find", params={"q": report_id(1)})).text
    assert words_of("en")("find.counts_only") in page
