"""A report whose alarm somebody closed is missing all the same, and every page says both."""

import pytest

from streams.view.services import Desk
from tests.view.conftest import asking
from tests.view.stock import after, bare, changes, coverage, decided, missing, report_id, state

CLOSED = state(1, "missing", outcome="lost", closed_at=after(minutes=201), feed="flyt-bergen", episode=2)


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("/en", "somebody has closed the alarm: given up"),
        ("", "noen har lukket alarmen: oppgitt"),
        ("/nn", "nokon har lukka alarmen: oppgitt"),
    ],
)
async def test_a_reports_page_says_that_it_was_closed_and_what_nobody_has_proved(
    desk: Desk, prefix: str, said: str
) -> None:
    desk.store.apply(changes([CLOSED], [missing(1), decided(1, "lost")]))
    async with asking(desk) as client:
        page = (await client.get(f"{prefix}/reports/{report_id(1)}")).text
    assert said in page
    assert "flyt-bergen" in page
    assert not [color for color in ("danger", "info") if f'class="ds-alert" data-color="{color}"' in page]
    assert 'class="closed"' in page


async def test_a_reports_page_says_in_words_what_was_odd(desk: Desk) -> None:
    desk.store.apply(changes([state(1, "stored", flags=["clock_ahead", "unreadable_district"])]))
    async with asking(desk) as client:
        page = (await client.get(f"/reports/{report_id(1)}")).text
    assert "avsenderens klokke gikk for fort, kunne ikke leses: district" in page


async def test_the_list_of_missing_reports_shows_how_an_alarm_ended(desk: Desk) -> None:
    desk.store.apply(changes([CLOSED, state(2, "missing")], [missing(1), missing(2)]))
    async with asking(desk) as client:
        page = (await client.get("/en/reports", params={"status": "missing"})).text
    assert page.count("closed: given up") == 1
    assert report_id(1) in page
    assert report_id(2) in page


@pytest.mark.parametrize(
    ("prefix", "said"),
    [
        ("/en", ("1 open", "2 closed: given up")),
        ("", ("1 åpen", "2 lukket: oppgitt")),
        ("/nn", ("1 open", "2 lukka: ")),
    ],
)
async def test_overview_and_books_tell_how_many_alarms_are_closed_and_lead_to_them(
    desk: Desk, prefix: str, said: tuple[str, str]
) -> None:
    rows = [state(2, "missing"), *(state(n, "missing", outcome="lost") for n in (3, 4)), state(5, "stored")]
    desk.store.apply(changes(rows))
    async with asking(desk) as client:
        for path in (prefix or "/", f"{prefix}/books"):
            page = (await client.get(path)).text
            assert all(text in page for text in said), path
        for alarm, numbers in (("alarm=open", {2}), ("outcome=lost", {3, 4})):
            address = f"{prefix}/reports?status=missing&{alarm}"
            assert address.replace("&", "&amp;") in page
            listed = (await client.get(address)).text
            assert {number for number in range(1, 6) if report_id(number) in listed} == numbers


async def test_where_no_alarm_is_closed_the_overview_says_no_more_than_its_sentence(desk: Desk) -> None:
    desk.store.apply(changes([state(2, "missing")]))
    async with asking(desk) as client:
        assert 'class="alarms"' not in (await client.get("/en")).text
        assert "1 open" in (await client.get("/en/books")).text


async def test_of_an_erased_report_no_page_knows_anything(desk: Desk) -> None:
    desk.store.apply(changes([bare(1, status="erased")], [missing(1)]))
    async with asking(desk) as client:
        assert (await client.get(f"/reports/{report_id(1)}")).status_code == 404
        assert report_id(1) not in (await client.get("/reports")).text
        assert (await client.get("/api/v1/announcements")).json()["announcements"] == []


@pytest.mark.parametrize(
    ("prefix", "heading"),
    [("", "Mangler, alarmen er lukket: oppgitt"), ("/en", "Lacking confirmed storage, alarm closed: given up")],
)
async def test_a_statement_tells_how_alarms_ended(desk: Desk, prefix: str, heading: str) -> None:
    watched = coverage(0, after(days=1), first_complete=after(days=-40))
    desk.store.apply(changes([CLOSED, state(2, "missing"), state(3, "recovered")], [], [watched]))
    async with asking(desk) as client:
        said = (await client.get("/api/v1/statements/0301/2026-03")).json()["statement"]
        page = (await client.get(f"{prefix}/receivers/0301/2026-03")).text
    assert said["missing"] == 2
    assert (said["missing_reports"], said["recovered_reports"]) == ([report_id(1), report_id(2)], [report_id(3)])
    assert said["closed_reports"] == {"lost": [report_id(1)]}
    open_, closed = page.split(heading)
    assert [report_id(number) in open_ for number in (1, 2, 3)] == [False, True, False]
    assert [report_id(number) in closed for number in (1, 2, 3)] == [True, False, True]
