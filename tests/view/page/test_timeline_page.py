"""A report's page tells its whole course in words: windows, routes, words of feeds, decisions."""

import pytest

from streams.presentation.words import LANGUAGES, Language
from streams.view.page.render import words_of
from streams.view.services import Desk
from tests.view.conftest import asking
from tests.view.stock import after, changes, coverage, decided, event_id, missing, report_id, state, word

LATER = {"due_at": after(minutes=1500), "alarm_at": after(minutes=1505)}
FIRST = missing(1, channel="SVARINN", feed={"id": "flyt-bergen", "vouched_until": after(minutes=130)})
SECOND = missing(
    1, event_id=event_id(70), episode=2, previous_event_id=event_id(1), reason="unwatched", channel="PRINT",
    feed={"id": "nightly", "vouched_until": None}, **LATER,
)  # fmt: skip
TWICE = state(
    1, "missing", episode=2, missing_event_id=event_id(70), channel="PRINT", flags=["rerouted"], feed="nightly", **LATER
)


async def shown(desk: Desk, number: int, language: Language) -> str:
    async with asking(desk) as client:
        prefix = "" if language == "nb" else f"/{language}"
        return (await client.get(f"{prefix}/reports/{report_id(number)}")).text


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_tells_windows_routes_words_and_decisions(desk: Desk, language: Language) -> None:
    desk.store.apply(changes([TWICE], [FIRST, decided(1, "false_alarm"), decided(1, None, at=300), SECOND]))
    page, words = await shown(desk, 1, language), words_of(language)
    for key in ("moment.vouched", "moment.closed", "moment.reopened", "report.rerouted", "says.false_alarm"):
        assert words(key) in page, key
    assert words("moment.unvouched", feed="nightly") in page
    assert page.count(words("moment.decision", id=report_id(70_000_000))) == 2
    assert [page.count(words("moment.window", number=n)) for n in (1, 2, 3)] == [6, 3, 0]
    line = page[page.index('class="timeline"') :]
    assert line.index(words.code("code", "SVARINN")) < line.index(words.code("code", "PRINT"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_where_there_is_one_window_its_number_says_nothing(desk: Desk, language: Language) -> None:
    desk.store.apply(changes([state(1, "missing")], [missing(1), decided(1)]))
    page, words = await shown(desk, 1, language), words_of(language)
    assert words("moment.closed") in page
    assert words("moment.window", number=1) not in page
    assert words("report.rerouted") not in page


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_report_that_waits_shows_its_sources_word_or_that_there_is_none(desk: Desk, language: Language) -> None:
    rows = [state(1, feed="flyt-bergen"), state(2, "undetermined", feed="nightly"), state(3, "stored", feed="nightly")]
    desk.store.apply(changes(rows, spoken=[coverage(0, after(days=1), feeds={"flyt-bergen": word(60, 70)})]))
    words = words_of(language)
    until = words("feeds.until", time=words.time(after(minutes=60), seconds=True))
    never = words("feeds.never_heard")
    pages = [await shown(desk, number, language) for number in (1, 2, 3)]
    assert [(until in page, never in page) for page in pages] == [(True, False), (False, True), (False, False)]
