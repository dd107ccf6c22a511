"""Events by pull: the topic's own bytes, each once, in each partition's order, wherever a batch ends; and as a feed."""

import base64
import re
from html import unescape
from random import Random
from typing import Any, NamedTuple
from xml.etree import ElementTree

import httpx
import orjson
import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.presentation.words import LANGUAGES, Language
from streams.view.page.render import words_of
from streams.view.queries.events import EventCursor, pull
from streams.view.services import Desk
from streams.view.store.changes import Changes, TopicPlace
from streams.view.store.store import Store
from tests.view.conftest import asking
from tests.view.stock import MISSING, Record, after, bare, changes, decided, event_record, missing, recovered, report_id

EVENTS = "/api/v1/events"
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def put(store: Store, partition: int, *records: Record) -> None:
    """Records of one partition of the topic, with the position behind them."""
    made, place = Changes(), TopicPlace(MISSING, partition)
    made.take_events(place, records)
    made.positions[place] = records[-1].offset + 1
    store.apply(made)


async def pulled(client: httpx.AsyncClient, address: str) -> tuple[list[dict[str, Any]], str]:
    """A batch, and the address of the next."""
    answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"
    return answer.json(), answer.links["next"]["url"]


async def all_pulled(client: httpx.AsyncClient, address: str = EVENTS) -> list[dict[str, Any]]:
    """Batch after batch until one is empty."""
    found: list[dict[str, Any]] = []
    while True:
        batch, address = await pulled(client, address)
        if not batch:
            return found
        found += batch


async def test_an_event_is_what_is_on_the_topic_byte_for_byte(client: httpx.AsyncClient, desk: Desk) -> None:
    value = orjson.dumps(missing(1), option=orjson.OPT_INDENT_2)  # as no writer of ours would
    record = event_record(missing(1))
    headers = (("ce_specversion", b"1.0"), ("ce_id", b"1"), ("ce_source", b"/meldingsvakt"), *record.headers)
    put(desk.store, 0, record._replace(value=value, headers=(*headers, ("content-type", b"application/json"))))
    body = (await client.get(EVENTS)).content
    assert body.endswith(b'"data":' + value + b"}]")
    event = JSONFormat().read(CloudEvent, body[1:-1])
    assert event.get_data() == missing(1)
    assert event.get_attributes()["recordedtime"] == missing(1)["alarm_at"]
    assert event.get_datacontenttype() == "application/json"


async def test_an_empty_batch_leads_on(client: httpx.AsyncClient, desk: Desk) -> None:
    batch, following = await pulled(client, f"{EVENTS}?limit=2")
    assert batch == []
    put(desk.store, 0, *(event_record(missing(number), number) for number in range(3)))
    batch, following = await pulled(client, following)
    assert [one["data"] for one in batch] == [missing(0), missing(1)]
    batch, again = await pulled(client, following)
    assert [one["data"] for one in batch] == [missing(2)]
    assert (await pulled(client, following))[0] == batch  # who lost the answer asks once more
    assert (await pulled(client, again))[0] == []


@given(st.data())
@settings(deadline=None)
def test_each_event_comes_once_and_in_its_partitions_order(data: st.DataObject) -> None:
    """Partitions are read by themselves, clocks differ, batches end anywhere."""
    rng = Random(data.draw(st.integers(0, 2**32), label="seed"))
    waiting = [
        [event_record(missing(10 * p + n), 3 * n, after(minutes=rng.randrange(9))) for n in range(rng.randrange(7))]
        for p in range(3)
    ]
    expected = {p: [record.key for record in records if record.key] for p, records in enumerate(waiting)}
    store, seen, cursor = Store(None, "100MB", threads=1), list[str](), None
    try:
        while any(waiting) or len(seen) < sum(map(len, expected.values())):
            if any(waiting) and rng.random() < 0.5:
                partition = rng.choice([p for p, records in enumerate(waiting) if records])
                count = rng.randint(1, len(waiting[partition]))
                put(store, partition, *waiting[partition][:count])
                del waiting[partition][:count]
            with store.reading() as reading:
                found = pull(reading, (), EventCursor.read(cursor) if cursor else None, rng.randint(1, 4))
            seen += [orjson.loads(event)["data"]["report_id"] for event in found.events]
            cursor = found.cursor.written()
        for p, keys in expected.items():
            own = [one for one in seen if one.encode() in keys]
            assert own == [key.decode() for key in keys], p
        assert len(seen) == len(set(seen))
    finally:
        store.close()


async def test_what_was_chosen_stays_chosen_in_the_next_batches(client: httpx.AsyncClient, desk: Desk) -> None:
    bergen = missing(2)["receiver"] | {"municipality": "4601"}
    said = [missing(1), missing(2, receiver=bergen), recovered(1), decided(2, receiver=bergen), missing(3)]
    put(desk.store, 0, *map(event_record, said, range(len(said))))
    own = said[0]["receiver"]["municipality"]
    found = await all_pulled(client, f"{EVENTS}?limit=1&receiver={own}&type=missing&type=recovered")
    assert [one["data"] for one in found] == [missing(1), recovered(1), missing(3)]


