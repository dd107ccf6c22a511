"""CSV: delimiters, quotes, lines, headers, and files that end in their middle."""

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.errors import ConfigurationError
from streams.sources import csv_quoted
from tests.sources.files import ID, NATIONAL_ID, OTHER, SENT_AT, Read, csv_lines, legible, read, source_of, written

HEADER = ("report_id", "sent_at", "municipality", "channel", "case_system")
ROW = (ID, SENT_AT, "0301", "FIKS_IO", "VISMA_FAMILIA")
PLAIN = dict(zip(HEADER, ROW, strict=True))


def text_of(tmp_path: Path, content: str | bytes, name: str = "sent.csv", **told: Any) -> Read:
    return read(source_of(written(tmp_path, name, content), **told))


@pytest.mark.parametrize("name", ["sent.csv", "sent.txt", "sent.tsv", "sent.csv.gz"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_the_header_tells_the_delimiter(tmp_path: Path, delimiter: str, name: str) -> None:
    found = text_of(tmp_path, csv_lines(HEADER, ROW, delimiter=delimiter), name)
    assert found == Read([{"line": 2, **PLAIN}], [], set())


def test_another_delimiter_can_be_declared(tmp_path: Path) -> None:
    content = csv_lines(HEADER, ROW, delimiter="^")
    assert text_of(tmp_path, content, delimiter="^").rows == [{"line": 2, **PLAIN}]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
def test_excels_own_first_line_is_heeded_and_counted(tmp_path: Path, first: str) -> None:
    assert text_of(tmp_path, first + "\r\n" + csv_lines(HEADER, ROW)).rows == [{"line": 3, **PLAIN}]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(tmp_path: Path, newline: str) -> None:
    found = text_of(tmp_path, csv_lines(HEADER, ROW, ROW, newline=newline))
    assert [row["line"] for row in found.rows] == [2, 3]


def test_names_are_compared_without_case_and_blanks_and_receivers_may_be_written_in_three_ways(tmp_path: Path) -> None:
    header = (" Report_ID ", "SENT_AT", "Receiver.Municipality", "receiver_district", "unit_id")
    found = text_of(tmp_path, csv_lines(header, (ID, SENT_AT, "0301", "04", "u1")))
    assert found.rows[0] == {
        "line": 2, "report_id": ID, "sent_at": SENT_AT, "municipality": "0301", "district": "04", "unit_id": "u1",
        "channel": "UKJENT", "case_system": "UKJENT",
    }  # fmt: skip


def test_others_columns_values_and_constants_become_ours(tmp_path: Path) -> None:
    content = csv_lines(("Melding-ID", "Sendt dato", "Kommunenr", "Kanal"), (ID, SENT_AT, "301", "Fiks IO"))
    found = text_of(
        tmp_path, content,
        columns={"report_id": "melding-id", "sent_at": "Sendt dato ", "municipality": "Kommunenr", "channel": "Kanal"},
        values={"channel": {"Fiks IO": "FIKS_IO"}}, constants={"case_system": "VISMA_FAMILIA"},
    )  # fmt: skip
    assert found.rows == [{"line": 2, **PLAIN}]


def test_a_value_can_be_mapped_to_nothing(tmp_path: Path) -> None:
    content = csv_lines((*HEADER, "district"), (*ROW, "-"))
    assert text_of(tmp_path, content, values={"district": {"-": ""}}).rows == [{"line": 2, **PLAIN}]


def test_empty_cells_and_how_databases_write_nothing_are_nothing(tmp_path: Path) -> None:
    content = csv_lines((*HEADER, "message_id", "district", "form", "unit_id"), (*ROW, "", "NULL", "\\N", "  "))
    assert text_of(tmp_path, content).rows == [{"line": 2, **PLAIN}]


def test_columns_that_nobody_asked_for_leave_nothing_behind(tmp_path: Path) -> None:
    content = csv_lines((*HEADER, "merknad"), (*ROW, f"gjelder {NATIONAL_ID}"), (*ROW, NATIONAL_ID, NATIONAL_ID))
    found = text_of(tmp_path, content)
    assert found.refused == [(3, "csv:columns")]
    assert NATIONAL_ID not in repr(found)


def test_decimal_commas_between_semicolons_are_text_like_any_other(tmp_path: Path) -> None:
    assert text_of(tmp_path, csv_lines((*HEADER, "timer"), (*ROW, "7,5"))).rows == [{"line": 2, **PLAIN}]


def test_a_decimal_comma_between_commas_makes_a_column_too_many(tmp_path: Path) -> None:
    content = csv_lines((*HEADER, "timer"), (*ROW, "7,5"), (*ROW, '"7,5"'), (*ROW, "7"), delimiter=",")
    found = text_of(tmp_path, content)
    assert found.refused == [(2, "csv:columns")]
    assert [row["line"] for row in found.rows] == [3, 4]


def test_a_record_is_counted_by_the_line_on_which_it_begins(tmp_path: Path) -> None:
    content = csv_lines(
        ("fritekst", *HEADER), ('"to\nlinjer; og ""mer"""', *ROW), ("kort", *ROW), ("a\nb", *ROW), ("x", *ROW)
    )
    found = text_of(tmp_path, content)
    assert [row["line"] for row in found.rows] == [2, 4, 6, 7]
    assert [line for line, _ in found.refused] == [5]
    assert content.splitlines()[7 - 1].startswith("x")


def test_quotes_within_cells_and_delimiters_within_quotes_are_text(tmp_path: Path) -> None:
    content = csv_lines(("fritekst", *HEADER), ('5" skjerm', *ROW), ('"a;b"', *ROW), ('"sa ""nei"""', *ROW))
    assert [row["line"] for row in text_of(tmp_path, content).rows] == [2, 3, 4]


def test_a_quote_that_is_never_closed_costs_nothing_in_free_text_and_one_line_elsewhere(tmp_path: Path) -> None:
    content = csv_lines(("fritekst", *HEADER), ("a", *ROW), ('"åpen', *ROW), *[("b", *ROW)] * 5)
    found = text_of(tmp_path, content)
    assert not found.odd
    assert [row["line"] for row in found.rows] == [2, 3, 4, 5, 6, 7, 8]
    found = text_of(tmp_path, csv_lines(HEADER, ROW, (ID, f'"{SENT_AT}', '03"01', "FIKS_IO", "UKJENT"), *[ROW] * 5))
    assert found.refused == [(3, "csv:columns")]
    assert [row["line"] for row in found.rows] == [2, 4, 5, 6, 7, 8]


def test_two_stray_quotes_do_not_swallow_what_lies_between(tmp_path: Path) -> None:
    content = csv_lines(("fritekst", *HEADER), ('"åpen', *ROW), ("a", *ROW), ('"igjen', *ROW), ("b", *ROW))
    assert [row["line"] for row in text_of(tmp_path, content).rows] == [2, 3, 4, 5]


@pytest.mark.parametrize("text", [r'"sa \"nei\", og gikk"', r'"sa \"nei\"; og gikk"', r'"\""'])
def test_quotes_behind_backslashes_are_text(tmp_path: Path, text: str) -> None:
    content = csv_lines((*HEADER, "fritekst"), (*ROW, text), (*ROW, "b"))
    found = text_of(tmp_path, content)
    assert [row["line"] for row in found.rows] == [2, 3 + text.count("\n")]
    assert not found.odd


def test_a_cell_of_a_megabyte_over_many_lines_is_text(tmp_path: Path) -> None:
    long = '"' + ("lorem; ipsum\n" * 100_000) + '"'
    found = text_of(tmp_path, csv_lines((*HEADER, "fritekst"), (*ROW, long), (*ROW, "b")))
    assert [row["line"] for row in found.rows] == [2, 100_003]
    assert not found.odd


@pytest.mark.parametrize(
    "line",
    [
        (*ROW, "first; second"), (*ROW, "b;"), ROW[:3], (*ROW[:2], "a;b", *ROW[2:]), ("x;y", *ROW),
        (",".join(ROW),), ("\ufeff" + ID + "," + SENT_AT,), (f"{{{ID.upper()}}}", SENT_AT), (ID.replace("-", ""), "a"),
    ],
)  # fmt: skip
def test_a_line_that_is_refused_still_tells_its_report(tmp_path: Path, line: tuple[str, ...]) -> None:
    path = written(tmp_path, "sent.csv", csv_lines((*HEADER, "fritekst"), (OTHER, *ROW[1:], "a"), line))
    assert [found.reports for found in legible(source_of(path))] == [(ID,)]


def test_what_a_refused_record_has_on_its_other_lines_is_no_record(tmp_path: Path) -> None:
    header = ("channel", "note", "case_system", "sent_at", "report_id", "municipality", "unit")
    rows = [("FIKS_IO", '"one\ntwo"', '"UKJENT"', SENT_AT, one, "0301", "u1") for one in (ID, OTHER)]
    path = written(tmp_path, "sent.csv", csv_lines(header, (*rows[0], ""), rows[1]))
    found = read(source_of(path))
    assert [row["line"] for row in found.rows] == [4]
    assert [line for line, _ in found.refused] == [2, 3]
    assert {report for one in legible(source_of(path)) for report in one.reports} == {ID}


def test_records_glued_together_tell_of_both_reports(tmp_path: Path) -> None:
    content = csv_lines(HEADER, ROW) + ";".join(ROW) + "\ufeff" + ";".join((OTHER, *ROW[1:])) + "\n"
    (found,) = legible(source_of(written(tmp_path, "sent.csv", content)))
    assert (set(found.reports), found.certain) == ({ID, OTHER}, True)


NOTED = ("sent_at", "channel", "note", "municipality", "case_system", "message_id", "report_id", "unit")
OTHERS = ("1f0c9c52-6a35-4d3f-8b1e-0d7c55a3f001", "2f0c9c52-6a35-4d3f-8b1e-0d7c55a3f002")


def noted(report: str, message: str, *rest: str) -> str:
    """A record whose free text goes on on the next line, up to its unit."""
    return ",".join((SENT_AT, "FIKS_IO", '"line one\nline two"', "0301", "UKJENT", message, report, *rest))


@pytest.mark.parametrize("block_bytes", [1, 100, 220, None])
def test_a_refused_record_is_looked_at_with_all_of_its_lines(tmp_path: Path, block_bytes: int | None) -> None:
    """Its second line alone would tell that the message's id is the report's, as one cell is gone from its end."""
    whole = noted(OTHERS[0], "m1", "u1")
    content = "\n".join([",".join(NOTED), whole, noted(ID, OTHER), whole, noted(ID, "m2", "u1", "")])
    cut, longer = legible(source_of(written(tmp_path, "sent.csv", content)), block_bytes)
    assert (set(cut.reports), cut.certain) == ({ID, OTHER}, False)
    assert (longer.reports, longer.certain) == ((ID,), True)


@pytest.mark.parametrize("block_bytes", [1, 300, None])
def test_records_glued_together_whose_text_goes_on_tell_of_both_reports(
    tmp_path: Path, block_bytes: int | None
) -> None:
    header = ("report_id", "note", "message_id", "channel", "sent_at", "case_system", "municipality", "unit")
    one, two = (
        (report, '"line one\nline two"', message, "FIKS_IO", SENT_AT, "UKJENT", "0301", "u5417763")
        for report, message in zip((ID, OTHER), OTHERS, strict=True)
    )
    content = csv_lines(header) + "\t".join(one) + "\t".join(two) + "\n"
    (found,) = legible(source_of(written(tmp_path, "sent.csv", content.replace(";", "\t"))), block_bytes)
    assert (set(found.reports), found.certain) == ({ID, OTHER}, True)


def test_records_that_a_stray_quote_had_swallowed_are_not_part_of_the_refused_one(tmp_path: Path) -> None:
    rows = [(report, "m", SENT_AT, "0301", '"a"') for report in OTHERS]
    content = csv_lines((*HEADER[:1], "message_id", "sent_at", "municipality", "note"), *rows)
    broken = csv_lines((ID, '"m', SENT_AT, "0301", "b"))
    head, *lines = content.splitlines(keepends=True)
    path = written(tmp_path, "sent.csv", head + broken + "".join(lines) + csv_lines((ID, 'm"', SENT_AT, "0301", "b")))
    assert {report for one in legible(source_of(path)) for report in one.reports} == {ID}
    assert {row["report_id"] for row in read(source_of(path)).rows} >= set(OTHERS)


def test_a_record_that_a_stray_quote_has_swallowed_into_a_cell_is_refused_by_itself(tmp_path: Path) -> None:
    """The quote closes where the next record's text begins with a newline: what lies between seems to be free text."""
    header = ("report_id", "sent_at", "municipality", "note")
    rows = [
        (report, SENT_AT, "0301", note) for report, note in zip((*OTHERS, ID), ('"b', '"\nb"', '"c\nd"'), strict=True)
    ]
    source = source_of(written(tmp_path, "sent.csv", csv_lines(header, *rows, newline="\n")))
    found = read(source)
    assert [(row["line"], row["report_id"]) for row in found.rows] == [(2, OTHERS[0]), (5, ID)]
    assert found.refused[0] == (3, "csv:swallowed")
    assert legible(source)[0].reports == (OTHERS[1],)


@pytest.mark.parametrize("first", [True, False])
def test_so_is_a_damaged_line_beside_it_that_does_not_look_like_a_record(tmp_path: Path, first: bool) -> None:
    header, damaged = ("report_id", "sent_at", "municipality", "note"), f"{ID}17;0301;b"
    begun = ";".join((OTHERS[1], SENT_AT, "0301", "b"))
    lines = [damaged, begun] if first else [begun, damaged]
    content = csv_lines(header, newline="\n") + f'{OTHERS[0]};{SENT_AT};0301;"b\n' + "\n".join(lines) + '\nb"\n'
    source = source_of(written(tmp_path, "sent.csv", content))
    assert read(source).refused == [(line, "csv:swallowed") for line in (3, 4, 5)]
    assert {report for one in legible(source) for report in one.reports} == {ID, OTHERS[1]}


@pytest.mark.parametrize("note", ["a; b", "2022-03-04; 0301", "x;\n;y;z", f"see {OTHER}", "one\ntwo; three;\n"])
def test_free_text_on_several_lines_is_no_swallowed_record(tmp_path: Path, note: str) -> None:
    rows = csv_lines((*HEADER[:3], "note", "message_id"), *[(*ROW[:3], f'"on\n{note}"', "m1")] * 2, newline="\n")
    found = text_of(tmp_path, rows)
    assert (len(found.rows), found.odd) == (2, [])


def test_what_follows_a_refused_record_whose_quote_had_gone_astray_is_read_over_all_of_its_lines(
    tmp_path: Path,
) -> None:
    header = ("channel", "note", "report_id", "sent_at", "municipality")
    blanks = ' FIKS_IO ; "\n" ; ' + " ; ".join((OTHER, SENT_AT, "0301"))
    row = ("FIKS_IO", '"\n"', ID, SENT_AT, "0301")
    found = text_of(tmp_path, csv_lines(header, newline="\n") + blanks + "\n" + csv_lines(row, newline="\n") * 2)
    assert [(row["line"], row["report_id"]) for row in found.rows] == [(4, ID), (6, ID)]


def test_a_part_of_a_record_is_certain_only_where_both_of_its_ends_tell_the_same(tmp_path: Path) -> None:
    """The quote never closes: what stands on its second line is a part whose beginning nobody knows."""
    row = noted(ID, OTHER).replace('two"', "two")
    found = legible(source_of(written(tmp_path, "sent.csv", f"{','.join(NOTED)}\n{row}\n{noted(ID, 'm', 'u')}\n")))
    assert {report for one in found for report in one.reports} >= {ID}
    assert not any(one.certain for one in found if OTHER in one.reports)


def test_an_id_that_stands_elsewhere_is_told_apart_from_the_reports_own(tmp_path: Path) -> None:
    header = ("report_id", "message_id", "sent_at", "municipality", "note")
    (found,) = legible(source_of(written(tmp_path, "a.csv", csv_lines(header, (ID, OTHER, SENT_AT, "0301", "a;b")))))
    assert found.reports == (ID,)
    lines = csv_lines((*header[:4],), (OTHER, "a", SENT_AT, "b", "see " + ID))
    (found,) = legible(source_of(written(tmp_path, "b.csv", lines)))
    assert found.reports == (OTHER,)


def test_what_no_cell_of_a_column_looks_like_tells_nothing_of_a_line_that_is_moved(tmp_path: Path) -> None:
    """By the town, which is a name here, the message's id would seem to stand in the report's place."""
    header, town = ("message_id", "report_id", "sent_at", "municipality"), "Byen Oslo"
    good = (OTHERS[0], OTHERS[1], SENT_AT, town)
    lines = csv_lines(header, good, good, ("", OTHER, ID, SENT_AT, town))
    path = written(tmp_path, "sent.csv", lines)
    (found,) = legible(source_of(path, columns={}, values={"municipality": {town: "0301"}}))
    assert (set(found.reports), found.certain) == ({ID, OTHER}, False)


def test_empty_lines_and_lines_of_delimiters_are_no_records(tmp_path: Path) -> None:
    content = csv_lines(HEADER, (), ROW, ("", "", "", "", ""), ('""', "", "", "", ""), ("  ",), ("", ""), ROW)
    found = text_of(tmp_path, content)
    assert [row["line"] for row in found.rows] == [3, 8]
    assert not found.odd


def test_a_record_that_has_nothing_for_us_is_still_a_record(tmp_path: Path) -> None:
    found = text_of(tmp_path, csv_lines((*HEADER, "annet"), ("", "", "", "", "", "x")))
    assert [row["line"] for row in found.rows] == [2]


def test_a_last_line_that_was_cut_is_told_apart(tmp_path: Path) -> None:
    found = text_of(tmp_path, csv_lines(HEADER, ROW, ROW)[:-20])
    assert found.refused == [(3, "csv:cut_off")]
    assert found.warnings == {"cut_off"}
    assert [row["line"] for row in found.rows] == [2]


def test_a_last_line_that_was_cut_within_quotes_is_told_apart(tmp_path: Path) -> None:
    found = text_of(tmp_path, csv_lines((*HEADER, "fritekst"), (*ROW, '"a"'), (*ROW, '"bc'))[:-2])
    assert found.refused == [(3, "csv:cut_off")]
    assert found.warnings == {"cut_off"}


def test_a_short_line_with_a_newline_was_not_cut(tmp_path: Path) -> None:
    found = text_of(tmp_path, csv_lines(HEADER, ROW, ROW[:3]))
    assert found.refused == [(3, "csv:columns")]
    assert not found.warnings


def test_a_packed_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = written(
        tmp_path, "sent.csv.gz", csv_lines(HEADER, *[(ID[:-6] + f"{n * n:06}", *ROW[1:]) for n in range(999)])
    )
    path.write_bytes(path.read_bytes()[:-200])
    found = read(source_of(path))
    assert found.warnings == {"cut_off"}
    assert 0 < len(found.rows) < 999


def test_a_duplicate_header_matters_only_for_a_column_that_is_read(tmp_path: Path) -> None:
    rows = csv_lines((*HEADER, "dato", "Dato"), (*ROW, "2020-01-01", "x"))
    assert text_of(tmp_path, rows).rows == [{"line": 2, **PLAIN}]


@pytest.mark.parametrize("told", [{}, {"columns": {"sent_at": "sent_at"}}])
def test_a_duplicate_header_of_a_column_that_is_read_asks_which(tmp_path: Path, told: dict[str, Any]) -> None:
    rows = csv_lines((*HEADER, "Sent_At"), (*ROW, SENT_AT))
    with pytest.raises(ConfigurationError, match=r'more than one column for sent_at: .* columns.sent_at = "name#2"'):
        text_of(tmp_path, rows, **told)


def test_the_second_of_two_alike_is_named_by_its_number(tmp_path: Path) -> None:
    rows = csv_lines(("sent_at", *HEADER), ("x", *ROW))
    assert text_of(tmp_path, rows, columns={"sent_at": "Sent_at#2"}).rows == [{"line": 2, **PLAIN}]


@pytest.mark.parametrize(("above", "below"), [("", ";"), (";", ""), (";", ";")])
def test_a_delimiter_at_the_end_of_every_line_or_of_the_header_alone_makes_no_column(
    tmp_path: Path, above: str, below: str
) -> None:
    content = ";".join(HEADER) + above + "\n" + (";".join(ROW) + below + "\n") * 2
    assert text_of(tmp_path, content).rows == [{"line": 2, **PLAIN}, {"line": 3, **PLAIN}]


def test_a_quote_that_stays_open_for_too_long_was_never_meant_to_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_quoted, "_LONGEST_RECORD_BYTES", 400)
    rows = csv_lines(("fritekst", *HEADER), ('"åpen', *ROW), *[("b", *ROW)] * 20, ('lukket"', *ROW))
    found = read(source_of(written(tmp_path, "sent.csv", rows)), 100)
    assert not found.odd
    assert [row["line"] for row in found.rows] == list(range(2, 24))


def test_packed_parts_one_behind_the_other_are_one_file(tmp_path: Path) -> None:
    path = written(tmp_path, "sent.csv.gz", csv_lines(HEADER, ROW))
    path.write_bytes(path.read_bytes() + gzip.compress(csv_lines(ROW).encode()))
    for size in (1, 100):
        assert [row["line"] for row in read(source_of(path), size).rows] == [2, 3]


cells = st.text(st.sampled_from('ab,;"\n \t=å'), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=12),
    st.sampled_from([",", ";"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.integers(1, 200),
)
def test_what_a_csv_writer_wrote_is_read_line_by_line_in_blocks_of_any_size(
    tmp_path: Path, rows: list[tuple[str, str]], delimiter: str, quoting: int, block_bytes: int
) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerow(["before", *HEADER, "after"])
    begins = []
    for number, (before, after) in enumerate(rows):
        begins.append(out.getvalue().count("\n") + 1)
        writer.writerow([before, ID, SENT_AT, f"{number:04}", "FIKS_IO", "UKJENT", after])
    found = read(source_of(written(tmp_path, "sent.csv", out.getvalue())), block_bytes)
    assert [(row["line"], row["municipality"]) for row in found.rows] == [
        (line, f"{number:04}") for number, line in enumerate(begins)
    ]
    assert not found.odd


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(st.lists(st.text(st.sampled_from('a;"\n'), max_size=12), max_size=12), st.integers(1, 60))
def test_every_line_that_holds_anything_is_read_refused_or_within_a_record_whose_quotes_close(
    tmp_path: Path, junk: list[str], block_bytes: int
) -> None:
    body = "".join(f"{text}\n{OTHER};{SENT_AT};{number:04}\n" for number, text in enumerate(junk))
    content = f"report_id;sent_at;municipality\n{ID};{SENT_AT};0301\n{body}"
    source = source_of(written(tmp_path, "sent.csv", content))
    found = read(source, block_bytes)
    assert found == read(source)
    said = sorted([row["line"] for row in found.rows] + [line for line, _ in found.refused])
    assert len(set(said)) == len(said)
    lines = content.split("\n")
    assert {number for number, line in enumerate(lines, start=1) if line.startswith(OTHER)} <= set(said)
    swallowed = [line for line, reason in found.refused if reason == "csv:swallowed"]
    begun = [line for line in said if line not in swallowed]
    for number, line in enumerate(lines[1:], start=2):
        if line.strip('"; \t') and number not in said:
            # A whole record goes on to here, by a quote: what is refused costs no line but its own.
            first = max(each for each in begun if each < number)
            assert first in [row["line"] for row in found.rows]
            assert '"' in "".join(lines[first - 1 : number - 1])
