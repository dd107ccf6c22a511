"""The three languages say the same things, and numbers and times as people there write them."""

import re
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import product
from typing import Any, get_args

import pytest

from schemas.outputs import Reason, Status
from streams.core.row import Flag
from streams.presentation.words import LANGUAGES, Language, Words, catalogue
from streams.view.http.for_people import PACKAGES
from streams.view.page.overview import FACETS
from streams.view.page.render import words_of
from streams.view.page.saved import QUESTIONS
from streams.view.queries.grounds import Refusal, Says, SaysOfDay, SaysOfFeed
from streams.view.queries.missing_now import Left
from streams.view.queries.trends import Found

DASH = "\N{EN DASH}"
AT = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # the autumn night in which Norway's hour from two to three comes twice


def texts(language: Language) -> dict[str, str]:
    """Every text by section.name."""
    found: dict[str, str] = {}
    for section, value in catalogue(language, PACKAGES).items():
        if isinstance(value, dict):
            found |= {f"{section}.{name}": text for name, text in value.items()}
    return found


def holes(text: str) -> set[str]:
    """What is put into a text."""
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_holes(language: Language) -> None:
    bokmaal = texts("nb")
    assert {key: holes(text) for key, text in texts(language).items()} == {
        key: holes(text) for key, text in bokmaal.items()
    }
    assert not [key for key, text in texts(language).items() if not text.strip()]


# Sections whose texts are looked up by a code or a state.
BY_CODE = {"code", "flag", "status", "alarm", "reason", "cause", "says", "moment", "saved", "picture", "units"}


def test_every_text_is_used() -> None:
    folders = [files(package) for package in (*PACKAGES, "streams.view.http")]
    parts = [part for folder in folders for part in (folder, folder / "templates") if part.is_dir()]
    sources = [one for part in parts for one in part.iterdir()]
    source = "".join(one.read_text() for one in sources if one.name.endswith((".py", ".html", ".atom")))
    quoted = {*re.findall(r"""["']([\w.]+)["']""", source), *get_args(Status), *FACETS}
    quoted |= {*get_args(Says), *get_args(SaysOfDay), *get_args(SaysOfFeed), *get_args(Refusal), *get_args(Left)}
    quoted |= {*get_args(Found)}
    composed = set(re.findall(r'"(\w+)\.(?:" ~|\{)', source))  # as in t("words." ~ name) and words(f"words.{name}")

    def used(key: str) -> bool:
        section, _, name = key.partition(".")
        return (
            section in BY_CODE or re.sub("_(one|many)$", "", key) in quoted or (section in composed and name in quoted)
        )

    assert not [key for key in texts("nb") if not used(key)]


@pytest.mark.parametrize(("language", "status"), list(product(LANGUAGES, get_args(Status))))
def test_every_status_has_a_word(language: Language, status: str) -> None:
    assert catalogue(language, PACKAGES)["status"][status]


@pytest.mark.parametrize(("language", "reason"), list(product(LANGUAGES, get_args(Reason))))
def test_every_reason_has_a_word(language: Language, reason: str) -> None:
    assert catalogue(language, PACKAGES)["reason"][reason]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_flag_has_a_word(language: Language) -> None:
    flags = {name for key, name in vars(Flag).items() if key.isupper()} - {Flag.UNREADABLE}
    assert set(catalogue(language, PACKAGES)["flag"]) == flags | {"unreadable"}


def test_every_saved_question_has_a_title() -> None:
    assert set(catalogue("nb", PACKAGES)["saved"]) == set(QUESTIONS)


@pytest.mark.parametrize(("language", "word"), [("nb", "tapt"), ("nn", "tapt"), ("en", "lost")])
def test_missing_is_never_called_lost(language: Language, word: str) -> None:
    """Whether a report is lost is only known when somebody has looked for it."""
    assert not [text for text in texts(language).values() if word in text.lower().split()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (words_of("nb"), "25. okt. 2026 02:30"),
        (words_of("nn"), "25. okt. 2026 02:30"),
        (words_of("en"), "25 Oct 2026 02:30"),
        (words_of("nb", utc=True), "25. okt. 2026 00:30"),
    ],
)
def test_times_are_norwegian_or_utc_on_demand(words: Words, said: str) -> None:
    assert words.time(AT) == said
    assert words.time(AT.isoformat()) == said


