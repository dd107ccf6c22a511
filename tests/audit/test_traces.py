"""Lines that are refused: their reports stay in the books, and nobody is called missing for want of such a line."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from tests.audit.four import IDS, MESSAGES, A, B, C, by_messages, proofs, result, sents


def second(lines: list[str], damage: Callable[[str], str]) -> list[str]:
    """The lines with the second record damaged."""
    return [damage(line) if number == 2 else line for number, line in enumerate(lines)]


BROKEN: dict[str, Callable[[str], str]] = {
    "a delimiter in free text": lambda line: line + ",b",
    "a delimiter too many": lambda line: line + ",",
    "a cell too few": lambda line: line.rpartition(",")[0],
    "another delimiter": lambda line: line.replace(",", ";"),
    "tabs": lambda line: line.replace(",", "\t"),
    "a delimiter before": lambda line: "," + line,
    "cut within the id": lambda line: line[:20],
    "cut early in the id": lambda line: line[:5],
    "an id with an O for a nought": lambda line: line[:9] + "O" + line[10:],
    "an id with a stroke in its middle": lambda line: line[:17] + "/" + line[17:],
    "an id without its beginning": lambda line: line[14:],
    "a time that is none": lambda line: line.replace("2022", "2O22"),
    "spaces between the letters": " ".join,
}


def every(header: str, line: str) -> tuple[list[str], dict[str, str]]:
    """A file in which each report's line is broken in another way; and the reports by the ways."""
    rng = Random(17)
    reports = {how: str(UUID(int=rng.getrandbits(128))) for how in BROKEN}
    return [header, *(BROKEN[how](line.format(report)) for how, report in reports.items())], reports


def test_a_proof_that_cannot_be_read_makes_no_phantom(tmp_path: Path) -> None:
    lines, reports = every(proofs()[0], "{},2022-03-02T10:05:00Z,4601,a")
    sent = [f"{report},m,2022-03-02T10:00:00Z,4601,FIKS_IO,UKJENT,a" for report in reports.values()]
    found = result(tmp_path, [*sents(), *sent], [*proofs(), *lines[1:]]).verdicts("status", "untold")
    for how, report in reports.items():
        assert found.pop(report) == ("undetermined", "proof_unreadable"), how
    assert set(found.values()) == {("stored", None)}


def test_a_sent_that_cannot_be_read_stays_in_the_books(tmp_path: Path) -> None:
    lines, reports = every(sents()[0], "{},m,2022-03-02T10:00:00Z,4601,FIKS_IO,UKJENT,a")
    legible = [report for how, report in reports.items() if "id" not in how.split() and "letters" not in how]
    found = result(tmp_path, [*sents(), *lines[1:]], proofs())
    assert found.verdicts("untold") == dict.fromkeys(IDS, (None,)) | dict.fromkeys(legible, ("sent_unreadable",))
    assert (found.summary["sent"], found.summary["difference"]) == (4 + len(legible), 0)


def test_a_refused_sent_of_a_report_that_is_stored_leaves_it_stored(tmp_path: Path) -> None:
    found = result(tmp_path, second(sents(), lambda line: line + ",b"), proofs())
    assert found.verdicts("status")[B] == ("stored",)
    assert found.summary["sent"] == 4


def test_two_files_put_together_with_their_marks_keep_all_of_their_reports(tmp_path: Path) -> None:
    lines = sents()
    lines[3:3] = ["\ufeff" + lines[0]]
    lines[2] += "\ufeff" + lines.pop(4)
    found = result(tmp_path, lines, [line for line in proofs() if B not in line])
    assert found.summary["sent"] == 4
    assert found.verdicts("untold")[B] == ("sent_unreadable",)
    assert found.verdicts("status")[C] == ("stored",)


def test_a_message_id_on_a_refused_line_leaves_its_report_open(tmp_path: Path) -> None:
    found = result(tmp_path, sents(), second(by_messages(), lambda line: line + ",b")).verdicts("status", "untold")
    assert found.pop(B) == ("undetermined", "proof_unreadable")
    assert set(found.values()) == {("stored", None)}


def test_an_id_on_a_refused_line_that_is_known_as_a_messages_is_no_report(tmp_path: Path) -> None:
    lines = [*sents(), f"x,y,{MESSAGES[0]}"]
    assert result(tmp_path, lines, proofs()).summary["sent"] == 4


def test_remarks_below_the_lines_are_about_no_report(tmp_path: Path) -> None:
    lines = [line for line in proofs() if B not in line] + ["(4 rows affected)", "Total,4", "-- end of report --", "x"]
    assert result(tmp_path, sents(), lines).verdicts("status")[B] == ("missing",)


def test_numbers_of_other_kinds_in_place_of_ids_are_about_no_report(tmp_path: Path) -> None:
    lines = [line for line in proofs() if B not in line] + ["2022/1234,2022-03-02T10:05:00Z,4601,a", ",,4601,by letter"]
    assert result(tmp_path, sents(), lines).verdicts("status")[B] == ("missing",)


