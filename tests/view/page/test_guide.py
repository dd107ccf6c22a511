"""A report's page helps whoever has to find it: steps by reason and reader, texts to copy, and the way back."""

import html
import re
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest

from schemas.outputs import Reason
from streams.presentation.words import LANGUAGES, Language
from streams.view.page.guide import steps
from streams.view.page.render import words_of
from streams.view.services import Desk
from tests.view.access.issuer import NATIONAL, OSLO, OWN, Issuer, Recorded, with_token
from tests.view.conftest import asking, desk_with
from tests.view.stock import changes, coverage, missing, receiver, report_id, state, text

NOW = datetime.now(UTC)
BERGEN = receiver("4601", district="05")
SENT = text(NOW - timedelta(days=1))
READERS = (True, False)


def row(reason: str = "no_receipt", **changes: Any) -> dict[str, Any]:
    """A missing report as the API gives it, as far as the steps look at it."""
    later = text(NOW + timedelta(days=3))
    return {"status": "missing", "outcome": None, "reason": reason, "portal_deletes_at": later} | changes


def fill(desk: Desk, **changed: Any) -> None:
    """One report that is missing, with two messages, and some others."""
    own = {"receiver": BERGEN, "message_ids": ["m-1", "m-2"], "sent_at": SENT, "reason": "rejected"} | changed
    rows = [state(1, "missing", **own), state(2, "missing", receiver=receiver("1201")), state(3, "missing"), state(4)]
    said = missing(1, receiver=BERGEN, portal_deletes_at=text(NOW + timedelta(days=5, minutes=50)), reason="rejected")
    desk.store.apply(changes(rows, [said], [coverage(0, text(NOW))]))


async def shown(desk: Desk, prefix: str = "", number: int = 1, **params: str) -> str:
    async with asking(desk) as client:
        answer = await client.get(f"{prefix}/reports/{report_id(number)}", params=params)
    assert answer.status_code == 200
    return html.unescape(answer.text)


@pytest.mark.parametrize(("reason", "is_receiver"), list(product(get_args(Reason), READERS)))
def test_every_reason_has_steps_for_every_reader_and_each_ends_with_telling_how_it_went(
    reason: str, is_receiver: bool
) -> None:
    said = steps(row(reason), NOW, is_receiver=is_receiver)
    assert len(said) >= 3
    assert len(set(said)) == len(said)
    assert said[-1] == ("guide.tell" if is_receiver else "guide.close")
    assert ("guide.call" in said) == (not is_receiver)
    # What the portal counts as delivered it does not send again: its copy has to be fetched.
    assert ("guide.again" in said) == (reason not in ("stored_elsewhere", "receipted_not_stored"))
    fetch = "guide.fetch" if is_receiver else "guide.ask_fetch"
    assert (fetch in said) == (reason == "receipted_not_stored")


@pytest.mark.parametrize(
    ("deletes", "step"),
    [(timedelta(seconds=1), "guide.again"), (timedelta(0), "guide.again_gone"), (None, "guide.again_unknown")],
)
def test_what_the_portal_has_deleted_nobody_is_told_to_send_again(deletes: timedelta | None, step: str) -> None:
    at = None if deletes is None else text(NOW + deletes)
    assert steps(row(portal_deletes_at=at), NOW, is_receiver=True)[-2] == step


@pytest.mark.parametrize(
    ("deletes", "step"),
    [
        (timedelta(seconds=1), ("guide.ask_fetch", "guide.fetch")), (timedelta(0), ("guide.again_gone",) * 2),
        (None, ("guide.ask_fetch_unknown", "guide.fetch_unknown")),
    ],
)  # fmt: skip
def test_what_the_portal_counts_as_delivered_is_fetched_there_as_long_as_it_has_it(
    deletes: timedelta | None, step: tuple[str, str]
) -> None:
    at = None if deletes is None else text(NOW + deletes)
    report = row("receipted_not_stored", portal_deletes_at=at)
    assert tuple(steps(report, NOW, is_receiver=one)[-2] for one in (False, True)) == step


