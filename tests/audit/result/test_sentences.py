"""The first sentence says what is known, and no more."""

from dataclasses import replace
from typing import Any

import pytest

from streams.audit.result import sentences
from streams.audit.result.sentences import words_of
from streams.audit.result.summary import AuditSummary, summary
from streams.audit.schema import TERMS
from streams.presentation.words import LANGUAGES, Language
from tests.audit.result.stock import audited


def counted(sent: int | None, receivers: int | None = 0, **terms: int | None) -> AuditSummary:
    """A summary with these numbers; what is not given is stored."""
    known = sum(number or 0 for number in terms.values())
    all_terms = dict.fromkeys(TERMS, 0) | {"stored": (sent or 0) - known} | terms
    return replace(summary(audited()), sent=sent, terms=all_terms, receivers_with_missing=receivers)


@pytest.mark.parametrize(
    ("numbers", "nb", "en"),
    [
        ({"sent": 0}, "Kildene viser ingen sendte bekymringsmeldinger.",
         "The sources show no report of concern that was sent."),
        ({"sent": 20_063, "receivers": 22, "missing": 63, "undetermined": 412},
         "63 av 20 063 bekymringsmeldinger mangler bekreftet lagring, hos 22 mottakere; for 412 kan det ikke avgjøres.",
         "63 of 20,063 reports of concern lack confirmed storage, at 22 receivers; for 412 it cannot be told."),
        ({"sent": 2, "receivers": 1, "missing": 1, "undetermined": 1},
         "1 av 2 bekymringsmeldinger mangler bekreftet lagring, hos 1 mottaker; for 1 kan det ikke avgjøres.",
         "1 of 2 reports of concern lacks confirmed storage, at 1 receiver; for 1 it cannot be told."),
        ({"sent": 1, "receivers": 0, "missing": 1},  # its receiver is not known
         "1 av 1 bekymringsmelding mangler bekreftet lagring.", "1 of 1 report of concern lacks confirmed storage."),
        ({"sent": 9, "receivers": 1, "missing": 2, "pending": 3, "unproven": 3},
         "2 av 9 bekymringsmeldinger mangler bekreftet lagring, hos 1 mottaker.",
         "2 of 9 reports of concern lack confirmed storage, at 1 receiver."),
        ({"sent": 9}, "Ingen av 9 bekymringsmeldinger mangler bekreftet lagring.",
         "None of 9 reports of concern lacks confirmed storage."),
        ({"sent": 9, "undetermined": 8},
         "Så langt kildene rekker, mangler ingen av 9 bekymringsmeldinger bekreftet lagring; "
         "for 8 kan det ikke avgjøres.",
         "As far as the sources reach, none of 9 reports of concern lacks confirmed storage; for 8 it cannot be told."),
        ({"sent": 9, "pending": 1, "unproven": 2},
         "Ingen av 9 bekymringsmeldinger mangler bekreftet lagring; 1 venter fortsatt; "
         "for 2 er det ikke bedt om bekreftelse.",
         "None of 9 reports of concern lacks confirmed storage; 1 is still pending; for 2 no proof is required."),
        ({"sent": None, "receivers": None, "missing": None, "undetermined": None},
         "Noen av bekymringsmeldingene mangler bekreftet lagring; for noen kan det ikke avgjøres.",
         "Some of the reports of concern lack confirmed storage; for some it cannot be told."),
        ({"sent": 900, "missing": 0, "pending": None},
         "Ingen av 900 bekymringsmeldinger mangler bekreftet lagring; noen venter fortsatt.",
         "None of 900 reports of concern lacks confirmed storage; some are still pending."),
    ],
)  # fmt: skip
def test_the_answer_is_one_sentence(numbers: dict[str, Any], nb: str, en: str) -> None:
    for language, said in (("nb", nb), ("en", en)):
        assert sentences.answer(words_of(language), counted(**numbers)).replace("\xa0", " ") == said  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        (0, "Each report is judged by when its records arrived"),
        (9, "The sources do not say when records arrived"),
        (4, "For 4 of 9 reports the sources do not say"),
        (None, "For some of the reports the sources do not say"),
    ],
)
def test_it_is_said_by_which_times_it_was_judged(judged: int | None, said: str) -> None:
    assert sentences.clock(words_of("en"), replace(counted(9), by_event_time=judged)).startswith(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_recovered_is_said_where_anything_was(language: Language) -> None:
    words = words_of(language)
    assert sentences.found_again(words, counted(9)) is None
    assert sentences.found_again(words, counted(9, recovered=None)) is None
    one, two = (sentences.found_again(words, counted(9, recovered=number)) or "" for number in (1, 2))
    assert one.startswith("1 ")
    assert two.startswith("2 ")
    late = sentences.found_again(words, replace(counted(9, recovered=2), confirmed_late=1)) or ""
    assert late.startswith(two)
    assert len(late) > len(two)


def test_a_time_that_is_not_known_is_not_made_up() -> None:
    assert sentences.period(words_of("en"), counted(9)).startswith("It is not known when the reports were sent.")