WORDS = ["NA", "NaN", "nan", "None", "null", "-", "n/a", "<NA>", "NaT", "#N/A"]


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_words_for_nothing_join_no_messages(tmp_path: Path, suffix: str) -> None:
    reports = [f"{number:08}-0000-4000-8000-000000000000" for number in range(len(WORDS))]
    sent = [
        f"{one},{word},2022-03-02T10:00:00Z,4601,FIKS_IO,UKJENT,a" for one, word in zip(reports, WORDS, strict=True)
    ]
    stored = [*by_messages(), *(f"{word},2022-03-02T10:05:00Z,4601,a" for word in WORDS)]
    found = result(tmp_path, [*sents(), *sent], stored, suffix)
    assert {one: status for one, (status,) in found.verdicts("status").items() if status == "stored"}.keys() == set(IDS)
    said = [line for line in found.lines("rejects") if line["reason"] == "ids:message_id_nothing"]
    assert len(said) == 2 * (len(WORDS) - (suffix == "csv"))  # `null` is how databases write nothing into a CSV


ROUNDED = ["1.23457E+17", "1.23457e17", "1.2E+17", "123457000000000000", "123457000000000000.0", "1.234570000000e+17"]


def test_numbers_that_lost_digits_prove_nothing_and_leave_open_what_they_may_be_about(tmp_path: Path) -> None:
    stored = [*by_messages(), *(f"{number},2022-03-02T10:05:00Z,4601,a" for number in ROUNDED)]
    near, far = (f"{n:08}-0000-4000-8000-000000000000" for n in (1, 2))
    sent = [
        f"{one},{message},2022-03-02T10:00:00Z,4601,FIKS_IO,UKJENT,a"
        for one, message in ((near, "123457000000000011"), (far, "923457000000000011"))
    ]
    found = result(tmp_path, [*sents(), *sent], stored)
    assert found.verdicts("status", "untold") == dict.fromkeys(IDS, ("stored", None)) | {
        near: ("undetermined", "proof_unreadable"), far: ("missing", None),
    }  # fmt: skip
    assert [line["reason"] for line in found.lines("rejects")] == ["ids:message_id_rounded"] * len(ROUNDED)


def test_a_sent_whose_message_is_not_known_may_be_what_a_proof_of_an_unknown_message_is_about(tmp_path: Path) -> None:
    sent = sents([*MESSAGES[:1], "1.23457E+17", *MESSAGES[2:]])
    stored = by_messages([MESSAGES[0], "123457000000000011", *MESSAGES[2:]])
    assert result(tmp_path, sent, stored).verdicts("status", "untold")[B] == ("undetermined", "proof_unreadable")


def test_a_proof_at_another_receiver_or_before_it_was_sent_is_about_another_report(tmp_path: Path) -> None:
    sent = sents([*MESSAGES[:1], "1.23457E+17", *MESSAGES[2:]])
    own = by_messages([MESSAGES[0], *MESSAGES[2:]])
    other = "123457000000000011,2022-03-02T10:05:00Z,0301,a"
    before = "123457000000000012,2022-02-20T10:05:00Z,4601,a"
    assert result(tmp_path, sent, [*own, other, before]).verdicts("status")[B] == ("missing",)


def test_an_id_that_is_a_word_for_nothing_leaves_the_messages(tmp_path: Path) -> None:
    stored = [",".join(("report_id", line)) if n == 0 else f"NA,{line}" for n, line in enumerate(by_messages())]
    assert {status for (status,) in result(tmp_path, sents(), stored).verdicts("status").values()} == {"stored"}


@pytest.mark.parametrize("state", ["SENDT_FAGSYSTEM", "LEVERT", "AKSEPTERT", "GJENFUNNET"])
def test_a_line_of_the_portals_history_that_cannot_be_read_loses_no_report(tmp_path: Path, state: str) -> None:
    lines = ["report_id,state,at,municipality", f"{A},SENDT_FAGSYSTEM,2022-03-01T10:00:00Z,4601"]
    found = result(tmp_path, sents(), proofs(), portal=[*lines, f"{B},{state},2022-03-02T10:00:00Z,4601,x"])
    assert found.summary["sent"] == 4


@pytest.mark.parametrize("state", ["SENDT_FAGSYSTEM", "AKSEPTERT", "GJENFUNNET"])
def test_what_the_portal_knows_is_not_lost_sight_of_for_want_of_a_time(tmp_path: Path, state: str) -> None:
    lines = ["report_id,state,at,municipality", f"{A},SENDT_FAGSYSTEM,2022-03-01T10:00:00Z,4601"]
    found = result(tmp_path, sents()[:2], proofs(), portal=[*lines, f"{B},{state},soon,4601"])
    assert found.summary["sent"] == 2