def test_a_time_of_today_goes_without_its_date() -> None:
    assert words_of("nb").clock(AT, AT + timedelta(hours=3)) == "kl. 02.30"
    assert words_of("en").clock(AT, AT + timedelta(hours=3)) == "02:30"
    assert words_of("nb").clock(AT, AT + timedelta(days=1)) == "25. okt. 2026 02:30"


def test_in_a_sentence_a_time_has_its_month_written_out() -> None:
    assert words_of("nb").in_full(AT) == "25. oktober 2026 kl. 02.30"
    assert words_of("en", utc=True).in_full(AT.isoformat()) == "25 October 2026 at 00:30"


@pytest.mark.parametrize(
    ("language", "code", "said"),
    [
        ("nb", "FIKS_IO", "Fiks IO"), ("nn", "VISMA_FAMILIA", "Visma Familia"), ("nb", "UKJENT", "ukjent"),
        ("nb", "PRIVAT", "skjema for privatpersoner"), ("en", "PRIVAT", "form for private persons"),
        ("nn", "NEW_SYSTEM", "NEW_SYSTEM"),
    ],
)  # fmt: skip
def test_a_code_has_a_name(language: Language, code: str, said: str) -> None:
    assert words_of(language).code("code", code) == said


# What the page was read to say, and what it has to say in its place.
@pytest.mark.parametrize(
    ("language", "key", "said"),
    [
        ("nb", "sentence.missing_many",
         "{count} bekymringsmeldinger mangler bekreftet lagring. Den eldste har manglet i {age}."),
        ("nb", "sentence.all_accounted", "Alle bekymringsmeldinger sendt fram til {time} er gjort rede for."),
        ("nb", "picture.complete", "Kontrollert fram til {time}."),
        ("nb", "words.erased", "Slettet etter oppbevaringstiden"),
        ("nb", "moment.alarm", "Varsles hvis ikke bekreftet"),
        ("nb", "receivers.statement", "Månedsoppgave"),
        ("nn", "accessibility.heading", "Tilgjengelegheitserklæring"),
        ("en", "status.unproven", "no proof required"),
        ("en", "status.unexpected", "stored, sending unknown"),
        ("en", "status.missing", "lacks confirmed storage"),
    ],
)  # fmt: skip
def test_it_says_what_people_understand(language: Language, key: str, said: str) -> None:
    assert texts(language)[key] == said


# Where a word may stand that only those know who know Kafka.
TECHNICAL = {
    "words.partition", "trust.coverage", "trust.from", "feeds.by_partition", "report.offset", "sql.rows_one",
    "sql.rows_many", "sql.empty", "sql.look",
}  # fmt: skip
UNWANTED: dict[Language, str] = {
    "nb": r"\b(post(er|en|ene)?|partisjon\w*|rad(en)?|merke(r|ne)?|emne(t|r)?|prover|gøymd\w*|fristen går)\b",
    "nn": r"\b(post(ar|en|ane)?|partisjon\w*|rad(a)?|merke|emne(t)?|prover|gøymd\w*|fristen går)\b",
    "en": r"\b(missing|no sent seen|no proof asked)\b",
}  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_says_what_only_those_understand_who_made_it(language: Language) -> None:
    found = {key: text for key, text in texts(language).items() if key not in TECHNICAL}
    assert not {key: text for key, text in found.items() if re.search(UNWANTED[language], text, re.IGNORECASE)}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 t"), (7800, "2 t 10 min"),
        (86_399, "23 t 59 min"), (86_400, "1 d"), (90_000, "1 d 1 t"), (400 * 86_400, "400 d"), (-5, "0 s"),
        (None, DASH),
    ],
)  # fmt: skip
def test_a_duration_has_its_largest_units(seconds: Any, said: str) -> None:
    assert words_of("nb").duration(seconds) == said


def test_numbers_are_grouped_as_the_language_does() -> None:
    assert words_of("nb").number(1_234_567).replace("\xa0", " ") == "1 234 567"
    assert words_of("en").number(1_234_567) == "1,234,567"
    assert words_of("en").number(None) == DASH


def test_one_is_said_otherwise_than_many() -> None:
    assert words_of("en").count("list.count", 1) == "1 report"
    assert words_of("en").count("list.count", 1200) == "1,200 reports"


def test_a_new_code_is_shown_as_it_is() -> None:
    assert words_of("nb").code("reason", "something_new") == "something_new"
    assert words_of("nb").code("reason", None) == DASH


def test_months_and_days_are_written_out() -> None:
    assert words_of("nb").month(date(2026, 3, 1)) == "mars 2026"
    assert words_of("en").day(date(2026, 3, 2)) == "Monday 2 Mar"
