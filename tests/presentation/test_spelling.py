"""Every word that people are shown is one that hunspell knows, but for names and a short list of words of the field."""

import re
import shutil
import subprocess

import pytest

from streams.presentation.words import LANGUAGES, Language, catalogue

PACKAGES = ("streams.presentation", "streams.view.page", "streams.audit.result")
DICTIONARIES: dict[Language, str] = {"nb": "nb_NO", "nn": "nn_NO", "en": "en_GB"}
NO_WORD = "xyzzyq"
NAMES = {
    "Meldingsvakt", "Visma", "Familia", "Flyt", "Barnevern", "Netcompany", "Modulus", "Fiks", "SvarInn", "Kafkas",
    "Excel", "OpenAPI", "Europe", "axe", "bokmål", "nynorsk", "statement", "comment", "receivers", "contradictions",
    "rejects", "Enter", "csv", "dd", "yyyy", "åååå",
}  # fmt: skip
# Words of the field and compounds that are right, and not in Debian's dictionaries.
OURS: dict[Language, set[str]] = {
    "nb": {
        "barnevernsmeldinger", "bekreftelsestid", "bekymringsmelding", "bekymringsmeldingene", "bekymringsmeldinger",
        "fagsystem", "fagsystemene", "fagsystemer", "fagsystemet", "feilkø", "ikt", "kontrollsum", "meldings",
        "mottakstid", "noe", "noen", "nyhetsleser", "serverfeil", "tilgjengelighetserklæring",
    },
    "nn": {
        "barnevernsmeldingar", "bekymringsmelding", "bekymringsmeldingane", "bekymringsmeldingar", "fagsystem",
        "éi", "fagsystema", "fagsystemet", "feilkø", "feilsorterte", "id", "kolonnenamna", "kontrollsum", "meldings",
        "mottakstida", "månadsoppgåve", "månadsoppgåver", "nyheitslesar", "pikslar", "skjermlesar", "stadfestingstid",
        "tenarfeil", "tidsavbrot", "tidslinje", "tilgjengelegheitserklæring",
    },
    "en": set(),
}  # fmt: skip


def shown(language: Language) -> set[str]:
    """Every word of every text; abbreviations, options and letters that stand alone are none."""
    texts = [
        re.sub(r"{\w+}|--[a-z-]+", " ", text)
        for package in PACKAGES for section in catalogue(language, (package,)).values() if isinstance(section, dict)
        for text in section.values()
    ]  # fmt: skip
    words = {word for text in texts for word in re.findall(r"[^\W\d_]+(?:'[a-z]+)?", text)}
    return {word for word in words if len(word) > 1 and not word.isupper()}


@pytest.fixture(params=LANGUAGES, scope="module")
def unknown(request: pytest.FixtureRequest) -> tuple[Language, set[str]]:
    """A language, and what hunspell does not know of it."""
    language: Language = request.param
    command = [shutil.which("hunspell") or "true", "-i", "utf-8", "-d", DICTIONARIES[language], "-l"]
    asked = "\n".join(sorted(shown(language) | {NO_WORD}))
    run = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    found = set(run.stdout.split())
    if NO_WORD not in found:
        pytest.skip("Nobody knows how to spell here: install Debian's `hunspell`, `hunspell-no` and `hunspell-en-gb`.")
    return language, found - {NO_WORD}


def test_no_word_is_unknown(unknown: tuple[Language, set[str]]) -> None:
    language, words = unknown
    assert not {word for word in words if word not in NAMES and word.lower() not in OURS[language]}


def test_the_list_is_no_longer_than_it_has_to_be(unknown: tuple[Language, set[str]]) -> None:
    language, words = unknown
    assert not OURS[language] - {word.lower() for word in words}
