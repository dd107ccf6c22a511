"""The three languages say the same things, and numbers and times as people there write them."""

import re
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from itertools import product
from typing import Any, get_args

import pytest

from schemas.outputs import Reason, Status
from streams.presentation.words import LANGUAGES, Language, Words, catalogue
from streams.view.page.overview import FACETS
from streams.view.page.render import PACKAGES, words_of
from streams.view.page.saved import QUESTIONS
from streams.view.queries.grounds import Refusal, Says, SaysOfDay, SaysOfFeed
from streams.view.queries.missing_now import Left

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
BY_CODE = {"status", "alarm", "reason", "cause", "says", "moment", "saved", "picture", "units"}


def test_every_text_is_used() -> None:
    folders = [files(package) for package in PACKAGES]
    sources = [one for folder in folders for part in (folder, folder / "templates") for one in part.iterdir()]
    source = "".join(one.read_text() for one in sources if one.name.endswith((".py", ".html", ".atom")))
    quoted = {*re.findall(r"""["']([\w.]+)["']""", source), *get_args(Status), *FACETS}
    quoted |= {*get_args(Says), *get_args(SaysOfDay), *get_args(SaysOfFeed), *get_args(Refusal), *get_args(Left)}
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
    assert words_of("nb").clock(AT, AT + timedelta(hours=3)) == "02:30"
    assert words_of("nb").clock(AT, AT + timedelta(days=1)) == "25. okt. 2026 02:30"


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
