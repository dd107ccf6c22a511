"""Whatever a producer writes into a field is text on a page, and never a part of it."""

from typing import Any

import orjson
import pytest

from streams.view.services import Desk
from streams.view.store.changes import Changes, TopicPlace
from tests.view.conftest import asking
from tests.view.page.hostile import HOSTILE, suspects
from tests.view.stock import COVERAGE, MISSING, STATE, Record, after, coverage, event_record, missing, report_id, state

TEXTS = (
    "channel",
    "case_system",
    "case_system_version",
    "form",
    "evidence",
    "policy_version",
    "receipt",
    "feed",
    "outcome",
)
PAGES = (
    "/", "/reports", f"/reports/{report_id(1)}", "/receivers", "/receivers/0301", "/receivers/0301/2026-03",
    "/confirmation", "/books", "/sql?query=SELECT+*+FROM+reports", "/sql?query=SELECT+*+FROM+announcements",
)  # fmt: skip


def hostile_record(value: dict[str, Any], text: str, municipality: str | None = "0301") -> dict[str, Any]:
    """The same with that text in every field that is none of the checker's own words."""
    made = value | {name: text for name in TEXTS if name in value}
    names = dict.fromkeys(("district", "unit_id", "org_number"), text)
    made["receiver"] = {"municipality": municipality or text} | names
    for name in ("message_ids", "flags"):
        if name in made:
            made[name] = [text]
    return made


def fill(desk: Desk, text: str) -> None:
    """Past the schema, as a record of a later version or of somebody else would be."""
    rows = [
        hostile_record(state(1, "missing"), text),
        hostile_record(state(2, "recovered"), text),
        hostile_record(state(3), text, municipality=None),
    ]
    made = Changes()
    states = [Record(at, row["report_id"].encode(), orjson.dumps(row)) for at, row in enumerate(rows)]
    made.take_states(TopicPlace(STATE, 0), states)
    gap = {"since": after(), "cause": "no_marks"}
    said = coverage(0, after(days=1), gap=gap, first_complete=after(days=-40))
    made.take_coverage(TopicPlace(COVERAGE, 0), [Record(0, b"0", orjson.dumps(said))])
    made.take_events(TopicPlace(MISSING, 0), [event_record(missing(1))])
    desk.store.apply(made)


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_producer_writes_is_text_on_every_page(desk: Desk, text: str) -> None:
    fill(desk, text)
    async with asking(desk) as client:
        shown = 0
        for language in ("", "/nn", "/en"):
            for path in PAGES:
                answer = await client.get((language + path).rstrip("/") or "/")
                assert answer.status_code == 200, path
                assert list(suspects(answer.text)) == [], path
                shown += "hostile" in answer.text
        assert shown >= 9  # it was there to be escaped


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_stands_in_the_address_is_text_on_every_page(desk: Desk, text: str) -> None:
    async with asking(desk) as client:
        for path, name in (
            ("/reports", "q"), ("/reports", "unit"), ("/receivers", "q"), ("/receivers", "sort"), ("/sql", "query"),
            ("/", "cursor"), ("/reports", text), ("/nothing", "x"), ("/reports", "order"),
        ):  # fmt: skip
            answer = await client.get(path, params={name: text})
            assert list(suspects(answer.text)) == [], (path, name)
        answer = await client.get("/reports/" + text.replace("/", "%2F"))
        assert list(suspects(answer.text)) == []


def test_the_test_would_notice_one() -> None:
    for text in ("<b hostile>", "<a href=' javascript:x'>", "<img>", "<script>", "<p onclick='x'>"):
        assert list(suspects(text))
    assert not list(suspects("<script src='/static/page.js'></script>&lt;b hostile&gt;"))
