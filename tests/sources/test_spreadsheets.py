"""What spreadsheets do to a file: times, numbers, and their own formats."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import ConfigurationError
from streams.sources.times import from_norwegian
from tests.sources.files import ID, OTHER, SENT_AT, Read, csv_lines, read, source_of, written

HEADER = ("report_id", "sent_at", "municipality")


def text_of(tmp_path: Path, *rows: tuple[str, ...], **told: Any) -> Read:
    return read(source_of(written(tmp_path, "sent.csv", csv_lines(*rows)), **told))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("31.12.2022 14:30", datetime(2022, 12, 31, 14, 30)),
        ("31.12.2022 14:30:59", datetime(2022, 12, 31, 14, 30, 59)),
        ("31.12.2022 14.30", datetime(2022, 12, 31, 14, 30)),
        ("1.2.2022 9:05", datetime(2022, 2, 1, 9, 5)),
        ("29.02.2024 00:00", datetime(2024, 2, 29)),
    ],
)
def test_norwegian_times_are_local_times(tmp_path: Path, text: str, time: datetime) -> None:
    found = text_of(tmp_path, HEADER, (ID, text, "0301"))
    assert found.rows[0]["sent_at"] == time
    assert found.warnings == {"norwegian_times"}
    assert text_of(tmp_path, HEADER, (ID, text, "0301"), times="norwegian").warnings == set()


def read_by_python(day: int, month: int, year: int, hour: int, minute: int) -> datetime | None:
    try:
        return datetime(year, month, day, hour, minute)
    except ValueError:
        return None


NUMBERS = st.tuples(
    st.integers(0, 32), st.integers(0, 13), st.integers(1000, 2999), st.integers(0, 25), st.integers(0, 59)
)


@given(st.lists(NUMBERS))
def test_every_day_of_the_calendar_is_read_and_no_other(given_: list[tuple[int, int, int, int, int]]) -> None:
    texts = ["{}.{:02d}.{} {}:{:02d}".format(*numbers) for numbers in given_]
    read = from_norwegian(pa.array(texts, pa.string())).to_pylist()
    assert read == [read_by_python(*numbers) for numbers in given_]


@pytest.mark.parametrize(
    "text",
    [
        "31.02.2022 14:30", "29.02.2023 10:00", "31.12.2022 14", "31.12.2022 24:00", "12.31.2022 10:00",
        "31.12.22 10:00", "2022-12-31 10:00", "0.1.2022 10:00", "31.12.2022 10:60",
    ],
)  # fmt: skip
def test_what_is_no_norwegian_time_among_them_is_odd_and_keeps_its_text(tmp_path: Path, text: str) -> None:
    found = text_of(tmp_path, HEADER, (ID, "31.12.2022 14:30", "301"), (OTHER, text, "301"), times="norwegian")
    assert [row["line"] for row in found.rows] == [2]
    assert found.values == [
        (3, {
            "report_id": OTHER, "sent_at": text, "channel": "UKJENT", "case_system": "UKJENT",
            "receiver": {"municipality": "0301"},
        })
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["12/31/2022 14:30", "31/12/2022 14:30", "2022-12-31 14:30", "1.2.2022", SENT_AT])
def test_no_other_style_is_ever_guessed(tmp_path: Path, text: str) -> None:
    found = text_of(tmp_path, HEADER, (ID, text, "0301"))
    assert found.rows[0]["sent_at"] == text
    assert not found.warnings


def test_one_time_of_another_style_among_the_first_thousand_leaves_all_as_they_are(tmp_path: Path) -> None:
    found = text_of(tmp_path, HEADER, *[(ID, "31.12.2022 14:30", "0301")] * 5, (ID, SENT_AT, "0301"))
    assert {row["sent_at"] for row in found.rows} == {"31.12.2022 14:30", SENT_AT}


@pytest.mark.parametrize(
    ("serial", "time"),
    [
        ("44926,604167", datetime(2022, 12, 31, 14, 30)),
        ("44926.60417", datetime(2022, 12, 31, 14, 30)),
        ("44926", datetime(2022, 12, 31)),
        ("61", datetime(1900, 3, 1)),
        ("44864,0416666667", datetime(2022, 10, 30, 1)),
    ],
)
def test_serial_numbers_are_days_of_the_1900_system(tmp_path: Path, serial: str, time: datetime) -> None:
    assert text_of(tmp_path, HEADER, (ID, serial, "0301"), times="excel").rows[0]["sent_at"] == time


@pytest.mark.parametrize("serial", ["60", "-1", "1e5", "2958466", "44926,", "31.12.2022 14:30"])
def test_what_is_no_serial_number_is_odd(tmp_path: Path, serial: str) -> None:
    found = text_of(tmp_path, HEADER, (ID, serial, "0301"), times="excel")
    assert [line for line, _ in found.values] == [2]
    assert found.values[0][1]["sent_at"] == serial


def test_a_time_that_is_none_leaves_the_lines_other_times_readable(tmp_path: Path) -> None:
    found = text_of(
        tmp_path, (*HEADER, "arrived"), (ID, "32.12.2022 10:00", "0301", "30.06.2022 10:00"),
        times="norwegian", zone="Europe/Oslo",
    )  # fmt: skip
    assert found.values[0][1]["arrived"] == "2022-06-30T08:00:00+00:00"
    assert found.odd[0].arrived == "2022-06-30T08:00:00+00:00"


def test_a_time_that_the_clock_skipped_is_not_made_up_for_an_odd_line(tmp_path: Path) -> None:
    found = text_of(
        tmp_path, (*HEADER, "arrived"), (ID, "32.12.2022 10:00", "0301", "27.03.2022 02:30"),
        times="norwegian", zone="Europe/Oslo",
    )  # fmt: skip
    assert found.values[0][1]["arrived"] == "27.03.2022 02:30"


@pytest.mark.parametrize(
    ("municipality", "district"),
    [
        ("301", "4"), ("0301", "04"), ("301,0", "4,0"), ("301.00", "4.0"), ('="0301"', '="04"'),
        ('"=""0301"""', '"=""04"""'), (" 0301 ", "\u00a004"),
    ],
)  # fmt: skip
def test_numbers_get_back_the_zeros_that_a_spreadsheet_took(tmp_path: Path, municipality: str, district: str) -> None:
    found = text_of(tmp_path, (*HEADER, "district"), (ID, SENT_AT, municipality, district))
    assert (found.rows[0]["municipality"], found.rows[0]["district"]) == ("0301", "04")


@pytest.mark.parametrize("municipality", ["30", "3", "03010", "0301 Oslo", "x301"])
def test_what_is_no_number_of_a_municipality_stays_for_the_contract_to_refuse(
    tmp_path: Path, municipality: str
) -> None:
    assert text_of(tmp_path, HEADER, (ID, SENT_AT, municipality)).rows[0]["municipality"] == municipality


def test_ids_that_a_spreadsheet_was_kept_from_changing_are_ids(tmp_path: Path) -> None:
    assert text_of(tmp_path, HEADER, (f'"=""{ID}"""', SENT_AT, "0301")).rows[0]["report_id"] == ID


@pytest.mark.parametrize(
    ("name", "start"), [("sent.xlsx", b"PK\x03\x04"), ("sent.csv", b"PK\x03\x04"), ("x.xls", b"\xd0\xcf\x11\xe0")]
)
def test_a_workbook_is_to_be_saved_as_csv(tmp_path: Path, name: str, start: bytes) -> None:
    with pytest.raises(ConfigurationError, match="save it as CSV"):
        read(source_of(written(tmp_path, name, start + b"\0" * 100)))