@pytest.mark.parametrize("changed", [{"status": "stored"}, {"status": "recovered"}, {"outcome": "handled"}])
def test_where_nothing_is_to_be_done_there_are_no_steps(changed: dict[str, str]) -> None:
    assert steps(row(**changed), NOW, is_receiver=True) == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_steps_are_numbered_and_said_in_every_language(desk: Desk, language: Language) -> None:
    fill(desk)
    page, words = await shown(desk, "" if language == "nb" else f"/{language}"), words_of(language)
    listed = re.search(r'<ol class="steps">(.*?)</ol>', page, re.DOTALL)
    assert listed
    said = re.findall(r"<li>(.*?)</li>", listed[1])
    values = {"receiver": f"Bergen 4601, {words('words.district').lower()} 05", "channel": "Fiks IO"}
    values["time"] = words.time(NOW + timedelta(days=5, minutes=50))
    named = ("call", "ask_rejected", "alike", "again", "close")
    assert said == [words(f"guide.{name}", **values) for name in named]


async def test_the_days_until_the_portal_deletes_are_counted(desk: Desk) -> None:
    fill(desk)
    words = words_of("en")
    said = words("guide.deletes_in", age="5 d", time=words.time(NOW + timedelta(days=5, minutes=50)))
    assert said in await shown(desk, "/en")


async def test_ids_and_a_text_for_the_help_desk_can_be_copied(desk: Desk) -> None:
    fill(desk)
    page = await shown(desk, "/en")
    texts = dict(re.findall(r'<code id="([\w-]+)">(.*?)</code>', page))
    assert texts == {"report-id": report_id(1), "message-id-1": "m-1", "message-id-2": "m-2"}
    assert re.findall(r'data-copy="([\w-]+)"', page) == [*texts, "helpdesk"]
    assert page.count('class="ds-button scripted copy"') == 4
    found = re.search(r'<pre id="helpdesk"[^>]*>(.*?)</pre>', page, re.DOTALL)
    assert found
    lines = found[1].splitlines()
    assert lines[2:9] == [
        f"Report id: {report_id(1)}", "Message id: m-1", "Message id: m-2",
        f"Sent: {words_of('en').time(SENT, seconds=True)}", "Receiver: Bergen 4601, district 05", "Channel: Fiks IO",
        "Case system: Visma Familia 7.3.1",
    ]  # fmt: skip


async def test_it_leads_to_its_receiver_and_to_others_like_it(desk: Desk) -> None:
    fill(desk)
    page = await shown(desk, "/en")
    assert 'href="/en/receivers/4601"' in page
    assert 'href="/en/reports?status=missing&receiver=4601">1 more with the same receiver' in page
    version = "case_system=VISMA_FAMILIA&case_system_version=7.3.1"
    assert f'href="/en/reports?status=missing&{version}">2 more with the same case system and version' in page


@pytest.mark.parametrize(
    ("said", "changed", "others"),
    [
        ({}, {}, "nobody"), ({"gap": {"since": SENT, "cause": "lag"}}, {}, "none"), (None, {}, "none"),
        ({}, {"receiver": None}, "none"), ({}, {"case_system": None, "case_system_version": None}, "none"),
        ({}, {"receiver": None, "case_system": None}, None),
    ],
)  # fmt: skip
async def test_that_no_others_are_missing_is_said_of_what_was_asked_in_a_whole_picture_only(
    said: dict[str, Any] | None, changed: dict[str, None], others: str | None
) -> None:
    desk = desk_with(view_silent_after=timedelta(hours=12))
    rows = [state(1, "missing", **changed), state(2)]
    desk.store.apply(changes(rows, [], [] if said is None else [coverage(0, text(NOW), **said)]))
    page, words = await shown(desk), words_of("nb")
    await desk.stop()
    assert [one for one in ("nobody", "none") if words(f"guide.others_{one}") in page] == ([others] if others else [])
    assert ('id="others"' in page) == (others is not None)


