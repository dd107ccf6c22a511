"""The accessibility statement names who answers for the pages, in every language, and what it claims is so."""

import html

import pytest

from streams.presentation.words import LANGUAGES
from streams.view.page import find, home, routes, trends
from streams.view.page.render import words_of
from tests.view.conftest import asking, desk_with
from tests.view.page.pages import PAGES

ADDRESSES = {"nb": "/accessibility", "nn": "/nn/accessibility", "en": "/en/accessibility"}


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_names_who_answers_and_where_to_complain(language: str) -> None:
    desk = desk_with(view_owner="Bodø & Røst", view_contact="75 00 00 00")
    async with asking(desk) as client:
        said = (await client.get(ADDRESSES[language])).text
    await desk.stop()
    assert "Bodø &amp; Røst" in said
    assert "75 00 00 00" in said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_says_when_nobody_is_named(language: str) -> None:
    desk, words = desk_with(view_owner=""), words_of(language)  # type: ignore[arg-type]  # one of the languages
    async with asking(desk) as client:
        said = html.unescape((await client.get(ADDRESSES[language])).text)
    await desk.stop()
    assert words("accessibility.owner_unset") in said
    assert words("accessibility.contact_unset") in said


async def test_it_is_there_where_only_counts_are_shown() -> None:
    desk = desk_with(view_rows=False)
    async with asking(desk) as client:
        assert (await client.get("/accessibility")).status_code == 200
    await desk.stop()


def test_every_page_is_among_those_that_are_looked_at() -> None:
    looked_at = [prefix + page.partition("?")[0] for page in PAGES for prefix in ("", "/nn", "/en")]
    looked_at += [page.removesuffix("/") for page in looked_at]  # an overview has both addresses
    patterns = {
        route.path: route.path_regex  # type: ignore[attr-defined]  # all of them
        for of in (routes.router, home.router, find.router, trends.router) for route in of.routes
    }  # fmt: skip
    assert len(patterns) > 20
    assert [path for path, pattern in patterns.items() if not any(map(pattern.match, looked_at))] == []
