"""The home of a municipality says what is so with it, and comforts only where that is known."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streams.presentation.words import LANGUAGES, Language
from streams.view.page.render import words_of
from streams.view.services import Desk
from tests.view.access.issuer import OWN, SEVERAL, Issuer, Recorded, with_token
from tests.view.conftest import asking, desk_with
from tests.view.stock import changes, coverage, missing, place, receiver, report_id, state, text

NOW = datetime.now(UTC)
BERGEN = "4601"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """One whose checker is not called silent, however long the tests before it take."""
    made = desk_with(view_silent_after=timedelta(hours=12))
    yield made
    await made.stop()


def sent(number: int, status: str, ago: timedelta, of: str = BERGEN, **changes: Any) -> dict[str, Any]:
    """A report that was sent so long ago."""
    at = NOW - ago
    times: dict[str, Any] = {"sent_at": text(at), "sent_record": place("sent", number, text(at))}
    times |= {"due_at": text(at + timedelta(hours=2)), "alarm_at": text(at + timedelta(hours=3))}
    return state(number, status, receiver=receiver(of, district=changes.pop("district", None)), **times, **changes)


def announced(number: int, left: timedelta, of: str = BERGEN) -> dict[str, Any]:
    """That it is missing; the portal deletes its copy in so long."""
    return missing(number, receiver=receiver(of), portal_deletes_at=text(NOW + left))


def watched(desk: Desk, rows: list[dict[str, Any]], events: list[dict[str, Any]], *, whole: bool = True) -> None:
    """What a checker tells that has watched for fifty days and sees everything, or not."""
    gap = None if whole else {"since": text(NOW), "cause": "lag"}
    said = coverage(0, text(NOW), first_complete=text(NOW - timedelta(days=50)), gap=gap)
    desk.store.apply(changes(rows, events, [said]))


async def home(desk: Desk, path: str = f"/receivers/{BERGEN}") -> str:
    async with asking(desk) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


def sentence(page: str) -> str:
    found = re.search(r"<h1.*?<span>(.*?)</span>", page)
    assert found
    return found[1]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_sentence_is_of_this_municipality_alone(desk: Desk, language: Language) -> None:
    rows = [sent(n, "missing", timedelta(days=n)) for n in (1, 2)] + [sent(3, "stored", timedelta(days=1))]
    watched(desk, [*rows, sent(4, "missing", timedelta(days=9), "0301")], [announced(1, timedelta(days=1))])
    words = words_of(language)
    page = await home(desk, f"{'' if language == 'nb' else '/' + language}/receivers/{BERGEN}")
    said = words.count("home.missing", 2, name="Bergen", age=words.duration(timedelta(days=1, hours=21)))
    assert sentence(page) == said
    assert report_id(4) not in page


@pytest.mark.parametrize(
    ("rows", "whole", "says"),
    [
        ([sent(1, "stored", timedelta(days=1))], True, "confirmed"),
        ([sent(1, "stored", timedelta(days=1))], False, "behind"),
        ([sent(1, "undetermined", timedelta(days=1))], True, "undetermined_one"),
        ([sent(1, "stored", timedelta(days=1), "0301")], True, "nothing_received"),
        ([], False, "behind"),
    ],
)
async def test_it_comforts_only_where_everything_is_known(
    desk: Desk, rows: list[dict[str, Any]], whole: bool, says: str
) -> None:
    watched(desk, rows, [], whole=whole)
    page, words = await home(desk), words_of("nb")
    time = words.clock(NOW, datetime.now(UTC))
    assert sentence(page) == words(f"home.{says}", name="Bergen", time=time)
    assert ('class="sentence stored"' in page) == (says == "confirmed")
    assert words("guide.heading") not in page


@pytest.mark.parametrize(
    ("status", "says"), [("stored", "confirmed"), ("undetermined", "undetermined_one"), ("missing", "missing_one")]
)
async def test_of_a_municipality_of_which_a_part_is_in_reach_only_that_part_is_told(
    tmp_path: Path, status: str, says: str
) -> None:
    keys = Issuer(tmp_path)
    desk = keys.desk(view_silent_after=timedelta(hours=12))
    desk.record = Recorded()  # type: ignore[assignment]  # what is recorded is not asked here
    ours, others = sent(1, status, timedelta(days=2), "0301", district="03"), sent(2, "missing", timedelta(1), "0301")
    watched(desk, [ours, others], [])
    words = words_of("nb")
    async with with_token(desk, keys.token(OWN, organisation=SEVERAL)) as client:
        page = re.sub(r"\s+", " ", (await client.get("/receivers/0301")).text)
    await desk.stop()
    values = {"time": words.clock(NOW, datetime.now(UTC)), "age": words.duration(timedelta(days=1, hours=21))}
    assert sentence(page) == words(f"home.{says}", name="din del av Oslo", **values)
    assert 'class="sentence stored"' not in page
    assert ('class="sentence missing"' in page) == (status == "missing")


async def test_what_is_missing_is_told_by_what_is_left_the_most_urgent_first(desk: Desk) -> None:
    left = {1: timedelta(days=12), 2: timedelta(hours=5), 3: timedelta(days=-2), 4: timedelta(days=2), 5: timedelta(1)}
    rows = [sent(n, "missing", timedelta(days=20 - n)) for n in left]
    rows[4] |= {"outcome": "handled", "closed_at": text(NOW), "decision_id": report_id(70)}
    watched(desk, rows, [announced(n, time) for n, time in left.items()])
    page, words = await home(desk, f"/en/receivers/{BERGEN}"), words_of("en")
    bars = re.findall(r"<dt>([^<]*)</dt><dd><svg.*?</svg><span>([^<]*)</span>", page)
    kept = ("deleted", "day", "three_days", "later")
    assert bars == [(words(f"left.{one}"), "1 report") for one in kept]
    assert re.findall(r'aria-label="(\d{8}-[^"]*)"', page) == [report_id(n) for n in (3, 2, 4, 1)]
    assert words.count("home.missing", 5, name="Bergen", age="18 d 21 h") == sentence(page)
    assert "4 open" in page
    assert "1 closed: " in page


async def test_days_and_months_before_the_watch_are_hatched_and_have_no_statement(desk: Desk) -> None:
    watched(desk, [sent(1, "stored", timedelta(days=1))], [])
    page = await home(desk)
    assert 'class="unseen"' in page
    months = page[page.index("<tbody>", page.index('id="months"')) :]
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>", months)
    assert len(rows) == 12
    linked = [f"/receivers/{BERGEN}/{NOW:%Y-%m}" in row for row in rows]
    assert linked == [True, *[False] * 11]
    assert ["ikke overvåket hele måneden" in row for row in rows[2:]] == [True] * 10


async def test_districts_are_told_apart_where_there_are_any(desk: Desk) -> None:
    rows = [sent(number, "stored", timedelta(days=1), district=f"0{number}") for number in (3, 5)]
    watched(desk, rows, [])
    page = await home(desk)
    assert [f"receiver={BERGEN}&amp;district={number}" in page for number in ("03", "04", "05")] == [True, False, True]
    assert "Bydeler" not in await home(desk, "/receivers/0301")


async def test_a_number_that_was_split_leads_to_what_it_became(desk: Desk) -> None:
    page = await home(desk, "/receivers/1507")
    assert all(f'href="/receivers/{number}"' in page for number in ("1508", "1580"))


async def test_a_former_number_is_at_home_under_todays(desk: Desk) -> None:
    watched(desk, [sent(1, "missing", timedelta(days=1), "1201")], [announced(1, timedelta(days=1))])
    page = await home(desk, "/receivers/1201")
    assert "<strong>Bergen</strong>" in page
    assert "tidligere 1201" in page
    assert report_id(1) in page


async def test_the_overview_leads_with_receivers_the_most_urgent_first(desk: Desk) -> None:
    places = ("0301", "0301", "4601", "1103")
    left = (timedelta(days=9), timedelta(days=-1), timedelta(days=2, minutes=50), timedelta(days=-3))
    rows = [sent(n, "missing", timedelta(days=9 + n), of) for n, of in enumerate(places)]
    watched(desk, rows, [announced(n, time, of) for n, (time, of) in enumerate(zip(left, places, strict=True))])
    page = await home(desk, "/en")
    table = page[page.index('id="by-receiver"') : page.index('id="strip-heading"')]
    assert re.findall(r'href="/en/receivers/(\d{4})"', table) == ["4601", "0301", "1103"]
    assert re.findall(r"<strong>(\d+)</strong>", table) == ["1", "2", "1"]
    assert "in 2 d" in table
    assert re.findall(r'data-label="Copies deleted"><div class="cell">(.*?)</div>', table) == ["\N{EN DASH}", "1", "1"]
    assert "Of them closed" not in table


async def test_the_overviews_list_says_the_reason_and_not_missing_on_every_row(desk: Desk) -> None:
    watched(desk, [sent(1, "missing", timedelta(days=1)), sent(2, "missing", timedelta(days=1))], [])
    page = await home(desk, "/en")
    rows = page[page.index('class="ds-table reports"') :]
    assert rows.count("no receipt") == 2
    assert 'class="ds-tag status"' not in rows


async def test_where_nothing_is_missing_the_overview_has_no_such_table(desk: Desk) -> None:
    watched(desk, [sent(1, "stored", timedelta(days=1))], [])
    assert 'id="by-receiver"' not in await home(desk)


async def test_counts_only_see_no_home(counting: Desk) -> None:
    watched(counting, [sent(1, "stored", timedelta(days=1))], [])
    async with asking(counting) as client:
        assert (await client.get(f"/receivers/{BERGEN}")).status_code == 403
        assert 'id="by-receiver"' not in (await client.get("/")).text