async def test_what_was_erased_is_not_told_any_more(client: httpx.AsyncClient, desk: Desk) -> None:
    put(desk.store, 0, *(event_record(missing(number), number) for number in range(3)))
    desk.store.apply(changes([bare(1, status="erased")]))
    assert [one["data"]["report_id"] for one in await all_pulled(client)] == [report_id(0), report_id(2)]


NO_CURSORS: tuple[Any, ...] = (
    [], {}, ["a"], ["a", 1], [1, []], ["a", [[0]]], ["a", [[0, -1]]], ["a", [[True, 1]]], ["a", [[[], 1]]],
    ["a", [[0, 1.5]]], ["a", [[2**31, 1]]], ["a", [[0, "1"]]], ["a", [[0, 1, 2]]],
)  # fmt: skip


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "AAAA", "bnVsbA"),
        *(base64.urlsafe_b64encode(orjson.dumps(value)).decode() for value in NO_CURSORS),
        EventCursor("another0", {0: 1}).written(),
    ],
)
async def test_a_cursor_of_something_else_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get(EVENTS, params={"after": cursor})
    assert answer.status_code == 400
    assert answer.json()["type"].endswith(":bad-cursor")
    assert answer.json()["detail"].endswith("leave it out to begin with the first event there is.")


async def test_a_checker_made_anew_is_not_gone_on_with_by_offset(client: httpx.AsyncClient, desk: Desk) -> None:
    desk.store.begin("first", "cluster")
    put(desk.store, 0, event_record(missing(1)))
    _, following = await pulled(client, EVENTS)
    desk.store.begin("second", "cluster")
    answer = await client.get(following)
    assert answer.status_code == 400
    assert "another checker" in answer.json()["detail"]


async def test_who_sees_counts_only_pulls_nothing(counting: Desk) -> None:
    async with asking(counting) as client:
        assert (await client.get(EVENTS)).status_code == 403
        assert (await client.get("/events.atom")).status_code == 403


class Told(NamedTuple):
    """An entry of a feed."""

    identity: str
    title: str
    kind: str
    at: str
    link: str


async def told(client: httpx.AsyncClient, address: str) -> tuple[ElementTree.Element, list[Told]]:
    """A feed and its entries."""
    answer = await client.get(address)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/atom+xml")
    feed = ElementTree.fromstring(answer.text)
    found = []
    for entry in feed.findall("a:entry", ATOM):
        category, link = entry.find("a:category", ATOM), entry.find("a:link", ATOM)
        assert category is not None
        assert link is not None
        texts = [entry.findtext(f"a:{name}", "", ATOM) for name in ("id", "title", "updated")]
        found.append(Told(texts[0], texts[1], category.get("term", ""), texts[2], link.get("href", "")))
    return feed, found


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_feed_tells_the_latest_first_and_leads_to_each(
    client: httpx.AsyncClient, desk: Desk, language: Language
) -> None:
    said = [missing(1), recovered(1), missing(2), decided(2), decided(2, None, at=201)]
    put(desk.store, 0, *map(event_record, said, range(len(said))))
    prefix, words = "" if language == "nb" else f"/{language}", words_of(language)
    feed, entries = await told(client, f"{prefix}/events.atom?receiver=0301")
    assert [one.kind for one in entries] == ["recovered", "reopened", "closed", "missing", "missing"]
    assert [one.at for one in entries] == sorted((one.at for one in entries), reverse=True)
    assert feed.findtext("a:updated", "", ATOM) == entries[0].at
    assert {one.title for one in entries} == {f"{words(f'moment.{one.kind}')} \N{EN DASH} Oslo" for one in entries}
    assert {one.link for one in entries} == {f"{prefix}/reports/{report_id(number)}" for number in (1, 2)}
    assert len({one.identity for one in entries}) == len(said)


async def test_a_feed_says_what_stands_in_the_way_of_a_whole_picture(client: httpx.AsyncClient) -> None:
    feed, entries = await told(client, "/en/events.atom")
    assert "is being built" in feed.findtext("a:subtitle", "", ATOM)
    assert entries == []


async def test_a_receivers_page_leads_to_its_feed(client: httpx.AsyncClient, desk: Desk) -> None:
    put(desk.store, 0, event_record(missing(1)))
    page = (await client.get("/nn/receivers/0301?utc=1")).text
    links = set(re.findall(r'href="([^"]*events.atom[^"]*)"', page))
    assert links == {"/nn/events.atom?receiver=0301&amp;utc=1"}
    answer = await client.get(unescape(links.pop()))
    assert answer.status_code == 200
    assert "09:01" in answer.text  # 10:01 in Norway
