"""Feeds: what each has vouched for in all partitions together, and what waits for its word."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import httpx
import pytest

from streams.presentation.words import LANGUAGES, Language
from streams.view.page.render import words_of
from streams.view.queries.grounds import says_of_feed
from streams.view.services import Desk
from streams.view.store.freshness import Picture
from streams.view.store.store import Store
from tests.view.filled import ask
from tests.view.stock import after, changes, coverage, filled, report_id, state, text, word

NOW = datetime.now(UTC)


def spoken(*feeds: dict[str, Any], until: str | None = None) -> list[dict[str, Any]]:
    """Coverage of as many partitions, with what was heard in each."""
    until = until or after(days=1)
    return [coverage(n, until, partitions=len(feeds), feeds=words) for n, words in enumerate(feeds)]


def test_a_partitions_words_take_the_place_of_those_before(store: Store) -> None:
    filled(store, changes(spoken=spoken({"a": word(1, 2, proofs=3), "b": word()}, {"a": word(5, 6)})))
    filled(store, changes(spoken=[coverage(0, after(days=1), partitions=2, feeds={"a": word(7, 8)})], at=2))
    rows = ask(store, 'SELECT feed, "partition", vouched_until, heard, proofs FROM feeds ORDER BY ALL')
    assert [(feed, number, text(until), text(heard), proofs) for feed, number, until, heard, proofs in rows] == [
        ("a", 0, after(minutes=7), after(minutes=8), 0),
        ("a", 1, after(minutes=5), after(minutes=6), 0),
    ]


def test_a_feed_has_vouched_for_no_more_than_where_it_has_vouched_for_least(store: Store) -> None:
    feeds = ({"a": word(5, 9), "b": word(3, 4)}, {"a": word(2, 11)}, {"a": word(7, 8), "b": word(None, 6)})
    filled(store, changes(spoken=spoken(*feeds)))
    rows = ask(
        store,
        "SELECT feed, heard_in, vouched_in, vouched_until, since, last_heard, heard_everywhere "
        "FROM feed_words ORDER BY feed",
    )
    assert [(*row[:3], *(time and text(time) for time in row[3:])) for row in rows] == [
        ("a", 3, 3, after(minutes=2), after(minutes=11), after(minutes=11), after(minutes=8)),
        ("b", 2, 1, after(minutes=3), after(minutes=4), after(minutes=6), None),
    ]


def test_a_feed_whose_successor_vouches_for_it_has_spoken_though_nobody_hears_it(store: Store) -> None:
    succeeded = word(5, 6) | {"heard": None}
    filled(store, changes(spoken=spoken({"old": succeeded, "proofs-only": word(proofs=2)})))
    assert ask(store, "SELECT feed, heard_in, vouched_in FROM feed_words") == [("old", 0, 1)]


def test_what_waits_for_a_feed_is_what_only_its_word_can_settle(store: Store) -> None:
    rows = [
        state(1, feed="a"),
        state(2000, feed="a"),  # its window is not over
        state(3, "undetermined", feed="a"),
        state(4, "undetermined", feed="a", flags=["evidence_lost"]),
        state(5, "undetermined", feed="a", flags=["before_the_beginning"]),
        state(6, "stored", feed="a"),
        state(7, "missing", feed="a"),
        state(8),
        state(9, "stored", feed="b"),
    ]
    filled(store, changes(rows, spoken=spoken({})))
    query = "SELECT feed, waiting, undetermined, oldest_alarm_at FROM feed_waits ORDER BY feed"
    (a, b) = ask(store, query)
    assert (*a[:3], text(a[3])) == ("a", 1, 1, after(minutes=126))
    assert b == ("b", 0, 0, None)


GREEN = {"partitions": 2, "heard_in": 2, "vouched_in": 2, "waiting": 0, "undetermined": 0}


def picture(until: datetime | None = NOW, behind: Any = None) -> Picture:
    return Picture(
        complete_until=until, behind=behind, records_left=0, unreachable_since=None, trouble=None, gaps=[], losses=0
    )


@pytest.mark.parametrize(
    ("feed", "of", "says"),
    [
        ({}, picture(), "vouched"),
        ({}, picture(behind="checker_silent"), "behind"),
        ({"heard_in": 0, "vouched_in": 0, "partitions": None}, picture(None, "building"), "building"),
        ({"heard_in": 1, "vouched_in": 1}, picture(), "unheard"),
        ({"heard_in": 0, "vouched_in": 0, "waiting": 4}, picture(), "unheard"),
        ({"vouched_in": 1}, picture(), "unvouched"),
        ({"waiting": 1}, picture(), "waiting"),
        ({"waiting": 1, "undetermined": 1}, picture(), "undetermined"),
        ({"undetermined": 1}, picture(behind="stuck"), "undetermined"),
        ({"waiting": None, "undetermined": None}, picture(), "hidden"),
    ],
)
def test_that_nothing_waits_is_said_on_grounds_only(feed: dict[str, Any], of: Picture, says: str) -> None:
    assert says_of_feed(of, GREEN | feed) == says


# What has been heard in each of two partitions, which reports name the feed, what is said, and in which colour.
KINDS: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], str, str]] = {
    "keeps up": ([{"a": word(5, 6)}] * 2, [state(1, "stored", feed="a")], "vouched", "success"),
    "waited for": ([{"a": word(5, 6)}] * 2, [state(1, feed="a")], "waiting", "neutral"),
    "silent": ([{"a": word(5, 6)}] * 2, [state(1, "undetermined", feed="a")], "undetermined", "warning"),
    "heard in one": ([{"a": word(5, 6)}, {}], [], "unheard", "warning"),
    "never heard": ([{}, {}], [state(1, "stored", feed="a")], "unheard", "warning"),
}


@pytest.mark.parametrize(("kind", "language"), list(product(KINDS, LANGUAGES)))
async def test_page_and_api_say_the_same_of_a_feed(
    desk: Desk, client: httpx.AsyncClient, kind: str, language: Language
) -> None:
    feeds, rows, says, color = KINDS[kind]
    desk.store.apply(changes(rows, spoken=spoken(*feeds, until=text(datetime.now(UTC)))))
    (feed,) = (await client.get("/api/v1/coverage")).json()["feeds"]
    assert (feed["feed"], feed["says"]) == ("a", says)
    page = (await client.get(f"/{language}/books" if language != "nb" else "/books")).text
    (row,) = [part.partition("</tr>")[0] for part in page.split("<tr ")[1:] if part.startswith('class="feed')]
    assert f'data-color="{color}"' in row
    assert "danger" not in row
    words = words_of(language)
    assert words(f"feeds.{says}" if feeds[0] else "feeds.never_heard") in row
    told = words("feeds.until", time=words.time(after(minutes=5), seconds=True))
    assert (told if feeds[0] else words("feeds.never_vouched")) in row
    unheard = words("feeds.not_in", count=1, of=2) if feeds[0] else words("feeds.never_heard")
    assert (unheard in row) is (says == "unheard")


async def test_how_many_wait_leads_to_them(desk: Desk, client: httpx.AsyncClient) -> None:
    rows = [state(1, feed="a"), state(2, feed="b"), state(3, "stored", feed="a"), state(10**6, feed="a")]
    desk.store.apply(changes(rows, spoken=spoken({"a": word(5, 6)}, until=text(datetime.now(UTC)))))
    page = (await client.get("/en/books")).text
    link = page.partition('href="/en/reports?feed=a')[2].partition('"')[0].replace("&amp;", "&")
    listed = (await client.get(f"/en/reports?feed=a{link}")).text
    assert [number for number in (1, 2, 3, 10**6) if report_id(number) in listed] == [1]


async def test_without_feeds_the_page_has_no_table_of_them(desk: Desk, client: httpx.AsyncClient) -> None:
    desk.store.apply(changes([state(1, "stored")], spoken=spoken({})))
    assert "feeds-table" not in (await client.get("/en/books")).text
