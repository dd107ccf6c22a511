"""How it has gone over time: rates, where, how soon found; and hours where there are no days yet."""

import html
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from streams.presentation.words import LANGUAGES, Language
from streams.settings import Settings
from streams.view.page.overview import unit_of
from streams.view.page.render import words_of
from streams.view.queries.grounds import Watch, says_of_moment
from streams.view.queries.trends import Rate, every_month, trends, worst_first
from streams.view.services import Desk
from streams.view.store.freshness import Picture
from streams.view.store.store import Store
from tests.view.conftest import asking, desk_with
from tests.view.stock import after, changes, coverage, missing, place, receiver, state, text

NOW = datetime.now(UTC)
DEFAULT_KEEP = Settings.model_fields["keep"].default
APRIL = {"sent_at": "2026-04-10T10:00:00.000000Z"}
LOSING = {"case_system": "FLYT", "case_system_version": "5"}


def stock() -> list[dict[str, Any]]:
    """March: 50 of one version, one of them missing. April: 25 of another, five announced, one of these found."""
    rows = [state(n, "stored") for n in range(49)] + [state(49, "missing")]
    rows += [state(n, "stored", **APRIL, **LOSING) for n in range(50, 70)]
    rows += [state(n, "missing", receiver=receiver("4601"), **APRIL, **LOSING) for n in range(70, 74)]
    found = {"alarm_at": after(minutes=0), "recovered_at": after(hours=5)}
    return [*rows, state(74, "recovered", receiver=receiver("1103"), **APRIL, **LOSING, **found)]


def filled(store: Store) -> Store:
    store.apply(changes(stock()))
    return store


def test_rates_are_of_what_was_announced_also_if_it_was_found_since(store: Store) -> None:
    with filled(store).reading() as cursor:
        found = trends(cursor, date(2026, 1, 1))
    march, april = date(2026, 3, 1), date(2026, 4, 1)
    assert found.months == [Rate((march,), 50, 1), Rate((april,), 25, 5)]
    assert [one.per_thousand for one in found.months] == [20.0, 200.0]
    assert found.versions == [Rate(("FLYT", "5"), 25, 5), Rate(("VISMA_FAMILIA", "7.3.1"), 50, 1)]
    assert found.version_months == {("FLYT", "5"): {april: 200.0}, ("VISMA_FAMILIA", "7.3.1"): {march: 20.0}}
    assert found.receivers == {"4601": {april: 4}, "0301": {march: 1}, "1103": {april: 1}}
    assert next(iter(found.receivers)) == "4601"
    assert found.others == 0
    assert {name: number for name, number in found.found.numbers.items() if number} == {"six_hours": 1}
    assert found.found.half_seconds == 5 * 3600


def test_months_in_which_nothing_was_sent_stay_on_the_axis() -> None:
    december, february = Rate((date(2025, 12, 1),), 5, 1), Rate((date(2026, 2, 1),), 3, 0)
    assert every_month([december, february]) == [december, Rate((date(2026, 1, 1),), 0, 0), february]
    (*_, last) = many = every_month([Rate((date(2001, 1, 1),), 5, 1), february])
    assert (len(many), many[0].of, last) == (36, (date(2023, 3, 1),), february)


@pytest.mark.parametrize("rows", [True, False])
async def test_no_rate_is_told_of_what_is_erased_in_part(rows: bool) -> None:
    desk = desk_with(keep=DEFAULT_KEEP, view_rows=rows)
    long_ago, lately = text(NOW - timedelta(days=400)), text(NOW - timedelta(days=50))
    old = [state(n, "missing", sent_at=long_ago, **LOSING) for n in range(5)]  # the stored ones of then are erased
    desk.store.apply(
        changes([*old, *(state(n, "missing" if n < 10 else "stored", sent_at=lately) for n in range(5, 105))])
    )
    async with asking(desk) as client:
        page = (await client.get("/en/trends")).text
    await desk.stop()
    found = re.findall(r'<th scope="row">(\w+ \d{4})</th>((?:<td[^>]*>[^<]*</td>)+)', page)
    month = words_of("en").month((NOW - timedelta(days=50)).date())
    assert [(name, re.findall(r">([^<]+)<", cells)) for name, cells in found] == [(month, ["100", "5", "50"])]
    assert "FLYT" not in page


def test_of_nothing_nothing_is_told(store: Store) -> None:
    with store.reading() as cursor:
        found = trends(cursor, date(2026, 1, 1))
    assert (found.months, found.versions, found.receivers, found.found.numbers) == ([], [], {}, {})


