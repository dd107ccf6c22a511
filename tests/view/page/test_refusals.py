"""What cannot be shown is said in the reader's language and names the field; nobody is led to what programs read."""

import html
import re

import httpx
import pytest

from streams.presentation.words import LANGUAGES, Language
from streams.problems import Problem
from streams.view.page.refusals import told
from streams.view.page.render import words_of
from streams.view.services import Desk
from tests.view.conftest import asking
from tests.view.stock import changes, state


@pytest.mark.parametrize(
    ("path", "status", "heading", "detail"),
    [
        ("/reports?day_from=2026-31-12", 422, "Siden kan ikke vises",
         "Feltet «Sendt fra og med» kan ikke leses. Skriv dagen som dd.mm.åååå."),
        ("/nn/reports?day_to=31.13.2026", 422, "Sida kan ikkje visast",
         "Feltet «Sendt til og med» kan ikkje lesast. Skriv dagen som dd.mm.åååå."),
        ("/en/reports?status=gone", 422, "The page cannot be shown",
         "The field “Status” cannot be read. Go back and choose again."),
        ("/reports?color=red", 422, "Siden kan ikke vises",
         "Adressen har et felt som ikke finnes: color. Ta det bort."),
        ("/receivers?sort=color", 400, "Siden kan ikke vises",
         "Feltet «Rekkefølge» kan ikke leses. Gå tilbake og velg på nytt."),
        ("/reports?cursor=x", 400, "Siden kan ikke vises",
         "Denne delen av lista finnes ikke. Begynn på den første siden."),
        ("/nowhere", 404, "Siden finnes ikke", "Adressen kan være feil skrevet, eller siden er tatt bort."),
        ("/nn/reports/nothing", 404, "Fann ikkje meldinga",
         "Nummeret kan vere feil, eller meldinga er sletta etter oppbevaringstida."),
    ],
)  # fmt: skip
async def test_it_names_the_field_in_the_readers_language(
    client: httpx.AsyncClient, path: str, status: int, heading: str, detail: str
) -> None:
    answer = await client.get(path)
    page = html.unescape(answer.text)
    main = page[page.index("<main") : page.index("</main")]
    assert answer.status_code == status
    assert re.search(r"<h1[^>]*>(.*)</h1>", main)[1] == heading  # type: ignore[index]
    assert f"<p>{detail}</p>" in main
    assert "openapi" not in main


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["too-many-requests", "no-scope", "no-token", "access-not-recorded", "cross-site"])
def test_what_the_gate_refuses_is_told_in_words(language: Language, kind: str) -> None:
    said = told(words_of(language), Problem(kind, "For programs."))
    assert said.detail != "For programs."
    assert not said.foreign


def test_what_nobody_foresaw_is_marked_as_english() -> None:
    assert told(words_of("nb"), Problem("new", "Try again.")) == ("Siden kan ikke vises", "Try again.", True)
    assert not told(words_of("en"), Problem("new", "Try again.")).foreign


@pytest.mark.parametrize(
    "path",
    ["/", "/reports", "/receivers", "/confirmation", "/books", "/sql", "/accessibility", "/nowhere", "/events.atom",
     "/api/v1/reports", "/api/v1/reports.csv", "/api/v1/reports.parquet", "/api/v1/summary", "/api/v1/books",
     "/api/v1/openapi.json", "/api/v1/sql", "/livez", "/static/page.css"],
)  # fmt: skip
async def test_head_answers_as_get_without_a_body(desk: Desk, path: str) -> None:
    desk.store.apply(changes([state(1, "stored")]))
    async with asking(desk) as client:
        got, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    varies = ("content-length", "content-disposition", "etag", "date")
    assert {k: v for k, v in head.headers.items() if k not in varies} == {
        k: v for k, v in got.headers.items() if k not in varies
    }