async def test_who_sees_some_receivers_only_is_not_told_that_nobody_else_is_missing(tmp_path: Path) -> None:
    keys = Issuer(tmp_path)
    desk = keys.desk(view_silent_after=timedelta(hours=12))
    desk.record = Recorded()  # type: ignore[assignment]  # nothing of it is asked here
    desk.store.apply(changes([state(1, "missing"), state(2)], [], [coverage(0, text(NOW))]))
    words, said = words_of("nb"), []
    for scope in (NATIONAL, OWN):
        async with with_token(desk, keys.token(scope, organisation=OSLO)) as client:
            page = (await client.get(f"/reports/{report_id(1)}")).text
        said.append([one for one in ("nobody", "none") if words(f"guide.others_{one}") in page])
    await desk.stop()
    assert said == [["nobody"], ["none"]]


async def test_what_is_not_missing_is_not_compared_with_others(desk: Desk) -> None:
    desk.store.apply(changes([state(1, "stored"), state(2, "missing")]))
    assert 'id="others"' not in await shown(desk)


@pytest.mark.parametrize(("status", "absent"), [("missing", 1), ("stored", 0), ("recovered", 1), ("pending", 1)])
async def test_the_proof_that_did_not_come_is_in_the_time_line(desk: Desk, status: str, absent: int) -> None:
    events = [missing(1)] if status in ("missing", "recovered") else []
    desk.store.apply(changes([state(1, status)], events))
    page = await shown(desk)
    assert page.count('class="absent"') == absent
    words = words_of("nb")
    assert (words("moment.absent") in page, words("moment.awaited") in page) == (bool(events), status == "pending")


async def test_places_in_kafka_are_folded_away(desk: Desk) -> None:
    fill(desk)
    page = await shown(desk)
    line = page[page.index('<ol class="timeline">') : page.index("</ol>", page.index('<ol class="timeline">'))]
    folded = page[page.index("<details") : page.index("</details>")]
    assert "partisjon" not in line
    assert "<summary>Teknisk</summary>" in folded
    assert "reports.sent, partisjon 0, post 1" in folded
    assert "<details open" not in page


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("/reports?status=missing&reason=rejected&utc=1", "/en/reports?status=missing&reason=rejected"),
        ("/?reason=rejected&cursor=abc", "/en?reason=rejected&cursor=abc"),
        ("/find?q=a b", "/en/find?q=a+b"), ("/receivers/4601", "/en/receivers/4601"),
        ("/receivers/4601/2026-03", "/en/receivers/4601/2026-03"),
        ("//evil.example", "/en"), ("https://evil.example/reports", "/en"), ("/reports//evil.example?x=1", "/en"),
        ("/sql?query=SELECT 1", "/en"), ("javascript:alert(1)", "/en"), ("/receivers/46011", "/en"), ("", "/en"),
        ("/reports?" + "q=x&" * 999, None),
    ],
)  # fmt: skip
async def test_the_way_back_keeps_the_filter_and_leads_nowhere_else(desk: Desk, back: str, leads: str | None) -> None:
    fill(desk)
    page = await shown(desk, "/en", back=back)
    found = re.search(r'<p class="back"><a class="ds-link" href="([^"]*)"', page)
    assert found
    assert found[1] == leads if leads is not None else found[1].startswith("/en/reports?q=x")


async def test_a_list_leads_to_a_report_and_the_report_back_to_the_list(desk: Desk) -> None:
    fill(desk)
    async with asking(desk) as client:
        listed = html.unescape((await client.get("/nn/reports?status=missing&receiver=4601&utc=1")).text)
        link = re.search(rf'href="(/nn/reports/{report_id(1)}[^"]*)"', listed)
        assert link
        page = html.unescape((await client.get(link[1])).text)
    assert '<a class="ds-link" href="/nn/reports?status=missing&receiver=4601&utc=1">Tilbake til lista' in page


def test_a_text_is_of_no_use_where_it_names_what_nobody_gives() -> None:
    for language in LANGUAGES:
        words = words_of(language)
        for reason, is_receiver in product(get_args(Reason), READERS):
            for key in steps(row(reason), NOW, is_receiver=is_receiver):
                assert words(key, receiver="R", channel="C", time="T")