def test_a_rate_of_few_is_last_and_a_hidden_number_has_none() -> None:
    few, low, high, hidden = Rate(("a",), 3, 3), Rate(("b",), 1000, 1), Rate(("c",), 100, 1), Rate(("d",), 50, None)
    assert worst_first([few, hidden, low, high]) == [high, low, hidden, few]
    assert [one.per_thousand for one in (low, few, hidden, Rate((), 0, 0), Rate((), None, 3))] == [
        1,
        1000,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_picture_has_its_table(desk: Desk, language: Language) -> None:
    filled(desk.store)
    async with asking(desk) as client:
        page = html.unescape((await client.get(f"{'' if language == 'nb' else '/' + language}/trends")).text)
    words = words_of(language)
    for key in ("rates", "versions", "version_months", "receiver_months", "found"):
        assert words(f"trends.{key}") in page
    assert page.count('<svg class="picture') == page.count("<details") == 3
    assert page.count('class="value-4"') == 2
    assert words("trends.found_lead", age=words.duration(5 * 3600)) in page
    link = "status=missing&status=recovered&case_system=FLYT&case_system_version=5"
    assert f'reports?{link}">5</a>' in page


async def test_who_sees_counts_only_is_shown_what_is_published(counting: Desk) -> None:
    rows = [state(n, "missing" if n < 10 else "stored") for n in range(50)]
    rows += [state(n, "missing" if n < 65 else "stored", **APRIL, **LOSING) for n in range(50, 90)]
    counting.store.apply(changes(rows))
    async with asking(counting) as client:
        page = (await client.get("/en/trends")).text
    assert "by receiver and month" not in page
    assert words_of("en")("receivers.suppressed") in page
    found = re.findall(r'<th scope="row">(\w+ 2026)</th>((?:<td[^>]*>[^<]*</td>)+)', page)
    assert [(month, re.findall(r">([^<]+)<", cells)) for month, cells in found] == [
        ("April 2026", ["40", "15", "375"]), ("March 2026", ["50", "10", "200"]),
    ]  # fmt: skip


@pytest.mark.parametrize(("each_month", "says"), [(30, "receivers.not_shown"), (0, "trends.empty")])
async def test_a_table_that_is_withheld_is_not_told_as_one_of_nothing(
    counting: Desk, each_month: int, says: str
) -> None:
    march = [state(n, "stored" if n else "missing") for n in range(each_month)]
    april = [state(n + 50, "missing" if n < 5 else "stored", **APRIL) for n in range(each_month)]
    counting.store.apply(changes(march + april))  # the months would tell that 1 is missing
    async with asking(counting) as client:
        page = html.unescape((await client.get("/en/trends")).text)
    assert [one for one in ("receivers.not_shown", "trends.empty") if words_of("en")(one) in page] == [says]


async def test_the_allowance_is_a_line_among_the_confirmation_times(desk: Desk) -> None:
    filled(desk.store)
    async with asking(desk) as client:
        page = (await client.get("/en/confirmation")).text
    assert page.count('<path class="line allowance" d="M64 ') == 2
    assert page.count('<td class="number">2 h</td>') == 1  # the other system's reports were due before they were sent


def watch(**ago: float) -> Watch:
    return Watch(NOW - timedelta(**ago), NOW - timedelta(days=365))


@pytest.mark.parametrize(
    ("of", "unit"),
    [
        (watch(minutes=1), "minute"), (watch(minutes=29), "minute"), (watch(minutes=30), "hour"),
        (watch(days=6), "hour"), (watch(days=7), None), (Watch(None, NOW), None),
    ],
)  # fmt: skip
def test_days_are_shown_once_there_is_a_week_of_them(of: Watch, unit: str | None) -> None:
    assert unit_of(of, NOW) == unit


NONE = dict.fromkeys(("reports", "missing", "undetermined", "pending", "stored"), 0)
WHOLE = Picture(
    complete_until=NOW, behind=None, records_left=None, unreachable_since=None, trouble=None, gaps=[], losses=0
)


@pytest.mark.parametrize(
    ("ago", "counts", "says"),
    [
        (2, {}, "none_sent"), (2, {"reports": 2}, "confirmed"), (2, {"reports": 2, "pending": 1}, "pending"),
        (2, {"reports": 2, "undetermined": 1}, "undetermined"), (5, {"reports": 2}, "unwatched"), (5, {}, "unwatched"),
        (5, {"reports": 2, "missing": 1}, "missing"), (-1, {}, "incomplete"), (9000, {}, "erased"),
        (1, {"reports": 2}, "confirmed"), (0.9, {"reports": 2}, "incomplete"), (0.9, {}, "incomplete"),
        (0.9, {"reports": 2, "pending": 1}, "pending"), (0.9, {"reports": 2, "undetermined": 1}, "undetermined"),
    ],
)  # fmt: skip
def test_what_is_said_of_an_hour(ago: float, counts: dict[str, int], says: str) -> None:
    hour = NOW - timedelta(hours=ago), NOW - timedelta(hours=ago - 1)
    assert says_of_moment(*hour, NONE | counts, WHOLE, watch(hours=4)) == says
    for blind in (Watch(None, watch().kept_since), watch(hours=ago - 0.5)):
        assert says_of_moment(*hour, NONE | counts, WHOLE, blind) not in ("none_sent", "confirmed")


async def test_the_first_days_are_told_by_hours_and_what_was_not_watched_is_hatched(desk: Desk) -> None:
    now = datetime.now(UTC)
    at = (now - timedelta(hours=3)).replace(minute=20)
    times = {"sent_at": text(at), "due_at": text(at), "alarm_at": text(at), "sent_record": place("sent", 1, text(at))}
    begun = coverage(0, text(now), first_complete=text(now - timedelta(hours=9)))
    rows = [state(1, "missing", receiver=receiver("4601"), **times), state(2, "stored", **times)]
    desk.store.apply(changes(rows, [missing(1)], [begun]))
    async with asking(desk) as client:
        for path, missing_then in (
            ("/en", "2 sent, 1 lacks confirmation"),
            ("/en/receivers/4601", "1 sent, 1 lacks confirmation"),
        ):
            page = html.unescape((await client.get(path)).text)
            strip = page[
                page.index('<ol class="days hours">') : page.index("</ol>", page.index('<ol class="days hours"'))
            ]
            assert re.findall(r'<li class="(\w+)">', strip) == ["unwatched"] * 15 + ["none"] * 5 + ["missing"] + [
                "none"
            ] * 2 + ["unseen"]
            assert f"{words_of('en').time(at.replace(minute=0, second=0))}: {missing_then}" in strip
            link = re.search(r'href="(/en/reports\?[^"]*)"', strip)
            assert link
            listed = (await client.get(link[1])).text
            assert listed.count('class="ds-tag status"') == 1
