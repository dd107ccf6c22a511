"""The report as a page: what stands in it, in every language."""

import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from streams.audit.result import page as module
from streams.audit.result.sentences import FILES, refused, words_of
from streams.audit.schema import TERMS, Untold
from streams.core.facts import Outcome
from streams.presentation.words import LANGUAGES, SHARED, Language, catalogue
from tests.audit.result.conftest import written
from tests.audit.result.reading import Reading, heading
from tests.audit.result.stock import audited, bare, source, verdict

OWN = ("streams.audit.result",)
# Sections whose texts are looked up by a code that comes from somewhere else.
BY_CODE = {
    "status", "untold", "settle", "kind", "warning", "reject", "contradiction", "explains", "section", "rules",
    "outcome",
}  # fmt: skip


def texts(language: Language) -> dict[str, str]:
    """Every text of the audit's own by section.name."""
    sections = catalogue(language, OWN)
    return {f"{section}.{name}": text for section, one in sections.items() for name, text in one.items()}


def holes(text: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_text_with_the_same_holes(language: Language) -> None:
    said = texts(language)
    assert {key: holes(text) for key, text in said.items()} == {key: holes(text) for key, text in texts("nb").items()}
    assert not [key for key, text in said.items() if not text.strip()]


def test_every_text_is_used() -> None:
    folder = files("streams.audit.result")
    sources = [*folder.iterdir(), *folder.joinpath("templates").iterdir()]
    quoted = {
        name for one in sources if one.name.endswith((".py", ".html"))
        for name in re.findall(r"""["']([\w.]+)["']""", one.read_text(encoding="utf-8"))
    } | {f"answer.{term}" for term in TERMS}  # fmt: skip
    unused = [
        key for key in texts("nb")
        if key.split(".")[0] not in BY_CODE and key not in quoted
        and re.sub("_(one|many|hidden)$", "", key) not in quoted
    ]  # fmt: skip
    assert not unused


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_ours_shadows_one_of_the_pages(language: Language) -> None:
    for section, one in catalogue(language, OWN).items():
        assert not set(one) & set(catalogue(language, SHARED).get(section, {})), section


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_why_it_cannot_be_told_has_words_and_what_would_settle_it(language: Language) -> None:
    own = catalogue(language, OWN)
    assert set(get_args(Untold)) == set(own["settle"])
    assert set(get_args(Untold)) <= set(own["untold"])
    assert set(TERMS) == set(own["explains"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_people_decided_is_called_as_on_the_pages(language: Language) -> None:
    own = catalogue(language, OWN)["outcome"]
    says = catalogue(language, ("streams.view.page",))["says"]
    assert own == {"open": own["open"]} | {outcome: says[outcome] for outcome in Outcome}


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_gave_no_word_of_a_feed_is_told_how(language: Language) -> None:
    assert "--feed-mark" in catalogue(language, OWN)["settle"]["feed_not_heard"]


@pytest.mark.parametrize(("language", "word"), [("nb", "tapt"), ("nn", "tapt"), ("en", "lost")])
def test_missing_is_never_called_lost(language: Language, word: str) -> None:
    assert not [text for text in texts(language).values() if word in text.lower().split()]


def test_the_answer_is_the_first_heading(large: Path) -> None:
    assert heading(large / "rapport.html") == (
        "63 av 19 970 bekymringsmeldinger mangler bekreftet lagring, hos 22 mottakere; for 400 kan det ikke avgjøres."
    )
    assert heading(large / "rapport-nynorsk.html") == (
        "63 av 19 970 bekymringsmeldingar manglar stadfesta lagring, hos 22 mottakarar; "
        "for 400 kan det ikkje avgjerast."
    )
    assert heading(large / "report.html") == (
        "63 of 19,970 reports of concern lack confirmed storage, at 22 receivers; for 400 it cannot be told."
    )


@pytest.mark.parametrize("name", FILES.values())
def test_a_page_needs_nothing_but_itself(large: Path, name: str) -> None:
    text, found = (large / name).read_text(encoding="utf-8"), Reading(large / name)
    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert found.tags.count("style") == 1
    urls = re.findall(r"url\(\s*[\"']?([^\"')]{1,9})", text)
    assert {url.split(":")[0] for url in urls} <= {"data"}
    assert "@import" not in text
    assert "default-src 'none'" in text


@pytest.mark.parametrize("name", FILES.values())
def test_every_link_leads_to_a_part_of_the_page_or_to_a_file_of_the_result(small: Path, name: str) -> None:
    found = Reading(small / name)
    ids = {value for key, value in found.attributes if key == "id"}
    assert found.links
    for link in found.links:
        assert link[1:] in ids if link.startswith("#") else (small / link).is_file(), link
    assert set(FILES.values()) - {name} <= set(found.links)


def test_the_zone_is_said_once(large: Path) -> None:
    assert Reading(large / "rapport.html").text.count("norsk tid") == 1
    assert Reading(large / "report.html").text.count("Norwegian time") == 1


def test_receivers_stand_under_todays_number_with_their_former_ones(small: Path) -> None:
    lines = Reading(small / "rapport.html").tables["receivers"]
    assert lines[0] == ["Mottaker", "Sendt", "Lagret", "Mangler", "Funnet igjen", "Venter",
                        "Uten krav om bekreftelse", "Kan ikke avgjøres", "Slettet"]  # fmt: skip
    assert lines[1] == ["3907 Sandefjord(tidligere 3804, 0710)", "6", "0", "4", "2", "0", "0", "0", "0"]
    assert [line[0] for line in lines[2:]] == [
        "Ukjent mottaker", "4601 Bergen(tidligere 1201)",
        "1507 Ålesund(tidligere 1546 Sandøy, 1534 Haram, 1529 Skodje, 1523 Ørskog, 1504)", "0301 Oslo", "1 annen",
        "I alt",
    ]  # fmt: skip


@pytest.mark.parametrize("section", ["months", "receivers", "versions"])
@pytest.mark.parametrize("result", ["small", "large"])
def test_every_table_adds_up_line_by_line_and_column_by_column(
    section: str, result: str, request: pytest.FixtureRequest
) -> None:
    lines = Reading(request.getfixturevalue(result) / "rapport.html").tables[section]
    numbers = [[int(cell.replace(" ", "")) for cell in line[1:]] for line in lines[1:]]
    assert all(line[0] == sum(line[1:]) for line in numbers)
    assert numbers[-1] == [sum(column) for column in zip(*numbers[:-1], strict=True)]


def test_months_without_a_report_are_lines_of_noughts(tmp_path: Path) -> None:
    made = audited([
        verdict(1, "missing", sent_at=datetime(2021, 11, 30, 23, 30, tzinfo=UTC)),  # December in Norway
        verdict(2, sent_at=datetime(2022, 2, 1, tzinfo=UTC)), bare(3, "stored"),
    ])  # fmt: skip
    lines = Reading(written(made, tmp_path / "result") / "rapport.html").tables["months"]
    assert [line[:2] for line in lines[1:]] == [
        ["desember 2021", "1"], ["januar 2022", "0"], ["februar 2022", "1"], ["Tidspunkt ukjent", "1"], ["I alt", "3"],
    ]  # fmt: skip


def test_a_wrong_century_does_not_make_a_thousand_lines(tmp_path: Path) -> None:
    made = audited([verdict(1, "missing", sent_at=datetime(1900, 1, 2, tzinfo=UTC)), verdict(2)])
    found = Reading(written(made, tmp_path / "result") / "report.html")
    assert "By the year" in found.text
    assert [line[0] for line in found.tables["months"]][:3] == ["Month", "1900", "1901"]
    assert len(found.tables["months"]) == 123


def test_a_long_list_is_cut_and_says_where_the_rest_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 2)
    out = written(audited([verdict(n, "missing") for n in range(3)]), tmp_path / "result")
    text = Reading(out / "report.html").text
    assert "Here are the first 2 of 3. All of them are in missing.csv." in text
    assert len((out / "missing.csv").read_bytes().splitlines()) == 4


def test_the_list_names_what_somebody_needs_to_look_by_hand(small: Path) -> None:
    text = " ".join(Reading(small / "rapport.html").text.split())
    for said in (
        "11. sep. 2020 14:30", "3907 Sandefjord (den gang 0710)", "Kvittert, men ikke lagret", "Fiks IO", "5.0.1",
        "sent.csv, linje 102", "Ingen kvittering funnet, men kildene dekker ikke kvitteringer", "bydel 03",
        "Lagret 11. sep. 2020 14:31, 1 min etter sending: stored.csv, linje 71",
    ):  # fmt: skip
        assert said in text, said


def test_from_a_topic_the_place_is_partition_and_offset(tmp_path: Path) -> None:
    made = audited([verdict(1, "missing", sent_partition=3, sent_line=17)], sources=[source(1, name="reports.sent")])
    assert "reports.sent, partition 3, offset 17" in Reading(written(made, tmp_path / "r") / "report.html").text


def test_codes_that_are_new_are_shown_as_they_are(tmp_path: Path) -> None:
    made = audited(
        [verdict(1, "missing", reason="brand_new"), verdict(2, "undetermined", untold="never_heard")],
        sources=[source(1, warnings=["who_knows"], kind="diary")],
        rejects=[{"source": 1, "line": 2, "reason": "odd_one"}],
        contradictions=[{"report_id": "x", "field": "colour"}],
    )
    text = Reading(written(made, tmp_path / "result") / "report.html").text
    for code in ("Brand_new", "Never_heard", "who_knows", "diary", "odd_one", "Colour"):
        assert code in text


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        (["stored", "recovered", "unexpected"], "stored"), (["stored", "missing"], "missing"), ([], "unknown"),
        (["stored", "undetermined"], "unknown"), (["stored", "pending"], "unknown"), (["unproven"], "unknown"),
    ],
)  # fmt: skip
def test_the_answer_is_green_only_where_everything_is_proven(tmp_path: Path, statuses: list[str], state: str) -> None:
    made = audited([verdict(n, status) for n, status in enumerate(statuses)])
    text = (written(made, tmp_path / "result") / "report.html").read_text(encoding="utf-8")
    assert f'<section class="sentence {state}">' in text


@pytest.mark.parametrize("name", FILES.values())
def test_an_audit_of_nothing_is_a_page_all_the_same(tmp_path: Path, name: str) -> None:
    found = Reading(written(audited(), tmp_path / "result") / name)
    assert found.tables["books"][-1][1] == "0"


@pytest.mark.parametrize(
    ("reason", "nb", "nn", "en"),
    [
        ("json:not_json", "ikke JSON", "ikkje JSON", "not JSON"),
        ("schema:bad_value:receiver.municipality", "en verdi kan ikke leses (receiver.municipality)",
         "ein verdi kan ikkje lesast (receiver.municipality)",
         "a value cannot be read (receiver.municipality)"),
        ("ids:message_id_unknown", "forsendelsens nummer hører ikke til noen kjent melding",
         "nummeret på forsendinga høyrer ikkje til noka kjend melding",
         "the message id belongs to no report that is known"),
        ("new:brand_new", "brand_new", "brand_new", "brand_new"),
    ],
)  # fmt: skip
def test_why_a_record_could_not_be_read_is_said_in_words(reason: str, nb: str, nn: str, en: str) -> None:
    assert [refused(words_of(language), reason) for language in LANGUAGES] == [nb, nn, en]
