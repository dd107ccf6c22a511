"""Receivers and books: sorted flat, zeros dimmed, the rest folded, sums, rates; bars lead to receivers."""

import html
import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from streams.view.page.count_table import count_table, with_rate
from streams.view.services import Desk
from tests.view.conftest import asking
from tests.view.stock import after, books, changes, coverage, receiver, state, text

CODES = (
    "0301", "1103", "1108", "1507", "1804", "3301", "3403", "3907", "4204", "4601", "5001", "5501", "5601", "3201",
)  # fmt: skip


def row(name: str, **numbers: int | None) -> dict[str, object]:
    """A receiver's counts."""
    return {"name": name, "municipality": name, "reports": 10, "missing": 0, "recovered": 0} | numbers


def test_one_order_is_over_all_and_what_has_nothing_to_look_at_is_folded() -> None:
    rows = [row("Bergen", missing=2), row("Asker"), row("Oslo", missing=7), row("Bodø", recovered=1), row("Arendal")]
    table = count_table(
        [one | {"pending": 0} for one in rows],
        ("reports", "missing", "pending"),
        "missing",
        total=None,
        worth=("missing", "recovered"),
    )
    assert [one["name"] for one in table.rows] == ["Oslo", "Bergen", "Bodø"]
    assert [one["name"] for one in table.folded] == ["Arendal", "Asker"]
    assert table.folded_sum == {"reports": 20, "missing": 0}
    assert table.columns == ("reports", "missing")
    turned = count_table(rows, ("reports", "missing"), "-name", total=None)
    assert [one["name"] for one in turned.rows] == ["Oslo", "Bodø", "Bergen", "Asker", "Arendal"]
    assert (turned.folded, turned.folded_sum) == ([], None)


@pytest.mark.parametrize(
    ("missing", "reports", "rate"), [(3, 2000, 1.5), (0, 5, 0.0), (1, 3, 333.3), (1, 0, None), (None, 9, None)]
)
def test_a_rate_is_of_a_thousand_reports(missing: int | None, reports: int, rate: float | None) -> None:
    assert with_rate({"missing": missing, "reports": reports})["rate"] == rate


def body(page: str, table: int = 0) -> list[list[str]]:
    """The cells of a table's rows, sums included."""
    found = re.findall(r"<table.*?</table>", page, re.DOTALL)[table]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", found, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", one, re.DOTALL) for one in rows[1:]]
    return [[" ".join(html.unescape(re.sub("<[^>]*>", " ", cell)).split()) for cell in one] for one in cells]


async def test_receivers_show_the_worst_wherever_it_lies_and_all_the_others_in_one_line(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    rows = [state(n, "missing", receiver=receiver("5501")) for n in range(3)]
    rows += [state(n, "missing", receiver=receiver("0301")) for n in (3, 4)]
    rows += [state(n, "stored", receiver=receiver("3403" if n % 2 else "5501")) for n in range(5, 10)]
    desk.store.apply(changes(rows))
    shown = body((await client.get("/receivers")).text)
    assert [line[:4] for line in shown] == [
        ["Tromsø 5501 · Troms", "5", "3", "600"], ["Oslo 0301 · Oslo", "2", "2", "1 000"], ["1 annen", "3", "0", "0"],
        ["I alt", "10", "5", "500"],
    ]  # fmt: skip
    by_name = body((await client.get("/receivers?sort=name")).text)
    assert [line[0] for line in by_name[:2]] == ["Oslo 0301 · Oslo", "Tromsø 5501 · Troms"]
    found = body((await client.get("/receivers?q=hamar")).text)
    assert [line[0] for line in found] == ["Hamar 3403 · Innlandet"]
    assert '<td class="number zero">0</td>' in (await client.get("/receivers")).text


async def test_the_chart_says_how_many_there_are_and_its_bars_lead_to_them(
    desk: Desk, client: httpx.AsyncClient
) -> None:
    desk.store.apply(changes([state(n, "missing", receiver=receiver(code)) for n, code in enumerate(CODES)]))
    page = (await client.get("/nn/receivers")).text
    assert "Viser 12 av 14." in page
    chart = page[page.index('class="bars"') : page.index("</dl>")]
    assert len(re.findall(r'<a class="ds-link" href="/nn/receivers/[0-9]{4}">', chart)) == 12


async def test_books_have_a_sum_and_fold_what_is_in_order(desk: Desk, client: httpx.AsyncClient) -> None:
    desk.store.apply(
        changes([], [], [books("0301", stored=3), books("1103", stored=2), books("5501", stored=4, missing=2)])
    )
    shown = body((await client.get("/books")).text)
    assert [line[:5] for line in shown] == [
        ["Tromsø 5501", "6", "4", "2", "0"], ["2 andre", "5", "5", "0", "0"], ["I alt", "11", "9", "2", "0"],
    ]  # fmt: skip
    ordered = body((await client.get("/books?sort=stored")).text, table=1)
    assert [line[0] for line in ordered] == ["Oslo 0301", "Stavanger 1103"]


@pytest.mark.parametrize(("minutes", "green"), [(0, True), (60, False)])
async def test_nothing_is_green_above_what_is_amber_while_the_checker_is_frozen(
    desk: Desk, minutes: int, green: bool
) -> None:
    said = text(datetime.now(UTC) - timedelta(minutes=minutes))
    desk.store.apply(changes([], [], [coverage(0, said, first_complete=after(days=-40)), books(stored=3)]))
    async with asking(desk) as client:
        page = (await client.get("/books")).text
    assert ('data-color="success"><p><strong>Regnskapet stemmer' in page) == green
    assert ('data-color="warning"' in page) != green
    assert ("Regnskapet stemmer for det som er kontrollert så langt." in page) != green
